"""Up to what to order: levels from demand over a random lead time plus the review period.

Demand over L + R is a mixture over the lead time's days of the belief at each length, drawn at
evenly spaced probabilities. From it come the level by cycle service, by fill rate or by cost,
and the probability and size of a shortage.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shopkeeper.inventory import newsvendor, spread
from shopkeeper.inventory.schema import FREQUENCIES, Demand, LeadTime, Rules

DRAWS = 100
_STEPS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """Demand of n products over an interval: quantiles (n, q), mean (n,)."""

    levels: np.ndarray
    quantiles: np.ndarray
    mean: np.ndarray

    def at(self, level: np.ndarray | float) -> np.ndarray:
        """Return (n,) the quantile at a level, one for all or one each."""
        asked = np.broadcast_to(np.asarray(level, dtype=float), self.mean.shape)
        found = np.empty(len(asked))
        for value in np.unique(asked).tolist():
            rows = asked == value
            found[rows] = newsvendor.from_quantiles(self.levels, self.quantiles[rows], ratio=value)
        return found

    def p_above(self, amount: np.ndarray) -> np.ndarray:
        """Return (n,) the probability that demand is above an amount."""
        return spread.probability_above(self.levels, self.quantiles, amount)

    def short(self, amount: np.ndarray) -> np.ndarray:
        """Return (n,) expected units above an amount."""
        return spread.expected_short(self.levels, self.quantiles, amount)


def cover(demand: Demand, lead: Sequence[LeadTime], extra_days: np.ndarray | float = 0.0) -> Cover:
    """Return demand over each product's lead time plus ``extra_days`` (its review period)."""
    n = len(demand.mean)
    widest = max((len(one.days) for one in lead), default=1)
    days, chance = np.zeros((n, widest)), np.zeros((n, widest))
    for row, one in enumerate(lead):
        days[row, : len(one.days)], chance[row, : len(one.days)] = one.days, one.probability
    days += np.broadcast_to(np.asarray(extra_days, dtype=float), (n,))[:, None]
    period = FREQUENCIES[demand.frequency]
    mean = np.zeros(n)
    parts = np.empty((n, widest, DRAWS), dtype=np.float32)
    for place in range(widest):
        quantiles, middle = spread.over(demand, days[:, place] / period)
        if widest == 1:
            return Cover(levels=demand.levels, quantiles=quantiles, mean=middle)
        parts[:, place] = spread.draws(demand.levels, quantiles, DRAWS)
        mean += chance[:, place] * middle
    mixed = spread.mixture(parts, chance, demand.levels)
    return Cover(levels=demand.levels, quantiles=mixed, mean=mean)


def order_up_to(
    protection: Cover,
    before_receipt: Cover,
    rules: Rules,
    *,
    service: np.ndarray,
    price_minor: np.ndarray,
    unit_cost_minor: np.ndarray,
) -> np.ndarray:
    """Return (n,) the level S by the rule's target. ``service`` (n,) in (0, 1).

    cycle_service  P(demand over L + R <= S) = service
    fill_rate      expected shortage of a cycle is 1 - service of the cycle's demand
    cost           newsvendor: margin lost against holding one more unit until the next review
    """
    if rules.target == "fill_rate":
        return _by_fill(protection, before_receipt, service)
    if rules.target == "cost":
        return protection.at(critical_ratio(rules, price_minor, unit_cost_minor))
    return protection.at(service)


def critical_ratio(
    rules: Rules, price_minor: np.ndarray, unit_cost_minor: np.ndarray
) -> np.ndarray:
    """Return (n,) underage over underage plus overage, kept within 0.5 and 0.997.

    Source
    ------
    Snyder and Shen, 2nd ed., eq. 4.17; overage is what a unit costs to hold for one review.
    """
    under = np.maximum(rules.stockout_cost_share * price_minor, 1e-9)
    over = np.maximum(rules.holding_rate * unit_cost_minor * rules.review_period_days / 365, 1e-9)
    return np.round(np.clip(under / (under + over), 0.5, 0.997), 4)


def _by_fill(protection: Cover, before_receipt: Cover, fill: np.ndarray) -> np.ndarray:
    """Bisect S: shortage over L + R less what was short before receipt, per demand of a cycle.

    Source: Silver, Pyke and Thomas, Inventory and Production Management, 4th ed., section 7.5.
    """
    late = spread.draws(protection.levels, protection.quantiles, 400)
    early = spread.draws(before_receipt.levels, before_receipt.quantiles, 400)
    allowed = (1 - fill) * np.maximum(protection.mean - before_receipt.mean, 1e-9)
    low, high = np.zeros(len(late)), late.max(axis=1) * 1.5 + 1
    for _ in range(_STEPS):
        middle = (low + high) / 2
        short = np.maximum(late - middle[:, None], 0).mean(axis=1)
        short -= np.maximum(early - middle[:, None], 0).mean(axis=1)
        enough = short <= allowed
        high, low = np.where(enough, middle, high), np.where(enough, low, middle)
    return high
