"""The model that is served: several sources, each scaled per subject, added with chosen weights.

score_j = sum over sources s of  weight[task, s] * raw_s,j / max_j raw_s,j

Linear, so that a candidate's score is the sum of its sources' shares, and a share the sum of
what each history item gave to it. Tasks have weights of their own: "all" ranks everything,
"repeat" what the customer took before, "discovery" what is new to them, "similar" what goes
with the items on the page. Weights are chosen on validation (fusion.py), never on test rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from shopkeeper.learn.artefacts import pack_words, unpack_words
from shopkeeper.learn.contracts import Artefact
from shopkeeper.recommend.models import fusion, histories
from shopkeeper.recommend.models.ease import Ease
from shopkeeper.recommend.models.frequency import Frequency
from shopkeeper.recommend.models.histories import Histories
from shopkeeper.recommend.models.neighbours import Sequential
from shopkeeper.recommend.models.popularity import Popularity
from shopkeeper.recommend.models.source import CANDIDATES, ItemRows, Source, top
from shopkeeper.recommend.schema import Features, Prediction, Training

KINDS: dict[str, type[Source]] = {
    kind.name: kind for kind in (Popularity, Frequency, Sequential, Ease)
}
TASK_OF = {
    "home": "all",
    "buy_again": "repeat",
    "product": "similar",
    "bought_together": "similar",
    "cart": "similar",
    "trending": "trending",
}
EXPLAINED = 60  # candidates that get their because; a page never shows more


class Blend:
    """Fuse sources by task. ``weights`` given: frozen; None: chosen when fitting."""

    name = "blend"

    def __init__(self, weights: Mapping[str, Mapping[str, float]] | None = None) -> None:
        self.weights = weights
        self._rows: ItemRows | None = None

    def fit(self, data: Training) -> Self:
        """Choose weights on the last period if none are given, then fit all sources on all."""
        self.weights_ = self.weights or fusion.choose(data, default_sources)
        used = {name for task in self.weights_.values() for name, w in task.items() if w > 0}
        made = [s for s in default_sources() if s.name in used or s.name == "popularity"]
        self.sources_ = {source.name: source.fit(data) for source in made}
        self.item_ids_: Sequence[str] = data.interactions.item_ids
        self._rows = None
        return self

    def scores(self, asked: Histories, task: str = "all") -> np.ndarray:
        """Return (n_subjects, n_items) blended scores, for measuring many subjects at once."""
        total = np.zeros((asked.n_subjects, len(self.item_ids_)), dtype=np.float32)
        for name, weight in self.weights_[task].items():
            if weight > 0:
                raw = self.sources_[name].scores(asked)
                total += raw * (np.float32(weight) / scale(raw))
        return total

    def predict(self, features: Features) -> Prediction:
        """Return up to 300 candidates for one request, best first, with shares and because."""
        if self._rows is None:
            self._rows = ItemRows(self.item_ids_)
        rows = self._rows.of(features.item_ids)
        task = TASK_OF[features.placement]
        asked = histories.of_request(features, rows, context_only=task == "similar")
        weights = {n: w for n, w in self.weights_[task].items() if w > 0}
        names = list(weights)
        parts = np.zeros((len(names), len(features.item_ids)), dtype=np.float32)
        known = np.flatnonzero(rows >= 0)
        factor = {}
        for at, name in enumerate(names):
            if name == "popularity":
                raw = np.asarray(features.popularity, dtype=np.float32)
                peak = scale(raw[None, :])[0, 0]
                parts[at, : len(raw)] = raw * (weights[name] / peak)
                continue
            raw = self.sources_[name].scores(asked)
            factor[name] = float(weights[name] / scale(raw)[0, 0])
            parts[at, known] = raw[0, rows[known]] * factor[name]
        total = parts.sum(axis=0)
        if task == "repeat":
            mine = np.zeros(len(total), dtype=bool)
            mine[features.history.item[features.history.kind == histories.PURCHASE]] = True
            total = np.where(mine, total, 0)
        picked = top(total, CANDIDATES)
        picked = picked[total[picked] > 0]
        return Prediction(
            item=picked.astype(np.int32),
            score=total[picked],
            sources=tuple(names),
            parts=np.ascontiguousarray(parts[:, picked].T),
            because=self._because(features, asked, rows, picked[:EXPLAINED], factor),
        )

    def _because(
        self,
        features: Features,
        asked: Histories,
        rows: np.ndarray,
        picked: np.ndarray,
        factor: Mapping[str, float],
    ) -> dict[int, list[tuple[int, float]]]:
        """Return for each candidate the history items that gave most, as rows of features."""
        known = picked[rows[picked] >= 0]
        if len(asked.item) == 0 or len(known) == 0:
            return {}
        shares = np.zeros((len(asked.item), len(known)), dtype=np.float32)
        for name, by in factor.items():
            shares += self.sources_[name].because(asked, rows[known]) * np.float32(by)
        context = np.asarray(features.context, dtype=np.int64)
        past = features.history.item if len(asked.item) > len(context) else context[:0]
        item = np.concatenate([past, context]).astype(np.int64)
        distinct, of_row = np.unique(item, return_inverse=True)
        summed = np.zeros((len(distinct), len(known)), dtype=np.float32)
        np.add.at(summed, of_row, shares)
        best = np.argsort(-summed, axis=0, kind="stable")[:3]
        return {
            int(candidate): [
                (int(distinct[i]), float(summed[i, at])) for i in best[:, at] if summed[i, at] > 0
            ]
            for at, candidate in enumerate(known)
        }

    def to_artefact(self) -> Artefact:
        """Return all sources in one artefact; arrays are named ``source/array``."""
        arrays: dict[str, np.ndarray] = dict(pack_words("item_ids", self.item_ids_))
        facts: dict[str, Any] = {"weights": self.weights_, "sources": {}}
        for name, source in self.sources_.items():
            own, facts["sources"][name] = source._state()
            arrays |= {f"{name}/{key}": value for key, value in own.items()}
        return Artefact(kind=self.name, arrays=arrays, facts=facts)

    @classmethod
    def from_artefact(cls, artefact: Artefact) -> Self:
        """Return the blend that ``to_artefact`` wrote."""
        made = cls(artefact.facts["weights"])
        made.weights_ = artefact.facts["weights"]
        made.item_ids_ = unpack_words("item_ids", artefact.arrays)
        made.sources_ = {}
        for name, facts in artefact.facts["sources"].items():
            source = KINDS[name]()
            source.item_ids_ = made.item_ids_
            own = {
                key.removeprefix(f"{name}/"): value
                for key, value in artefact.arrays.items()
                if key.startswith(f"{name}/")
            }
            source._restore(own, facts)
            made.sources_[name] = source
        return made


def default_sources() -> list[Source]:
    """Return the sources a shop starts with, unfitted."""
    return [Popularity(), Frequency(), Sequential(reach=5, fade=0.9, neighbours=200), Ease()]


def scale(raw: np.ndarray) -> np.ndarray:
    """Return each subject's largest raw score, (n_subjects, 1); 1 where a source is silent."""
    peak = raw.max(axis=1, keepdims=True, initial=0)
    return np.where(peak > 0, peak, 1).astype(np.float32)
