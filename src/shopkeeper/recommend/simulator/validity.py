"""How far to believe the simulator: held against visits that it has not seen.

Choices: log-likelihood per pick, beside popularity alone and plain chance. Visits: the same days
simulated, basket sizes, repeats and intervals side by side, and a discriminator (boosted trees)
that is to tell simulated visits from real ones: 0.5 means it cannot, 1 that it always can.
Clicks by position need impressions: looking.py adds them where the shop has enough.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from shopkeeper.base.errors import BadInput
from shopkeeper.recommend.simulator.visits import FEATURES, Visits, features, state_at
from shopkeeper.recommend.simulator.world import Visit, World, log_likelihood, picks, run

DRAWS = 500
QUANTILES = (0.25, 0.5, 0.75, 0.9)


def report(
    world: World, visits: Visits, since: float, days: float, rng: np.random.Generator
) -> dict[str, Any]:
    """Return how the ``days`` after the fitted period went, really and simulated."""
    until = world.now + days
    real = _real(world, visits, since, until)
    made: list[np.ndarray] = []
    seed = int(rng.integers(2**31))
    run(world, None, seed, days=days, told=lambda one: made.append(_row(world, one)))
    simulated = np.asarray(made).reshape(-1, real.shape[1])
    if not len(real) or not len(simulated):
        raise BadInput(
            f"No {'real' if not len(real) else 'simulated'} customer comes back in the "
            f"{days:.1f} days kept to judge the simulator.",
            field="interactions",
            value=0,
            allowed="at least 1 visit by a customer known before",
            hint="A longer log is needed, or more products in the pool (--items).",
        )
    area, interval = discriminator(real, simulated, rng)
    return {
        "days": round(days, 1),
        "choice": _choices(world, visits, since, until, rng),
        "visits": {"real": len(real), "simulated": len(simulated)},
        "basket_size": _both(real[:, 0], simulated[:, 0]),
        "interval_days": _both(real[:, 1], simulated[:, 1]),
        "repeat_share": {
            "real": round(float(real[:, 2].mean()), 4),
            "simulated": round(float(simulated[:, 2].mean()), 4),
        },
        "discriminator_auc": area,
        "discriminator_auc_interval_95": interval,
    }


def _choices(
    world: World, visits: Visits, since: float, until: float, rng: np.random.Generator
) -> dict[str, Any]:
    x, chosen = picks(visits, world.facts, since, world.now, until, rng, most=3_000)
    fitted = log_likelihood(x, chosen, world.theta)
    popular = np.zeros(len(FEATURES))
    # exp(popularity * scale) is the share itself: popularity alone at its best.
    popular[0] = _scale(world)
    alone = log_likelihood(x, chosen, popular)
    n = len(chosen)
    gain = fitted - alone
    drawn = [gain[rng.integers(0, n, n)].mean() for _ in range(DRAWS)] if n else [0.0]
    low, high = np.percentile(drawn, (2.5, 97.5))
    return {
        "picks": n,
        "log_likelihood": round(float(fitted.mean()), 4),
        "popularity": round(float(alone.mean()), 4),
        "chance": round(-float(np.log(len(world.facts.popularity))), 4),
        "gain_over_popularity_interval_95": [round(float(low), 4), round(float(high), 4)],
    }


def _scale(world: World) -> float:
    """Return the spread of the log shares that were standardised away."""
    sold = np.asarray(world.start.times.sum(axis=0), dtype=np.float64) + 1
    return float(np.log(sold / sold.sum()).std())


def _row(world: World, one: Visit) -> np.ndarray:
    """Return what tells a visit: size, gap, repeats, popularity, satiation and affinity of it."""
    taken = one.x[one.items]
    return np.asarray(
        [
            len(one.items),
            one.gap,
            taken[:, 1].mean(),
            taken[:, 0].mean(),
            taken[:, 3].mean(),
            taken[:, 5].mean(),
            one.x[:, 1].sum(),
        ]
    )


def _real(world: World, visits: Visits, since: float, until: float) -> np.ndarray:
    """Return the rows of real visits by customers known at the cut, as the simulator has them."""
    state = state_at(visits, since, world.now)
    known = np.isfinite(state.seen)
    rows = []
    none = np.zeros(0, np.int64)
    for visit in visits.between(world.now, until):
        customer, day = int(visits.customer[visit]), float(visits.day[visit])
        basket = visits.basket(visit)
        if known[customer]:
            gap = day - float(state.seen[customer])
            x = features(world.facts, state, customer, day)
            one = Visit(
                customer=customer, day=day, gap=gap, items=basket, x=x, slate=none, taken=none
            )
            rows.append(_row(world, one))
        state.take(customer, day, basket)
    return np.asarray(rows).reshape(-1, 7)


def discriminator(
    real: np.ndarray, simulated: np.ndarray, rng: np.random.Generator
) -> tuple[float | None, list[float] | None]:
    """Return the AUC of trees that tell simulated rows from real ones, on rows kept back.

    None where either has fewer than 100.
    """
    from lightgbm import LGBMClassifier

    from shopkeeper.recommend.behaviour.evaluate import auc

    n = min(len(real), len(simulated))
    if n < 100:
        return None, None
    rows = np.vstack(
        [real[rng.permutation(len(real))[:n]], simulated[rng.permutation(len(simulated))[:n]]]
    )
    true = np.repeat([True, False], n)
    mixed = rng.permutation(2 * n)
    learn, kept = mixed[:n], mixed[n:]
    trees = LGBMClassifier(
        n_estimators=100, num_leaves=15, random_state=7, n_jobs=1, verbose=-1, min_child_samples=20
    ).fit(rows[learn], true[learn])
    score = np.asarray(trees.predict_proba(rows[kept]))[:, 1]
    return auc(score, true[kept], 7)


def _both(real: np.ndarray, simulated: np.ndarray) -> dict[str, Any]:
    """Return means, quantiles and the largest distance of the two distributions."""
    every = np.sort(np.concatenate([real, simulated]))
    below = [
        np.searchsorted(np.sort(one), every, side="right") / len(one) for one in (real, simulated)
    ]
    return {
        "real": {"mean": round(float(real.mean()), 3), "quantiles": _quantiles(real)},
        "simulated": {
            "mean": round(float(simulated.mean()), 3),
            "quantiles": _quantiles(simulated),
        },
        "distance": round(float(np.abs(below[0] - below[1]).max()), 4),
    }


def _quantiles(values: np.ndarray) -> list[float]:
    return [round(float(one), 3) for one in np.quantile(values, QUANTILES)]


def examination(
    position: np.ndarray, clicked: np.ndarray, worth: np.ndarray | None = None
) -> dict[str, Any]:
    """Return eta of place ** -eta from impressions whose items were placed by chance.

    Poisson regression of clicks on log(place), and on ``worth`` (n,) where the items by place
    differ in how much they are wanted; the interval tells whether places differ at all. The first
    half of the rows fits, the second is judged: log-likelihood beside "no difference".
    """
    half = len(position) // 2
    columns = [np.ones(len(position)), -np.log(position)]
    if worth is not None:
        columns.append((worth - worth.mean()) / max(float(worth.std()), 1e-9))
    design = np.stack(columns, axis=1)
    theta, information = _poisson(design[:half], clicked[:half])
    flat, _ = _poisson(np.delete(design[:half], 1, axis=1), clicked[:half])
    error = float(np.sqrt(np.linalg.inv(information)[1, 1]))
    kept, came = design[half:], clicked[half:]
    rates = np.exp(kept @ theta), np.exp(np.delete(kept, 1, axis=1) @ flat)
    told = [
        float((came * np.log(one) + (1 - came) * np.log1p(-np.minimum(one, 0.999))).mean())
        for one in rates
    ]
    places = int(position.max())
    shown = np.bincount(position[half:], minlength=places + 1)[1:]
    shares = [
        np.bincount(position[half:], weights=one, minlength=places + 1)[1:] / np.maximum(shown, 1)
        for one in (came, rates[0])
    ]
    return {
        "eta": round(float(theta[1]), 3),
        "interval_95": [round(float(theta[1]) + side * 1.96 * error, 3) for side in (-1, 1)],
        "clicks": int(clicked.sum()),
        "held_out_log_likelihood": {
            "by_place": round(told[0], 6),
            "no_difference": round(told[1], 6),
        },
        "held_out_click_share": [round(float(one), 5) for one in shares[0]],
        "foretold_click_share": [round(float(one), 5) for one in shares[1]],
    }


def _poisson(design: np.ndarray, clicked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights of a Poisson regression, by Newton's method, and their information."""
    theta = np.zeros(design.shape[1])
    theta[0] = np.log(max(float(clicked.mean()), 1e-9))
    information = np.eye(len(theta))
    for _ in range(25):
        rate = np.exp(design @ theta)
        information = design.T @ (rate[:, None] * design) + 1e-9 * np.eye(len(theta))
        theta = theta + np.linalg.solve(information, design.T @ (clicked - rate))
    return theta, information
