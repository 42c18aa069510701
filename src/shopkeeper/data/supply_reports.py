"""What the dispatcher's pages and jobs read: stops to plan, orders at risk, promises kept, notices.

SQL lives in data/; all come back as plain rows.
"""

from __future__ import annotations

import json
from typing import Any

from shopkeeper.data.warehouse import Warehouse

# Orders that wait, with the place that their allocation was asked for (about 100 m exact).
_OPEN_STOPS = """
SELECT
    a.order_id, a.location_id, a.carrier, a.units, a.lines, a.promised_us, a.decision_id,
    p.starts_us, p.ends_us,
    TRY_CAST((d.request ->> '$.to') ->> '$.latitude' AS DOUBLE) AS latitude,
    TRY_CAST((d.request ->> '$.to') ->> '$.longitude' AS DOUBLE) AS longitude
FROM allocations AS a
JOIN decisions AS d ON a.decision_id = d.decision_id
LEFT JOIN (
    SELECT order_id, min(starts_us) AS starts_us, min(ends_us) AS ends_us
    FROM events WHERE kind = 'purchase' GROUP BY order_id
) AS p ON a.order_id = p.order_id
WHERE a.state = 'waiting'
ORDER BY a.order_id, a.location_id
"""
_AT_RISK = """
SELECT
    a.order_id, a.customer_id, a.location_id, a.carrier, a.promised_us, a.ordered_us, a.units,
    a.decision_id, s.shipment_id, s.state AS parcel_state, d.value
FROM allocations AS a
LEFT JOIN decisions AS d ON a.decision_id = d.decision_id
LEFT JOIN parcels AS s ON a.order_id = s.order_id AND a.location_id = s.location_id
WHERE a.ordered_us IS NOT NULL AND a.promised_us IS NOT NULL
    AND a.state IN ('waiting', 'shipped')
    AND coalesce(s.state, 'on_its_way') = 'on_its_way'
    AND a.promised_us < $until
ORDER BY a.promised_us, a.order_id
LIMIT $most
"""
_DECIDED_PARCELS = """
SELECT s.shipment_id, s.state, s.delivered_us, s.shipped_us, s.order_id,
    coalesce(s.decision_id, a.decision_id) AS decision_id
FROM parcels AS s
LEFT JOIN allocations AS a ON s.order_id = a.order_id AND s.location_id = a.location_id
WHERE s.state IN ('delivered', 'late', 'failed')
    AND coalesce(s.decision_id, a.decision_id) IS NOT NULL
    AND s.shipment_id NOT IN (
        SELECT shipment_id FROM events WHERE kind = 'outcome' AND shipment_id IS NOT NULL
    )
"""


def open_stops(warehouse: Warehouse) -> list[dict[str, Any]]:
    """Return the parcels that wait to be delivered, with where they go."""
    return warehouse.sql(_OPEN_STOPS).to_pylist()


def at_risk(warehouse: Warehouse, until_us: int, most: int = 200) -> list[dict[str, Any]]:
    """Return undelivered parcels that are promised before a moment, the soonest first."""
    return warehouse.sql(_AT_RISK, {"until": until_us, "most": most}).to_pylist()


# Orders that came, of which nothing left yet and no driver has it on his list.
_MOVABLE = """
SELECT d.subject AS order_id, d.decision_id, d.value, d.request, o.occurred_us AS ordered_us
FROM (
    SELECT *, row_number() OVER (PARTITION BY subject ORDER BY occurred_us DESC, seq DESC) AS age
    FROM decisions
    WHERE capability = 'supply' AND occurred_us >= $since
        AND value ->> '$.kind' = 'allocation'
        AND coalesce(request ->> '$.reserve', 'true') = 'true'
) AS d
JOIN orders AS o ON d.subject = o.order_id
WHERE d.age = 1 AND o.status NOT IN ('cancelled', 'refunded')
    AND d.subject NOT IN (SELECT order_id FROM shipments WHERE order_id IS NOT NULL)
    AND d.subject NOT IN (
        SELECT order_id FROM route_stops
        WHERE order_id IS NOT NULL AND status IN ('planned', 'done', 'failed')
    )
    AND (d.value ->> '$.complete' = 'false'
        OR d.subject IN (SELECT order_id FROM allocations WHERE state = 'waiting'))
ORDER BY d.subject
LIMIT $most
"""


def movable_orders(warehouse: Warehouse, since_us: int, most: int) -> list[dict[str, Any]]:
    """Return orders decided since a moment that may still ship from elsewhere.

    With their last decision and its request; those that nobody could serve are among them.
    """
    rows = warehouse.sql(_MOVABLE, {"since": since_us, "most": most}).to_pylist()
    return [
        {**row, "value": json.loads(row["value"]), "request": json.loads(row["request"])}
        for row in rows
    ]


def promised_parcels(warehouse: Warehouse, since_us: int) -> list[dict[str, Any]]:
    """Return parcels promised since a moment: lane, promised, delivered, the level meant.

    What failed counts as not delivered; ``level`` None: no decision of ours promised it.
    """
    return warehouse.sql(
        "SELECT p.carrier, p.location_id, p.promised_us, p.delivered_us, "
        "TRY_CAST((d.value ->> '$.promise') ->> '$.level' AS DOUBLE) AS level "
        "FROM parcels AS p LEFT JOIN allocations AS a "
        "ON p.order_id = a.order_id AND p.location_id = a.location_id "
        "LEFT JOIN decisions AS d ON coalesce(p.decision_id, a.decision_id) = d.decision_id "
        "WHERE p.promised_us >= $since AND p.ordered_us IS NOT NULL",
        {"since": since_us},
    ).to_pylist()


def promise_alerts(warehouse: Warehouse, most: int = 50) -> list[dict[str, Any]]:
    """Return the lanes that were told to keep too few promises, newest first."""
    rows = warehouse.sql(
        "SELECT event_id AS alert_id, occurred_us, properties FROM events "
        "WHERE kind = 'action' AND label = 'promise_drift' ORDER BY occurred_us DESC LIMIT $most",
        {"most": most},
    ).to_pylist()
    return [{**row, **json.loads(row.pop("properties") or "{}")} for row in rows]


def untold_outcomes(warehouse: Warehouse) -> list[dict[str, Any]]:
    """Return parcels that ended and whose decision has no outcome yet."""
    return warehouse.sql(_DECIDED_PARCELS).to_pylist()


def plans(warehouse: Warehouse, most: int = 20) -> list[dict[str, Any]]:
    """Return the published route plans, newest first, with how their stops stand."""
    rows = warehouse.sql(
        "SELECT d.decision_id, d.subject, d.occurred_us, d.value, "
        "count(s.stop_id) AS stops, "
        "count(CASE WHEN s.status = 'done' THEN 1 END) AS done, "
        "count(CASE WHEN s.status = 'failed' THEN 1 END) AS failed "
        "FROM decisions AS d LEFT JOIN route_stops AS s ON d.decision_id = s.decision_id "
        "WHERE d.capability = 'supply' AND d.value ->> '$.kind' = 'routes' "
        "GROUP BY ALL ORDER BY d.occurred_us DESC LIMIT $most",
        {"most": most},
    ).to_pylist()
    return [{**row, "value": json.loads(row["value"])} for row in rows]


def plan_decision(warehouse: Warehouse, decision_id: str) -> dict[str, Any] | None:
    """Return the value of a published route plan, None where there is none."""
    found = warehouse.sql(
        "SELECT value FROM decisions WHERE decision_id = $id AND capability = 'supply' "
        "AND value ->> '$.kind' = 'routes'",
        {"id": decision_id},
    )
    value: dict[str, Any] | None = json.loads(found["value"][0].as_py()) if len(found) else None
    return value


def cancelled_orders(warehouse: Warehouse, order_ids: list[str]) -> set[str]:
    """Return those of some orders that were cancelled or wholly refunded."""
    found = warehouse.sql(
        "SELECT order_id FROM orders WHERE status IN ('cancelled', 'refunded') "
        "AND order_id IN (SELECT unnest($orders))",
        {"orders": order_ids},
    )
    return set(found["order_id"].to_pylist())


def stops_of(warehouse: Warehouse, decision_id: str) -> list[dict[str, Any]]:
    """Return a plan's stops as they stand, by vehicle and position."""
    return warehouse.sql(
        "SELECT * FROM route_stops WHERE decision_id = $plan ORDER BY vehicle_id, position",
        {"plan": decision_id},
    ).to_pylist()


def notices(
    warehouse: Warehouse, state: str | None = None, most: int = 100
) -> list[dict[str, Any]]:
    """Return messages of suppliers, newest first."""
    return warehouse.sql(
        "SELECT * FROM notices WHERE $state IS NULL OR state = $state "
        "ORDER BY occurred_us DESC, notice_id LIMIT $most",
        {"state": state, "most": most},
    ).to_pylist()


def notice(warehouse: Warehouse, notice_id: str) -> dict[str, Any] | None:
    """Return one message of a supplier, None where there is none."""
    found = warehouse.sql("SELECT * FROM notices WHERE notice_id = $id", {"id": notice_id})
    return found.to_pylist()[0] if found.num_rows else None


def open_purchases(warehouse: Warehouse) -> list[dict[str, Any]]:
    """Return what suppliers still have to bring, each product of each purchase order."""
    return warehouse.sql(
        "SELECT p.*, i.title FROM purchase_orders AS p LEFT JOIN items AS i "
        "ON p.item_id = i.item_id WHERE p.outstanding > 0 AND p.state NOT IN "
        "('cancelled', 'closed') ORDER BY p.purchase_order_id, p.item_id"
    ).to_pylist()


def terms_of(warehouse: Warehouse, supplier_id: str, item_id: str) -> dict[str, Any] | None:
    """Return a supplier's own terms for a product, None where there are none."""
    found = warehouse.sql(
        "SELECT * FROM suppliers WHERE supplier_id = $supplier AND item_id = $item",
        {"supplier": supplier_id, "item": item_id},
    )
    return found.to_pylist()[0] if found.num_rows else None


def waiting_for(warehouse: Warehouse, item_ids: list[str]) -> list[dict[str, Any]]:
    """Return supply's latest answers to orders that wait for some products, with their request."""
    rows = warehouse.sql(
        "SELECT decision_id, subject, customer_id, occurred_us, value, request FROM ("
        "SELECT *, row_number() OVER (PARTITION BY subject ORDER BY occurred_us DESC, seq DESC)"
        " AS age FROM decisions WHERE capability = 'supply'"
        " AND value ->> '$.kind' = 'allocation') AS told WHERE age = 1"
        " AND value ->> '$.complete' = 'false' ORDER BY occurred_us"
    ).to_pylist()
    found = []
    for row in rows:
        value = json.loads(row["value"])
        if set(value["waits_for"]) & set(item_ids):
            found.append({**row, "value": value, "request": json.loads(row["request"])})
    return found


def daily_units(warehouse: Warehouse, item_id: str, since_us: int) -> float:
    """Return the units of a product that were ordered since a moment."""
    found = warehouse.sql(
        "SELECT coalesce(sum(quantity), 0) AS units FROM order_lines "
        "WHERE item_id = $item AND occurred_us >= $since",
        {"item": item_id, "since": since_us},
    )
    return float(found["units"][0].as_py())
