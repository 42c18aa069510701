"""Visits of a log: who bought which items of the pool when; and what a visit can know before it.

The pool is the items most bought; times are days. ``State`` walks forward with the visits, so
that features of a visit never see it or what comes after.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shopkeeper.base.clock import DAY_US
from shopkeeper.base.errors import BadInput
from shopkeeper.recommend.schema import INTERACTION_KINDS, Interactions

FEATURES = ("popularity", "bought", "often", "sated", "recent", "affinity")
SATED_DAYS, RECENT_DAYS = 7.0, 60.0
LEAST_VISITS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Visits:
    """Visits in order of time; visit v took item[first[v]:first[v + 1]], each item once."""

    customer: np.ndarray  # (v,)
    day: np.ndarray  # (v,) days since the first
    first: np.ndarray  # (v + 1,)
    item: np.ndarray
    n_customers: int
    item_ids: tuple[str, ...]

    def between(self, since: float, until: float) -> range:
        """Return the visits of [since, until)."""
        low, high = np.searchsorted(self.day, (since, until))
        return range(int(low), int(high))

    def basket(self, visit: int) -> np.ndarray:
        """Return the items taken at a visit."""
        return self.item[self.first[visit] : self.first[visit + 1]]


@dataclass(slots=True, kw_only=True)
class State:
    """What each customer had taken so far."""

    times: np.ndarray  # (n_customers, n_items)
    last: np.ndarray  # (n_customers, n_items) day, -inf for never
    seen: np.ndarray  # (n_customers,) day of the last visit, -inf for none
    count: np.ndarray  # (n_customers,) visits so far

    def take(self, customer: int, day: float, items: np.ndarray) -> None:
        """Write down a visit."""
        self.times[customer, items] += 1
        self.last[customer, items] = day
        self.seen[customer] = day
        self.count[customer] += 1

    def copy(self) -> State:
        """Return a state that goes its own way."""
        return State(
            times=self.times.copy(),
            last=self.last.copy(),
            seen=self.seen.copy(),
            count=self.count.copy(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of the items: log share of sales, and who is bought by the same people."""

    popularity: np.ndarray  # (n_items,) standardised log share
    alike: np.ndarray  # (n_items, n_items) cosine of customers, 0 on the diagonal


def empty(visits: Visits) -> State:
    """Return the state before the first visit."""
    shape = (visits.n_customers, len(visits.item_ids))
    return State(
        times=np.zeros(shape, np.float32),
        last=np.full(shape, -np.inf, np.float32),
        seen=np.full(shape[0], -np.inf),
        count=np.zeros(shape[0], np.int64),
    )


def state_at(visits: Visits, since: float, until: float) -> State:
    """Return what was so as of ``until``, from visits not older than ``since``."""
    state = empty(visits)
    for visit in visits.between(since, until):
        state.take(int(visits.customer[visit]), float(visits.day[visit]), visits.basket(visit))
    return state


def visits_of(interactions: Interactions, *, items: int, pool_until: float = 0.45) -> Visits:
    """Return the purchases of the ``items`` most bought in the first share of the time."""
    bought = interactions.kind == INTERACTION_KINDS.index("purchase")
    at_us, item, user = interactions.at_us[bought], interactions.item[bought], interactions.user
    user, basket = user[bought], interactions.basket[bought]
    if not len(at_us):
        raise BadInput("There is no purchase to learn from.", field="orders", value=0)
    day = (at_us - at_us.min()) / DAY_US
    early = item[day < pool_until * day.max()]
    counts = np.bincount(early, minlength=len(interactions.item_ids))
    pool = np.sort(np.argsort(-counts, kind="stable")[:items])
    pool = pool[counts[pool] > 0]
    place = np.full(len(counts), -1)
    place[pool] = np.arange(len(pool))
    keep = (place[item] >= 0) & (user >= 0)
    key = np.stack([basket[keep], place[item[keep]]], axis=1)
    rows = np.unique(key, axis=0, return_index=True)[1]
    start = np.full(int(basket.max(initial=0)) + 1, np.inf)
    np.minimum.at(start, basket, day)
    kept_basket, kept_item = basket[keep][rows], place[item[keep]][rows]
    order = np.lexsort((kept_item, kept_basket, start[kept_basket]))
    kept_basket, kept_item = kept_basket[order], kept_item[order]
    kept_user = user[keep][rows][order]
    new = np.flatnonzero(np.diff(kept_basket, prepend=-1))
    if len(new) < LEAST_VISITS:
        raise BadInput(
            f"{len(new)} visits buy something of the {len(pool)} most bought products.",
            field="orders",
            value=len(new),
            allowed=f"at least {LEAST_VISITS} visits",
        )
    names, customer = np.unique(kept_user[new], return_inverse=True)
    return Visits(
        customer=customer,
        day=start[kept_basket[new]],
        first=np.append(new, len(kept_item)),
        item=kept_item,
        n_customers=len(names),
        item_ids=tuple(interactions.item_ids[i] for i in pool),
    )


def facts_of(visits: Visits, since: float, until: float) -> Facts:
    """Return the items' facts of a period."""
    state = state_at(visits, since, until)
    sold = np.asarray(state.times.sum(axis=0), dtype=np.float64)
    share = np.log((sold + 1) / (sold.sum() + len(sold)))
    had = (state.times > 0).astype(np.float64)
    both = had.T @ had
    size = np.sqrt(np.maximum(np.diag(both), 1))
    alike = both / (size[:, None] * size[None, :] + 5)
    np.fill_diagonal(alike, 0.0)
    return Facts(popularity=(share - share.mean()) / max(float(share.std()), 1e-9), alike=alike)


def features(facts: Facts, state: State, customer: int, day: float) -> np.ndarray:
    """Return (n_items, FEATURES) as of a moment."""
    times = state.times[customer]
    ago = day - state.last[customer]  # inf for never
    whole = float(times.sum())
    affinity = facts.alike @ times / whole if whole else np.zeros(len(times))
    return np.stack(
        [
            facts.popularity,
            times > 0,
            np.log1p(times),
            np.exp(-ago / SATED_DAYS),
            np.exp(-ago / RECENT_DAYS),
            10 * affinity,
        ],
        axis=1,
    ).astype(np.float64)
