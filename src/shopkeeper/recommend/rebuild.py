"""The live state from the tables, all at once: what applying every event one by one would give.

Reads interactions, items, stock, refunds, session_links and cart_removals as Arrow; no loop
per interaction. ``features.LiveState.apply`` is the other half of the same definition.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shopkeeper.recommend.catalogue import NEVER_US, UNKNOWN, Catalogue
from shopkeeper.recommend.features import (
    KIND,
    KIND_WEIGHTS,
    LESS,
    PURCHASE,
    LiveState,
    subject_key,
)
from shopkeeper.recommend.index import Index
from shopkeeper.recommend.subjects import Subjects

# Live pairs reach back over about this many interactions; the trained model knows the rest.
LIVE_INTERACTIONS = 100_000
ORDER = [("occurred_us", "ascending"), ("seq", "ascending"), ("line", "ascending")]


def rebuild(warehouse: Any, *, pairs_since_us: int | None = None) -> LiveState:
    """Return the live state of everything in the tables.

    ``pairs_since_us``: from when pairs are counted; None takes the last LIVE_INTERACTIONS.
    """
    wanted = ["customer_id", "session_id", "item_id", "kind", "occurred_us", "quantity"]
    table = warehouse.table("interactions").select([*wanted, "basket", "seq", "line"])
    if not _ordered(table):
        table = table.sort_by(ORDER)
    seen_seq = pc.max(table["seq"]).as_py() or 0
    at_us = table["occurred_us"].to_numpy().astype(np.int64)
    if pairs_since_us is None:
        recent = at_us[-LIVE_INTERACTIONS:]
        whole = len(at_us) <= LIVE_INTERACTIONS
        pairs_since_us = 0 if whole else int(recent[0])
    state = LiveState(pairs_since_us=pairs_since_us)
    state.seq = seen_seq
    _fill_catalogue(state.catalogue, warehouse)
    _fill_marks(state, warehouse)
    _fill_interactions(state, table, at_us)
    return state


def _ordered(table: pa.Table) -> bool:
    at_us, seq = (table[name].to_numpy() for name in ("occurred_us", "seq"))
    line = table["line"].to_numpy()
    for values, tie in ((at_us, None), (seq, at_us), (line, seq)):
        down = values[1:] < values[:-1]
        if tie is not None:
            down &= tie[1:] == tie[:-1]
        if down.any():
            return False
    return True


def _fill_catalogue(catalogue: Catalogue, warehouse: Any) -> None:
    items = warehouse.table("items")
    ids = items["item_id"].to_pylist()
    known = items["in_catalogue"].to_numpy(zero_copy_only=False).astype(bool)
    hidden = items["hidden"].to_numpy(zero_copy_only=False).astype(bool)
    removed = hidden & ~known
    entered = known | removed
    index = Index(ids)
    counts: dict[int, dict[str, tuple[int, float]]] = {}
    stock = warehouse.table("stock")
    if stock.num_rows:
        stock = stock.sort_by([("occurred_us", "ascending"), ("seq", "ascending")])
        for item_id, place, at_us, units in zip(
            *(stock[n].to_pylist() for n in ("item_id", "location_id", "occurred_us", "quantity")),
            strict=True,
        ):
            row = index.add(item_id)
            counts.setdefault(row, {})[place or ""] = (at_us, float(units))
    catalogue.fill(
        {
            "ids": ids,
            "titles": items["title"].to_pylist(),
            "descriptions": items["description"].to_pylist(),
            "categories": items["category"].to_pylist(),
            "brands": items["brand"].to_pylist(),
            "price": _whole(items["price_minor"], UNKNOWN),
            "priced": _last_price(warehouse, ids),
            "replenishable": _whole(items["replenishable"].cast(pa.int8()), UNKNOWN),
            "hidden": hidden & ~removed,
            "unavailable": ~items["available"].to_numpy(zero_copy_only=False).astype(bool)
            & ~removed,
            "created": np.where(entered, _whole(items["created_us"], 0), -NEVER_US),
            "updated": np.where(entered, _whole(items["updated_us"], 0), NEVER_US),
            "removed": removed,
        },
    )
    for item_id in index.ids[len(ids) :]:
        catalogue.row(item_id)
    catalogue.fill_counts(counts)
    terms = warehouse.table("supplier_terms")
    terms = terms.sort_by([("occurred_us", "ascending"), ("seq", "ascending")])
    names = ("item_id", "price_minor", "status", "occurred_us")
    for item_id, cost, status, at_us in zip(*(terms[n].to_pylist() for n in names), strict=True):
        told = {"item_id": item_id, "price_minor": cost, "status": status}
        catalogue.apply_cost(told, at_us)


def _last_price(warehouse: Any, ids: list[str]) -> np.ndarray:
    """Return when each item's price began, so that an older price arriving late changes nothing."""
    last = warehouse.table("prices").group_by("item_id").aggregate([("occurred_us", "max")])
    place = pc.index_in(pa.array(ids, pa.string()), value_set=_plain(last["item_id"]))
    at_us = pc.take(last["occurred_us_max"], place)
    return _whole(at_us, NEVER_US)


def _fill_marks(state: LiveState, warehouse: Any) -> None:
    for rule in warehouse.table("rules").to_pylist():
        state.merchandise.apply(rule | {"label": rule["rule_id"]})
    refunds = warehouse.table("refunds")
    for order, kind, item in zip(
        *(refunds[n].to_pylist() for n in ("order_id", "kind", "item_id")), strict=True
    ):
        state.voided.setdefault(order, set()).add(item if kind == "refund" else None)
    links = warehouse.table("session_links")
    links = links.sort_by([("occurred_us", "ascending"), ("seq", "ascending")])
    for session, customer, at_us in zip(
        *(links[n].to_pylist() for n in ("session_id", "customer_id", "occurred_us")), strict=True
    ):
        state.link(session, customer, at_us)
    told = warehouse.table("customer_attributes")
    told = told.sort_by([("occurred_us", "ascending"), ("seq", "ascending")])
    for customer, attributes, at_us in zip(
        *(told[n].to_pylist() for n in ("customer_id", "properties", "occurred_us")), strict=True
    ):
        state.attributes.take(customer, attributes, at_us)
    gone = warehouse.table("cart_removals")
    names = ("customer_id", "session_id", "item_id", "occurred_us")
    for customer, session, item, at_us in zip(*(gone[n].to_pylist() for n in names), strict=True):
        state.uncart(subject_key(customer, session), item, at_us)


def _fill_interactions(state: LiveState, table: pa.Table, at_us: np.ndarray) -> None:
    """Fill histories, popularity and pairs from interactions ordered by time and arrival."""
    size = len(state.catalogue)
    kind = codes(table["kind"])
    item_values, item_code = dictionary(table["item_id"])
    row_of = np.array([state.catalogue.row(name) for name in item_values], dtype=np.int32)
    size = len(state.catalogue)
    item = row_of[item_code] if len(item_code) else np.zeros(0, np.int32)
    basket_values, basket = dictionary(pc.fill_null(table["basket"], ""))
    state.baskets = Index(basket_values)
    for place in np.flatnonzero(kind == LESS).tolist():
        customer, session = table["customer_id"][place].as_py(), table["session_id"][place].as_py()
        key = subject_key(customer, session)
        state.disliked.setdefault(key, set()).add(int(item[place]))
    counts = (kind != LESS) & ~_voided(state, kind, item, basket)
    weight = KIND_WEIGHTS[kind[counts]]
    state.popularity.fill(item[counts], at_us[counts], weight, size)
    state.trend.fill(item[counts], at_us[counts], weight, size)
    bought = counts & (kind == PURCHASE)
    units = table["quantity"].to_numpy()[bought].astype(np.float64)
    state.catalogue.sold.fill(item[bought], at_us[bought], units, size)
    quantity = table["quantity"].to_numpy().astype(np.float32)
    columns = {"item": item, "at_us": at_us, "kind": kind, "quantity": quantity, "basket": basket}
    customer_values, customer_code = dictionary(table["customer_id"])
    session_values, session_code = dictionary(table["session_id"])
    nameless = customer_code < 0
    flat = [
        _fill_subjects(state.customers, customer_values, customer_code, counts, columns),
        _fill_subjects(state.sessions, session_values, session_code, counts & nameless, columns),
    ]
    state.pairs.fill(
        np.concatenate([f[0] for f in flat]),
        np.concatenate([f[1] for f in flat]),
        np.concatenate([f[2] for f in flat]),
        size,
    )


def _voided(state: LiveState, kind: np.ndarray, item: np.ndarray, basket: np.ndarray) -> np.ndarray:
    """Return a mask of the purchase lines that were cancelled or went back."""
    gone = np.zeros(len(kind), dtype=bool)
    for order, items in state.voided.items():
        code = state.baskets.get(order)
        if code is None:
            continue
        lines = (basket == code) & (kind == PURCHASE)
        if None not in items:
            rows = state.catalogue.index.rows(name for name in items if name is not None)
            lines &= np.isin(item, rows)
        gone |= lines
    return gone


def _fill_subjects(
    subjects: Subjects,
    names: list[str],
    code: np.ndarray,
    counts: np.ndarray,
    columns: dict[str, np.ndarray],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Group the counted rows by subject; return (item, place in sequence, at_us) as grouped."""
    mine = np.flatnonzero(counts & (code >= 0))
    present = np.unique(code[mine])
    renumber = np.zeros(len(names), dtype=np.int64)
    renumber[present] = np.arange(len(present))
    subject = renumber[code[mine]]
    order = np.argsort(subject, kind="stable")
    per_subject = np.bincount(subject, minlength=len(present))
    starts = np.zeros(len(present) + 1, dtype=np.int64)
    np.cumsum(per_subject, out=starts[1:])
    grouped = {name: values[mine][order] for name, values in columns.items()}
    subjects.fill([names[c] for c in present.tolist()], starts, grouped)
    place = np.arange(len(mine)) - np.repeat(starts[:-1], per_subject)
    return grouped["item"], place, grouped["at_us"]


def dictionary(column: pa.ChunkedArray) -> tuple[list[str], np.ndarray]:
    """Return the distinct values and (n,) codes into them; null is -1."""
    coded = _plain(column).dictionary_encode()
    found = pc.fill_null(coded.indices, -1).to_numpy(zero_copy_only=False)
    return coded.dictionary.to_pylist(), found.astype(np.int32)


def codes(column: pa.ChunkedArray) -> np.ndarray:
    """Return the kinds of interactions as codes (n,) int8."""
    names, found = dictionary(column)
    lookup = np.array([KIND[name] for name in names], dtype=np.int8)
    return lookup[found] if len(found) else np.zeros(0, np.int8)


def _plain(column: Any) -> Any:
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return whole.cast(whole.type.value_type) if pa.types.is_dictionary(whole.type) else whole


def _whole(column: Any, missing: int) -> np.ndarray:
    values: np.ndarray = pc.fill_null(column, missing).to_numpy(zero_copy_only=False)
    return values.astype(np.int64)
