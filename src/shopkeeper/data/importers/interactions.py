"""Interaction files for ``evaluate``: CSV, TSV or Parquet, ``.gz`` too, read into plain arrays.

Columns user_id, item_id, timestamp, and where there: event, quantity, price. Nothing is
imported into the shop. A file that cannot be trusted is refused whole, with the column and
the first bad row; row numbers count data rows from 1.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shopkeeper.base.errors import BadInput
from shopkeeper.data.importers.tabular import bad_row, first_row, named_columns, numbers

NEEDED = ("user_id", "item_id", "timestamp")
OPTIONAL = ("event", "quantity", "price")
ITEM_NEEDED = ("item_id",)
ITEM_OPTIONAL = ("title", "brand", "category", "description", "price")

# Epoch numbers: the unit is told by the size, safe from 1973 to 5138 for seconds.
_EPOCH_UNITS = ((1e11, 1_000_000), (1e14, 1_000), (1e17, 1))

_OFFSET = ":.*([zZ]|[+-][0-9]{2}(:?[0-9]{2})?)$"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Interactions in order of time, ties in order of the file. Arrays (n,).

    ``user`` and ``item`` number ``user_ids`` and ``item_ids``, both sorted. ``event`` indexes
    ``events``; a file without the column has one event, "purchase".
    """

    user: np.ndarray
    item: np.ndarray
    at_us: np.ndarray
    event: np.ndarray
    quantity: np.ndarray
    user_ids: Sequence[str]
    item_ids: Sequence[str]
    events: Sequence[str]
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """What an items file says, by item id."""

    text: Mapping[str, str]
    category: Mapping[str, str]


def read_interactions(path: Path, names: Mapping[str, str] | None = None) -> Rows:
    """Read one file; ``names`` maps our column names to the file's."""
    table, found = named_columns(path, NEEDED, OPTIONAL, names)
    if table.num_rows == 0:
        raise BadInput(f"{path} has no rows.", field="interactions", value=str(path))
    user, user_ids = _codes(table["user_id"], path, found["user_id"])
    item, item_ids = _codes(table["item_id"], path, found["item_id"])
    if len(user_ids) < 2:
        raise BadInput(
            f"{path}: column '{found['user_id']}' holds one user only, '{user_ids[0]}'.",
            hint="Give the interactions of at least two users, or map the right column.",
            field="user_id",
        )
    at_us = _moments(table["timestamp"], path, found["timestamp"])
    event, events = np.zeros(len(user), dtype=np.int64), ["purchase"]
    if "event" in found:
        event, events = _codes(table["event"], path, found["event"])
    quantity = np.ones(len(user))
    if "quantity" in found:
        quantity = numbers(table["quantity"], path, found["quantity"])
    order = np.argsort(at_us, kind="stable")
    return Rows(
        user=user[order].astype(np.int32),
        item=item[order].astype(np.int32),
        at_us=at_us[order],
        event=event[order],
        quantity=quantity[order],
        user_ids=user_ids,
        item_ids=item_ids,
        events=events,
        sha256=_sha256(path),
    )


def read_items(path: Path, names: Mapping[str, str] | None = None) -> Catalogue:
    """Read titles, brands, categories and descriptions; the last row of an item counts."""
    mine = {k: v for k, v in (names or {}).items() if k in (*ITEM_NEEDED, *ITEM_OPTIONAL)}
    table, found = named_columns(path, ITEM_NEEDED, ITEM_OPTIONAL, mine)
    texts = {name: _texts(table[name]) for name in found if name != "price"}
    bad = first_row(np.array([not item_id for item_id in texts["item_id"]], dtype=bool))
    if bad is not None:
        raise bad_row(path, found["item_id"], bad, "is empty", None)
    said = [name for name in ("title", "brand", "category", "description") if name in texts]
    text, category = {}, {}
    for row, item_id in enumerate(texts["item_id"]):
        text[item_id] = " ".join(filter(None, (texts[name][row] for name in said)))
        category[item_id] = texts["category"][row] if "category" in texts else ""
    return Catalogue(text=text, category=category)


def parse_moment(text: str, option: str = "at") -> int:
    """Return microseconds of a date, an ISO moment or an epoch number, as ``--at`` takes it."""
    at: int | None = parsed_moments(pa.chunked_array([pa.array([text])])).to_pylist()[0]
    if at is None:
        raise BadInput(
            f"--{option} must be a date or a moment, but is '{text}'.",
            hint="Write it as 2017-12-01 or 2017-12-01T08:00:00Z.",
            field=option,
            value=text,
        )
    return at


def _codes(column: pa.ChunkedArray, path: Path, name: str) -> tuple[np.ndarray, list[str]]:
    """Return (codes, sorted values) of a column of ids; an empty or NaN id is refused."""
    if pa.types.is_floating(column.type):
        number = column.to_numpy(zero_copy_only=False).astype(np.float64)
        empty = ~np.isfinite(number)
        # 13085.0 is how a column of whole numbers looks after it once had a gap.
        if not empty.any() and np.all(number == np.floor(number)):
            column = pa.chunked_array([pa.array(number.astype(np.int64))])
    else:
        empty = pc.is_null(column).to_numpy(zero_copy_only=False)
    bad = first_row(empty)
    if bad is not None:
        raise bad_row(path, name, bad, "is empty or NaN", None)
    encoded = pc.utf8_trim_whitespace(pc.cast(column, pa.string())).combine_chunks()
    encoded = encoded.dictionary_encode()
    values = np.array(encoded.dictionary.to_pylist(), dtype=object)
    bad_value = np.array([v == "" for v in values], dtype=bool)
    codes = encoded.indices.to_numpy(zero_copy_only=False)
    bad = first_row(bad_value[codes]) if bad_value.any() else None
    if bad is not None:
        raise bad_row(path, name, bad, "is empty or NaN", None)
    order = np.argsort(values, kind="stable")
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return rank[codes], [str(value) for value in values[order]]


def _moments(column: pa.ChunkedArray, path: Path, name: str) -> np.ndarray:
    parsed = parsed_moments(column)
    bad = first_row(pc.is_null(parsed).to_numpy(zero_copy_only=False))
    if bad is not None:
        value = column[bad].as_py()
        raise bad_row(path, name, bad, f"is no date or moment: '{value}'", value)
    return parsed.to_numpy(zero_copy_only=False).astype(np.int64)


def parsed_moments(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return microseconds since 1970 as int64, null where a value is no moment."""
    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return column.cast(pa.timestamp("us"), safe=False).cast(pa.int64())
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        texts = pc.utf8_trim_whitespace(column.cast(pa.string()))
        numeric = pc.all(pc.match_substring_regex(texts, r"^-?[0-9]+(\.[0-9]+)?$")).as_py()
        if not numeric or pc.all(pc.match_substring_regex(texts, r"^(19|20)[0-9]{6}$")).as_py():
            return _parsed_texts(texts, compact=bool(numeric))
        column = texts
    number = pc.cast(column, pa.float64()).to_numpy(zero_copy_only=False)
    finite = np.isfinite(number)
    size = float(np.median(np.abs(number[finite]))) if finite.any() else 0.0
    unit = next((unit for limit, unit in _EPOCH_UNITS if size < limit), 1e-3)
    exact = np.where(finite, number, 0) * unit
    return pa.chunked_array([pa.array(exact.astype(np.int64), mask=~finite)])


def _parsed_texts(texts: pa.ChunkedArray, *, compact: bool) -> pa.ChunkedArray:
    """Return moments of texts; DuckDB reads ISO with or without offset, naive taken as UTC."""
    given = pa.table({"n": pa.array(np.arange(len(texts))), "t": texts})
    engine = duckdb.connect()
    engine.register("given", given)
    # A text with an offset says its zone itself; any other is UTC, whatever the machine's zone.
    moment = f"""
        CASE WHEN regexp_matches(t, '{_OFFSET}') THEN epoch_us(TRY_CAST(t AS TIMESTAMPTZ))
             WHEN isfinite(TRY_CAST(t AS TIMESTAMP)) THEN epoch_us(TRY_CAST(t AS TIMESTAMP)) END
    """
    read = "epoch_us(TRY_STRPTIME(t, '%Y%m%d'))" if compact else moment
    query = f"SELECT {read} AS at_us FROM given ORDER BY n"
    try:
        found: pa.Table = engine.sql(query).to_arrow_table()
        return found["at_us"]
    finally:
        engine.close()


def _texts(column: pa.ChunkedArray) -> list[str]:
    return [str(value).strip() if value is not None else "" for value in column.to_pylist()]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
