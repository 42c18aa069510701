"""What the shop knows of its stock at a moment: a demand panel, positions, terms, prices, notes.

The tables in, values of schema.py out; one read serves ten thousand products. The panel ends
with the last day that is over and has data: explicit zeros up to there, never beyond, since a
shop whose orders stopped arriving did not stop selling. This file knows no model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from shopkeeper.base import clock
from shopkeeper.data import demand as tables
from shopkeeper.inventory import oddities
from shopkeeper.inventory.oddities import Faults
from shopkeeper.inventory.panel import Key, panel_of
from shopkeeper.inventory.schema import DemandPanel, Position, SupplyTerms
from shopkeeper.inventory.terms import supply_terms

RECENT_DAYS = 91
_EPOCH = date(1970, 1, 1)
Told = tuple[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Everything for n products at locations; row i of each part is the same product.

    ``end``: the first day not in the panel. ``notes``: what the data says beside the numbers.
    ``facts``: item -> title, category, brand, price of the catalogue.
    """

    panel: DemandPanel
    end: date
    positions: tuple[Position, ...]
    terms: tuple[tuple[SupplyTerms, ...], ...]
    prices_minor: np.ndarray
    notes: tuple[tuple[Told, ...], ...]
    facts: Mapping[str, Mapping[str, Any]]

    @property
    def keys(self) -> list[Key]:
        """(item, location) of each row."""
        return list(zip(self.panel.skus, self.panel.locations, strict=True))


def read(
    warehouse: Any,
    *,
    now_us: int,
    frequency: str = "W",
    most: int = 20_000,
    items: Sequence[str] = (),
    proposed: Mapping[Key, float] | None = None,
    orders: bool = True,
) -> Known | None:
    """Return what is known of the products that sold lately, or of the items named.

    ``orders`` False: demand alone, without positions, terms and quality checks, for a belief.

    None: the shop has no demand at all. ``proposed``: units already proposed or approved.
    """
    last = tables.last_day(warehouse)
    if last is None:
        return None
    today = clock.from_us(now_us).date()
    end = min(today, last + timedelta(days=1))
    since = _EPOCH if items else end - timedelta(days=RECENT_DAYS)
    rows = tables.sellers(
        warehouse, until=str(end), recent=str(since), most=most, items=list(items)
    )
    if not rows:
        return None
    facts = tables.described(warehouse, [row["item_id"] for row in rows])
    rows = _without_replaced(rows, facts)
    keys = [(row["item_id"], row["location_id"]) for row in rows]
    raw = panel_of(warehouse, keys, rows, facts, end, frequency)
    panel = oddities.bridged(raw)
    items = [item for item, _ in keys]
    return Known(
        panel=panel,
        end=end,
        positions=_positions(warehouse, keys, proposed or {}) if orders else (),
        terms=supply_terms(warehouse, items, now_us) if orders else (),
        prices_minor=_prices(rows, facts, keys),
        notes=oddities.notes(
            panel,
            raw.units,
            facts,
            faults_of(warehouse, items) if orders else Faults(),
            today=today,
            end=end,
        ),
        facts=facts,
    )


def _positions(
    warehouse: Any, keys: Sequence[Key], proposed: Mapping[Key, float]
) -> tuple[Position, ...]:
    on_hand = tables.on_hand(warehouse)
    on_order: dict[Key, float] = {}
    for row in tables.outstanding(warehouse):
        place = (row["item_id"], row["location_id"])
        on_order[place] = on_order.get(place, 0.0) + float(row["outstanding"])
    return tuple(
        Position(
            on_hand=on_hand.get(key, 0.0),
            on_order=on_order.get(key, 0.0),
            proposed=proposed.get(key, 0.0),
            counted=key in on_hand,
        )
        for key in keys
    )


def _without_replaced(
    rows: Sequence[Mapping[str, Any]], facts: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return the rows without ids that another product replaced; that one began with them."""
    taken = {str(one["replaces"]): item for item, one in facts.items() if one.get("replaces")}
    began = {(row["item_id"], row["location_id"]): row["first_dt"] for row in rows}
    kept = []
    for row in rows:
        if row["item_id"] in taken:
            continue
        old = facts.get(row["item_id"], {}).get("replaces")
        first = began.get((str(old), row["location_id"]), row["first_dt"])
        kept.append({**row, "first_dt": min(first, row["first_dt"])})
    return kept


def _prices(
    rows: Sequence[Mapping[str, Any]], facts: Mapping[str, Mapping[str, Any]], keys: Sequence[Key]
) -> np.ndarray:
    """Return (n,) the price of the catalogue, else what was paid on average; 0: unknown."""
    found = []
    for row, (item, _) in zip(rows, keys, strict=True):
        price = facts.get(item, {}).get("price_minor")
        found.append(float(price if price is not None else row["price_minor"] or 0))
    return np.array(found)


def faults_of(warehouse: Any, items: Sequence[str]) -> Faults:
    """Return what the quality checks find about these items."""
    return Faults(
        unit_changes=tables.unit_changes(warehouse, items),
        repeated=tables.repeated_deliveries(warehouse, items),
    )
