"""Folds in time as in the Fraud Detection Handbook: train, wait for labels, test.

Rows of [start, start + train) are learned from, labels of the delay after them are not known yet,
rows of the test days are judged. A customer whose fraud since ``start`` was known before a test
day began is left out of that day: everybody knows that card already.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shopkeeper.base import clock
from shopkeeper.base.clock import DAY_US
from shopkeeper.base.errors import BadInput

MATURE = 0.9  # share of frauds reported from which on a missing label is believed


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Days of one fold. ``start_us`` is the first moment of the first training day."""

    start_us: int
    train_days: int
    delay_days: int
    test_days: int

    @property
    def learned_until_us(self) -> int:
        """The moment at which training ends."""
        return self.start_us + self.train_days * DAY_US

    @property
    def test_us(self) -> int:
        """The moment at which the test begins."""
        return self.learned_until_us + self.delay_days * DAY_US

    @property
    def end_us(self) -> int:
        """The moment at which the test ends."""
        return self.test_us + self.test_days * DAY_US

    def moved(self, days: int) -> Plan:
        """Return the same plan some days later."""
        return Plan(
            start_us=self.start_us + days * DAY_US,
            train_days=self.train_days,
            delay_days=self.delay_days,
            test_days=self.test_days,
        )


def between(at_us: np.ndarray, low_us: int, high_us: int) -> np.ndarray:
    """Return the rows (indices) of [low, high); ``at_us`` is in order."""
    low, high = np.searchsorted(at_us, [low_us, high_us])
    return np.arange(low, high)


def unknown(
    at_us: np.ndarray, customer: np.ndarray, known_us: np.ndarray, since_us: int, rows: np.ndarray
) -> np.ndarray:
    """Return those rows whose customer has no fraud since a moment known before the row's day."""
    bad = np.flatnonzero((known_us < np.iinfo(np.int64).max) & (at_us >= since_us))
    if not len(bad):
        return rows
    first = np.full(int(customer.max()) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, customer[bad], known_us[bad])
    day = at_us[rows] // DAY_US * DAY_US
    return rows[first[customer[rows]] > day]


def require(at_us: np.ndarray, label: np.ndarray, plan: Plan, name: str) -> None:
    """Raise BadInput unless a fold has both classes to learn from and to be judged on."""
    for part, low, high in (
        ("training", plan.start_us, plan.learned_until_us),
        ("test", plan.test_us, plan.end_us),
    ):
        rows = between(at_us, low, high)
        bad = int(label[rows].sum())
        if bad == 0 or bad == len(rows):
            held = f"{clock.iso(int(at_us[0]))[:10]} to {clock.iso(int(at_us[-1]))[:10]}"
            raise BadInput(
                f"{name}: the {part} days {clock.iso(low)[:10]} to {clock.iso(high - 1)[:10]} hold "
                f"{len(rows)} payments and {bad} frauds; both classes are needed.",
                hint=f"The file covers {held}; move --start, or use fewer days or folds.",
                field="start",
                value=clock.iso(plan.start_us)[:10],
                allowed=held,
            )


def reported_share(age_us: np.ndarray, reported_us: np.ndarray) -> np.ndarray:
    """Return the share of frauds that are known at an age: the weight of a missing label.

    >>> reported_share(np.array([0, 2, 9]), np.array([1, 2, 3, 4])).tolist()
    [0.0, 0.5, 1.0]
    """
    if not len(reported_us):
        return np.ones(len(age_us))
    return np.searchsorted(np.sort(reported_us), age_us, side="right") / len(reported_us)
