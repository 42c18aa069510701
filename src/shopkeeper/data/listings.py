"""What the console leafs through: lists of customers, products and decisions, a page at a time.

Beside reports.py, which has whole reports: here each function takes ``offset`` and ``limit`` and
returns one row more than ``limit`` when there is a next page. Plain dicts; money in minor units,
times in microseconds UTC.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import func, select

from shopkeeper.base import clock
from shopkeeper.data.log.schema import quarantine
from shopkeeper.data.log.store import Store
from shopkeeper.data.reports import Tables, rows

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
LINES_SHOWN = 6


def arriving(warehouse: Tables, since_us: int) -> list[dict[str, Any]]:
    """Return events by the minute they were received, and kind.

    Imported history would hide what is happening: events older than a day on arrival are left out.
    """
    return rows(
        warehouse,
        """
        SELECT received_us - received_us % 60000000 AS minute_us, kind, count(*) AS events
        FROM events WHERE received_us >= ? AND received_us - occurred_us < 86400000000
        GROUP BY ALL ORDER BY minute_us, kind
        """,
        [since_us],
    )


def newest(warehouse: Tables) -> int | None:
    """Return when the newest fact happened, None in an empty shop."""
    found = rows(warehouse, "SELECT max(last_occurred_us) AS at_us FROM activity")
    return found[0]["at_us"] if found else None


def sales(warehouse: Tables, days: int) -> dict[str, Any]:
    """Return totals of the last ``days`` days that had orders, in the currency most used."""
    found = rows(
        warehouse,
        """
        WITH latest AS (SELECT max(occurred_us) AS at_us FROM orders)
        SELECT currency, count(*) AS orders, count(DISTINCT customer_id) AS buyers,
            CAST(sum(net_minor - refunded_minor) AS BIGINT) AS net_minor
        FROM orders, latest
        WHERE status <> 'cancelled' AND occurred_us > at_us - ?
        GROUP BY currency ORDER BY orders DESC LIMIT 1
        """,
        [days * clock.DAY_US],
    )
    return found[0] if found else {"orders": 0, "buyers": 0, "net_minor": 0, "currency": None}


def last_order_us(warehouse: Tables) -> int | None:
    """Return when the newest order was placed, None without orders."""
    found = rows(warehouse, "SELECT max(occurred_us) AS at_us FROM orders")
    return found[0]["at_us"] if found else None


def customers(warehouse: Tables, offset: int, limit: int) -> list[dict[str, Any]]:
    """Return customers, the latest buyers first."""
    return rows(
        warehouse,
        """
        SELECT customer_id, orders, units, net_minor, last_order_us, last_seen_us FROM customers
        ORDER BY last_order_us DESC NULLS LAST, last_seen_us DESC, customer_id LIMIT ? OFFSET ?
        """,
        [limit + 1, offset],
    )


def customer(warehouse: Tables, customer_id: str) -> dict[str, Any] | None:
    """Return a customer's facts, None when no event names the id."""
    found = rows(warehouse, "SELECT * FROM customers WHERE customer_id = ?", [customer_id])
    if not found:
        return None
    properties = found[0].get("properties")
    return found[0] | {"properties": json.loads(properties) if properties else {}}


def history(warehouse: Tables, customer_id: str, offset: int, limit: int) -> list[dict[str, Any]]:
    """Return what a customer did, newest first: orders whole, other actions by kind and hour.

    Each group has up to LINES_SHOWN ``lines`` and, in ``more``, how many it has beyond.
    """
    mine = """
        WITH mine AS (
            SELECT kind, item_id, occurred_us, quantity, event_id, line, NULL AS query,
                CASE WHEN kind = 'purchase' THEN basket END AS order_id,
                CASE WHEN kind = 'purchase' THEN 'order ' || basket
                     ELSE kind || ' ' || (occurred_us // 3600000000) END AS grouping
            FROM interactions WHERE customer_id = $customer
            UNION ALL
            SELECT 'search', NULL, occurred_us, 1, event_id, 0, query, NULL, event_id
            FROM searches WHERE customer_id = $customer
        ),
        shown AS (
            SELECT grouping, max(occurred_us) AS at_us, count(*) AS n FROM mine
            GROUP BY grouping ORDER BY at_us DESC, grouping LIMIT $limit OFFSET $offset
        )
    """
    found = rows(
        warehouse,
        mine
        + """
        SELECT s.grouping, s.at_us, s.n, m.kind, m.order_id, m.query, m.item_id, i.title,
            m.quantity, m.occurred_us, o.net_minor, o.currency, o.place
        FROM shown AS s JOIN mine AS m ON s.grouping = m.grouping
        LEFT JOIN items AS i ON m.item_id = i.item_id
        LEFT JOIN (
            SELECT event_id, line, net_minor, currency, location_id AS place
            FROM order_lines WHERE customer_id = $customer
        ) AS o ON m.event_id = o.event_id AND m.line = o.line AND m.kind = 'purchase'
        ORDER BY s.at_us DESC, s.grouping, coalesce(o.net_minor, 0) DESC, m.occurred_us DESC
        """,
        {"customer": customer_id, "limit": limit + 1, "offset": offset},
    )
    return _grouped(found)


def _grouped(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    groups: dict[str, dict[str, Any]] = {}
    for row in found:
        group = groups.setdefault(
            row["grouping"],
            {
                "kind": row["kind"],
                "occurred_us": row["at_us"],
                "order_id": row["order_id"],
                "text": row["query"],
                "net_minor": None,
                "currency": row["currency"],
                "lines": [],
                "more": 0,
            },
        )
        if row["net_minor"] is not None:
            group["net_minor"] = (group["net_minor"] or 0) + row["net_minor"]
        if row["item_id"] is None:
            continue
        same = [one for one in group["lines"] if one["item_id"] == row["item_id"]]
        if same and row["kind"] != "purchase":
            same[0]["quantity"] += row["quantity"]
            continue
        if len(group["lines"]) < LINES_SHOWN:
            keys = ("item_id", "title", "quantity", "net_minor")
            group["lines"].append({key: row[key] for key in keys})
        else:
            group["more"] += 1
    return list(groups.values())


def products(warehouse: Tables, offset: int, limit: int) -> list[dict[str, Any]]:
    """Return products with their sales of the 28 days before the newest order, best first."""
    return rows(
        warehouse,
        """
        WITH recent AS (
            SELECT item_id, sum(units) AS units, CAST(sum(net_minor) AS BIGINT) AS net_minor
            FROM daily_demand
            WHERE dt > (SELECT max(dt) FROM daily_demand) - INTERVAL 28 DAY
            GROUP BY item_id
        )
        SELECT i.item_id, i.title, i.category, i.price_minor, i.currency,
            coalesce(r.units, 0) AS units, coalesce(r.net_minor, 0) AS net_minor
        FROM items AS i LEFT JOIN recent AS r ON i.item_id = r.item_id
        ORDER BY units DESC, i.item_id LIMIT ? OFFSET ?
        """,
        [limit + 1, offset],
    )


def product_totals(warehouse: Tables, item_id: str) -> dict[str, Any]:
    """Return a product's units and revenue, of all time and of the shop's last 28 days."""
    found = rows(
        warehouse,
        """
        SELECT coalesce(sum(units), 0) AS units, CAST(sum(net_minor) AS BIGINT) AS net_minor,
            coalesce(sum(units) FILTER (
                WHERE dt > (SELECT max(dt) FROM daily_demand) - INTERVAL 28 DAY), 0) AS units_28
        FROM daily_demand WHERE item_id = ?
        """,
        [item_id],
    )
    return found[0]


def daily_prices(warehouse: Tables, item_id: str) -> list[dict[str, Any]]:
    """Return the median price paid per unit and day, in the currency most used."""
    return rows(
        warehouse,
        """
        SELECT dt, currency, CAST(median(price_minor) AS DOUBLE) AS price_minor
        FROM order_lines WHERE item_id = $item AND price_minor IS NOT NULL
            AND currency = (SELECT mode(currency) FROM order_lines WHERE item_id = $item)
        GROUP BY dt, currency ORDER BY dt
        """,
        {"item": item_id},
    )


def buyers(warehouse: Tables, item_id: str, offset: int, limit: int) -> list[dict[str, Any]]:
    """Return who bought a product, most units first."""
    return rows(
        warehouse,
        """
        SELECT customer_id, count(DISTINCT order_id) AS orders, sum(quantity) AS units,
            max(occurred_us) AS last_us
        FROM order_lines WHERE item_id = ? AND customer_id IS NOT NULL
        GROUP BY customer_id ORDER BY units DESC, last_us DESC, customer_id LIMIT ? OFFSET ?
        """,
        [item_id, limit + 1, offset],
    )


def times_recommended(warehouse: Tables, item_id: str, limit: int) -> dict[str, Any]:
    """Return how often and where decisions showed a product, and how often it was then taken."""
    inside = """
        WITH shown AS (
            SELECT decision_id, placement, occurred_us, line.item_id AS item_id,
                coalesce(line.position, line.line) + 1 AS position
            FROM (
                SELECT decision_id, placement, occurred_us, unnest(lines) AS line
                FROM events WHERE kind = 'decision'
            ) WHERE line.item_id = $item
        )
    """
    totals = rows(
        warehouse,
        inside
        + """
        SELECT count(*) AS shown, avg(position) AS mean_position,
            (SELECT count(DISTINCT o.decision_id) FROM outcomes AS o
             JOIN shown AS s ON o.decision_id = s.decision_id
             WHERE o.item_id = $item) AS taken
        FROM shown
        """,
        {"item": item_id},
    )[0]
    latest = rows(
        warehouse,
        inside
        + "SELECT decision_id, placement, occurred_us, position FROM shown"
        + " ORDER BY occurred_us DESC, decision_id LIMIT $limit",
        {"item": item_id, "limit": limit},
    )
    return totals | {"rows": latest}


def decisions(
    warehouse: Tables, offset: int, limit: int, customer_id: str | None = None
) -> list[dict[str, Any]]:
    """Return decisions, newest first, each with its outcomes counted by label."""
    found = rows(
        warehouse,
        """
        SELECT decision_id, capability, placement, customer_id, model, fallback, occurred_us,
            latency_ms, coalesce(json_array_length(value, '$.items'), 0) AS items
        FROM decisions WHERE $customer IS NULL OR customer_id = $customer
        ORDER BY occurred_us DESC, seq DESC LIMIT $limit OFFSET $offset
        """,
        {"customer": customer_id, "limit": limit + 1, "offset": offset},
    )
    counted = rows(
        warehouse,
        """
        SELECT decision_id, label, count(DISTINCT event_id) AS n FROM outcomes
        WHERE list_contains($ids, decision_id) GROUP BY decision_id, label ORDER BY n DESC, label
        """,
        {"ids": [row["decision_id"] for row in found]},
    )
    for row in found:
        row["outcomes"] = [c for c in counted if c["decision_id"] == row["decision_id"]]
    return found


def search_decisions(warehouse: Tables, q: str, limit: int) -> list[dict[str, Any]]:
    """Return decisions whose id begins with ``q``."""
    return rows(
        warehouse,
        """
        SELECT decision_id FROM decisions WHERE starts_with(decision_id, ?)
        ORDER BY occurred_us DESC LIMIT ?
        """,
        [q.strip(), limit],
    )


def titles(warehouse: Tables, item_ids: Iterable[str]) -> dict[str, str]:
    """Return item id -> title, for those that have one."""
    found = rows(
        warehouse,
        "SELECT item_id, title FROM items WHERE list_contains(?, item_id) AND title IS NOT NULL",
        [sorted(set(item_ids))],
    )
    return {row["item_id"]: row["title"] for row in found}


def quarantined(
    store: Store, offset: int, limit: int, *, code: str = "", text: str = ""
) -> list[dict[str, Any]]:
    """Return refused rows, newest first, of one reason or with a text in the row or message."""
    query = select(quarantine).order_by(quarantine.c.id.desc()).limit(limit + 1).offset(offset)
    if code:
        query = query.where(quarantine.c.code == code)
    if text:
        has = func.instr(func.lower(quarantine.c.raw + " " + quarantine.c.message), text.lower())
        query = query.where(has > 0)
    with store.reading() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]
