"""Simulated customers fitted to a period of the log.

    utility    u = theta . features: popularity, bought before, how often, satiation, affinity
    choice     the basket is drawn without return, each item in proportion to exp(u)
    visiting   the next gap is one of the customer's own or, with few, of those who had come as
               often (hazard as it was)
    leaving    after a visit, by how often she had come: who never came again in the period,
               although nearly all gaps would have ended in it
    looking    place k of a slate is seen with chance k ** -eta; what is seen gains ``lift``

theta, gaps, basket sizes and leaving come from purchases. A log of purchases says nothing of
looking: eta and lift are assumptions, unless impressions teach eta (``examination``). What the
simulator says of policies is under them, and says so. Sources: McFadden 1974 (choice), Luce 1959,
Craswell et al. 2008 (position).
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from shopkeeper.recommend.simulator.visits import (
    FEATURES,
    Facts,
    State,
    Visits,
    facts_of,
    features,
    state_at,
)

PICKS = 6_000
OWN = 3.0  # a customer with so many gaps draws half of the time from them
SILENT = 0.95  # quantile of the gaps that must fit into the period after a visit that counts
STAGES = np.asarray([0, 2, 3, 5, 9])  # visits so far at which a stage begins
RIDGE = 1e-2
Slate = Callable[[np.ndarray, np.random.Generator], np.ndarray]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Fitted customers. ``gaps`` by visits so far (``stage``); ``own_*`` per customer."""

    facts: Facts
    theta: np.ndarray  # (FEATURES,)
    error: np.ndarray  # (FEATURES,) standard errors
    gaps: list[np.ndarray]
    own_gaps: list[np.ndarray]
    sizes: np.ndarray
    own_sizes: list[np.ndarray]
    silent_days: float
    leaving: np.ndarray  # (stages,)
    start: State  # as of the end of the period
    now: float
    eta: float
    lift: float

    def examination(self, places: int) -> np.ndarray:
        """Return the chance that each place is seen."""
        return np.asarray(np.arange(1, places + 1) ** -self.eta, dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One simulated visit: ``taken`` marks the places of the slate that were seen and taken."""

    customer: int
    day: float
    gap: float
    items: np.ndarray
    x: np.ndarray
    slate: np.ndarray
    taken: np.ndarray


def fit(
    visits: Visits,
    since: float,
    until: float,
    rng: np.random.Generator,
    *,
    eta: float = 1.0,
    lift: float = 0.0,
) -> World:
    """Fit customers to [since, until): item facts from the first two thirds, choices after."""
    middle = since + (until - since) * 2 / 3
    facts = facts_of(visits, since, middle)
    x, chosen = picks(visits, facts, since, middle, until, rng)
    theta, error = choice(x, chosen)
    start = state_at(visits, since, until)
    return World(
        facts=facts,
        theta=theta,
        error=error,
        start=start,
        now=until,
        eta=eta,
        lift=lift,
        **_habits(visits, since, until),
    )


def stage(count: int) -> int:
    """Return the stage of a customer by visits so far: 1, 2, 3 or 4, 5 to 8, more."""
    return int(np.searchsorted(STAGES, count, side="right")) - 1


def picks(
    visits: Visits,
    facts: Facts,
    since: float,
    judged: float,
    until: float,
    rng: np.random.Generator,
    most: int = PICKS,
) -> tuple[np.ndarray, np.ndarray]:
    """Return features (n, n_items, FEATURES) and the item taken, for picks of [judged, until)."""
    state = state_at(visits, since, judged)
    span = visits.between(judged, until)
    count = int(visits.first[span.stop] - visits.first[span.start]) if len(span) else 0
    chance = min(1.0, most / max(count, 1))
    rows, chosen = [], []
    for visit in span:
        basket, customer = visits.basket(visit), int(visits.customer[visit])
        wanted = basket[rng.random(len(basket)) < chance]
        day = float(visits.day[visit])
        if len(wanted):
            x = features(facts, state, customer, day).astype(np.float32)
            rows += [x] * len(wanted)
            chosen += wanted.tolist()
        state.take(customer, day, basket)
    shape = (0, len(visits.item_ids), len(FEATURES))
    return (np.stack(rows) if rows else np.zeros(shape, np.float32)), np.asarray(chosen, np.int64)


def log_likelihood(x: np.ndarray, chosen: np.ndarray, theta: np.ndarray) -> np.ndarray:
    """Return (n,) log of the chance of each pick."""
    u = x @ theta.astype(np.float32)
    u -= u.max(axis=1, keepdims=True)
    own = u[np.arange(len(chosen)), chosen]
    return np.asarray(own - np.log(np.exp(u).sum(axis=1)), dtype=np.float64)


def choice(x: np.ndarray, chosen: np.ndarray, steps: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Return the conditional logit's weights and standard errors, by Newton's method."""
    wide = x.shape[2]
    theta, information = np.zeros(wide), np.eye(wide)
    for _ in range(steps):
        slope, information = -RIDGE * theta, RIDGE * np.eye(wide)
        for low in range(0, len(x), 500):
            part, took = x[low : low + 500].astype(np.float64), chosen[low : low + 500]
            u = part @ theta
            p = np.exp(u - u.max(axis=1, keepdims=True))
            p /= p.sum(axis=1, keepdims=True)
            mean = np.einsum("nk,nkd->nd", p, part)
            slope += (part[np.arange(len(took)), took] - mean).sum(axis=0)
            weighted = part * p[:, :, None]
            flat = weighted.reshape(-1, wide).T @ part.reshape(-1, wide)
            information += flat - mean.T @ mean
        step = np.linalg.solve(information, slope)
        theta = theta + step * min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-12))
        if np.abs(step).max() < 1e-6:
            break
    return theta, np.sqrt(np.diag(np.linalg.inv(information)))


def run(
    world: World,
    slate: Slate | None,
    seed: int,
    *,
    visits: int | None = None,
    days: float | None = None,
    places: int = 10,
    told: Callable[[Visit], None],
) -> None:
    """Let customers visit until a count or a day; tell each visit.

    With a count, who leaves is followed by another with a random customer's past, so that the
    shop stays as large. Every visit has its own seed: under two policies the same customers come
    at the same times, and differ only in what they are shown.
    """
    state = world.start.copy()
    queue = _first_visits(world, np.random.default_rng([seed, 0]))
    heapq.heapify(queue)
    look = world.examination(places)
    number = 0
    while queue and (visits is None or number < visits):
        day, customer = heapq.heappop(queue)
        if days is not None and day >= world.now + days:
            break
        number += 1
        rng = np.random.default_rng([seed, number])
        luck, noise = rng.random(places), rng.gumbel(size=len(world.facts.popularity))
        size = int(_drawn(world.sizes, world.own_sizes[customer], rng))
        at = stage(int(state.count[customer]) + 1)
        gap = _drawn(world.gaps[at], world.own_gaps[customer], rng)
        leaves = rng.random() < world.leaving[at]
        x = features(world.facts, state, customer, day)
        u = x @ world.theta + noise
        shown = np.zeros(0, np.int64) if slate is None else slate(x, rng)
        seen = luck[: len(shown)] < look[: len(shown)]
        u[shown[seen]] += world.lift
        items = np.argpartition(-u, size)[:size] if size < len(u) else np.arange(len(u))
        taken = seen & np.isin(shown, items)
        since = day - float(state.seen[customer])
        told(
            Visit(customer=customer, day=day, gap=since, items=items, x=x, slate=shown, taken=taken)
        )
        state.take(customer, day, items)
        if leaves and visits is None:
            continue
        if leaves:
            other = int(rng.integers(len(state.seen)))
            state.times[customer] = world.start.times[other]
            state.last[customer] = world.start.last[other] + (day - world.now)
            state.count[customer] = world.start.count[other]
        heapq.heappush(queue, (day + max(gap, 1e-3), customer))


def _first_visits(world: World, rng: np.random.Generator) -> list[tuple[float, int]]:
    """Return when each customer comes next, given how long she has been silent."""
    queue = []
    for customer in np.flatnonzero(np.isfinite(world.start.seen)):
        silent = world.now - float(world.start.seen[customer])
        at = stage(int(world.start.count[customer]))
        own, every = world.own_gaps[customer], world.gaps[at]
        # Silence speaks for having left: Bayes, with the share of gaps that are longer.
        longer = float((every > silent).mean())
        gone = world.leaving[at] / max(world.leaving[at] + (1 - world.leaving[at]) * longer, 1e-9)
        if rng.random() < gone:
            continue
        fitting = own[own > silent]
        mine = len(fitting) and rng.random() < len(own) / (len(own) + OWN)
        pool = fitting if mine else every[every > silent]
        if len(pool):
            gap = float(pool[rng.integers(len(pool))])
            queue.append((world.now + gap - silent, int(customer)))
    return queue


def _drawn(every: np.ndarray, own: np.ndarray, rng: np.random.Generator) -> float:
    luck, at = rng.random(2)
    pool = own if luck < len(own) / (len(own) + OWN) else every
    return float(pool[int(at * len(pool))])


def _habits(visits: Visits, since: float, until: float) -> dict[str, Any]:
    """Return gaps in days, basket sizes and chances of leaving."""
    span = visits.between(since, until)
    customer = visits.customer[span.start : span.stop]
    day = visits.day[span.start : span.stop]
    size = np.diff(visits.first)[span.start : span.stop]
    order = np.lexsort((day, customer))
    customer, day, size = customer[order], day[order], size[order]
    ends = np.searchsorted(customer, np.arange(visits.n_customers + 1))
    number = np.arange(len(customer)) - ends[customer] + 1
    at = np.searchsorted(STAGES, number, side="right") - 1
    again = np.append(customer[1:] == customer[:-1], False)
    gap = np.where(again, np.append(np.diff(day), 0.0), np.inf)
    every = gap[again] if again.any() else np.asarray([until - since])
    silent = float(np.quantile(every, SILENT))
    # Only visits that were followed by long enough can tell who left.
    told = day < until - silent
    left = ~again
    gaps, leaving = [], np.zeros(len(STAGES))
    for one in range(len(STAGES)):
        mine = gap[again & (at == one)]
        gaps.append(mine if len(mine) >= 30 else every)
        leaving[one] = (left[told & (at == one)].sum() + 1) / ((told & (at == one)).sum() + 2)
    pairs = list(pairwise(ends.tolist()))
    return {
        "gaps": gaps,
        "own_gaps": [gap[a : b - 1] if b > a else gap[:0] for a, b in pairs],
        "sizes": size,
        "own_sizes": [size[a:b] for a, b in pairs],
        "silent_days": silent,
        "leaving": leaving,
    }
