"""How fraud does: approval rate, precision on matured labels, calibration, money, each rule.

Truth arrives late: a payment counts where somebody labelled it, or where it is older than
MATURE_DAYS and nobody took it back. Precision of what was stopped counts labelled ones only,
because what a blocked payment would have become is seen only in the random slice.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from shopkeeper.base.clock import DAY_US
from shopkeeper.data import fraud_reports, fraud_rivals
from shopkeeper.fraud import metrics
from shopkeeper.fraud.models import calibration
from shopkeeper.fraud.rules_backtest import MATURE_DAYS, wilson

STOPPED = ("review", "block")
FRAUD = ("fraud", "first_party")


def report(shop: Any, now_us: int, days: int = 30) -> dict[str, Any]:
    """Return the figures of the last days; shares from 0 to 1, None where nothing is known."""
    warehouse, since_us = shop.warehouse, now_us - days * DAY_US
    daily = fraud_reports.by_day(warehouse, since_us)
    decided = fraud_reports.decisions_with_truth(warehouse, since_us)
    bins = fraud_reports.calibration(
        warehouse, now_us - (days + MATURE_DAYS + 60) * DAY_US, now_us - MATURE_DAYS * DAY_US
    )
    whole = sum(row["n"] for row in bins)
    error = sum(row["n"] * abs(row["probability"] - row["observed"]) for row in bins)
    total = sum(row["n"] for row in daily)
    approved = sum(row["n"] for row in daily if row["outcome"] == "approve")
    known = [d for d in decided if d["outcome"] in STOPPED and d["class"] is not None]
    frauds = sum(d["class"] in FRAUD for d in known)
    return {
        "days": days,
        "decisions": total,
        "approval_rate": approved / total if total else None,
        "stopped_known": len(known),
        "precision": frauds / len(known) if known else None,
        "precision_interval": wilson(frauds, len(known)) if known else None,
        "fraud_caught_minor": _money(decided, stopped=True),
        "fraud_missed_minor": _money(decided, stopped=False),
        "expected_saved_minor": round(sum(row["saved_minor"] for row in daily)),
        "calibration": bins,
        "calibration_error": error / whole if whole else None,
        "by_day": daily,
        "rules": _rules(decided),
        "outcomes": dict(Counter(d["outcome"] for d in decided)),
        "challenger": rival(shop, now_us, days),
        "shadow": rival(shop, now_us, days, role="shadow"),
        "arms": fraud_rivals.arms(warehouse, since_us),
    }


def rival(
    shop: Any, now_us: int, days: int = 30, *, role: str = "challenger"
) -> dict[str, Any] | None:
    """Return how the last challenger or shadow compares with the champion; None: none ran along.

    Truth as in ``report``. Payments that were stopped count only where somebody labelled them, so
    both models are judged on the same rows, and the champion's stops hide frauds from both.
    """
    since_us = now_us - days * DAY_US
    version = fraud_rivals.latest_rival(shop.warehouse, since_us, role)
    if version is None:
        return None
    rows = fraud_rivals.beside(shop.warehouse, since_us, version, role)
    known = [
        r
        for r in rows
        if r["class"] is not None
        or (r["outcome"] not in STOPPED and r["occurred_us"] <= now_us - MATURE_DAYS * DAY_US)
    ]
    label = np.array([r["class"] in FRAUD for r in known], dtype=np.int64)
    sides = {}
    for side, score, outcome in (
        ("champion", "probability", "outcome"),
        (role, "rival_probability", "rival_outcome"),
    ):
        said = np.array([r[score] if r[score] is not None else 0.0 for r in known])
        stopped = np.array([r[outcome] in STOPPED for r in known], dtype=bool)
        both = 0 < label.sum() < len(label)
        sides[side] = {
            "approval_rate": _share([r[outcome] == "approve" for r in rows]),
            "mean_probability": _share([r[score] for r in rows if r[score] is not None]),
            "auc_roc": metrics.auc_roc(label, said) if both else None,
            "average_precision": metrics.average_precision(label, said) if both else None,
            "calibration_error": calibration.error(said, label) if len(known) else None,
            "frauds_stopped": int((label * stopped).sum()),
            "good_stopped": int(((1 - label) * stopped).sum()),
        }
    return {
        "model": version,
        "role": role,
        "champion_model": rows[0]["model"] if rows else None,
        "days": days,
        "decisions": len(rows),
        "known": len(known),
        "frauds": int(label.sum()),
        "agree": _share([r["outcome"] == r["rival_outcome"] for r in rows]),
        **sides,
    }


def _share(values: list[Any]) -> float | None:
    return sum(values) / len(values) if values else None


def _money(decided: list[dict[str, Any]], *, stopped: bool) -> int:
    return sum(
        d["amount_minor"] or 0
        for d in decided
        if d["class"] in FRAUD and (d["outcome"] in STOPPED) == stopped
    )


def _rules(decided: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return hits, labelled hits and precision per rule, live and shadow."""
    hits: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for one in decided:
        for mode, field in (("live", "rules"), ("shadow", "shadow")):
            for rule_id in one[field] or ():
                hits.setdefault((rule_id, mode), []).append(one)
    found = []
    for (rule_id, mode), rows in hits.items():
        known = [r for r in rows if r["class"] is not None]
        frauds = sum(r["class"] in FRAUD for r in known)
        found.append(
            {
                "rule_id": rule_id,
                "mode": mode,
                "hits": len(rows),
                "known": len(known),
                "precision": frauds / len(known) if known else None,
                "money_minor": sum(r["amount_minor"] or 0 for r in rows),
            }
        )
    return sorted(found, key=lambda one: (-one["hits"], one["rule_id"]))
