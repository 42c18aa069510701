"""How far out on the risky side: one-sided tail probabilities, added over features.

For every feature where more (or less) is stranger, the share of past payments at least as
extreme is looked up; the score is the sum of -ln of it. No label is used: which side is risky is
written down here, once, from what the feature means.
Source: Li et al., ECOD, TKDE 2022, with the side given instead of taken from the skew.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from shopkeeper.fraud.registry import REGISTRY

KNOTS = 512
STEP = np.log(1e5) / (KNOTS - 1)
# Facts whose low side is risky; every other kind below is risky when high.
_LOW = ("signup_seconds", "ring_signup_seconds")
_HIGH_KINDS = ("ratio", "rate", "flag")
_HIGH_WORDS = ("declines", "fraud_count", "refunds", "distinct")


def side_of(name: str) -> int:
    """Return +1 where more is riskier, -1 where less is, 0 where the side says nothing.

    >>> side_of("ip_declines_1h"), side_of("signup_seconds"), side_of("hour")
    (1, -1, 0)
    """
    feature = REGISTRY[name]
    if name in _LOW:
        return -1
    if name in ("night", "weekend") or name.startswith(("mean_", "count_")):
        return 0
    if name in ("amount_minor", "attempts_failed", "ring_customers", "ring_frauds"):
        return 1
    if feature.kind in _HIGH_KINDS or any(word in name for word in _HIGH_WORDS):
        return 1
    short = feature.window_us is not None and feature.window_us <= 3_600_000_000
    return int(feature.kind == "count" and short)


class Tails:
    """Tail shares of past payments per feature; ``score`` adds -ln of them.

    ``knots[name]`` (KNOTS,) are quantiles at shares 1 - e^(-STEP k): the number of knots below
    a value, times STEP, is -ln of the share of payments beyond it.
    """

    def __init__(self, knots: Mapping[str, np.ndarray]) -> None:
        self.knots = {name: np.asarray(one, dtype=np.float64) for name, one in knots.items()}

    @classmethod
    def fit(cls, rows: np.ndarray, names: Sequence[str]) -> Tails:
        """Learn the quantiles of every feature that has a side and is not constant."""
        knots = {}
        beyond = np.exp(-STEP * np.arange(KNOTS))
        at = np.ceil(len(rows) * (1 - beyond)).astype(np.int64)
        for column, name in enumerate(names):
            values = np.sort(_sided(rows[:, column], side_of(name)))
            if side_of(name) and len(values) and values[-1] > values[0]:
                knots[name] = values[np.minimum(at, len(values) - 1)]
        return cls(knots)

    def score_many(self, rows: np.ndarray, names: Sequence[str]) -> np.ndarray:
        """Return the scores of many rows, whose columns are ``names``."""
        total = np.zeros(len(rows))
        for column, name in enumerate(names):
            if name in self.knots:
                values = _sided(rows[:, column], side_of(name))
                total += STEP * np.searchsorted(self.knots[name], values, side="left")
        return total

    def shares(self, row: np.ndarray, names: Sequence[str]) -> np.ndarray:
        """Return what each column adds to the score of one row; they sum to it."""
        found = np.zeros(len(names))
        for column, name in enumerate(names):
            if name in self.knots:
                value = _sided(row[column : column + 1], side_of(name))
                found[column] = STEP * np.searchsorted(self.knots[name], value, side="left")[0]
        return found

    def fast(self, names: Sequence[str]) -> Callable[[np.ndarray], float]:
        """Return a function that scores one row (width,) of these columns.

        Most values lie at their lowest knot, and counts have few different ones: only what lies
        above is looked for, among the different knots.
        """
        used = [column for column, name in enumerate(names) if name in self.knots]
        columns = np.array(used, dtype=np.int64)
        sides = np.array([float(side_of(names[column])) for column in used])
        lowest = np.array([self.knots[names[column]][0] for column in used])
        steps = []
        for column in used:
            different, first = np.unique(self.knots[names[column]], return_index=True)
            steps.append((different.tolist(), [*first.tolist(), KNOTS]))

        def one(row: np.ndarray) -> float:
            values = row.take(columns) * sides
            total = 0
            for place in (values > lowest).nonzero()[0].tolist():
                different, first = steps[place]
                total += first[bisect_left(different, values.item(place))]
            return total * STEP

        return one


def _sided(values: np.ndarray, side: int) -> np.ndarray:
    """Return values so that more is riskier; what is unknown is the least strange."""
    return np.where(np.isnan(values), -np.inf, values * side)
