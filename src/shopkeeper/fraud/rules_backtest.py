"""What a rule would have done: hits, precision on matured labels, money touched, overlap.

Runs one expression over the features that decisions recorded at the time, so a back-test sees
exactly what the rule would have seen. A payment counts as mature when somebody labelled it, or
when it went through, is older than ``mature_days``, and nobody took it back. What was stopped can
bring no chargeback, so its age says nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from math import sqrt
from typing import Any

from shopkeeper.base.clock import DAY_US
from shopkeeper.fraud.rules_language import Expression
from shopkeeper.fraud.rules_row import recorded_row

DAYS = 30
MATURE_DAYS = 21
MOST_SHOWN = 20
_Z = 1.959964


@dataclass(slots=True, kw_only=True)
class BackTest:
    """Counts of one back-test. Money in minor units, shares from 0 to 1, None where unknown."""

    decisions: int = 0
    hits: int = 0
    hit_share: float | None = None
    new_hits: int = 0  # payments that were approved
    mature: int = 0
    frauds: int = 0
    precision: float | None = None
    precision_interval: tuple[float, float] | None = None
    recall: float | None = None
    base_rate: float | None = None  # share of fraud among all mature decisions
    money_minor: int = 0
    fraud_money_minor: int = 0
    good_money_minor: int = 0
    by_outcome: dict[str, int] = field(default_factory=dict)
    overlap: dict[str, int] = field(default_factory=dict)  # other rule -> hits of both
    by_day: list[tuple[int, int]] = field(default_factory=list)  # (day in microseconds, hits)
    examples: list[str] = field(default_factory=list)  # decision ids, the latest first

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def back_test(
    expression: Expression,
    decisions: Iterable[Mapping[str, Any]],
    now_us: int,
    *,
    mature_days: int = MATURE_DAYS,
) -> BackTest:
    """Return what an expression does on recorded decisions.

    Parameters
    ----------
    decisions
        decision_id, occurred_us, outcome, amount_minor, features, request (plain objects),
        rules (ids that hit), class (of payment_truth, None when nobody labelled it).
    """
    told = BackTest()
    days: Counter[int] = Counter()
    shared: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    mature_all = frauds_all = 0
    for row in decisions:
        told.decisions += 1
        known = row["class"]
        old = now_us - row["occurred_us"] >= mature_days * DAY_US
        mature = known is not None or (old and row["outcome"] in ("approve", "challenge"))
        fraud = known in ("fraud", "first_party")
        mature_all += mature
        frauds_all += fraud
        if not expression.hits(recorded_row(row["request"] or {}, row["features"] or {})):
            continue
        amount = row["amount_minor"] or 0
        told.hits += 1
        told.new_hits += row["outcome"] == "approve"
        told.money_minor += amount
        told.mature += mature
        told.frauds += fraud
        told.fraud_money_minor += amount if fraud else 0
        told.good_money_minor += amount if mature and not fraud else 0
        outcomes[row["outcome"]] += 1
        shared.update(row["rules"] or ())
        days[row["occurred_us"] // DAY_US * DAY_US] += 1
        if len(told.examples) < MOST_SHOWN:
            told.examples.append(row["decision_id"])
    told.hit_share = _share(told.hits, told.decisions)
    told.precision = _share(told.frauds, told.mature)
    told.precision_interval = wilson(told.frauds, told.mature) if told.mature else None
    told.recall = _share(told.frauds, frauds_all)
    told.base_rate = _share(frauds_all, mature_all)
    told.by_outcome, told.overlap = dict(outcomes), dict(shared.most_common(20))
    told.by_day = sorted(days.items())
    return told


def wilson(good: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share.

    Source: Wilson (1927), Probable inference, the law of succession, and statistical inference.

    >>> [round(v, 3) for v in wilson(8, 10)]
    [0.49, 0.943]
    """
    share, z2 = good / n, _Z * _Z
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z * sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(0.0, centre - half), min(1.0, centre + half)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
