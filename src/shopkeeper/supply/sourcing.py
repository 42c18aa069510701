"""Which supplier for which product: the price, what its uncertainty costs, the days, the risk.

A supplier whose lead time varies must be covered by stock. Between its usual and its bad lead time
(the levels 0.5 and ``level``) lie ``safety_days`` of demand, held all year, so a unit sold costs
``price × holding_rate / 365 × safety_days`` more. That makes a cheap, erratic supplier and a dear,
punctual one comparable in one figure. What a stock-out costs beyond ``level`` is equal for all.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shopkeeper.base.errors import BadInput
from shopkeeper.supply.schema import LeadTime

YEAR_DAYS = 365.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One supplier's terms for one product; ``p_late`` NaN where no day was ever promised."""

    supplier_id: str
    price_minor: float
    lead_time: LeadTime
    p_late: float = math.nan
    order_cost_minor: float = 0.0
    minimum_quantity: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """An offer with what a unit from it costs in the end; all in minor units per unit."""

    offer: Offer
    usual_days: float
    bad_days: float
    safety_minor: float
    ordering_minor: float
    total_minor: float
    best: bool
    reason: str  # one of REASONS

    @property
    def safety_days(self) -> float:
        """Days of demand that the supplier's uncertainty asks to hold."""
        return self.bad_days - self.usual_days


# Why an offer stands where it stands against the best one.
REASONS = ("only", "best", "dearer", "slower", "erratic", "too_much_at_once")


def rank(
    offers: Sequence[Offer], *, units_per_day: float, holding_rate: float = 0.25, level: float = 0.9
) -> list[Ranked]:
    """Return the offers for one product, the cheapest in all first.

    ``units_per_day``: the product's usual demand; it spreads the cost of an order over the units
    of one order, at least the minimum and a month's demand.
    """
    if not 0.5 < level < 1:
        raise BadInput("level must lie between 0.5 and 1.", field="level", value=level)
    seen: set[str] = set()
    for offer in offers:
        if offer.supplier_id in seen or not 0 <= offer.price_minor < math.inf:
            raise BadInput(
                f"The offer of {offer.supplier_id} stands twice or has no price.",
                field="offers",
                value=offer.supplier_id,
            )
        seen.add(offer.supplier_id)
    priced = [_priced(offer, units_per_day, holding_rate, level) for offer in offers]
    priced.sort(key=lambda one: (one[1], one[0].supplier_id))
    if not priced:
        return []
    best = priced[0]
    return [
        Ranked(
            offer=offer,
            usual_days=parts["usual"],
            bad_days=parts["bad"],
            safety_minor=parts["safety"],
            ordering_minor=parts["ordering"],
            total_minor=total,
            best=place == 0,
            reason=_reason(place, offer, parts, best, len(priced)),
        )
        for place, (offer, total, parts) in enumerate(priced)
    ]


def _priced(
    offer: Offer, units_per_day: float, holding_rate: float, level: float
) -> tuple[Offer, float, Mapping[str, float]]:
    usual, bad = offer.lead_time.at(0.5), offer.lead_time.at(level)
    once = max(1.0, offer.minimum_quantity, 30 * units_per_day)
    # A minimum beyond a month's demand lies on the shelf: on average half of it, half its time.
    kept_days = once / units_per_day / 2 if units_per_day > 0 else 0.0
    per_day = offer.price_minor * holding_rate / YEAR_DAYS
    parts = {
        "usual": usual,
        "bad": bad,
        "safety": per_day * (bad - usual),
        "ordering": offer.order_cost_minor / once + per_day * max(0.0, kept_days - 15.0),
    }
    return offer, offer.price_minor + parts["safety"] + parts["ordering"], parts


def _reason(
    place: int,
    offer: Offer,
    parts: Mapping[str, float],
    best: tuple[Offer, float, Mapping[str, float]],
    count: int,
) -> str:
    """Return the part that sets an offer back most against the best."""
    if count == 1:
        return "only"
    if place == 0:
        return "best"
    first, _, other = best
    gaps = {
        "dearer": offer.price_minor - first.price_minor,
        "erratic": parts["safety"] - other["safety"],
        "too_much_at_once": parts["ordering"] - other["ordering"],
    }
    worst = max(gaps, key=lambda name: gaps[name])
    return worst if gaps[worst] > 0 else "slower"
