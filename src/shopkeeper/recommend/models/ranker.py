"""Rank the blend's best candidates by boosted trees, and say how probable each purchase is.

LambdaMART (LightGBM, objective lambdarank) over the table of ranking.py. It learns on periods
that the sources below it had not seen: sources fitted on what came before, labels from what was
bought in them. Whether it is used at all is judged task by task on the last period by trees of the
ones before: where their gain is not above its own standard error, the blend's order stands. (Folds
of customers within one period promised gains that the next period did not keep.)

The probability is of a purchase within that period's length by a customer who shops in it:
isotonic on a logistic of the score on that last period and the customer's habits.

Two objectives compete: lambdarank, which learns the order, and the likelihood of each purchase
(binary), which on few customers overfits less. Where the shop has shown enough, trees taught by its
own slates compete too, freed of what a place gains by itself; purchases judge them all.

Source: Burges, From RankNet to LambdaRank to LambdaMART (2010); Zadrozny and Elkan, KDD 2002.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np

from shopkeeper.learn.metrics import ndcg_at
from shopkeeper.recommend.models import fusion, ranking
from shopkeeper.recommend.models.fusion import TASKS, Judged
from shopkeeper.recommend.models.histories import Histories
from shopkeeper.recommend.models.ranking import ItemFacts
from shopkeeper.recommend.models.shown import ENOUGH_PLACES
from shopkeeper.recommend.models.source import Source, top
from shopkeeper.recommend.schema import Training

DEPTH = 200  # candidates of the blend that the trees order
ROUNDS = (20, 50, 100)
TRUNCATION = 30  # pairs with the first 30 of a list teach; a page shows ten
SHAPES: tuple[dict[str, Any], ...] = (
    {"objective": "lambdarank", "num_leaves": 6},
    {"objective": "lambdarank", "num_leaves": 15},
    {"objective": "binary", "num_leaves": 6},
    {"objective": "binary", "num_leaves": 15},
)
# The same from slates, with what each place gains by itself left out (shown.py).
FROM_SLATES: tuple[dict[str, Any], ...] = (
    {"objective": "lambdarank", "num_leaves": 6, "slates": True},
    {"objective": "lambdarank", "num_leaves": 15, "slates": True},
)
ENOUGH_GROUPS = 200  # customers with something to find; below, the blend's order stands
SETTINGS: dict[str, Any] = {
    "learning_rate": 0.1,
    "min_data_in_leaf": 200,
    "feature_fraction": 0.6,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}
# What tells customers apart; the trees see it too, but order within one customer does not need it.
_HABITS = ("subject_lines", "subject_baskets", "subject_age")
KNOTS = 200


class Fused(Protocol):
    """What the ranker needs of a blend: its sources, its trend and its fused scores."""

    trend_: np.ndarray

    @property
    def sources_(self) -> Mapping[str, Source]: ...

    def fused(self, raws: Mapping[str, np.ndarray], task: str) -> np.ndarray: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A blend fitted on ``data``, and what ``judged`` customers bought in the period after it."""

    blend: Fused
    data: Training
    judged: Judged
    shown: Sequence[Group] = ()  # slates of the period, by the same blend (shown.py)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One customer's candidates in the training period."""

    rows: np.ndarray  # (n, columns) float32
    label: np.ndarray  # (n,) bool; of a slate its grades, 0 to 3
    targets: int  # all of the customer's targets, among the candidates or not
    position: np.ndarray | None = None  # of a slate: where each stood


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """From a raw score and habits to a probability: logistic weights, then isotonic knots."""

    weight: np.ndarray  # (1 + len(_HABITS) + 1,): score, habits, bias
    x: np.ndarray
    y: np.ndarray

    def apply(self, raw: np.ndarray, habits: np.ndarray) -> np.ndarray:
        """Return probabilities (n,), rising in ``raw``; ``habits`` (n, 3) as in the table."""
        logit = self.weight[0] * raw + _known(habits) @ self.weight[1:-1] + self.weight[-1]
        found: np.ndarray = np.interp(logit, self.x, self.y)
        return found


class Ranker:
    """Trees by task; ``validation_`` holds each task's NDCG@10 with and without them."""

    def __init__(self, seed: int = 7) -> None:
        self.seed = seed
        self.trees_: dict[str, Any] = {}
        self.validation_: dict[str, dict[str, Any]] = {}

    def fit(self, periods: Sequence[Period], tasks: Sequence[str] = TASKS) -> Self:
        """Learn from one period or more, oldest first; the last one judges."""
        self.sources_ = tuple(sorted(periods[-1].blend.sources_))
        self.trees_, self.validation_ = {}, {}
        self.calibration_: dict[str, Calibration] = {}
        found: dict[str, list[list[Group]]] = {task: [] for task in tasks}
        for period in periods:
            self.facts_ = ranking.item_facts(period.data, period.blend.trend_)
            for task, groups in self._groups(period.blend, period.judged, tasks).items():
                found[task].append(groups)
        for task, (*earlier, last) in found.items():
            past = [group for groups in earlier for group in groups]
            if min(len(past), len(last)) >= ENOUGH_GROUPS:
                slates = tuple(period.shown for period in periods) if task == "all" else ()
                self._learn(task, past, last, slates)
        return self

    def refit_facts(self, data: Training, trend: np.ndarray) -> Ranker:
        """Return this ranker with item facts as of newer data; the trees stay."""
        made = Ranker(self.seed)
        made.__dict__ |= self.__dict__
        made.facts_ = ranking.item_facts(data, trend)
        return made

    def has(self, task: str) -> bool:
        """Return whether trees order this task."""
        return task in self.trees_

    def rank(
        self,
        task: str,
        asked: Histories,
        picked: np.ndarray,
        blend: np.ndarray,
        raws: Mapping[str, np.ndarray],
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return (order, probability) of one subject's candidates, as in ``ranking.table``."""
        rows = ranking.table(self.facts_, asked, picked, blend, {n: raws[n] for n in self.sources_})
        trees = self.trees_[task]
        known = rows[:, : trees.num_feature()]
        raw = np.asarray(trees.predict(known, raw_score=True, num_threads=1))
        order = np.argsort(-raw, kind="stable")
        chance = self.calibration_[task].apply(raw, rows[:, self._habits()])
        return order, chance[order]

    def adds(
        self,
        task: str,
        asked: Histories,
        picked: np.ndarray,
        blend: np.ndarray,
        raws: Mapping[str, np.ndarray],
        place: int,
    ) -> dict[str, float]:
        """Return what each column adds to one candidate's raw score (TreeSHAP), and ``bias``."""
        rows = ranking.table(self.facts_, asked, picked, blend, {n: raws[n] for n in self.sources_})
        trees = self.trees_[task]
        known = rows[place : place + 1, : trees.num_feature()]
        found = trees.predict(known, pred_contrib=True, num_threads=1)
        names = [*ranking.columns(self.sources_)[: trees.num_feature()], "bias"]
        return dict(zip(names, np.asarray(found)[0].tolist(), strict=True))

    def _habits(self) -> list[int]:
        names = ranking.columns(self.sources_)
        return [names.index(name) for name in _HABITS]

    def _groups(self, blend: Fused, judged: Judged, tasks: Sequence[str]) -> dict[str, list[Group]]:
        """Return each task's candidates with labels, customers without a target left out."""
        n_items = len(blend.trend_)
        found: dict[str, list[Group]] = {task: [] for task in tasks}
        for first, last in fusion.chunks(judged.asked.n_subjects, n_items * len(self.sources_)):
            part = judged.asked.chunk(first, last)
            raws = {name: blend.sources_[name].scores(part) for name in self.sources_}
            seen = fusion.seen_mask(part, n_items)
            target = fusion.target_mask(judged, first, last, n_items)
            for task in tasks:
                fused = masked(blend.fused(raws, task), task, seen)
                may = fusion.allowed(task, seen)
                wanted = target if may is None else target & may
                for row in np.flatnonzero(wanted.any(axis=1)).tolist():
                    picked = best_of(fused[row])
                    if not len(picked):
                        continue
                    rows = ranking.table(
                        self.facts_,
                        part.chunk(row, row + 1),
                        picked,
                        fused[row, picked],
                        {name: raw[row] for name, raw in raws.items()},
                    )
                    found[task].append(
                        Group(
                            rows=rows.astype(np.float32),
                            label=wanted[row, picked],
                            targets=int(wanted[row].sum()),
                        )
                    )
        return found

    def _learn(
        self,
        task: str,
        past: list[Group],
        last: list[Group],
        slates: Sequence[Sequence[Group]] = (),
    ) -> None:
        """Judge trees of the past on the last period; keep them where they beat the blend.

        ``slates`` of each period teach as another shape, where the past has enough of them.
        """
        shown = [group for groups in slates[:-1] for group in groups]
        enough = sum(len(group.label) for group in shown) >= ENOUGH_PLACES
        before = _ndcg(last, [-np.arange(len(g.label), dtype=float) for g in last])
        rows = np.concatenate([g.rows for g in last])
        ends = np.cumsum([len(g.label) for g in last])[:-1]
        best: tuple[float, dict[str, Any], int, np.ndarray, np.ndarray] | None = None
        for shape in (*SHAPES, *(FROM_SLATES if enough else ())):
            teachers = shown if "slates" in shape else past
            trees = self._trees(teachers, shape, ROUNDS[-1])
            for rounds in ROUNDS:
                raw = np.asarray(
                    trees.predict(rows, raw_score=True, num_iteration=rounds, num_threads=1)
                )
                after = _ndcg(last, np.split(raw, ends))
                if best is None or after.mean() > best[0]:
                    best = (float(after.mean()), shape, rounds, raw, after)
        assert best is not None
        value, shape, rounds, raw, after = best
        gain = after - before
        error = float(gain.std()) / np.sqrt(len(gain))
        self.validation_[task] = {
            "blend": round(float(before.mean()), 5),
            "ranker": round(value, 5),
            "gain_error": round(error, 5),
            "customers": len(last),
            "rounds": rounds,
            **shape,
        }
        if gain.mean() <= error:
            return
        every = [*shown, *slates[-1]] if "slates" in shape else [*past, *last]
        self.trees_[task] = self._trees(every, shape, rounds)
        label = np.concatenate([g.label for g in last])
        self.calibration_[task] = calibrate(raw, rows[:, self._habits()], label)

    def _trees(self, groups: list[Group], shape: Mapping[str, Any], rounds: int) -> Any:
        import lightgbm

        told = {name: value for name, value in shape.items() if name != "slates"}
        settings = {**SETTINGS, **told, "seed": self.seed}
        if shape["objective"] == "lambdarank":
            settings["lambdarank_truncation_level"] = TRUNCATION
        data = lightgbm.Dataset(
            np.concatenate([g.rows for g in groups]),
            np.concatenate([g.label for g in groups]).astype(np.int32),
            group=[len(g.label) for g in groups],
            position=_positions(groups),
            params=settings,
        )
        return lightgbm.train(settings, data, num_boost_round=rounds)

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return the fitted ranker as plain arrays and facts."""
        arrays = {f"item.{name}": value for name, value in ranking.to_arrays(self.facts_).items()}
        for task, trees in self.trees_.items():
            text = trees.model_to_string().encode()
            arrays[f"trees.{task}"] = np.frombuffer(text, dtype=np.uint8)
            held = self.calibration_[task]
            arrays |= {
                f"chance.{task}.{name}": getattr(held, name) for name in Calibration.__slots__
            }
        facts = {
            "sources": list(self.sources_),
            "tasks": sorted(self.trees_),
            "validation": self.validation_,
            "seed": self.seed,
        }
        return arrays, facts

    @classmethod
    def restore(cls, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> Self:
        """Return the ranker that ``state`` wrote."""
        import lightgbm

        made = cls(facts["seed"])
        made.sources_ = tuple(facts["sources"])
        made.validation_ = {task: dict(found) for task, found in facts["validation"].items()}
        own = {n: arrays[f"item.{n}"] for n in ItemFacts.__slots__ if f"item.{n}" in arrays}
        made.facts_ = ranking.from_arrays(own)
        made.trees_, made.calibration_ = {}, {}
        for task in facts["tasks"]:
            text = arrays[f"trees.{task}"].tobytes().decode()
            made.trees_[task] = lightgbm.Booster(model_str=text)
            made.calibration_[task] = Calibration(
                **{n: arrays[f"chance.{task}.{n}"] for n in Calibration.__slots__}
            )
        return made


def masked(fused: np.ndarray, task: str, seen: np.ndarray) -> np.ndarray:
    """Return the fused scores with what a task may not rank at zero."""
    may = fusion.allowed(task, seen)
    return fused if may is None else np.where(may, fused, 0)


def best_of(fused: np.ndarray) -> np.ndarray:
    """Return the candidates that the trees order: the best DEPTH that score at all."""
    picked = top(fused, DEPTH)
    return picked[fused[picked] > 0]


def merged(
    known: np.ndarray, rest: np.ndarray, order: np.ndarray, chance: np.ndarray, blend: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return (places, scores) of all candidates: trees' order, with what they do not know in it.

    A product that training did not know stays behind as many of the others as in the blend.
    """
    before = np.searchsorted(known, rest)
    below = 0.5 * float(chance.min()) / (float(blend[rest].max(initial=0)) or 1.0)
    among = chance[np.maximum(before - 1, 0)]
    theirs = np.where(before < len(known), among, blend[rest] * below)
    line = np.argsort(np.append(np.arange(len(known)), before - 0.5), kind="stable")
    score = np.concatenate([chance, theirs])[line].astype(np.float32)
    return np.concatenate([known[order], rest])[line], score


def calibrate(raw: np.ndarray, habits: np.ndarray, label: np.ndarray) -> Calibration:
    """Return the map from scores that labels had no part in to probabilities of a purchase."""
    from sklearn.isotonic import IsotonicRegression
    from sklearn.linear_model import LogisticRegression

    x = np.column_stack([raw, _known(habits)])
    fit = LogisticRegression(max_iter=300).fit(x, label)
    # The order of the trees stays: their weight is never below nothing.
    weight = np.append(np.maximum(fit.coef_[0], [1e-6, -np.inf, -np.inf, -np.inf]), fit.intercept_)
    logit = x @ weight[:-1] + weight[-1]
    steps = IsotonicRegression(y_min=1e-6, y_max=1 - 1e-6, out_of_bounds="clip").fit(logit, label)
    knots = np.unique(np.quantile(logit, np.linspace(0, 1, KNOTS)))
    return Calibration(weight=weight, x=knots, y=steps.predict(knots))


def _known(habits: np.ndarray) -> np.ndarray:
    """Return habits as numbers a regression takes: nothing bought yet is long ago."""
    found = np.nan_to_num(np.asarray(habits, dtype=float), nan=365.0)
    found[:, 2] = np.log1p(found[:, 2])
    return found


def _positions(groups: Sequence[Group]) -> np.ndarray | None:
    """Return where each row stood, None unless all groups are slates."""
    told = [group.position for group in groups if group.position is not None]
    return np.concatenate(told).astype(np.int32) if len(told) == len(groups) else None


def _ndcg(groups: list[Group], scores: list[np.ndarray]) -> np.ndarray:
    """Return NDCG@10 of each customer when candidates are ordered by scores."""
    hits = np.zeros((len(groups), 10), dtype=bool)
    for at, (group, score) in enumerate(zip(groups, scores, strict=True)):
        best = np.argsort(-score, kind="stable")[:10]
        hits[at, : len(best)] = group.label[best]
    return ndcg_at(hits, np.array([group.targets for group in groups]), 10)
