"""Read what became of purchase proposals: those whose time is over, and shares per cycle."""

from __future__ import annotations

from typing import Any

# What inventory tells of a proposal whose protection interval is over.
LABELS = ("in_stock", "stock_out")


def ripe(warehouse: Any, today: str) -> list[dict[str, Any]]:
    """Return proposals whose protection interval is over and whose outcome is not on the record.

    ``starts`` and ``ends`` (excluded) are ISO days; ``received_day`` of the purchase order's
    first receipt, None while nothing came.
    """
    found: list[dict[str, Any]] = warehouse.sql(
        """SELECT p.decision_id, p.item_id, p.location_id, p.cycle, p.state, p.quantity,
            p.unit_cost_minor, p.expected_receipt, CAST(p.dt AS VARCHAR) AS starts,
            CAST(p.dt + p.days AS VARCHAR) AS ends, coalesce(o.received, 0) AS received,
            o.first_received_us
        FROM (
            SELECT *, CAST(ceil(TRY_CAST(value ->> '$.numbers.protection_days' AS DOUBLE))
                AS INTEGER) AS days
            FROM proposals
        ) AS p
        LEFT JOIN purchase_orders AS o
            ON p.purchase_order_id = o.purchase_order_id AND p.item_id = o.item_id
        WHERE p.days > 0 AND p.dt + p.days <= CAST($today AS DATE)
            AND p.decision_id NOT IN (
                SELECT decision_id FROM outcomes
                WHERE decision_id IS NOT NULL AND label IN ('in_stock', 'stock_out'))
        ORDER BY p.decision_id""",
        {"today": today},
    ).to_pylist()
    return found


def by_cycle(warehouse: Any, *, limit: int = 26) -> list[dict[str, Any]]:
    """Return per review cycle, newest first, how its proposals ended.

    ``stock_out_share`` and ``overstock_share`` are shares of the proposals whose time is over;
    ``late`` are orders that came after the day that was expected; ``saved_units`` were sold out
    of what was received, and would not have been there without it.
    """
    found: list[dict[str, Any]] = warehouse.sql(
        f"""SELECT p.cycle, count(*) AS proposals,
            count(e.decision_id) AS ended,
            count(*) FILTER (WHERE e.ordered) AS ordered,
            avg(CASE WHEN e.label = 'stock_out' THEN 1.0 ELSE 0.0 END)
                FILTER (WHERE e.label IS NOT NULL) AS stock_out_share,
            avg(CASE WHEN e.label = 'stock_out' THEN 1.0 ELSE 0.0 END)
                FILTER (WHERE e.ordered) AS stock_out_share_ordered,
            avg(CASE WHEN e.label = 'stock_out' THEN 1.0 ELSE 0.0 END)
                FILTER (WHERE NOT e.ordered) AS stock_out_share_not_ordered,
            avg(CASE WHEN e.overstock THEN 1.0 ELSE 0.0 END)
                FILTER (WHERE e.label IS NOT NULL) AS overstock_share,
            count(*) FILTER (WHERE e.late) AS late,
            sum(e.saved_units) AS saved_units, sum(e.out_days) AS out_days,
            avg(p.p_stockout_now) FILTER (WHERE NOT e.ordered) AS said_without,
            avg(p.p_stockout_after) FILTER (WHERE e.ordered) AS said_with
        FROM proposals AS p
        LEFT JOIN ({_ENDED}) AS e ON p.decision_id = e.decision_id
        GROUP BY p.cycle ORDER BY p.cycle DESC LIMIT {int(limit)}"""
    ).to_pylist()
    return found


def of_decision(warehouse: Any, decision_id: str) -> dict[str, Any] | None:
    """Return how one proposal ended, None while its time is not over."""
    query = f"SELECT * FROM ({_ENDED}) AS e WHERE decision_id = $id"
    found = warehouse.sql(query, {"id": decision_id})
    rows: list[dict[str, Any]] = found.to_pylist()
    return rows[0] if rows else None


_ENDED = """
SELECT decision_id, item_id, label, occurred_us,
    properties ->> '$.ordered' = 'true' AS ordered,
    properties ->> '$.late' = 'true' AS late,
    properties ->> '$.overstock' = 'true' AS overstock,
    TRY_CAST(properties ->> '$.out_days' AS INTEGER) AS out_days,
    TRY_CAST(properties ->> '$.days' AS INTEGER) AS days,
    TRY_CAST(properties ->> '$.received' AS DOUBLE) AS received,
    TRY_CAST(properties ->> '$.saved_units' AS DOUBLE) AS saved_units,
    TRY_CAST(properties ->> '$.left_units' AS DOUBLE) AS left_units
FROM events
WHERE kind = 'outcome' AND label IN ('in_stock', 'stock_out')
    AND properties ->> '$.capability' = 'inventory'
"""
