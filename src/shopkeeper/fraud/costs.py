"""What each outcome costs a shop on average, given the probability of fraud: plain arithmetic.

All money is in minor units of the shop's currency. With p the probability of fraud, A the amount,
r the share that comes back (goods returned, representment won):

    approve    p · (A · (1 − r) + fee)
    block      (1 − p) · (margin + insult)
    challenge  price + (1 − p) · dropoff · (margin + insult) + p · (1 − stops) · (A · (1 − r) + fee)
    review     handling + queue price + (1 − p) · mistakes · (margin + insult)
               + p · (1 − catches) · (A · (1 − r) + fee)

The insult of turning a good customer away is a fixed sum plus the share of the customer's yearly
value that leaves with it. The queue price makes an hour of a full desk dearer than one of an
empty desk: handling · u / (1 − u) at a used share u of the day's capacity, the waiting price of a
queue with random arrivals; at u = 1 there is no review to be had.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from shopkeeper.base.errors import BadInput

_SHARES = (
    *("recovery_share", "margin_share", "challenge_dropoff", "challenge_stops", "churn_share"),
    *("review_catches", "review_mistakes", "explore_share"),
    "audit_share",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """The shop's own numbers; money in minor units, shares from 0 to 1."""

    recovery_share: float = 0.0  # of the amount, that comes back after a fraud
    chargeback_fee_minor: int = 1500
    margin_share: float = 0.25  # of the amount, lost with a good sale that is blocked
    margin_minor: int | None = None  # the same as a fixed sum; wins over the share
    insult_minor: int = 500  # goodwill lost with a good customer who is turned away
    churn_share: float = 0.02  # of the customer's value of a year, lost likewise
    challenge_minor: int = 10  # price of one challenge (3-D Secure, one-time code)
    challenge_dropoff: float = 0.08  # good customers who give up at a challenge
    challenge_stops: float = 0.75  # frauds that a challenge stops
    review_minor: int = 300  # an analyst's minutes for one case
    review_minutes: float = 5.0
    review_capacity: int = 200  # cases that the desk can take in 24 hours; 0: nobody reviews
    review_catches: float = 0.85  # frauds that a reviewer finds
    review_mistakes: float = 0.05  # good orders that a reviewer stops, or that give up waiting
    sla_hours: float = 4.0  # a case should be decided within
    explore_share: float = 0.005  # of blocked payments, approved at random to learn the truth
    explore_largest_minor: int = 10_000  # no payment above this is approved at random
    explore_budget_minor: int = 50_000  # expected loss that 30 days of it may cost together
    audit_share: float = 0.002  # of approved payments, shown to the desk for unbiased labels
    account_loss_minor: int = 10_000  # what a taken-over account costs

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if value is None and one.name == "margin_minor":
                continue
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise _bad(one.name, value, "a number")
            if one.name in _SHARES and not 0 <= value <= 1:
                raise _bad(one.name, value, "from 0 to 1")
            if not 0 <= value <= 1e12:
                raise _bad(one.name, value, "from 0 to 10^12")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stakes:
    """What one request puts at stake, minor units: if it is fraud, and if it is good."""

    lost_if_fraud: float
    lost_if_blocked: float


DEFAULT_COSTS = Costs()


def stakes(
    costs: Costs, amount_minor: float, customer_value_minor: float = 0.0, *, kind: str = "payment"
) -> Stakes:
    """Return what is lost by approving a fraud and by blocking a good customer.

    A refund that is abused costs its amount and no bank's fee, and blocking a good one costs no
    margin; an account that is taken over costs ``account_loss_minor``.
    """
    insult = costs.insult_minor + costs.churn_share * customer_value_minor
    if kind == "refund":
        return Stakes(lost_if_fraud=amount_minor, lost_if_blocked=insult)
    if kind == "account":
        return Stakes(lost_if_fraud=costs.account_loss_minor, lost_if_blocked=insult)
    margin = costs.margin_share * amount_minor if costs.margin_minor is None else costs.margin_minor
    return Stakes(
        lost_if_fraud=amount_minor * (1 - costs.recovery_share) + costs.chargeback_fee_minor,
        lost_if_blocked=margin + insult,
    )


def expected(
    costs: Costs, probability: float, at_stake: Stakes, *, desk_used: float = 0.0
) -> dict[str, float]:
    """Return the expected cost of each outcome, minor units; ``inf`` where it is not to be had.

    Parameters
    ----------
    probability
        Of fraud, calibrated.
    desk_used
        Share of the day's review capacity that is used, 0 to 1.

    >>> shop = Costs(recovery_share=0, chargeback_fee_minor=15, margin_minor=20, insult_minor=5)
    >>> said = expected(shop, 0.18, stakes(shop, 100))
    >>> round(said["approve"], 4), round(said["block"], 4)
    (20.7, 20.5)
    """
    p, good = probability, 1.0 - probability
    fraud, blocked = p * at_stake.lost_if_fraud, good * at_stake.lost_if_blocked
    return {
        "approve": fraud,
        "challenge": costs.challenge_minor
        + costs.challenge_dropoff * blocked
        + (1 - costs.challenge_stops) * fraud,
        "review": costs.review_minor
        + queue_price(costs, desk_used)
        + costs.review_mistakes * blocked
        + (1 - costs.review_catches) * fraud,
        "block": blocked,
    }


def queue_price(costs: Costs, desk_used: float) -> float:
    """Return what a review is dearer at a desk that is used; ``inf`` where it is full.

    >>> queue_price(Costs(review_minor=300), 0.5)
    300.0
    """
    if costs.review_capacity <= 0 or desk_used >= 1:
        return math.inf
    return costs.review_minor * desk_used / (1 - desk_used)


def block_above(costs: Costs, at_stake: Stakes) -> float:
    """Return the probability above which blocking is cheaper than approving.

    >>> shop = Costs(recovery_share=0, chargeback_fee_minor=15, margin_minor=20, insult_minor=5)
    >>> round(block_above(shop, stakes(shop, 100)), 6)
    0.178571
    """
    both = at_stake.lost_if_fraud + at_stake.lost_if_blocked
    return at_stake.lost_if_blocked / both if both else 1.0


def saved_by_review(costs: Costs, probability: float, at_stake: Stakes, *, held: str) -> float:
    """Return the loss that one review saves on average against the way it would go without.

    ``held``: what happens to a case that nobody takes: ``approve`` or ``block``.
    """
    said = expected(costs, probability, at_stake)
    after = said["review"] - costs.review_minor
    return said["block" if held == "block" else "approve"] - after


def from_text(text: str) -> Costs:
    """Return the costs of a JSON object; a name that is no cost is refused."""
    try:
        given = json.loads(text)
    except ValueError as problem:
        raise BadInput(f"The costs are not JSON: {problem}.", field="costs", value=text) from None
    return from_dict(given)


def from_dict(given: Mapping[str, Any]) -> Costs:
    """Return costs from plain values; what is not named keeps its default."""
    known = [one.name for one in fields(Costs)]
    if not isinstance(given, Mapping):
        raise _bad("costs", given, "an object")
    for name in given:
        if name not in known:
            raise _bad(str(name), given[name], ", ".join(known))
    return Costs(**given)


def to_text(costs: Costs) -> str:
    """Return the costs as the JSON that ``from_text`` reads."""
    return json.dumps(asdict(costs))


def _bad(name: str, value: Any, allowed: str) -> BadInput:
    return BadInput(
        f"{name} must be {allowed}, but is {value!r}."[:300],
        hint="docs/reference/fraud.md lists the costs.",
        field=name,
        value=value,
        allowed=allowed,
    )
