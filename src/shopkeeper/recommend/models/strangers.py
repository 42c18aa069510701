"""What customers like this one buy, from nothing but the attributes that the shop sent of her.

Ridge regression from attributes to purchases, in the few leading directions of what is bought
together; the difference to everybody's purchases lifts or lowers what is popular now:

    lift_j = 1 + strength * ((a - mean a) M v_j) / p_j        kept within 1/MOST and MOST

with a the attributes as columns, p_j the share of customers who bought j. Only values that PEOPLE
customers or more share have a column, so nobody is recognised by hers; what is missing counts as
the average. Which settings, and whether at all, is judged on customers that training never saw.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.utils.extmath import randomized_svd

from shopkeeper.base.clock import DAY_US
from shopkeeper.learn.metrics import ndcg_at
from shopkeeper.recommend.models import holdout
from shopkeeper.recommend.models.neighbours import bought
from shopkeeper.recommend.models.source import top
from shopkeeper.recommend.schema import Training

PEOPLE = 20  # customers that share a value, at least
VALUES = 30  # values of one attribute, at most; more of them are names, dates or free text
NUMBERS = 8  # an attribute with more different numbers than this is cut into fifths
ENOUGH = 200  # customers with attributes and purchases; below, nothing is learned
HEAD = 3_000  # the most bought products, among which settings are judged
FOLDS, FIRST_DAYS, K = 5, 30, 20
CLEAR = 2.0  # standard errors of the gain: the best of eight settings wins by one on noise alone
MOST = 5.0
GRID: tuple[dict[str, Any], ...] = tuple(
    {"dimensions": d, "penalty": p, "strength": s}
    for d in (8, 32)
    for p in (100.0, 300.0)
    for s in (0.5, 1.0)
)
Attributes = Mapping[str, Any]


class Columns:
    """Which attribute values have a column, learned from customers."""

    def __init__(self, values: Sequence[tuple[str, str]], cuts: Mapping[str, list[float]]) -> None:
        self.values, self.cuts = list(values), dict(cuts)
        self._at = {value: at for at, value in enumerate(self.values)}

    @classmethod
    def learn(cls, people: Sequence[Attributes]) -> Self:
        """Return columns for the values that enough people share."""
        cuts: dict[str, list[float]] = {}
        names = sorted({name for one in people for name in one})
        for name in names:
            told = [one[name] for one in people if name in one]
            numbers = [float(v) for v in told if _number(v)]
            if len(numbers) == len(told) and len(set(numbers)) > NUMBERS:
                cuts[name] = np.unique(np.quantile(numbers, (0.2, 0.4, 0.6, 0.8))).tolist()
        made = cls([], cuts)
        counts: dict[str, dict[str, int]] = {}
        for one in people:
            for name, value in made.read(one):
                held = counts.setdefault(name, {})
                held[value] = held.get(value, 0) + 1
        kept = [
            (name, value)
            for name, found in sorted(counts.items())
            if 1 < len(found) <= VALUES
            for value, many in sorted(found.items())
            if many >= PEOPLE
        ]
        return cls(kept, cuts)

    def read(self, one: Attributes) -> list[tuple[str, str]]:
        """Return the (name, value) pairs of one customer; numbers as the fifth they fall in."""
        found = []
        for name, value in one.items():
            if value is None or value == "":
                continue
            if name in self.cuts:
                if not _number(value):
                    continue
                value = f"fifth {int(np.searchsorted(self.cuts[name], float(value))) + 1}"
            found.append((name, str(value)))
        return found

    def matrix(self, people: Sequence[Attributes]) -> np.ndarray:
        """Return (n, columns) of ones; NaN over an attribute of which nothing usable is known."""
        found = np.full((len(people), len(self.values)), np.nan)
        of_name: dict[str, list[int]] = {}
        for at, (name, _) in enumerate(self.values):
            of_name.setdefault(name, []).append(at)
        for row, one in enumerate(people):
            for pair in self.read(one):
                if pair in self._at:
                    found[row, of_name[pair[0]]] = 0.0
                    found[row, self._at[pair]] = 1.0
        return found


class Strangers:
    """Lifts of what is popular, by attributes."""

    def __init__(
        self, *, dimensions: int = 8, penalty: float = 100.0, strength: float = 1.0, seed: int = 7
    ) -> None:
        self.dimensions, self.penalty, self.strength = dimensions, penalty, strength
        self.seed = seed

    def fit(self, data: Training) -> Self:
        """Learn from customers with attributes; the directions from everybody."""
        x = bought(data)
        known = _known(data, x)
        people = [data.customer_attributes[row] for row in known.tolist()]
        self.columns_ = Columns.learn(people)
        a = self.columns_.matrix(people)
        self.mean_ = _means(a)
        a = _centred(a, self.mean_)
        n_customers = max(int((np.diff(x.indptr) > 0).sum()), 1)
        self.share_ = np.asarray(x.sum(axis=0)).ravel() / n_customers
        width = min(self.dimensions, *(side - 1 for side in x.shape))
        if a.shape[1] == 0 or width < 1:
            self.map_, self.directions_ = np.zeros((0, 0)), np.zeros((0, x.shape[1]))
            return self
        matrix = sparse.csr_matrix(x)
        _, _, self.directions_ = randomized_svd(matrix, width, n_iter=4, random_state=self.seed)
        taken = np.asarray(matrix[known] @ self.directions_.T)
        gram = a.T @ a + self.penalty * np.eye(a.shape[1])
        self.map_ = np.linalg.solve(gram, a.T @ (taken - taken.mean(axis=0)))
        return self

    def lift(self, attributes: Attributes) -> np.ndarray | None:
        """Return (n_items,) float32 factors, None where nothing usable is known of her."""
        if not attributes or not len(self.map_):
            return None
        told = self.columns_.matrix([attributes])
        if np.isnan(told).all():
            return None
        shift = (_centred(told, self.mean_) @ self.map_ @ self.directions_)[0]
        return self._factors(shift)

    def _factors(self, shift: np.ndarray) -> np.ndarray:
        few = 1e-9
        factor = 1 + self.strength * shift / np.maximum(self.share_, few)
        factor = np.where(self.share_ > few, factor, 1.0)
        found: np.ndarray = np.clip(factor, 1 / MOST, MOST).astype(np.float32)
        return found

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return what was learned as plain arrays and facts."""
        arrays = {
            "mean": self.mean_,
            "map": self.map_,
            "share": self.share_.astype(np.float32),
            "directions": self.directions_.astype(np.float32),
        }
        facts = {
            "values": [list(value) for value in self.columns_.values],
            "cuts": self.columns_.cuts,
            "strength": self.strength,
        }
        return arrays, facts

    @classmethod
    def restore(cls, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> Self:
        """Return the strangers that ``state`` wrote."""
        made = cls(strength=facts["strength"])
        made.columns_ = Columns([(n, v) for n, v in facts["values"]], facts["cuts"])
        made.mean_, made.map_ = arrays["mean"], arrays["map"]
        made.share_, made.directions_ = arrays["share"], arrays["directions"]
        return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What holding out customers showed; ``settings`` None where attributes do not help."""

    settings: Mapping[str, Any] | None
    validation: Mapping[str, float]


def choose(data: Training, seed: int = 7) -> Judged:
    """Return the settings that predict first purchases best of customers held out whole.

    Five times a fifth of the customers with attributes is taken out of everything; their targets
    are what they bought in their first FIRST_DAYS days, NDCG@20 among the HEAD best sellers.
    """
    data = _head(data)
    log = data.interactions
    known = _known(data, bought(data))
    if len(known) < ENOUGH:
        return Judged(settings=None, validation={"customers": len(known)})
    folds = np.array_split(np.random.default_rng(seed).permutation(known), FOLDS)
    values: dict[int, list[np.ndarray]] = {at: [] for at in range(-1, len(GRID))}
    for fold in folds:
        rows = ~np.isin(log.user, fold)
        rest = replace(data, interactions=holdout.take(log, rows))
        popular = np.asarray(bought(rest).sum(axis=0)).ravel()
        wanted = [first_bought(data, one) for one in fold.tolist()]
        values[-1].append(_ndcg([popular] * len(fold), wanted))
        for at, settings in enumerate(GRID):
            model = Strangers(seed=seed, **settings).fit(rest)
            lifts = [model.lift(data.customer_attributes[one]) for one in fold.tolist()]
            scores = [popular if lift is None else popular * lift for lift in lifts]
            values[at].append(_ndcg(scores, wanted))
    joined = {at: np.concatenate(found) for at, found in values.items()}
    best = max(range(len(GRID)), key=lambda at: float(joined[at].mean()))
    gain = joined[best] - joined[-1]
    error = float(gain.std() / np.sqrt(len(gain)))
    return Judged(
        settings=GRID[best] if float(gain.mean()) > CLEAR * error else None,
        validation={
            "popularity": round(float(joined[-1].mean()), 5),
            "attributes": round(float(joined[best].mean()), 5),
            "gain_error": round(error, 5),
            "customers": len(gain),
        },
    )


def first_bought(data: Training, user: int) -> np.ndarray:
    """Return the distinct items that a customer took in the first FIRST_DAYS days."""
    log = data.interactions
    mine = np.flatnonzero(log.user == user)
    soon = log.at_us[mine] <= log.at_us[mine].min() + FIRST_DAYS * DAY_US
    return np.unique(log.item[mine[soon]])


def _ndcg(scores: Sequence[np.ndarray], wanted: Sequence[np.ndarray]) -> np.ndarray:
    hits = [np.isin(top(score, K), target) for score, target in zip(scores, wanted, strict=True)]
    found: np.ndarray = ndcg_at(np.array(hits), np.array([len(t) for t in wanted]), K)
    return found


def _head(data: Training) -> Training:
    log = data.interactions
    touched = np.bincount(log.item, minlength=len(log.item_ids))
    head = np.sort(np.argsort(-touched, kind="stable")[:HEAD])
    number = np.full(len(log.item_ids), -1, dtype=np.int32)
    number[head] = np.arange(len(head))
    some = holdout.take(log, number[log.item] >= 0)
    named = [log.item_ids[row] for row in head.tolist()]
    return replace(data, interactions=replace(some, item=number[some.item], item_ids=named))


def _known(data: Training, x: sparse.csr_array) -> np.ndarray:
    """Return the customers that have attributes and took something."""
    if not len(data.customer_attributes):
        return np.zeros(0, dtype=np.int64)
    told = np.array([bool(one) for one in data.customer_attributes])
    return np.flatnonzero(told & (np.diff(x.indptr) > 0))


def _means(a: np.ndarray) -> np.ndarray:
    there = ~np.isnan(a)
    found: np.ndarray = np.where(there, a, 0).sum(axis=0) / np.maximum(there.sum(axis=0), 1)
    return found


def _centred(a: np.ndarray, mean: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.where(np.isnan(a), 0.0, a - mean)
    return found


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
