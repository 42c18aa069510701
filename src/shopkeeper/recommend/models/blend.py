"""The model that is served: several sources, each scaled per subject, added with chosen weights.

score_j = sum over sources s of  weight[task, s] * raw_s,j / max_j raw_s,j * trend_j ^ power

Linear, so that a candidate's score is the sum of its sources' shares, and a share the sum of
what each history item gave to it. Trend (how present an item is now against its whole past)
multiplies what other people's purchases say, never what the customer's own repeats say. Tasks
have weights of their own: "all" ranks everything, "repeat" what the customer took before,
"discovery" what is new to them, "similar" what goes with the items on the page. Settings and
weights are chosen on validation (study.py), never on test rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from shopkeeper.learn.artefacts import pack_words, unpack_words
from shopkeeper.learn.contracts import Artefact
from shopkeeper.recommend.models import histories, holdout, shelf, study
from shopkeeper.recommend.models.fusion import Study, scaled
from shopkeeper.recommend.models.histories import Histories
from shopkeeper.recommend.models.memo import Memo, key_of
from shopkeeper.recommend.models.source import CANDIDATES, ItemRows, Source, top
from shopkeeper.recommend.schema import Features, Prediction, Training

TASK_OF = {
    "home": "all",
    "buy_again": "repeat",
    "product": "similar",
    "bought_together": "similar",
    "cart": "similar",
    "trending": "trending",
}
EXPLAINED = 30  # candidates that get their because; a page never shows more
# A source whose weight is below this share of the largest cannot move a first page; serving
# spares its cost.
WHISPER = 0.005
LIVE = "popularity"  # taken from the features at serving time, so that it follows each event


class Blend:
    """Fuse sources by task. ``study`` given: its choices are frozen; None: chosen on fitting."""

    name = "blend"

    def __init__(self, study: Study | None = None, *, protocol: str = "time") -> None:
        self.study, self.protocol = study, protocol
        self._rows: ItemRows | None = None
        self._memo = Memo()
        self._powers: dict[float, np.ndarray] = {}

    def fit(self, data: Training, fitted: Mapping[str, Source] | None = None) -> Self:
        """Choose on the last period if nothing is frozen, then fit the sources used on all.

        ``fitted``: sources already fitted on exactly this data, to be used as they are.
        """
        self.study_ = self.study or study.choose(data, protocol=self.protocol)
        used = {n for ws in self.study_.weights.values() for n, w in ws.items() if w > 0}
        self.item_ids_: Sequence[str] = data.interactions.item_ids
        self.sources_: dict[str, Source] = {}
        for name in sorted({*used, LIVE}):
            given = (fitted or {}).get(name)
            made = shelf.make(name, self.study_.settings.get(name, {}))
            self.sources_[name] = given if given is not None else made.fit(data)
        self.trend_ = study.trend_of(data, holdout.horizon_days(data))
        self._rows, self._powers, self._memo = None, {}, Memo()
        return self

    def _weights(self, task: str) -> dict[str, float]:
        """Return the sources that count, by name: sums in one order give the same last digit."""
        return {name: w for name, w in sorted(self.study_.weights[task].items()) if w > 0}

    def _trend(self, task: str, name: str) -> np.ndarray | None:
        """Return what a source's scores are multiplied with on a task; None is nothing."""
        power = self.study_.trend.get(task, 0.0)
        if not power or name == LIVE or name in shelf.PERSONAL:
            return None
        if power not in self._powers:
            self._powers[power] = self.trend_ ** np.float32(power)
        return self._powers[power]

    def scores(self, asked: Histories, task: str = "all") -> np.ndarray:
        """Return (n_subjects, n_items) blended scores, for measuring many subjects at once."""
        total = np.zeros((asked.n_subjects, len(self.item_ids_)), dtype=np.float32)
        for name, weight in self._weights(task).items():
            raw = self.sources_[name].scores(asked)
            part = raw * (np.float32(weight) / scaled(raw))
            trend = self._trend(task, name)
            total += part if trend is None else part * trend
        return total

    def predict(self, features: Features) -> Prediction:
        """Return up to 300 candidates for one request, best first, with shares and because."""
        task = TASK_OF[features.placement]
        if task == "trending":  # cheap, and all of it is other people's doing
            return self._predict(task, features)
        key = key_of(task, features, context_only=task == "similar")
        known = self._memo.get(key, features.as_of_us)
        if known is None:
            known = self._predict(task, features)
            self._memo.put(key, features.as_of_us, known)
        return known

    def _predict(self, task: str, features: Features) -> Prediction:
        if self._rows is None:
            self._rows = ItemRows(self.item_ids_)
        rows = self._rows.of(features.item_ids)
        asked = histories.of_request(features, rows, context_only=task == "similar")
        weights = self._asked_now(task)
        raws: dict[str, np.ndarray] = {}
        shares: dict[str, np.ndarray] = {}
        # One place more than items: row -1, an item the model has never seen, reads a zero.
        ours = np.zeros(len(self.item_ids_) + 1, dtype=np.float32)
        for name, weight in weights.items():
            raws[name] = raw = self._raw(name, features, asked)
            share = raw * np.float32(weight / (float(raw.max(initial=0)) or 1.0))
            trend = self._trend(task, name)
            if trend is not None:
                share *= trend
            shares[name] = share
            if name != LIVE:
                ours[:-1] += share
        total = ours[rows]
        if LIVE in shares:
            total[: len(shares[LIVE])] += shares[LIVE]
        if task == "repeat":
            mine = np.zeros(len(total), dtype=bool)
            mine[features.history.item[features.history.kind == histories.PURCHASE]] = True
            total *= mine
        picked = top(total, CANDIDATES)
        picked = picked[total[picked] > 0]
        parts = np.zeros((len(picked), len(weights)), dtype=np.float32)
        for at, (name, share) in enumerate(shares.items()):
            mine_rows = picked if name == LIVE else rows[picked]
            inside = (mine_rows >= 0) & (mine_rows < len(share))
            parts[inside, at] = share[mine_rows[inside]]
        shown = picked[:EXPLAINED]
        of_shown = rows[shown]
        of_shown = of_shown[of_shown >= 0]
        factor = {n: _ratio(shares[n][of_shown], raws[n][of_shown]) for n in raws if n != LIVE}
        return Prediction(
            item=picked.astype(np.int32),
            score=total[picked],
            sources=tuple(weights),
            parts=parts,
            because=self._because(features, asked, rows, shown, factor),
        )

    def _asked_now(self, task: str) -> dict[str, float]:
        """Return the sources worth asking for one request: those that can move the first page."""
        weights = self._weights(task)
        least = WHISPER * max(weights.values(), default=0.0)
        return {name: weight for name, weight in weights.items() if weight >= least}

    def _raw(self, name: str, features: Features, asked: Histories) -> np.ndarray:
        """Return a source's raw scores for one request; popularity is the live one."""
        if name == LIVE:
            return np.asarray(features.popularity, dtype=np.float32)[: len(features.item_ids)]
        return self.sources_[name].score_one(asked)

    def _because(
        self,
        features: Features,
        asked: Histories,
        rows: np.ndarray,
        picked: np.ndarray,
        factor: Mapping[str, np.ndarray],
    ) -> dict[int, list[tuple[int, float]]]:
        """Return for each candidate the history items that gave most, as rows of features.

        ``factor``: what a source's raw score is multiplied with, per candidate it knows.
        """
        known = picked[rows[picked] >= 0]
        if len(asked.item) == 0 or len(known) == 0:
            return {}
        shares = np.zeros((len(asked.item), len(known)), dtype=np.float32)
        for name, by in factor.items():
            if by.any():
                shares += self.sources_[name].because(asked, rows[known]) * by
        context = np.asarray(features.context, dtype=np.int64)
        past = features.history.item if len(asked.item) > len(context) else context[:0]
        item = np.concatenate([past, context]).astype(np.int64)
        distinct, of_row = np.unique(item, return_inverse=True)
        # Rows of one item stand together after sorting: reduceat is add.at without its price.
        order = np.argsort(of_row, kind="stable")
        opens = np.searchsorted(of_row[order], np.arange(len(distinct)))
        summed = np.add.reduceat(shares[order], opens, axis=0)
        best = _three_largest(summed)
        who = distinct[best].T.tolist()
        gave = np.take_along_axis(summed, best, axis=0).T.tolist()
        return {
            candidate: [(i, share) for i, share in zip(*pair, strict=True) if share > 0]
            for candidate, *pair in zip(known.tolist(), who, gave, strict=True)
        }

    def to_artefact(self) -> Artefact:
        """Return all sources in one artefact; arrays are named ``source/array``."""
        arrays: dict[str, np.ndarray] = dict(pack_words("item_ids", self.item_ids_))
        arrays["trend"] = self.trend_
        facts: dict[str, Any] = {
            "settings": {name: dict(found) for name, found in self.study_.settings.items()},
            "weights": {task: dict(found) for task, found in self.study_.weights.items()},
            "trend": dict(self.study_.trend),
            "validation": {task: dict(v) for task, v in self.study_.validation.items()},
            "subjects": self.study_.subjects,
            "protocol": self.protocol,
            "sources": {},
        }
        for name, source in self.sources_.items():
            own, facts["sources"][name] = source._state()
            arrays |= {f"{name}/{key}": value for key, value in own.items()}
        return Artefact(kind=self.name, arrays=arrays, facts=facts)

    @classmethod
    def from_artefact(cls, artefact: Artefact) -> Self:
        """Return the blend that ``to_artefact`` wrote."""
        chosen = ("settings", "weights", "trend", "validation", "subjects")
        frozen = Study(**{key: artefact.facts[key] for key in chosen})
        made = cls(frozen, protocol=artefact.facts["protocol"])
        made.study_, made.trend_ = frozen, artefact.arrays["trend"]
        made.item_ids_ = unpack_words("item_ids", artefact.arrays)
        made.sources_ = {}
        for name, facts in artefact.facts["sources"].items():
            source = shelf.KINDS[name]()
            source.item_ids_ = made.item_ids_
            own = {
                key.removeprefix(f"{name}/"): value
                for key, value in artefact.arrays.items()
                if key.startswith(f"{name}/")
            }
            source._restore(own, facts)
            made.sources_[name] = source
        return made


def _ratio(share: np.ndarray, raw: np.ndarray) -> np.ndarray:
    """Return share / raw, 0 where a source is silent."""
    return np.divide(share, raw, out=np.zeros_like(share), where=raw > 0)


def _three_largest(values: np.ndarray) -> np.ndarray:
    """Return the rows of the three largest of each column, largest first; ties by lower row."""
    left = values.copy()
    columns = np.arange(values.shape[1])
    best = []
    for _ in range(min(3, len(values))):
        row = left.argmax(axis=0)
        best.append(row)
        left[row, columns] = -np.inf
    return np.stack(best)
