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
EXPLAINED = 40  # candidates that get their because; a page never shows more
LIVE = "popularity"  # taken from the features at serving time, so that it follows each event


class Blend:
    """Fuse sources by task. ``study`` given: its choices are frozen; None: chosen on fitting."""

    name = "blend"

    def __init__(self, study: Study | None = None, *, protocol: str = "time") -> None:
        self.study, self.protocol = study, protocol
        self._rows: ItemRows | None = None
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
        self._rows, self._powers = None, {}
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
        if self._rows is None:
            self._rows = ItemRows(self.item_ids_)
        rows = self._rows.of(features.item_ids)
        task = TASK_OF[features.placement]
        asked = histories.of_request(features, rows, context_only=task == "similar")
        weights = self._weights(task)
        raws: dict[str, np.ndarray] = {}
        factor: dict[str, np.ndarray | np.float32] = {}
        total = np.zeros(len(features.item_ids), dtype=np.float32)
        known = _prefix(rows, len(self.item_ids_))
        for name, weight in weights.items():
            if name == LIVE:
                raw = np.asarray(features.popularity, dtype=np.float32)[: len(total)]
                factor[name] = np.float32(weight) / scaled(raw[None, :])[0, 0]
                raws[name] = raw
                total[: len(raw)] += raw * factor[name]
                continue
            raw = self.sources_[name].score_one(asked)
            by = np.float32(weight) / scaled(raw[None, :])[0, 0]
            trend = self._trend(task, name)
            factor[name] = by if trend is None else by * trend
            raws[name] = raw
            part = raw * factor[name]
            if known is None:
                total[rows >= 0] += part[rows[rows >= 0]]
            else:
                total[:known] += part[:known]
        if task == "repeat":
            mine = np.zeros(len(total), dtype=bool)
            mine[features.history.item[features.history.kind == histories.PURCHASE]] = True
            total *= mine
        picked = top(total, CANDIDATES)
        picked = picked[total[picked] > 0]
        parts = np.zeros((len(picked), len(weights)), dtype=np.float32)
        for at, name in enumerate(weights):
            mine_rows = picked if name == LIVE else rows[picked]
            inside = (mine_rows >= 0) & (mine_rows < len(raws[name]))
            parts[inside, at] = (raws[name] * factor[name])[mine_rows[inside]]
        shown = picked[:EXPLAINED]
        spoken = {n: (raws[n] > 0) * factor[n] for n in raws if n != LIVE}
        return Prediction(
            item=picked.astype(np.int32),
            score=total[picked],
            sources=tuple(weights),
            parts=parts,
            because=self._because(features, asked, rows, shown, spoken),
        )

    def _because(
        self,
        features: Features,
        asked: Histories,
        rows: np.ndarray,
        picked: np.ndarray,
        factor: Mapping[str, np.ndarray],
    ) -> dict[int, list[tuple[int, float]]]:
        """Return for each candidate the history items that gave most, as rows of features."""
        known = picked[rows[picked] >= 0]
        if len(asked.item) == 0 or len(known) == 0:
            return {}
        shares = np.zeros((len(asked.item), len(known)), dtype=np.float32)
        for name, by in factor.items():
            shares += self.sources_[name].because(asked, rows[known]) * by[rows[known]]
        context = np.asarray(features.context, dtype=np.int64)
        past = features.history.item if len(asked.item) > len(context) else context[:0]
        item = np.concatenate([past, context]).astype(np.int64)
        distinct, of_row = np.unique(item, return_inverse=True)
        # Rows of one item stand together after sorting: reduceat is add.at without its price.
        order = np.argsort(of_row, kind="stable")
        opens = np.searchsorted(of_row[order], np.arange(len(distinct)))
        summed = np.add.reduceat(shares[order], opens, axis=0)
        best = np.argsort(-summed, axis=0, kind="stable")[:3]
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


def _prefix(rows: np.ndarray, n_items: int) -> int | None:
    """Return how many leading rows are the model's own 0, 1, 2 …, or None if they are not all.

    The usual case: a catalogue that only grew since training. It saves a gather per source.
    """
    n = min(len(rows), n_items)
    if n == 0 or (rows[0] == 0 and rows[n - 1] == n - 1 and np.array_equal(rows[:n], np.arange(n))):
        return n
    return None
