"""Try the policies: fit customers to two periods, train on the first, judge on the second.

Regret is what an oracle that knows the second customers' utilities earns more, visit by visit,
with the same customers coming at the same times (common random numbers). What is reported is
reward per visit: places of the slate that were seen and taken. Intervals are over seeds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from shopkeeper.base.errors import BadInput
from shopkeeper.learn.offpolicy import Logged, compare
from shopkeeper.recommend.schema import Interactions
from shopkeeper.recommend.simulator import validity
from shopkeeper.recommend.simulator.policies import (
    ADAPTING,
    GREEDY,
    LOG_SHARE,
    NAMES,
    REINFORCE,
    SOFTMAX,
    Log,
    Policy,
    made,
    reinforce,
    within,
)
from shopkeeper.recommend.simulator.visits import FEATURES, Visits, visits_of
from shopkeeper.recommend.simulator.world import Visit, World, fit, run

PERIODS = ((0.0, 0.45, 0.5), (0.5, 0.9, 1.0))  # fitted from, to; held out to
POINTS = 40
PLACES = 10
ORACLE = "oracle"
ETA = 1.0  # assumed where impressions say nothing
_T95 = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 7: 2.447, 8: 2.365, 9: 2.306, 10: 2.262}


def trial(
    interactions: Interactions,
    *,
    items: int = 200,
    visits: int = 3_000,
    seeds: int = 5,
    eta: float | None = None,
    lift: float = 0.0,
    seed: int = 7,
    looking: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return both simulators' validity, every policy's reward and regret, and what log says.

    ``looking``: what impressions say (looking.py); its eta is taken where none is asked for.
    """
    measured = (looking or {}).get("eta") if eta is None else None
    if eta is None:
        eta = ETA if measured is None else float(np.clip(measured, 0.0, 3.0))
    _check(items, visits, seeds)
    rng = np.random.default_rng(seed)
    log = visits_of(interactions, items=items)
    end = float(log.day[-1]) + 1e-6
    worlds = []
    checks = []
    for start, stop, held in PERIODS:
        world = fit(log, start * end, stop * end, rng, eta=eta, lift=lift)
        worlds.append(world)
        told = validity.report(world, log, start * end, (held - stop) * end, rng)
        checks.append(told | {"click_by_position": looking if measured is not None else None})
    first, second = worlds
    slate_weights = _taught(first, visits, seed, rng)
    curves: dict[str, list[np.ndarray]] = {name: [] for name in (*NAMES, ORACLE)}
    for number in range(seeds):
        for name in NAMES:
            policy = _started(name, first, slate_weights, seed + number, visits)
            curves[name].append(_rewards(second, policy, seed + number, visits))
        best = Policy(name=ORACLE, weights=second.theta)
        curves[ORACLE].append(_rewards(second, best, seed + number, visits))
    return {
        "data": _data(log),
        "protocol": {
            "periods": [list(one) for one in PERIODS],
            "places": PLACES,
            "items": len(log.item_ids),
            "visits": visits,
            "seeds": seeds,
            "seed": seed,
            "assumed": {"eta": round(eta, 3), "lift": lift},
            "eta_from": "assumed" if measured is None else "impressions",
        },
        "simulators": [
            {**_fitted(one), "validity": check} for one, check in zip(worlds, checks, strict=True)
        ],
        "policies": {name: _judged(curves, name) for name in NAMES},
        "oracle": {"reward": _spread([float(one.mean()) for one in curves[ORACLE]])},
        "looking": dict(looking) if looking else None,
        "visits_at": _points(visits).tolist(),
        "off_policy": _off_policy(second, first.theta, slate_weights, visits, seed),
    }


def _started(name: str, first: World, slate: np.ndarray, seed: int, visits: int) -> Policy:
    """Return a policy after half the visits in the first simulator, which nobody judges."""
    size = float(first.sizes.mean())
    policy = made(name, first.theta, slate, error=first.error, size=size)
    # One that starts as the ranker knows that simulator already.
    if name != ADAPTING:
        _rewards(first, policy, 1_000_000 + seed, visits // 2)
    return policy


def _check(items: int, visits: int, seeds: int) -> None:
    if not 2 <= seeds <= 10:
        raise BadInput("seeds lies outside.", field="seeds", value=seeds, allowed="from 2 to 10")
    if visits < POINTS or items < 2 * PLACES:
        raise BadInput(
            "The trial is too small.",
            field="visits" if visits < POINTS else "items",
            value=visits if visits < POINTS else items,
            allowed=f"at least {POINTS} visits and {2 * PLACES} items",
        )


def _taught(first: World, visits: int, seed: int, rng: np.random.Generator) -> np.ndarray:
    """Return slate weights learnt from what the exploring ranker logs in the first simulator."""
    logged = _logged(first, first.theta, min(visits, 2_000), seed + 500)
    return reinforce(logged, first.theta, rng)


def _logged(world: World, ranker: np.ndarray, visits: int, seed: int) -> Log:
    policy = Policy(name=SOFTMAX, weights=ranker, share=LOG_SHARE)
    xs, slates, chances, taken = [], [], [], []

    def show(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return policy.slate(x, rng, PLACES)

    def told(one: Visit) -> None:
        xs.append(one.x.astype(np.float32))
        slates.append(one.slate)
        chances.append(policy.chances)
        taken.append(one.taken)

    run(world, show, seed, visits=visits, places=PLACES, told=told)
    return Log(
        x=np.stack(xs),
        slate=np.stack(slates),
        chance=np.stack(chances),
        taken=np.stack(taken),
    )


def _rewards(world: World, policy: Policy, seed: int, visits: int) -> np.ndarray:
    """Return (visits,) rewards of a policy that learns as it goes."""
    look = world.examination(PLACES)
    found: list[int] = []

    def show(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return policy.slate(x, rng, PLACES)

    def told(one: Visit) -> None:
        found.append(int(one.taken.sum()))
        policy.learn(one.x[one.slate], look, one.taken)

    run(world, show, seed, visits=visits, places=PLACES, told=told)
    return np.asarray(found + [0] * (visits - len(found)), dtype=np.float64)


def _judged(curves: dict[str, list[np.ndarray]], name: str) -> dict[str, Any]:
    mine, best, base = curves[name], curves[ORACLE], curves[GREEDY]
    at = _points(len(mine[0])) - 1
    regret = np.stack([np.cumsum(b - m)[at] for m, b in zip(mine, best, strict=True)])
    spreads = [_spread(regret[:, point].tolist()) for point in range(len(at))]
    over = [float(m.mean() - b.mean()) for m, b in zip(mine, base, strict=True)]
    return {
        "reward": _spread([float(one.mean()) for one in mine]),
        "against_greedy": _spread(over),
        "regret": {
            "mean": [one["mean"] for one in spreads],
            "low": [one["interval_95"][0] for one in spreads],
            "high": [one["interval_95"][1] for one in spreads],
        },
    }


def _off_policy(
    world: World, ranker: np.ndarray, slate_weights: np.ndarray, visits: int, seed: int
) -> dict[str, Any]:
    """Judge from the exploring ranker's log in the second simulator, place by place."""
    log = _logged(world, ranker, min(visits, 2_000), seed + 900)
    n, places = log.slate.shape
    found = {}
    for name, weights in ((GREEDY, ranker), (REINFORCE, slate_weights)):
        scores = (log.x @ weights.astype(np.float32)).astype(np.float64)
        policy = np.zeros((n * places, scores.shape[1]), np.float32)
        for row in range(n):
            left = within(scores[row], log.x[row] @ ranker, places)
            for place in range(places):
                policy[row * places + place, int(left.argmax())] = 1.0
                left[int(log.slate[row, place])] = -np.inf
        told = compare(
            Logged(
                reward=log.taken.astype(np.float64).ravel(),
                action=log.slate.ravel(),
                propensity=log.chance.ravel(),
                policy=policy,
                request=np.repeat(np.arange(n), places),
            ),
            np.random.default_rng(seed),
            draws=200,
        )
        found[name] = {
            "logged": round(told.logged, 5),
            "snips": round(told.estimates["snips"].value, 5),
            "interval_95": [round(one, 5) for one in told.estimates["snips"].interval_95],
            "effective": round(told.effective),
            "verdict": told.verdict,
            "why": list(told.why),
        }
    return found


def _fitted(world: World) -> dict[str, Any]:
    return {
        "utility": {
            name: {"weight": round(float(w), 4), "standard_error": round(float(e), 4)}
            for name, w, e in zip(FEATURES, world.theta, world.error, strict=True)
        },
        "leaving_by_visits": [round(float(one), 4) for one in world.leaving],
        "silent_days": round(world.silent_days, 1),
    }


def _data(log: Visits) -> dict[str, Any]:
    return {
        "visits": len(log.day),
        "picks": len(log.item),
        "customers": log.n_customers,
        "days": round(float(log.day[-1]), 1),
    }


def _points(visits: int) -> np.ndarray:
    return np.unique(np.linspace(1, visits, POINTS).astype(np.int64))


def _spread(values: list[float]) -> dict[str, Any]:
    """Return the mean over seeds and its 95 % interval by Student's t."""
    middle, n = float(np.mean(values)), len(values)
    wide = _T95[n] * float(np.std(values, ddof=1)) / np.sqrt(n)
    return {
        "mean": round(middle, 5),
        "interval_95": [round(middle - wide, 5), round(middle + wide, 5)],
    }
