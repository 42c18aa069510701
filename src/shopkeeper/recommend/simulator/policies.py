"""Policies that fill a slate of places and may learn from what is taken.

    greedy         the ranker as it was fitted on the first period: places by score
    epsilon_softmax  the same, a share of places drawn (recommend/explore.py, as in serving)
    thompson       linear Thompson sampling: weights drawn from their posterior per slate
    linucb         score plus ``WIDTH`` standard errors
    adapting       the ranker's own choice model, its weights moved after every slate
    reinforce      Plackett-Luce weights over the ranker's best, learnt off-policy from what
                   epsilon_softmax logged

The linear two model "taken" = chance of being seen at the place times x . w (a position-based
model whose curve they are given), by ridge regression. Sources: Agrawal & Goyal 2013; Li et al.
2010; for ``adapting`` the conditional logit (McFadden 1974) in an extended Kalman filter, whose
prior is as wide as ``DRIFT`` standard errors: tastes move more between periods than sampling
says; Chen et al. 2019 (off-policy corrected REINFORCE, capped weights; here every place has its own
logged chance and is corrected by it, so that no factor for the whole slate is needed).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from shopkeeper.recommend.explore import DEPTH, Exploration

GREEDY, SOFTMAX, THOMPSON, LINUCB, REINFORCE, ADAPTING = NAMES = (
    *("greedy", "epsilon_softmax", "thompson", "linucb", "reinforce", "adapting"),
)
SHARE, LOG_SHARE = 0.1, 0.5
WIDTH = 0.5
NOISE = 0.05  # variance of "taken" at a chance of about 5 %
RIDGE = 1.0
DRIFT = 10.0  # fixed before the seeds that judge it
CAP = 10.0


@dataclass(slots=True, kw_only=True)
class Linear:
    """Ridge regression that grows row by row; the last feature is the constant."""

    gram: np.ndarray
    moment: np.ndarray

    def add(self, x: np.ndarray, y: np.ndarray) -> None:
        """Learn rows (n, d) with outcomes (n,)."""
        self.gram += x.T @ x
        self.moment += x.T @ y


@dataclass(slots=True, kw_only=True)
class Belief:
    """What is believed of customers' utilities: mean and precision of (theta, log of basket size).

    A place's expected take is look * size * softmax(x . theta) of its item.
    """

    mean: np.ndarray
    precision: np.ndarray
    x: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))  # of the last slate's pool

    def add(self, slate: np.ndarray, look: np.ndarray, taken: np.ndarray) -> None:
        """Learn what came of the last slate: one step of the filter."""
        u = self.x @ self.mean[:-1]
        p = np.exp(u - u.max())
        p /= p.sum()
        rows = np.column_stack([self.x[slate] - p @ self.x, np.ones(len(slate))])
        rate = np.minimum(look * np.exp(self.mean[-1]) * p[slate], 1.0)
        self.precision += rows.T @ (rows * rate[:, None])
        self.mean = self.mean + np.linalg.solve(self.precision, rows.T @ (taken - rate))


@dataclass(slots=True, kw_only=True)
class Policy:
    """``weights`` score the features; ``linear`` or ``belief`` is what learners know so far."""

    name: str
    weights: np.ndarray
    share: float = 0.0
    among: np.ndarray | None = None  # weights of the ranker among whose best it chooses
    linear: Linear | None = None
    belief: Belief | None = None
    shown: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    chances: np.ndarray = field(default_factory=lambda: np.ones(0))  # of the last slate's places

    def slate(self, x: np.ndarray, rng: np.random.Generator, places: int = 10) -> np.ndarray:
        """Return the items of the places, best first; ``chances`` holds their propensities."""
        scores = self._scores(x, rng)
        self.chances = np.ones(places)
        if not self.share:
            self.shown = _best(scores, places)
            return self.shown
        order = _best(scores, min(len(scores), places + DEPTH)).tolist()
        weights = np.exp(scores - scores.max())
        explore = Exploration(share=self.share, rng=rng)
        slate = []
        for place in range(places):
            at, self.chances[place] = explore.pick([float(weights[i]) for i in order[:DEPTH]])
            slate.append(order.pop(at))
        return np.asarray(slate)

    def _scores(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        if self.belief is not None:
            self.belief.x = x
            return np.asarray(x @ self.belief.mean[:-1], dtype=np.float64)
        if self.linear is None:
            scores = np.asarray(x @ self.weights, dtype=np.float64)
            return scores if self.among is None else within(scores, x @ self.among)
        wide = _with_one(x)
        inverse = np.linalg.inv(self.linear.gram)
        mean = inverse @ self.linear.moment
        if self.name == THOMPSON:
            drawn = mean + np.linalg.cholesky(NOISE * inverse) @ rng.standard_normal(len(mean))
            return np.asarray(wide @ drawn)
        spread = np.sqrt(NOISE * np.einsum("kd,de,ke->k", wide, inverse, wide))
        return np.asarray(wide @ mean + WIDTH * spread)

    def learn(self, x: np.ndarray, look: np.ndarray, taken: np.ndarray) -> None:
        """Take in what came of the places shown: features (places, d), chance seen, taken."""
        if self.belief is not None:
            self.belief.add(self.shown, look, taken.astype(np.float64))
        if self.linear is not None:
            self.linear.add(_with_one(x) * look[:, None], taken.astype(np.float64))


def made(
    name: str,
    ranker: np.ndarray,
    slate_weights: np.ndarray | None = None,
    *,
    error: np.ndarray | None = None,
    size: float = 1.0,
) -> Policy:
    """Return a policy as it starts; the linear learners start knowing nothing.

    ``error``: standard errors of the ranker's weights, ``size``: mean basket; for ``adapting``.
    """
    if name == ADAPTING:
        spread = np.ones(len(ranker)) if error is None else DRIFT * error
        precision = np.diag(np.append(1 / spread**2, 4.0))
        belief = Belief(mean=np.append(ranker, np.log(max(size, 1e-9))), precision=precision)
        return Policy(name=name, weights=ranker, belief=belief)
    if name in (THOMPSON, LINUCB):
        wide = len(ranker) + 1
        linear = Linear(gram=RIDGE * np.eye(wide), moment=np.zeros(wide))
        return Policy(name=name, weights=ranker, linear=linear)
    if name == REINFORCE and slate_weights is not None:
        return Policy(name=name, weights=slate_weights, among=ranker)
    return Policy(name=name, weights=ranker, share=SHARE if name == SOFTMAX else 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """What a policy with known chances showed: n slates."""

    x: np.ndarray  # (n, n_items, d)
    slate: np.ndarray  # (n, places)
    chance: np.ndarray  # (n, places)
    taken: np.ndarray  # (n, places)


def reinforce(
    log: Log, start: np.ndarray, rng: np.random.Generator, *, rounds: int = 6, rate: float = 0.02
) -> np.ndarray:
    """Return slate weights by policy gradient on slates that ranker ``start`` logged.

    Per place the gradient is min(pi / beta, CAP) * (r - mean) * grad log pi, pi the softmax over
    what the logger could have placed there: beyond that the log says nothing, and the baseline
    would push there. Adam over batches of 64 slates.
    """
    w, first, second, step = start.copy(), np.zeros(len(start)), np.zeros(len(start)), 0
    mean = log.taken.mean(axis=0)
    for _ in range(rounds):
        order = rng.permutation(len(log.slate))
        for low in range(0, len(order), 64):
            rows = order[low : low + 64]
            slope = np.zeros(len(w))
            for row in rows:
                slope += _slope(log, int(row), w, start, mean)
            slope = slope / len(rows) - 1e-3 * (w - start)
            step += 1
            first = 0.9 * first + 0.1 * slope
            second = 0.999 * second + 0.001 * slope**2
            fair = first / (1 - 0.9**step)
            w = w + rate * fair / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
    return w


def _slope(log: Log, row: int, w: np.ndarray, logger: np.ndarray, mean: np.ndarray) -> np.ndarray:
    x = log.x[row].astype(np.float64)
    places = log.slate.shape[1]
    order = _best(x @ logger, min(len(x), places + DEPTH)).tolist()
    u = x @ w
    weight = np.exp(u - u.max())
    slope = np.zeros(len(w))
    for place in range(places):
        item, could = int(log.slate[row, place]), order[:DEPTH]
        pi = weight[could] / weight[could].sum()
        own = float(pi[could.index(item)])
        capped = min(own / float(log.chance[row, place]), CAP)
        gain = float(log.taken[row, place]) - float(mean[place])
        slope += capped * gain * (x[item] - pi @ x[could])
        order.remove(item)
    return slope


def within(scores: np.ndarray, ranker: np.ndarray, places: int = 10) -> np.ndarray:
    """Return the scores of the ranker's ``places + DEPTH`` best, -inf for the others."""
    kept = np.full(len(scores), -np.inf)
    best = _best(ranker, min(len(scores), places + DEPTH))
    kept[best] = scores[best]
    return kept


def _best(scores: np.ndarray, places: int) -> np.ndarray:
    top = np.argpartition(-scores, min(places, len(scores) - 1))[:places]
    return np.asarray(top[np.argsort(-scores[top], kind="stable")])


def _with_one(x: np.ndarray) -> np.ndarray:
    return np.column_stack([x, np.ones(len(x))])
