"""Read what inventory needs from the tables: who sells, demand by day, stock, terms, lead times.

Rows come back as Arrow tables or plain dicts; making panels and positions of them is the
caller's work. Days are UTC days; the present day is not over and never counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from shopkeeper.data.quality import checks

_SELLERS = """
SELECT d.item_id, d.location_id, min(d.dt) AS first_dt, max(d.dt) AS last_dt,
    count(DISTINCT date_trunc('week', d.dt)) AS weeks, sum(d.units) AS units,
    sum(d.net_minor + d.discount_minor) / nullif(sum(d.ordered), 0) AS price_minor,
    sum(CASE WHEN d.dt >= CAST($recent AS DATE) THEN d.net_minor ELSE 0 END) AS recent_minor
FROM demand_history AS d
WHERE d.dt < CAST($until AS DATE)
    AND CASE WHEN len($items) > 0
        THEN d.item_id IN (SELECT unnest(CAST($items AS VARCHAR[])))
        ELSE d.item_id NOT IN (SELECT item_id FROM items WHERE hidden) END
GROUP BY d.item_id, d.location_id
HAVING sum(d.units) > 0 AND max(d.dt) >= CAST($recent AS DATE)
    AND count(DISTINCT date_trunc('week', d.dt)) >= $weeks
ORDER BY recent_minor DESC, d.item_id, d.location_id
LIMIT $most
"""
_DAYS = """
SELECT item_id, location_id, dt, units, one_off, returned,
    (net_minor + discount_minor) / nullif(ordered, 0) AS price_minor
FROM demand_history
WHERE dt >= CAST($since AS DATE) AND dt < CAST($until AS DATE)
    AND item_id IN (SELECT unnest(CAST($items AS VARCHAR[])))
ORDER BY item_id, location_id, dt
"""
_REPEATED = """
SELECT item_id, CAST(sum(times - 1) AS INTEGER) AS n
FROM (
    SELECT item_id, count(*) AS times FROM delivery_lines
    WHERE order_id IS NULL AND item_id IN (SELECT unnest(CAST($items AS VARCHAR[])))
    GROUP BY purchase_order_id, shipment_id, item_id, quantity HAVING count(*) > 1
) AS told
GROUP BY item_id
"""
_SOME_HISTORY = """demand_history AS (
    SELECT * FROM memory.main.demand_history
    WHERE item_id IN (SELECT unnest(CAST($items AS VARCHAR[])))
)"""
_LEDGER = """
SELECT item_id, location_id, dt, on_hand, least_on_hand, in_stock_share
FROM stock_days
WHERE dt < CAST($until AS DATE) AND item_id IN (SELECT unnest(CAST($items AS VARCHAR[])))
ORDER BY item_id, location_id, dt
"""
_ON_HAND = """
SELECT item_id, location_id, on_hand, dt
FROM (
    SELECT *, row_number() OVER (PARTITION BY item_id, location_id ORDER BY dt DESC) AS age
    FROM stock_days
) AS days
WHERE age = 1
"""
_OUTSTANDING = """
SELECT purchase_order_id, item_id, supplier_id, location_id, outstanding, promised_us, ordered_us,
    state
FROM purchase_orders
WHERE outstanding > 0 AND state IN ('sent', 'confirmed', 'partly_received')
ORDER BY ordered_us, purchase_order_id, item_id
"""
_PROMOTED = """
SELECT item_id, starts_us, ends_us, coalesce(label, 'promotion') AS label
FROM promotions
WHERE ends_us >= $since_us AND item_id IN (SELECT unnest(CAST($items AS VARCHAR[])))
"""


def sellers(
    warehouse: Any,
    *,
    until: str,
    recent: str,
    weeks: int = 1,
    most: int = 20_000,
    items: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """Return the products that sell, most valuable lately first.

    Sold since ``recent`` (an ISO day), before ``until``, in at least ``weeks`` weeks; hidden
    products (services, fuel, coupons) are left out, unless ``items`` names them.
    """
    given = {
        "until": until,
        "recent": recent,
        "weeks": weeks,
        "most": most,
        "items": list(items),
    }
    found: list[dict[str, Any]] = warehouse.sql(_SELLERS, given).to_pylist()
    return found


def last_day(warehouse: Any) -> Any:
    """Return the newest day with demand of anything, or None: an empty shop."""
    return warehouse.sql("SELECT max(dt) AS dt FROM demand_history").to_pylist()[0]["dt"]


def demand_days(warehouse: Any, items: Sequence[str], *, since: str, until: str) -> pa.Table:
    """Return days with an order of the items, with price and bulk orders, as Arrow."""
    given = {"items": list(items), "since": since, "until": until}
    return warehouse.sql(_DAYS, given)


def ledger_days(warehouse: Any, items: Sequence[str], *, until: str) -> pa.Table:
    """Return the stock ledger's days with a movement, as Arrow, oldest first per product."""
    return warehouse.sql(_LEDGER, {"items": list(items), "until": until})


def unit_changes(warehouse: Any, items: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return item -> how its price per unit jumped, as the quality check ``unit_change``."""
    body = checks()["unit_change"].sql.strip().removeprefix("WITH ")
    found = warehouse.sql(f"WITH {_SOME_HISTORY}, {body}", {"items": list(items)}).to_pylist()
    return {row["item_id"]: row for row in found}


def repeated_deliveries(warehouse: Any, items: Sequence[str]) -> dict[str, int]:
    """Return item -> deliveries that were told more than once; each counts once."""
    found = warehouse.sql(_REPEATED, {"items": list(items)}).to_pylist()
    return {row["item_id"]: row["n"] for row in found}


def in_stock_since(warehouse: Any, item: str) -> Any:
    """Return the first day on which an item was in stock anywhere, None: never."""
    found = warehouse.sql(
        "SELECT min(dt) AS dt FROM stock_days WHERE item_id = $item AND on_hand > 0", {"item": item}
    ).to_pylist()
    return found[0]["dt"]


def on_hand(warehouse: Any) -> dict[tuple[str, str], float]:
    """Return (item, location) -> units on hand now, of everything that was ever counted."""
    found = warehouse.sql(_ON_HAND).to_pylist()
    return {(row["item_id"], row["location_id"]): float(row["on_hand"]) for row in found}


def outstanding(warehouse: Any) -> list[dict[str, Any]]:
    """Return what suppliers still owe, oldest order first."""
    found: list[dict[str, Any]] = warehouse.sql(_OUTSTANDING).to_pylist()
    return found


def promoted(warehouse: Any, items: Sequence[str], since_us: int) -> list[dict[str, Any]]:
    """Return promotions of the items that end after a moment, planned ones too."""
    given = {"items": list(items), "since_us": since_us}
    found: list[dict[str, Any]] = warehouse.sql(_PROMOTED, given).to_pylist()
    return found


def terms(warehouse: Any) -> list[dict[str, Any]]:
    """Return the suppliers' terms that hold; general ones have item_id ''."""
    found: list[dict[str, Any]] = warehouse.sql(
        "SELECT * FROM suppliers WHERE status <> 'ended' ORDER BY supplier_id, item_id"
    ).to_pylist()
    return found


def lead_times(warehouse: Any, now_us: int) -> pa.Table:
    """Return supplier, item, days (so far, where open) and open, as Arrow."""
    return warehouse.sql(
        """SELECT supplier_id, item_id, censored AS open,
            coalesce(lead_time_days, ($now_us - ordered_us) / 86400000000.0) AS days
        FROM lead_times
        WHERE coalesce(lead_time_days, ($now_us - ordered_us) / 86400000000.0) >= 0
        ORDER BY supplier_id, item_id, ordered_us""",
        {"now_us": now_us},
    )


def described(warehouse: Any, items: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return item -> title, category, brand and price of the catalogue."""
    found = warehouse.sql(
        """SELECT item_id, title, category, brand, price_minor,
            properties ->> '$.replaces' AS replaces
        FROM items WHERE item_id IN (SELECT unnest(CAST($items AS VARCHAR[])))""",
        {"items": list(items)},
    ).to_pylist()
    return {row["item_id"]: row for row in found}
