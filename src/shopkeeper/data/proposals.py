"""Read proposals, their purchase orders and the ordering rules from the tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

OPEN = ("proposed", "approved")
STATES = (
    *("proposed", "approved", "sent", "confirmed", "partly_received", "closed"),
    *("rejected", "expired", "cancelled"),
)
_COLUMNS = """p.decision_id, p.item_id, i.title, i.category, p.location_id, p.supplier_id, p.cycle,
    p.model, p.quantity, p.proposed_quantity, p.edited_by, p.edit_reason, p.state,
    p.operator, p.reason, p.state_us, p.purchase_order_id, p.received, p.promised_us,
    p.unit_cost_minor, p.value_minor, p.order_by, p.expected_receipt, p.p_stockout_now,
    p.p_stockout_after, p.cost_of_nothing_minor, p.advice,
    p.abc, p.xyz, p.value, p.reasons, p.occurred_us"""
_FROM = "FROM proposals AS p LEFT JOIN items AS i ON p.item_id = i.item_id"
_WHERE = """
WHERE (len($states) = 0 OR p.state IN (SELECT unnest(CAST($states AS VARCHAR[]))))
    AND ($supplier = '' OR p.supplier_id = $supplier)
    AND ($cycle = '' OR p.cycle = $cycle)
    AND ($item = '' OR p.item_id = $item)
    AND p.p_stockout_now >= $urgency
    AND ($text = '' OR contains(lower(coalesce(i.title, '')), lower($text))
        OR contains(lower(p.item_id), lower($text)))
"""
ORDERS = {
    "urgency": "p.p_stockout_now DESC, p.cost_of_nothing_minor DESC",
    "value": "p.value_minor DESC",
    "cost_of_nothing": "p.cost_of_nothing_minor DESC",
    "order_by": "p.order_by",
    "supplier": "p.supplier_id, p.p_stockout_now DESC",
}


def listed(
    warehouse: Any,
    *,
    states: Sequence[str] = OPEN,
    supplier: str = "",
    cycle: str = "",
    item: str = "",
    urgency: float = 0.0,
    text: str = "",
    order: str = "urgency",
    offset: int = 0,
    limit: int = 100,
) -> list[dict[str, Any]]:
    """Return proposals that fit the filters; ``urgency``: least chance of running out now."""
    given = _given(states, supplier, cycle, item, urgency, text)
    query = (
        f"SELECT {_COLUMNS} {_FROM} {_WHERE} ORDER BY {ORDERS[order]}, p.item_id, p.decision_id"
        f" LIMIT {int(limit)} OFFSET {int(offset)}"
    )
    found: list[dict[str, Any]] = warehouse.sql(query, given).to_pylist()
    return found


def ids(
    warehouse: Any,
    *,
    states: Sequence[str] = OPEN,
    supplier: str = "",
    cycle: str = "",
    urgency: float = 0.0,
    text: str = "",
    limit: int = 2000,
) -> list[str]:
    """Return the ids of the proposals that fit the filters, the most urgent first."""
    query = (
        f"SELECT p.decision_id {_FROM} {_WHERE} ORDER BY {ORDERS['urgency']}, p.decision_id"
        f" LIMIT {int(limit)}"
    )
    given = _given(states, supplier, cycle, "", urgency, text)
    return [row["decision_id"] for row in warehouse.sql(query, given).to_pylist()]


def totals(
    warehouse: Any,
    *,
    by: str = "supplier_id",
    states: Sequence[str] = OPEN,
    supplier: str = "",
    cycle: str = "",
    urgency: float = 0.0,
    text: str = "",
) -> list[dict[str, Any]]:
    """Return count, value and cost of doing nothing per group, dearest first.

    ``by``: supplier_id, state, abc or urgency (high from 50 %, middle from 20 %).
    """
    groups = {
        "supplier_id": "p.supplier_id",
        "state": "p.state",
        "abc": "p.abc",
        "urgency": "CASE WHEN p.p_stockout_now >= 0.5 THEN 'high'"
        " WHEN p.p_stockout_now >= 0.2 THEN 'middle' ELSE 'low' END",
    }
    found: list[dict[str, Any]] = warehouse.sql(
        f"""SELECT {groups[by]} AS name, count(*) AS n,
            CAST(sum(p.value_minor) AS BIGINT) AS value_minor,
            CAST(sum(p.cost_of_nothing_minor) AS BIGINT) AS cost_of_nothing_minor,
            max(p.p_stockout_now) AS p_stockout_now
        {_FROM} {_WHERE} GROUP BY {groups[by]} ORDER BY value_minor DESC, name""",
        _given(states, supplier, cycle, "", urgency, text),
    ).to_pylist()
    return found


def by_ids(warehouse: Any, decision_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return the proposals of these ids, in their order, as they stand now."""
    warehouse.refresh()
    found = warehouse.sql(
        f"SELECT {_COLUMNS} {_FROM}"
        " WHERE p.decision_id IN (SELECT unnest(CAST($ids AS VARCHAR[])))",
        {"ids": list(decision_ids)},
    ).to_pylist()
    place = {name: at for at, name in enumerate(decision_ids)}
    return sorted(found, key=lambda row: place[row["decision_id"]])


def pending(warehouse: Any) -> list[dict[str, Any]]:
    """Return what is proposed or approved and not sent: its key, cycle, state and quantity."""
    found: list[dict[str, Any]] = warehouse.sql(
        """SELECT decision_id, item_id, location_id, supplier_id, cycle, state, quantity
        FROM proposals WHERE state IN ('proposed', 'approved') ORDER BY decision_id"""
    ).to_pylist()
    return found


def of_cycle(warehouse: Any, cycle: str) -> list[tuple[str, str]]:
    """Return (item, location) of everything proposed in a cycle, whatever became of it."""
    found = warehouse.sql(
        "SELECT DISTINCT item_id, location_id FROM proposals_made WHERE cycle = $cycle",
        {"cycle": cycle},
    ).to_pylist()
    return [(row["item_id"], row["location_id"]) for row in found]


def cycles(warehouse: Any) -> list[dict[str, Any]]:
    """Return the review cycles, newest first, with what became of their proposals."""
    found: list[dict[str, Any]] = warehouse.sql(
        """SELECT cycle, count(*) AS n, CAST(sum(value_minor) AS BIGINT) AS value_minor,
            count(*) FILTER (WHERE state = 'proposed') AS proposed,
            count(*) FILTER (WHERE state = 'approved') AS approved,
            count(*) FILTER (WHERE quantity <> proposed_quantity) AS edited,
            max(occurred_us) AS made_us
        FROM proposals GROUP BY cycle ORDER BY cycle DESC LIMIT 60"""
    ).to_pylist()
    return found


def purchase_order(warehouse: Any, purchase_order_id: str) -> list[dict[str, Any]]:
    """Return the lines of one purchase order with what arrived of each."""
    warehouse.refresh()
    found: list[dict[str, Any]] = warehouse.sql(
        """SELECT o.*, i.title
        FROM purchase_orders AS o LEFT JOIN items AS i ON o.item_id = i.item_id
        WHERE o.purchase_order_id = $id ORDER BY o.item_id""",
        {"id": purchase_order_id},
    ).to_pylist()
    return found


def rule_text(warehouse: Any, rule_id: str) -> str | None:
    """Return the text of an inventory rule that is active, None where there is none."""
    found = warehouse.sql(
        "SELECT text FROM rules WHERE capability = 'inventory' AND rule_id = $rule"
        " AND status = 'active'",
        {"rule": rule_id},
    ).to_pylist()
    return found[0]["text"] if found else None


def _given(
    states: Sequence[str], supplier: str, cycle: str, item: str, urgency: float, text: str
) -> dict[str, Any]:
    return {
        "states": list(states),
        "supplier": supplier,
        "cycle": cycle,
        "item": item,
        "urgency": urgency,
        "text": text,
    }
