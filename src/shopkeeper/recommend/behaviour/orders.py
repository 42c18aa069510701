"""Orders per customer as arrays, and what they say of each customer as of a moment.

One definition for a whole shop in training and for one customer in an answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shopkeeper.base.clock import DAY_US

FEATURES = (
    "days_since_last",
    "days_since_first",
    "orders",
    "mean_gap_days",
    "gap_spread",
    "last_gap_days",
    "age_over_gap",
    "orders_7",
    "orders_28",
    "orders_91",
    "orders_182",
    "spent",
    "mean_value",
    "last_value",
    "spent_28",
    "spent_91",
    "weekday",
    "year_day",
)
_WINDOWS = (7, 28, 91, 182)


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """Orders in order of customer, then time; customer c owns rows start[c] to start[c + 1]."""

    start: np.ndarray  # (n_customers + 1,)
    at_us: np.ndarray  # (n,)
    value: np.ndarray  # (n,) money, any one unit
    customer_ids: Sequence[str]

    @property
    def n_customers(self) -> int:
        return len(self.start) - 1

    @property
    def customer(self) -> np.ndarray:
        """Return the customer of each order, (n,)."""
        return np.repeat(np.arange(self.n_customers), np.diff(self.start))

    def before(self, cut_us: int) -> Orders:
        """Return what happened before a moment; customers keep their numbers."""
        keep = self.at_us < cut_us
        counts = np.bincount(self.customer[keep], minlength=self.n_customers)
        return Orders(
            start=np.concatenate([[0], np.cumsum(counts)]),
            at_us=self.at_us[keep],
            value=self.value[keep],
            customer_ids=self.customer_ids,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of customers with at least one order; arrays (m,), times in days."""

    customer: np.ndarray
    x: np.ndarray  # repeat purchases, as buy-till-you-die models count them
    t_x: np.ndarray  # first to last purchase
    t: np.ndarray  # first purchase to now
    mean_value: np.ndarray
    features: np.ndarray  # (m, len(FEATURES))


def grouped(customer: Sequence[str] | np.ndarray, at_us: np.ndarray, value: np.ndarray) -> Orders:
    """Return orders from one row each; two of one customer at one moment are one order."""
    names, code = np.unique(np.asarray(customer, dtype=object).astype(str), return_inverse=True)
    order = np.lexsort((at_us, code))
    code, at, worth = code[order], np.asarray(at_us)[order], np.asarray(value, dtype=float)[order]
    opens = np.ones(len(code), dtype=bool)
    opens[1:] = (code[1:] != code[:-1]) | (at[1:] != at[:-1])
    first = np.flatnonzero(opens)
    summed = np.add.reduceat(worth, first) if len(first) else worth
    counts = np.bincount(code[first], minlength=len(names))
    return Orders(
        start=np.concatenate([[0], np.cumsum(counts)]),
        at_us=at[first].astype(np.int64),
        value=summed,
        customer_ids=names.tolist(),
    )


def known_at(orders: Orders, as_of_us: int) -> Known:
    """Return what orders before a moment say; every row of ``orders`` must lie before it."""
    counts = np.diff(orders.start)
    some = np.flatnonzero(counts > 0)
    n = counts[some]
    first, last = orders.start[some], orders.start[some + 1] - 1
    age = (as_of_us - orders.at_us) / DAY_US
    since_first, since_last = age[first], age[last]
    row = np.repeat(np.arange(len(some)), n)
    gaps = np.diff(orders.at_us, prepend=orders.at_us[:1]) / DAY_US
    opens = np.zeros(len(age), dtype=bool)
    opens[first] = True
    gaps[opens] = 0.0
    steps = np.maximum(n - 1, 1)
    mean_gap = np.where(n > 1, (since_first - since_last) / steps, np.nan)
    squares = np.bincount(row, weights=gaps**2, minlength=len(some)) / steps
    spread = np.sqrt(np.maximum(squares - np.nan_to_num(mean_gap) ** 2, 0)) / np.maximum(
        mean_gap, 1
    )
    spent = np.bincount(row, weights=orders.value, minlength=len(some))

    def within(days: int, weights: np.ndarray | None = None) -> np.ndarray:
        inside = (age <= days).astype(float)
        told = inside if weights is None else inside * weights
        return np.bincount(row, weights=told, minlength=len(some))

    day = as_of_us // DAY_US
    columns = (
        since_last,
        since_first,
        n.astype(float),
        mean_gap,
        np.where(n > 2, spread, np.nan),
        np.where(n > 1, gaps[last], np.nan),
        since_last / np.maximum(mean_gap, 1.0),
        *(within(days) for days in _WINDOWS),
        np.log1p(np.maximum(spent, 0)),
        np.log1p(np.maximum(spent / n, 0)),
        np.log1p(np.maximum(orders.value[last], 0)),
        np.log1p(np.maximum(within(28, orders.value), 0)),
        np.log1p(np.maximum(within(91, orders.value), 0)),
        np.full(len(some), float((day + 3) % 7)),
        np.full(len(some), float(day % 365)),
    )
    return Known(
        customer=some,
        x=(n - 1).astype(float),
        t_x=since_first - since_last,
        t=since_first,
        mean_value=spent / n,
        features=np.stack(columns, axis=1),
    )


def came_after(orders: Orders, customer: np.ndarray, cut_us: int) -> np.ndarray:
    """Return each customer's days from the cut to the next order, infinite where none came."""
    found = np.full(orders.n_customers, np.inf)
    later = orders.at_us >= cut_us
    np.minimum.at(found, orders.customer[later], (orders.at_us[later] - cut_us) / DAY_US)
    return found[customer]


def spent_after(orders: Orders, customer: np.ndarray, cut_us: int, days: float) -> np.ndarray:
    """Return what each customer spent within days from the cut."""
    inside = (orders.at_us >= cut_us) & (orders.at_us < cut_us + days * DAY_US)
    worth = orders.value[inside]
    found = np.bincount(orders.customer[inside], weights=worth, minlength=orders.n_customers)
    return found[customer]
