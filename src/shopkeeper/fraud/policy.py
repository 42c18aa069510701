"""What happens to a payment: lists, then rules, then the least expected cost.

In this order, the first that speaks counts:

1. an entry of the block list blocks; an entry of the allow list approves;
2. a live rule that says ``approve`` approves; any other rule that hits is a floor:
   the outcome is at least as severe as the rule's (approve < challenge < review < block);
3. otherwise the outcome with the least expected cost (costs.py). While the model is not
   calibrated (too few known frauds), it may hold a payment but not block one by itself.

A small random share of what cost alone would block is approved, so that the truth about it can
be known; the propensity is logged, single amounts and the loss of 30 days are capped. Reads the
Request, Features and Prediction; what people set comes in ``features.controls``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from shopkeeper.fraud import reasons
from shopkeeper.fraud.controls import Controls
from shopkeeper.fraud.costs import Stakes, block_above, expected, saved_by_review, stakes
from shopkeeper.fraud.lists import Entry
from shopkeeper.fraud.registry import REGISTRY
from shopkeeper.fraud.rules import OUTCOMES, SEVERITY, Hits, severer
from shopkeeper.fraud.rules_row import NAMES, identifiers, recorded_features, row_of
from shopkeeper.fraud.schema import Features, Prediction, Request
from shopkeeper.learn.contracts import Choice, Reason

GROUP_OF = {name: feature.group for name, feature in REGISTRY.items()}
_DAYS_OF_VALUE = 365 / 30
_COUNT, _MEAN = "customer_count_30d", "customer_mean_30d"
# Where the record holds what a rival would have said; ``shadow`` there names the shadow rules.
BESIDE = {"challenger": "challenger", "shadow": "shadow_model"}


def choose(request: Request, features: Features, prediction: Prediction) -> Choice:
    """Return what happens to a request, with what decided it first among the reasons."""
    controls: Controls = features.controls or _bare()
    at_us, probability = features.as_of_us, float(prediction.probability[0])
    entry = controls.lists.look_up(identifiers(request), at_us) if controls.lists.any() else None
    reads = controls.book.reads
    hits = controls.book.apply(row_of(request, features, reads), at_us) if reads else Hits()
    at_stake = stakes(
        controls.costs, request.amount_minor, _yearly_value(features), kind=request.kind
    )
    costs = expected(controls.costs, probability, at_stake, desk_used=controls.desk_used(at_us))
    outcome, first = _decided(entry, hits, costs, calibrated=prediction.calibrated)
    explored_loss, propensity, audited = 0.0, None, False
    if first.code == "least_cost":
        if outcome == "block":
            propensity, explored = _explored(controls, request, costs["approve"], at_us)
            if explored:
                outcome, explored_loss = "approve", costs["approve"]
                first = Reason(code="explored", facts={"outcome": "approve"})
        elif outcome == "approve":
            audited = bool(controls.draws.random() < controls.costs.audit_share)
    controls.note(outcome, at_us, explored_loss)
    why = _why(features, prediction) if outcome != "approve" or explored_loss else ()
    return Choice(
        subject=request.subject,
        value={
            "outcome": outcome,
            "kind": request.kind,
            "payment_id": request.payment_id,
            "order_id": request.order_id,
            "amount_minor": request.amount_minor,
            "currency": request.currency,
            "probability": round(probability, 6),
            "calibrated": prediction.calibrated,
            "rarity": round(float(prediction.rarity[0]), 6),
            "block_above": round(block_above(controls.costs, at_stake), 6),
            "costs_minor": {k: None if math.isinf(v) else round(v, 2) for k, v in costs.items()},
            "cost_minor": None if math.isinf(costs[outcome]) else round(costs[outcome], 2),
            "saved_minor": round(_saved(controls, probability, at_stake, outcome), 2),
            "rule": hits.counts.rule_id if hits.counts else None,
            "rules": list(hits.live),
            "shadow": list(hits.shadow),
            "list": entry.entry_id if entry else None,
            "explored_loss_minor": round(explored_loss, 2),
            "audited": audited,
            "ring": list(features.ring),
            "features": recorded_features(features),
        },
        reasons=(first, *why),
        propensity=propensity,
    )


def beside(
    request: Request,
    features: Features,
    choice: Choice,
    version: str,
    prediction: Prediction,
    role: str,
) -> Choice:
    """Return a choice with what a challenger or shadow would have chosen by cost alone on it."""
    controls: Controls = features.controls or _bare()
    probability = float(prediction.probability[0])
    at_stake = stakes(
        controls.costs, request.amount_minor, _yearly_value(features), kind=request.kind
    )
    used = controls.desk_used(features.as_of_us)
    costs = expected(controls.costs, probability, at_stake, desk_used=used)
    options = OUTCOMES if prediction.calibrated else OUTCOMES[:-1]
    said = {
        "model": version,
        "probability": round(probability, 6),
        "outcome": min(options, key=costs.__getitem__),
    }
    return replace(choice, value={**choice.value, BESIDE[role]: said})


def default(request: Request, settings: Any) -> Choice:
    """Return the shop's default for a request that nothing could score; it is never lost."""
    outcome = settings.fraud_on_failure
    if outcome not in OUTCOMES:
        outcome = "review"
    return Choice(
        subject=request.subject,
        value={
            "outcome": outcome,
            "kind": request.kind,
            "payment_id": request.payment_id,
            "order_id": request.order_id,
            "amount_minor": request.amount_minor,
            "currency": request.currency,
            "probability": None,
            "features": {},
        },
        reasons=(Reason(code="failure_default", facts={"outcome": outcome}),),
    )


def _decided(
    entry: Entry | None, hits: Hits, costs: Mapping[str, float], *, calibrated: bool
) -> tuple[str, Reason]:
    """Return the outcome before chance, and the reason that names what decided."""
    if entry is not None:
        outcome = "block" if entry.list_name == "block" else "approve"
        facts = {"kind": entry.kind, "entry_id": entry.entry_id, "outcome": outcome}
        return outcome, Reason(code=f"list_{entry.list_name}", facts=facts)
    options = OUTCOMES if calibrated else OUTCOMES[:-1]
    # At equal costs the milder outcome: OUTCOMES runs from mild to severe.
    cheapest = min(options, key=costs.__getitem__)
    rule = hits.counts
    if rule is not None:
        outcome = rule.outcome if rule.outcome == "approve" else severer(cheapest, rule.outcome)
        if rule.outcome == "approve" or SEVERITY[rule.outcome] >= SEVERITY[cheapest]:
            facts = {"rule_id": rule.rule_id, "why": rule.why, "outcome": outcome}
            return outcome, Reason(code="rule", facts=facts)
    cost = round(costs[cheapest], 2)
    return cheapest, Reason(code="least_cost", facts={"outcome": cheapest, "cost_minor": cost})


def _explored(
    controls: Controls, request: Request, loss: float, at_us: int
) -> tuple[float | None, bool]:
    """Draw whether a payment that would be blocked is approved; the propensity of what came."""
    costs = controls.costs
    share = costs.explore_share
    small = request.kind == "payment" and request.amount_minor <= costs.explore_largest_minor
    if share <= 0 or not small or loss > controls.explore_left(at_us):
        return None, False
    explored = bool(controls.draws.random() < share)
    return (share if explored else 1 - share), explored


def _saved(controls: Controls, probability: float, at_stake: Stakes, outcome: str) -> float:
    held = "block" if outcome == "block" else "approve"
    return saved_by_review(controls.costs, probability, at_stake, held=held)


def _why(features: Features, prediction: Prediction) -> tuple[Reason, ...]:
    """Return the model's reasons; contributions cost more than the score, so only when asked."""
    told = prediction
    if not len(told.contributions) and callable(told.because):
        told = told.because()
    strongest = {}
    if len(told.contributions):
        strongest = reasons.strongest_of(
            told.names, told.contributions[: len(told.names)].tolist(), features, GROUP_OF
        )
    found = reasons.from_groups(told.groups, strongest)
    rare = reasons.rarity(float(prediction.rarity[0]))
    return (*found, rare) if rare else found


def _yearly_value(features: Features) -> float:
    """Return what the customer is worth in a year, minor units, from the last 30 days."""
    row, values = features.row, features.values
    if _COUNT not in row or _MEAN not in row:
        return 0.0
    count, mean = values.item(row[_COUNT]), values.item(row[_MEAN])
    value = (count - 1) * mean * _DAYS_OF_VALUE  # without this payment itself
    return max(0.0, value) if value == value else 0.0


def _bare() -> Controls:
    """Return controls without rules, lists or chance, for features that carry none."""
    return Controls(names=NAMES, draws=np.random.default_rng(0))
