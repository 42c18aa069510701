"""What people look at: the shop at a glance, one customer, one product, one decision.

Each function reads tables through a Warehouse and returns plain dicts and lists that JSON can
carry; money in minor units, times in microseconds UTC. No page layout, no decision.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Protocol

import pyarrow as pa

from shopkeeper.base import clock
from shopkeeper.base.errors import NotFound


class Tables(Protocol):
    """What a report needs of the Warehouse."""

    def sql(self, text: str, params: Any = None, as_of_us: int | None = None) -> pa.Table:
        """Run a query and return its rows."""


def overview(warehouse: Tables, *, days: int = 30) -> dict[str, Any]:
    """Return events by kind, hour and day, freshness, orders by day and decisions by hour.

    The days end with the newest event, so a shop that was imported long ago shows its own end.
    """
    kinds = rows(
        warehouse,
        """
        SELECT kind, CAST(sum(events) AS BIGINT) AS events, max(last_occurred_us) AS last_us,
            max(last_received_us) AS received_us
        FROM activity GROUP BY kind ORDER BY events DESC, kind
        """,
    )
    newest_us = max((k["last_us"] for k in kinds), default=None)
    end_us = newest_us if newest_us is not None else clock.now_us()
    since_us = end_us - end_us % clock.DAY_US - (days - 1) * clock.DAY_US
    hours = rows(
        warehouse,
        """
        SELECT hour_us, kind, CAST(sum(events) AS BIGINT) AS events
        FROM activity WHERE hour_us > ? GROUP BY hour_us, kind ORDER BY hour_us, kind
        """,
        [end_us - 48 * 3_600_000_000],
    )
    by_day = rows(
        warehouse,
        """
        SELECT dt, kind, CAST(sum(events) AS BIGINT) AS events
        FROM activity WHERE hour_us >= ? GROUP BY dt, kind ORDER BY dt, kind
        """,
        [since_us],
    )
    return {
        "as_of_us": clock.now_us(),
        "events": sum(k["events"] for k in kinds),
        "kinds": kinds,
        "last_event_us": newest_us,
        "last_received_us": max((k["received_us"] for k in kinds), default=None),
        "events_by_hour": hours,
        "events_by_day": by_day,
        "orders_by_day": orders_by_day(warehouse, since_us),
        "decisions_by_hour": decisions_by_hour(warehouse, end_us - 48 * 3_600_000_000),
        "totals": _totals(warehouse),
    }


def orders_by_day(warehouse: Tables, since_us: int) -> list[dict[str, Any]]:
    """Return orders, units, customers and revenue per day and currency; cancelled ones left out."""
    return rows(
        warehouse,
        """
        SELECT dt, currency, count(*) AS orders, sum(units) AS units,
            count(DISTINCT customer_id) AS customers,
            CAST(sum(net_minor - refunded_minor) AS BIGINT) AS net_minor
        FROM orders WHERE occurred_us >= ? AND status <> 'cancelled'
        GROUP BY dt, currency ORDER BY dt, currency
        """,
        [since_us],
    )


def decisions_by_hour(warehouse: Tables, since_us: int) -> list[dict[str, Any]]:
    """Return decisions, fallbacks and latency per hour, capability and placement."""
    return rows(
        warehouse,
        """
        SELECT occurred_us - occurred_us % 3600000000 AS hour_us, capability, placement,
            count(*) AS decisions,
            CAST(sum(CASE WHEN fallback THEN 1 ELSE 0 END) AS BIGINT) AS fallbacks,
            avg(latency_ms) AS latency_ms
        FROM decisions WHERE occurred_us >= ?
        GROUP BY occurred_us - occurred_us % 3600000000, capability, placement
        ORDER BY hour_us, capability, placement
        """,
        [since_us],
    )


def customer_page(warehouse: Tables, customer_id: str, *, limit: int = 50) -> dict[str, Any]:
    """Return a customer's facts, orders with lines, latest actions, and what we decided."""
    facts = rows(warehouse, "SELECT * FROM customers WHERE customer_id = ?", [customer_id])
    if not facts:
        raise _unknown("customer", customer_id)
    orders = rows(
        warehouse,
        """
        SELECT order_id, occurred_us, lines, units, net_minor, currency, status, refunded_minor
        FROM orders WHERE customer_id = ? ORDER BY occurred_us DESC, order_id LIMIT ?
        """,
        [customer_id, limit],
    )
    lines = rows(
        warehouse,
        """
        SELECT order_id, item_id, quantity, price_minor, net_minor, currency, occurred_us
        FROM order_lines WHERE customer_id = ? ORDER BY occurred_us, seq, line
        """,
        [customer_id],
    )
    actions = _actions(warehouse, customer_id, limit)
    favourites = _favourites(lines)
    shown = {order["order_id"]: order for order in orders}
    for order in orders:
        order["items"] = []
    for line in lines:
        if line["order_id"] in shown:
            shown[line["order_id"]]["items"].append(line)
    _add_titles(
        warehouse, [*(i for order in orders for i in order["items"]), *favourites, *actions]
    )
    return {
        "customer": _open_properties(facts[0]),
        "orders": orders,
        "favourites": favourites,
        "actions": actions,
        "decisions": _decisions_of(warehouse, customer_id, limit),
    }


def product_page(warehouse: Tables, item_id: str) -> dict[str, Any]:
    """Return a product's facts, weekly sales and prices, companions, and who buys it."""
    facts = rows(warehouse, "SELECT * FROM items WHERE item_id = ?", [item_id])
    if not facts:
        raise _unknown("item", item_id)
    return {
        "item": _open_properties(facts[0]),
        "prices": rows(
            warehouse,
            """
            SELECT occurred_us, price_minor, currency, source FROM prices WHERE item_id = ?
            ORDER BY occurred_us, seq
            """,
            [item_id],
        ),
        "bought_together": rows(
            warehouse,
            """
            SELECT c.other_item_id AS item_id, i.title, c.together, c.lift
            FROM item_cooccurrence AS c LEFT JOIN items AS i ON c.other_item_id = i.item_id
            WHERE c.item_id = ? ORDER BY c.lift DESC, c.other_item_id LIMIT 12
            """,
            [item_id],
        ),
        **_sales(warehouse, item_id),
        "stock": rows(
            warehouse,
            """
            SELECT location_id, quantity, occurred_us FROM stock WHERE item_id = ?
            QUALIFY row_number() OVER (
                PARTITION BY location_id ORDER BY occurred_us DESC, seq DESC) = 1
            ORDER BY location_id
            """,
            [item_id],
        ),
    }


def search_items(warehouse: Tables, q: str, *, limit: int = 20) -> list[dict[str, Any]]:
    """Return items whose id, title, brand or category has every word of ``q``, best sold first."""
    words = [word.lower() for word in q.split()][:8]
    has = " AND ".join("contains(haystack, ?)" for _ in words) or "TRUE"
    return rows(
        warehouse,
        f"""
        WITH found AS (
            SELECT item_id, title, category, brand, price_minor, currency, available, hidden,
                lower(concat_ws(' ', item_id, title, brand, category)) AS haystack
            FROM items
        )
        SELECT f.* EXCLUDE (haystack), coalesce(s.units, 0) AS units
        FROM found AS f LEFT JOIN item_sales AS s ON f.item_id = s.item_id
        WHERE {has}
        ORDER BY f.item_id = ? DESC, units DESC, f.item_id LIMIT ?
        """,
        [*words, q.strip(), limit],
    )


def search_customers(warehouse: Tables, q: str, *, limit: int = 20) -> list[dict[str, Any]]:
    """Return customers whose id begins with ``q``, the exact one first, then the latest seen."""
    return rows(
        warehouse,
        """
        SELECT customer_id, orders, net_minor, first_seen_us, last_seen_us FROM customers
        WHERE starts_with(customer_id, ?)
        ORDER BY customer_id = ? DESC, last_seen_us DESC, customer_id LIMIT ?
        """,
        [q.strip(), q.strip(), limit],
    )


def decision(warehouse: Tables, decision_id: str) -> dict[str, Any]:
    """Return one decision with its outcomes; raise NotFound when there is none."""
    found = rows(warehouse, "SELECT * FROM decisions WHERE decision_id = ?", [decision_id])
    if not found:
        raise _unknown("decision", decision_id)
    body = found[0]
    for name in ("value", "reasons", "request"):
        body[name] = json.loads(body[name]) if body[name] else None
    body["outcomes"] = rows(
        warehouse,
        """
        SELECT label, occurred_us, item_id, value_minor, order_id FROM outcomes
        WHERE decision_id = ? ORDER BY occurred_us, seq, line
        """,
        [decision_id],
    )
    return body


def rows(warehouse: Tables, text: str, params: Any = None) -> list[dict[str, Any]]:
    """Run a query and return its rows as JSON-ready dicts."""
    found: list[dict[str, Any]] = warehouse.sql(text, params).to_pylist()
    for row in found:
        for name, value in row.items():
            if isinstance(value, datetime | date):
                row[name] = value.isoformat()
            elif isinstance(value, Decimal):  # what the engine makes of a sum of integers
                row[name] = int(value) if value == int(value) else float(value)
    return found


def _totals(warehouse: Tables) -> dict[str, Any]:
    return rows(
        warehouse,
        """
        SELECT
            (SELECT count(*) FROM customers) AS customers,
            (SELECT count(*) FROM items) AS items,
            (SELECT count(*) FROM orders) AS orders,
            (SELECT count(*) FROM decisions) AS decisions
        """,
    )[0]


def _favourites(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the twelve items in most orders, the latest first among equals."""
    found: dict[str, dict[str, Any]] = {}
    orders: dict[str, set[str]] = {}
    for line in lines:
        item_id = line["item_id"]
        one = found.setdefault(item_id, {"item_id": item_id, "units": 0.0, "last_us": 0})
        one["units"] += line["quantity"]
        one["last_us"] = max(one["last_us"], line["occurred_us"])
        orders.setdefault(item_id, set()).add(line["order_id"])
    for item_id, one in found.items():
        one["orders"] = len(orders[item_id])
    best = sorted(found.values(), key=lambda one: (-one["orders"], -one["last_us"], one["item_id"]))
    return best[:12]


def _actions(warehouse: Tables, customer_id: str, limit: int) -> list[dict[str, Any]]:
    return rows(
        warehouse,
        """
        SELECT kind, item_id, occurred_us, quantity, decision_id
        FROM interactions WHERE customer_id = ?
        ORDER BY occurred_us DESC, seq DESC, line LIMIT ?
        """,
        [customer_id, limit],
    )


def _add_titles(warehouse: Tables, named: list[dict[str, Any]]) -> None:
    """Give every row with an item_id its title, with one look at the catalogue."""
    wanted = sorted({row["item_id"] for row in named})
    known = rows(
        warehouse, "SELECT item_id, title FROM items WHERE list_contains(?, item_id)", [wanted]
    )
    titles = {row["item_id"]: row["title"] for row in known}
    for row in named:
        row["title"] = titles.get(row["item_id"])


def _decisions_of(warehouse: Tables, customer_id: str, limit: int) -> list[dict[str, Any]]:
    found = rows(
        warehouse,
        """
        SELECT decision_id, capability, placement, model, fallback, arm, occurred_us, latency_ms,
            value, reasons
        FROM decisions WHERE customer_id = ? ORDER BY occurred_us DESC, seq DESC LIMIT ?
        """,
        [customer_id, limit],
    )
    for row in found:
        for name in ("value", "reasons"):
            row[name] = json.loads(row[name]) if row[name] else None
    return found


def _sales(warehouse: Tables, item_id: str) -> dict[str, Any]:
    """Return sales by week and who buys: one look at the item's lines for both."""
    found = rows(
        warehouse,
        """
        WITH lines AS MATERIALIZED (
            SELECT customer_id, order_id, dt, quantity, net_minor, price_minor, occurred_us
            FROM order_lines WHERE item_id = ?
        ),
        buyers AS MATERIALIZED (
            SELECT customer_id, count(DISTINCT order_id) AS orders, sum(quantity) AS units,
                max(occurred_us) AS last_us
            FROM lines WHERE customer_id IS NOT NULL GROUP BY customer_id
        ),
        weeks AS (
            SELECT CAST(CAST(date_trunc('week', dt) AS DATE) AS VARCHAR) AS week,
                sum(quantity) AS units, count(DISTINCT order_id) AS orders,
                CAST(sum(net_minor) AS BIGINT) AS net_minor, avg(price_minor) AS price_minor
            FROM lines GROUP BY ALL
        ),
        often AS (
            SELECT least(orders, 10) AS orders, count(*) AS customers FROM buyers GROUP BY ALL
        ),
        best AS (SELECT * FROM buyers ORDER BY orders DESC, last_us DESC, customer_id LIMIT 10)
        SELECT
            (SELECT list(w ORDER BY w.week) FROM weeks AS w) AS weeks,
            (SELECT list(o ORDER BY o.orders) FROM often AS o) AS often,
            (SELECT list(b ORDER BY b.orders DESC, b.last_us DESC, b.customer_id) FROM best AS b)
                AS best,
            (SELECT count(*) FROM buyers) AS customers,
            (SELECT count(*) FROM buyers WHERE orders > 1) AS again
        """,
        [item_id],
    )[0]
    return {
        "sales_by_week": found["weeks"] or [],
        "buyers": {
            "customers": found["customers"],
            "repeat_share": found["again"] / found["customers"] if found["customers"] else None,
            "by_frequency": found["often"] or [],
            "top": found["best"] or [],
        },
    }


def _open_properties(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"properties": json.loads(row["properties"]) if row.get("properties") else {}}


def _unknown(what: str, value: str) -> NotFound:
    return NotFound(
        f"No {what} '{value}' was ever seen in an event.",
        hint=f"Search for the {what} by a part of its id.",
        field=f"{what}_id",
        value=value,
    )
