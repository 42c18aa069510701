"""What a model's decisions cost on payments whose truth is known, beside fixed thresholds.

The outcomes are those that policy.py takes by cost alone: approve, challenge, review or block,
whichever is expected to cost least for this payment's own stakes, with a desk whose hours fill up
as the day goes on. What each then really costs is the same arithmetic (costs.py) with the truth
in the place of the probability: a challenge still loses the good customers who give up and lets
some frauds through, a review costs its minutes. Rules, lists and chance take no part.

A fixed threshold does one thing to every payment above one probability and approves the rest; a
ladder has three of them, for challenge, review and block. The best of each kind is found in
hindsight, on the very rows that it is priced on, with a desk that is never full: what no shop could
have known beforehand.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from shopkeeper.base.clock import DAY_US
from shopkeeper.fraud.costs import Costs, Stakes, expected, queue_price, stakes
from shopkeeper.fraud.metrics import DRAWS
from shopkeeper.fraud.schema import OUTCOMES

THRESHOLDS = np.concatenate([np.geomspace(1e-4, 1, 400), [2.0]])
FIXED = ("challenge", "review", "block")  # what a fixed threshold can do to what lies above it
KINDS = (*FIXED, "ladder")
_YEAR_OF_30_DAYS = 365 / 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Payments:
    """What pricing reads of payments in order of time; arrays (n,), money in minor units."""

    at_us: np.ndarray
    amount: np.ndarray
    label: np.ndarray
    customer: np.ndarray
    yearly_value: np.ndarray

    def stakes(self, costs: Costs) -> Stakes:
        """Return what each payment puts at stake."""
        amount = self.amount.astype(np.float64)
        return stakes(costs, amount, self.yearly_value)  # type: ignore[arg-type]  # element by element


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """The best thresholds of one kind, and their cost per payment in currency units."""

    thresholds: tuple[float, ...]
    cost: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """Costs per payment in currency units; ``draws`` (DRAWS, 1 + KINDS), customers drawn again."""

    cost: float
    outcomes: Mapping[str, int]
    fixed: Mapping[str, Fixed]
    draws: np.ndarray


def yearly_value(columns: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Return what each payment's customer is worth in a year, as policy.py takes it: (n,).

    From the last 30 days without the payment itself; 0 where nothing is known.
    """
    if not {"customer_count_30d", "customer_mean_30d"} <= set(names):
        return np.zeros(len(columns))
    count = columns[:, names.index("customer_count_30d")]
    mean = columns[:, names.index("customer_mean_30d")]
    value = (count - 1) * mean * _YEAR_OF_30_DAYS
    return np.where(np.isnan(value), 0.0, np.maximum(value, 0.0))


def chosen(
    costs: Costs, probability: np.ndarray, payments: Payments, *, calibrated: bool = True
) -> np.ndarray:
    """Return the place in OUTCOMES of what costs least for each payment, (n,).

    A review takes its place at the desk for 24 hours, so later ones are dearer or not to be had.
    What is not calibrated may hold a payment but not block it.
    """
    table = _table(costs, probability, payments)
    if not calibrated:
        table[:, OUTCOMES.index("block")] = np.inf
    picked = np.argmin(table, axis=1)
    review = OUTCOMES.index("review")
    desk: deque[int] = deque()
    for place in np.flatnonzero(picked == review).tolist():
        at_us = int(payments.at_us[place])
        while desk and desk[0] <= at_us - DAY_US:
            desk.popleft()
        table[place, review] += queue_price(costs, len(desk) / max(costs.review_capacity, 1))
        picked[place] = np.argmin(table[place])
        if picked[place] == review:
            desk.append(at_us)
    return picked


def priced(
    costs: Costs,
    probability: np.ndarray,
    payments: Payments,
    rng: np.random.Generator,
    *,
    calibrated: bool = True,
) -> Priced:
    """Return what the outcomes cost, and the best fixed threshold of each kind."""
    truth = _table(costs, payments.label.astype(np.float64), payments)
    outcome = chosen(costs, probability, payments, calibrated=calibrated)
    paid, fixed = [truth[np.arange(len(outcome)), outcome]], {}
    for name in FIXED:
        one = truth[:, OUTCOMES.index(name)]
        threshold = _best(probability, truth[:, 0], one)
        paid.append(np.where(probability > threshold, one, truth[:, 0]))
        fixed[name] = Fixed(thresholds=(threshold,), cost=float(paid[-1].mean() / 100))
    thresholds, steps = _ladder(probability, truth)
    paid.append(truth[np.arange(len(steps)), steps])
    fixed["ladder"] = Fixed(thresholds=thresholds, cost=float(paid[-1].mean() / 100))
    return Priced(
        cost=float(paid[0].mean() / 100),
        outcomes={name: int((outcome == at).sum()) for at, name in enumerate(OUTCOMES)},
        fixed=fixed,
        draws=_drawn(np.column_stack(paid) / 100, payments.customer, rng),
    )


def summed(found: Sequence[Priced]) -> dict[str, Any]:
    """Return means over folds for the report, with the difference to the best fixed threshold."""
    draws = np.mean([one.draws for one in found], axis=0)
    own = float(np.mean([one.cost for one in found]))
    cost = {name: float(np.mean([one.fixed[name].cost for one in found])) for name in KINDS}

    def against(kind: str) -> dict[str, Any]:
        low, high = np.percentile(draws[:, 0] - draws[:, 1 + KINDS.index(kind)], [2.5, 97.5])
        return {
            "kind": kind,
            "difference": round(own - cost[kind], 5),
            "interval_95": [round(float(low), 5), round(float(high), 5)],
            "verdict": "cheaper" if high < 0 else "dearer" if low > 0 else "no clear difference",
        }

    return {
        "interval_95": [round(float(x), 5) for x in np.percentile(draws[:, 0], [2.5, 97.5])],
        "outcomes": {name: sum(one.outcomes[name] for one in found) for name in OUTCOMES},
        "fixed_thresholds": {
            name: {
                "cost": round(cost[name], 5),
                "thresholds": [[round(t, 5) for t in one.fixed[name].thresholds] for one in found],
            }
            for name in KINDS
        },
        "against_best_fixed": against(min(FIXED, key=cost.__getitem__)),
        "against_ladder": against("ladder"),
    }


def _table(costs: Costs, probability: np.ndarray, payments: Payments) -> np.ndarray:
    """Return the expected cost of each outcome at an empty desk, (n, outcomes), minor units.

    With the truth, 0 or 1, as the probability it is what each outcome comes to.
    """
    said = expected(costs, probability, payments.stakes(costs))  # type: ignore[arg-type]
    return np.column_stack([said[name] for name in OUTCOMES])


def _best(probability: np.ndarray, below: np.ndarray, above: np.ndarray) -> float:
    """Return the threshold above which paying ``above`` instead of ``below`` costs least."""
    means = [np.where(probability > one, above, below).mean() for one in THRESHOLDS]
    return float(THRESHOLDS[int(np.argmin(means))])


def _ladder(probability: np.ndarray, truth: np.ndarray) -> tuple[tuple[float, ...], np.ndarray]:
    """Return the three thresholds that cost least together, and each row's outcome under them.

    By dynamic programming over the rows in order of probability: ``cheapest[i]`` is the least cost
    of the first i rows when the last of them is at this step or below.
    """
    order = np.argsort(probability, kind="stable")
    sums = np.vstack([np.zeros(truth.shape[1]), np.cumsum(truth[order], axis=0)])
    cheapest, starts = sums[:, 0], []
    for step in range(1, truth.shape[1]):
        if not np.isfinite(sums[-1, step]):  # nobody reviews: this step is never taken
            starts.append(np.arange(len(cheapest)))
            continue
        gain = cheapest - sums[:, step]
        best = np.minimum.accumulate(gain)
        starts.append(np.maximum.accumulate(np.where(gain == best, np.arange(len(gain)), 0)))
        cheapest = best + sums[:, step]
    place, cuts = len(order), []
    for start in reversed(starts):
        place = int(start[place])
        cuts.append(place)
    cuts.reverse()
    steps = np.empty(len(order), dtype=np.int64)
    steps[order] = np.searchsorted(cuts, np.arange(len(order)), side="right")
    ordered = np.append(probability[order], 1.0)
    return tuple(float(ordered[cut]) for cut in cuts), steps


def _drawn(paid: np.ndarray, customer: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return (DRAWS, width) means of ``paid`` (n, width) with customers drawn again."""
    people, place = np.unique(customer, return_inverse=True)
    rows = np.bincount(place)
    sums = np.column_stack([np.bincount(place, one, len(people)) for one in paid.T])
    times = rng.multinomial(len(people), np.full(len(people), 1 / len(people)), size=DRAWS)
    return (times @ sums) / (times @ rows)[:, None]
