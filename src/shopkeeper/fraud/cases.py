"""The analyst's queue: which case next, until when, held by whom, and what a decision means.

Cases come in the order of the loss that one minute of work saves on average. Every tenth place
goes to a case of the random slice (approved payments drawn by chance), so that labels are not
only of what the model suspected. A lock lasts half an hour; who locked last works on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shopkeeper.base.errors import BadInput, Conflict
from shopkeeper.fraud.costs import Costs

HOUR_US = 3_600_000_000
LOCK_US = HOUR_US // 2
EVERY = 10  # one place in so many is the random slice's
# code -> (what happens to the order, the label that learners get)
CODES: dict[str, tuple[str, str]] = {
    "stolen_card": ("cancelled", "fraud"),
    "card_testing": ("cancelled", "fraud"),
    "account_takeover": ("cancelled", "account_takeover"),
    "refund_abuse": ("cancelled", "refund_abuse"),
    "first_party": ("cancelled", "first_party"),
    "ring": ("cancelled", "fraud"),
    "known_customer": ("released", "legit"),
    "verified": ("released", "legit"),
    "low_risk": ("released", "legit"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What an analyst decided: the order's fate and the label that follows from the code."""

    code: str
    order: str  # released or cancelled
    label: str


def verdict(code: Any) -> Verdict:
    """Return what a decision code means; BadInput names the codes there are.

    >>> verdict("stolen_card").order
    'cancelled'
    """
    if not isinstance(code, str) or code not in CODES:
        raise BadInput(
            f"code must be one of the decision codes, but is {code!r}."[:300],
            hint="docs/how-to/review-fraud.md says what each means.",
            field="code",
            value=code,
            allowed=", ".join(CODES),
        )
    order, label = CODES[code]
    return Verdict(code=code, order=order, label=label)


def ranked(cases: Iterable[Mapping[str, Any]], costs: Costs, now_us: int) -> list[dict[str, Any]]:
    """Return open cases in the order of work, with what they save and until when.

    Parameters
    ----------
    cases
        Rows of ``fraud_cases`` in state held or audit.

    Returns
    -------
    list
        The rows plus saved_per_minute_minor, due_us, overdue, locked (by whom, None if free).
    """
    minutes = max(costs.review_minutes, 0.1)
    held: list[dict[str, Any]] = []
    slice_: list[dict[str, Any]] = []
    for case in cases:
        due_us = case["occurred_us"] + int(costs.sla_hours * HOUR_US)
        told = {
            **case,
            "saved_per_minute_minor": round((case["saved_minor"] or 0.0) / minutes, 2),
            "due_us": due_us,
            "overdue": case["state"] == "held" and now_us > due_us,
            "locked": lock_of(case, now_us),
        }
        (held if case["state"] == "held" else slice_).append(told)
    held.sort(key=lambda c: (-c["saved_per_minute_minor"], c["occurred_us"], c["decision_id"]))
    slice_.sort(key=lambda c: (c["occurred_us"], c["decision_id"]))
    return _interleaved(held, slice_)


def lock_of(case: Mapping[str, Any], now_us: int) -> str | None:
    """Return who works on a case just now, None when it is free."""
    at_us = case.get("locked_us")
    if not case.get("locked_by") or at_us is None or now_us - at_us > LOCK_US:
        return None
    return str(case["locked_by"])


def need_open(case: Mapping[str, Any], operator: str, now_us: int) -> None:
    """Raise Conflict unless this operator may decide the case now."""
    if case["state"] not in ("held", "audit", "closed"):
        raise Conflict(
            f"The case was {case['state']} by {case['decided_by']} before.",
            hint="Reload the queue.",
            field="decision_id",
            value=case["decision_id"],
            code="already_decided",
        )
    holder = lock_of(case, now_us)
    if holder is not None and holder != operator:
        raise Conflict(
            f"{holder} is working on this case.",
            hint="Take another; a lock ends after 30 minutes.",
            field="decision_id",
            value=case["decision_id"],
            code="locked",
        )


def ring_of(case: Mapping[str, Any], others: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the decision ids of open cases that share a member of this case's ring."""
    mine = set(case.get("ring") or ())
    if not mine:
        return [case["decision_id"]]
    found = [one["decision_id"] for one in others if mine & set(one.get("ring") or ())]
    return sorted({case["decision_id"], *found})


def _interleaved(held: list[dict[str, Any]], slice_: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    waiting = iter(slice_)
    for case in held:
        if len(found) % EVERY == EVERY - 1 and (drawn := next(waiting, None)) is not None:
            found.append(drawn)
        found.append(case)
    return [*found, *waiting]
