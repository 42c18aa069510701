"""What an analyst sees of one case: why, the customer's normal, who shares what, what was similar.

Everything is read from the tables; identifiers are the first digits of their keyed hashes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from shopkeeper.base import clock
from shopkeeper.data import fraud_reports
from shopkeeper.fraud.cases import lock_of
from shopkeeper.fraud.reasons import sentence
from shopkeeper.fraud.registry import REGISTRY

MOST_VALUES = 14
MOST_SIMILAR = 5
SIMILAR_DAYS = 90
SIMILAR_ROWS = 3000
# column of ``payments`` -> the kind of node that it makes
KEYED = {
    "card_key": "card",
    "device_key": "device",
    "ip_key": "ip",
    "email_key": "email",
    "phone_key": "phone",
    "address_key": "address",
}
_WINDOW = re.compile(r"\d+[mhd]")  # of a feature's name, "30d"
MOST_DEGREE = 25  # a node that so many customers share (an office's address) draws no more edges


def whole(shop: Any, decision_id: str) -> dict[str, Any]:
    """Return all that the case page shows; NotFound for an unknown decision or payment."""
    warehouse = shop.warehouse
    warehouse.refresh()
    case = fraud_reports.find_case(warehouse, decision_id)
    case["locked"] = lock_of(case, clock.now_us())
    return {
        "case": case,
        "why": why(case),
        "values": against_normal(case, fraud_reports.customer_normal(warehouse, case)),
        "timeline": fraud_reports.timeline(warehouse, case),
        "graph": graph(case, fraud_reports.neighbours(warehouse, case)),
        "similar": similar(
            case,
            fraud_reports.decisions_with_truth(
                warehouse, case["occurred_us"] - SIMILAR_DAYS * clock.DAY_US, SIMILAR_ROWS
            ),
        ),
    }


def why(case: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the reasons with their sentences in both languages."""
    return [
        {
            "code": one["code"],
            "facts": one["facts"],
            "share": one["share"],
            "text": sentence(one["code"], one["facts"], "en"),
            "text_zh": sentence(one["code"], one["facts"], "zh"),
        }
        for one in case["reasons"] or []
    ]


def against_normal(
    case: Mapping[str, Any], history: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return the feature values that stand out most from the customer's approved payments.

    ``usual`` is the median and ``ratio`` value over usual; without a history the largest counts
    and rates come first.
    """
    values = case["features"] or {}
    named = {one["facts"].get("feature") for one in case["reasons"] or []}
    found = []
    for name, value in values.items():
        if value is None or name not in REGISTRY:
            continue
        before = [h["features"].get(name, 0.0) for h in history]
        known = [b for b in before if b is not None]
        usual = median(known) if known else None
        found.append(
            {
                "name": name,
                "kind": REGISTRY[name].kind,
                "group": REGISTRY[name].group,
                "says": REGISTRY[name].says,
                "value": value,
                "usual": usual,
                "ratio": value / usual if usual else None,
                "named": name in named,
            }
        )
    found.sort(key=lambda one: (not one["named"], _unlikely(one), -_strangeness(one), one["name"]))
    return _each_once(found)[:MOST_VALUES]


def graph(case: Mapping[str, Any], payments: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return who shares what as nodes and edges.

    Nodes: id, kind (customer or an identifier), label, mine, frauds. A node that only one customer
    and one payment touch is drawn for the case's own customer only.
    """
    nodes: dict[str, dict[str, Any]] = {}
    edges: set[tuple[str, str]] = set()

    def node(kind: str, key: str, *, mine: bool, fraud: bool) -> str:
        name = f"{kind}:{key}"
        label = key if kind == "customer" else f"{kind} {key[:6]}"
        one = nodes.setdefault(
            name, {"id": name, "kind": kind, "label": label[:24], "mine": False, "frauds": 0}
        )
        one["mine"] = one["mine"] or mine
        one["frauds"] += fraud
        return name

    for payment in payments:
        mine = payment["payment_id"] == case["payment_id"]
        fraud = payment["class"] in ("fraud", "first_party")
        who = payment["customer_id"] or f"guest {payment['payment_id'][-6:]}"
        customer = node("customer", who, mine=mine, fraud=fraud)
        for column, kind in KEYED.items():
            key = payment[column]
            if key:
                edges.add((customer, node(kind, key, mine=mine, fraud=fraud)))
    degree: dict[str, int] = {}
    for a, b in edges:
        degree[a], degree[b] = degree.get(a, 0) + 1, degree.get(b, 0) + 1
    kept = {
        name
        for name, one in nodes.items()
        if one["kind"] == "customer" or one["mine"] or 1 < degree.get(name, 0) <= MOST_DEGREE
    }
    return {
        "nodes": [one for name, one in nodes.items() if name in kept],
        "edges": [list(edge) for edge in sorted(edges) if edge[0] in kept and edge[1] in kept],
    }


def similar(case: Mapping[str, Any], others: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the labelled payments whose features are nearest, with what they turned out to be.

    Distance: mean over features of |difference| of log(1 + |value|), which puts counts, money and
    seconds on one footing.
    """
    mine = _logs(case["features"] or {})
    found = []
    for one in others:
        if one["class"] is None or one["decision_id"] == case["decision_id"]:
            continue
        theirs = _logs(one["features"] or {})
        names = mine.keys() | theirs.keys()
        if not names:
            continue
        far = sum(abs(mine.get(n, 0.0) - theirs.get(n, 0.0)) for n in names) / len(names)
        found.append((far, one))
    found.sort(key=lambda pair: (pair[0], pair[1]["decision_id"]))
    return [
        {
            "decision_id": one["decision_id"],
            "payment_id": one["payment_id"],
            "occurred_us": one["occurred_us"],
            "amount_minor": one["amount_minor"],
            "outcome": one["outcome"],
            "class": one["class"],
            "distance": round(far, 3),
        }
        for far, one in found[:MOST_SIMILAR]
    ]


def _unlikely(one: Mapping[str, Any]) -> bool:
    """Say whether a value tells little by itself: sums and times are large for everybody."""
    return one["usual"] is None and one["kind"] in ("money", "seconds", "number")


def _each_once(values: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the values without the same thing over another window, zeros without a usual last."""
    seen: set[tuple[str, ...]] = set()
    kept: list[dict[str, Any]] = []
    idle: list[dict[str, Any]] = []
    for one in values:
        thing = tuple(part for part in one["name"].split("_") if not _WINDOW.fullmatch(part))
        if thing in seen and not one["named"]:
            continue
        seen.add(thing)
        (idle if one["usual"] is None and not one["value"] and not one["named"] else kept).append(
            one
        )
    return kept + idle


def _logs(features: Mapping[str, float | None]) -> dict[str, float]:
    return {n: math.log1p(abs(v)) for n, v in features.items() if v is not None and n in REGISTRY}


def _strangeness(one: Mapping[str, Any]) -> float:
    usual = abs(one["usual"]) if one["usual"] is not None else 0.0
    return abs(math.log1p(abs(one["value"])) - math.log1p(usual))
