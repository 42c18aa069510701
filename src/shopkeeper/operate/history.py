"""Decisions and outcomes on the record: one by its id, read from the tables."""

from __future__ import annotations

import json
from typing import Any

import pyarrow.compute as pc

from shopkeeper.base import clock

_JSON = ("value", "reasons", "request")


def find_decision(warehouse: Any, decision_id: str) -> dict[str, Any] | None:
    """Return a recorded decision as plain values, None if the log has no such id."""
    warehouse.refresh()
    rows = _of(warehouse, "decisions", decision_id)
    if not rows:
        return None
    found = rows[0]
    decision = {
        "decision_id": decision_id,
        "capability": found["capability"],
        "subject": found["subject"],
        "as_of_us": found["occurred_us"],
        "model": found["model"],
        "fallback": bool(found["fallback"]),
        "fallback_reason": found["fallback_reason"],
        "arm": found["arm"],
        "propensity": found["propensity"],
        "latency_ms": found["latency_ms"],
    }
    return decision | {name: json.loads(found[name] or "null") for name in _JSON}


def find_outcomes(warehouse: Any, decision_id: str) -> list[dict[str, Any]]:
    """Return what came of a decision so far, oldest first."""
    rows = sorted(_of(warehouse, "outcomes", decision_id), key=lambda row: row["occurred_us"])
    return [
        {
            "label": row["label"],
            "at": clock.iso(row["occurred_us"]),
            "item_id": row["item_id"],
            "order_id": row["order_id"],
            "value_minor": row["value_minor"],
        }
        for row in rows
    ]


def _of(warehouse: Any, table: str, decision_id: str) -> list[dict[str, Any]]:
    rows = warehouse.table(table)
    found: list[dict[str, Any]] = rows.filter(pc.field("decision_id") == decision_id).to_pylist()
    return found
