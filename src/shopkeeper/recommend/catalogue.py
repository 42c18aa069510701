"""What the shop sells, in memory: one row per item, facts beside it, and whether it may be shown.

Fed by item, item_removed, price and stock_level events, in any order: the latest by
``occurred_us`` wins, and what arrives late with an older time changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from shopkeeper.base.clock import DAY_US
from shopkeeper.recommend.decayed import Decayed
from shopkeeper.recommend.index import Column, Index

# Why an item may not be shown; 0 means that it may.
SHOWN, HIDDEN, REMOVED, SOLD_OUT = 0, 1, 2, 3
BLOCK_CODES = ("shown", "hidden", "removed", "sold_out")
UNKNOWN = -1
NEVER_US = -(2**62)
PACE_DAYS = 28.0  # time constant of the pace at which an item sells


class Catalogue:
    """Item facts by row. ``blocked`` (n,) holds a BLOCK_CODES index; 0 may be shown."""

    def __init__(self) -> None:
        self.version = 0  # goes up with every entry or price that is taken
        self.index = Index()
        self.titles: list[str | None] = []
        self.descriptions: list[str | None] = []
        self.categories = Index()
        self.brands = Index()
        self._columns = {
            "category": Column(np.int32, UNKNOWN),
            "brand": Column(np.int32, UNKNOWN),
            "price": Column(np.int64, UNKNOWN),
            "replenishable": Column(np.int8, UNKNOWN),
            "hidden": Column(np.bool_, False),
            "unavailable": Column(np.bool_, False),
            "stock": Column(np.float64, np.nan),
            "created": Column(np.int64, -NEVER_US),
            "updated": Column(np.int64, NEVER_US),
            "priced": Column(np.int64, NEVER_US),
            "removed": Column(np.bool_, False),
            "blocked": Column(np.int8, SHOWN),
            "cost": Column(np.float64, np.nan),
            "costed": Column(np.int64, NEVER_US),
        }
        self.sold = Decayed(PACE_DAYS * DAY_US)  # units
        # item row -> location -> (occurred_us, units); only items that were ever counted.
        self._counts: dict[int, dict[str, tuple[int, float]]] = {}
        self._within: dict[str, tuple[int, np.ndarray]] = {}
        self._house: tuple[tuple[int, float], set[int]] | None = None

    def __len__(self) -> int:
        return len(self.index)

    def column(self, name: str) -> np.ndarray:
        """Return one fact of all items, a view of shape (n_items,)."""
        return self._columns[name].values

    def row(self, item_id: str) -> int:
        """Return the item's row; an item first seen in an order gets a row without facts."""
        row = self.index.add(item_id)
        if row == len(self.titles):
            self.titles.append(None)
            self.descriptions.append(None)
            for column in self._columns.values():
                column.grow(row + 1)
        return row

    def title(self, row: int) -> str:
        """Return the item's title, or its id where the catalogue has none."""
        return self.titles[row] or self.index.ids[row]

    def text(self, row: int) -> str:
        """Return title, brand, category and description in one line, for text neighbours."""
        code = int(self._columns["brand"][row])
        brand = self.brands.ids[code] if code >= 0 else ""
        parts = (self.titles[row], brand, self.category_of(row), self.descriptions[row])
        return " ".join(part for part in parts if part)

    def category_of(self, row: int) -> str | None:
        """Return the item's category path."""
        code = int(self._columns["category"][row])
        return self.categories.ids[code] if code >= 0 else None

    def within(self, path: str) -> np.ndarray:
        """Return a mask (n_items,) of the items in a category or anywhere below it."""
        known = self._within.get(path)
        if known is None or known[0] != len(self.categories):
            below = path + " > "
            hit = [name == path or name.startswith(below) for name in self.categories.ids]
            # One entry more, so that code -1 (no category) reads False.
            known = (len(hit), np.array([*hit, False], dtype=np.bool_))
            self._within[path] = known
        mask: np.ndarray = known[1][self.column("category")]
        return mask

    def beside(self, rows: np.ndarray) -> np.ndarray:
        """Return a mask (n_items,) of the items on the same shelves as some rows."""
        held = self.column("category")
        # One entry more, so that code -1 (no category) reads False.
        shelves = np.zeros(len(self.categories) + 1, dtype=np.bool_)
        shelves[held[rows]] = True
        shelves[-1] = False
        mask: np.ndarray = shelves[held]
        return mask

    def house_brands(self, share: float) -> set[int]:
        """Return the brand codes that hold more than a share of the catalogue."""
        if self._house is None or self._house[0] != (len(self.brands), share):
            held = self.column("brand")
            counts = np.bincount(held[held >= 0], minlength=len(self.brands))
            large = set(np.flatnonzero(counts > share * max(1, len(self))).tolist())
            self._house = ((len(self.brands), share), large)
        return self._house[1]

    def apply_item(self, event: Mapping[str, Any], at_us: int) -> None:
        """Take a whole catalogue entry, or its end; what it does not name is not known any more."""
        row = self.row(event["item_id"])
        facts = self._columns
        facts["created"][row] = min(int(facts["created"][row]), at_us)
        price = event.get("price_minor")
        if price is not None:
            self._set_price(row, price, at_us)
        if at_us < facts["updated"][row]:
            return
        self.version += 1
        facts["updated"][row] = at_us
        self.titles[row] = event.get("title")
        self.descriptions[row] = event.get("description")
        category, brand = event.get("category"), event.get("brand")
        facts["category"][row] = self.categories.add(category) if category else UNKNOWN
        facts["brand"][row] = self.brands.add(brand) if brand else UNKNOWN
        facts["removed"][row] = event["kind"] == "item_removed"
        facts["hidden"][row] = bool(event.get("hidden"))
        facts["unavailable"][row] = event.get("available") is False
        again = event.get("replenishable")
        facts["replenishable"][row] = UNKNOWN if again is None else int(again)
        self._judge(row)

    def apply_price(self, event: Mapping[str, Any], at_us: int) -> None:
        """Take a price that holds from this moment on."""
        self._set_price(self.row(event["item_id"]), event["price_minor"], at_us)

    def apply_stock(self, event: Mapping[str, Any], at_us: int) -> None:
        """Take a count at one location; the item is sold out when no location has any."""
        row = self.row(event["item_id"])
        counts = self._counts.setdefault(row, {})
        place = event.get("location_id") or ""
        if place in counts and at_us < counts[place][0]:
            return
        counts[place] = (at_us, float(event["quantity"]))
        self._columns["stock"][row] = sum(units for _, units in counts.values())
        self._judge(row)

    def apply_cost(self, event: Mapping[str, Any], at_us: int) -> None:
        """Take what a supplier asks for a unit; the latest terms of any supplier hold."""
        if event.get("item_id") is None or event.get("price_minor") is None:
            return
        row = self.row(event["item_id"])
        if at_us >= self._columns["costed"][row] and event.get("status") in (None, "active"):
            self.version += 1
            self._columns["costed"][row] = at_us
            self._columns["cost"][row] = float(event["price_minor"])

    def cover_days(self, at_us: int) -> np.ndarray:
        """Return (n_items,) days that the stock lasts at the present pace; NaN never counted."""
        sold = self.sold.read(at_us)
        pace = np.zeros(len(self))
        pace[: len(sold)] = sold[: len(pace)] / PACE_DAYS
        stock = self.column("stock")
        # A hundredth of a unit a day: what nobody buys lasts long, and not for ever.
        return stock / np.maximum(pace, 0.01)

    def margin(self) -> np.ndarray:
        """Return (n_items,) share of the price that is left after cost; NaN where unknown."""
        price = self.column("price")
        whole = np.where(price > 0, price, np.nan)
        found: np.ndarray = 1 - self.column("cost") / whole
        return found

    def _set_price(self, row: int, price_minor: int, at_us: int) -> None:
        if at_us >= self._columns["priced"][row]:
            self.version += 1
            self._columns["priced"][row] = at_us
            self._columns["price"][row] = price_minor

    def _judge(self, row: int) -> None:
        facts = self._columns
        if facts["removed"][row]:
            code = REMOVED
        elif facts["hidden"][row]:
            code = HIDDEN
        # NaN, never counted, is not below or equal to zero.
        elif facts["unavailable"][row] or facts["stock"][row] <= 0:
            code = SOLD_OUT
        else:
            code = SHOWN
        facts["blocked"][row] = code

    def fill(self, facts: Mapping[str, Any]) -> None:
        """Load many items at once into an empty catalogue; see rebuild.py for the keys."""
        self.index = Index(facts["ids"])
        self.titles = list(facts["titles"])
        self.descriptions = list(facts["descriptions"])
        self.categories, category = _coded(facts["categories"])
        self.brands, brand = _coded(facts["brands"])
        values = {name: facts[name] for name in facts if name in self._columns}
        values |= {"category": category, "brand": brand}
        for name, column in self._columns.items():
            if name in values:
                self._columns[name] = Column(column.values.dtype, column.fill, values[name])
            else:
                column.grow(len(self.index))

    def fill_counts(self, counts: dict[int, dict[str, tuple[int, float]]]) -> None:
        """Load stock counts after ``fill``: row -> place -> (occurred_us, units); judge all."""
        self._counts = counts
        for row, places in counts.items():
            self._columns["stock"][row] = sum(units for _, units in places.values())
        blocked = self.column("blocked")
        sold_out = self.column("unavailable") | (self.column("stock") <= 0)
        blocked[sold_out] = SOLD_OUT
        blocked[self.column("hidden")] = HIDDEN
        blocked[self.column("removed")] = REMOVED


def _coded(names: list[str | None]) -> tuple[Index, np.ndarray]:
    index = Index()
    codes = [index.add(name) if name else UNKNOWN for name in names]
    return index, np.array(codes, dtype=np.int32)
