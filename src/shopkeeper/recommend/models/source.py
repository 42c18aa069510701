"""What every source of candidates can do: score a batch, say because, answer one request.

A source gives raw scores that are zero or more: zero means nothing to say. Its raw score for
an item is a sum over history rows, which is what makes an explanation additive; a source
without history (popularity) explains nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from shopkeeper.learn.artefacts import pack_words, unpack_words
from shopkeeper.learn.contracts import Artefact
from shopkeeper.recommend.models import histories
from shopkeeper.recommend.models.histories import Histories
from shopkeeper.recommend.schema import Features, Prediction, Training

CANDIDATES = 300
GROUPS = 8  # groups of scores per place: enough that few rows lie above their border


class ItemRows:
    """Translate rows of a growing list of item ids to a model's rows; -1 is unknown to it."""

    def __init__(self, item_ids: Sequence[str]) -> None:
        self._row_of = {item_id: row for row, item_id in enumerate(item_ids)}
        self._seen: Sequence[str] | None = None
        self._rows = np.zeros(0, dtype=np.int64)
        self._back: np.ndarray | None = None

    def of(self, item_ids: Sequence[str]) -> np.ndarray:
        """Return (len(item_ids),) model rows; only what grew since the last call is looked up."""
        known = len(self._rows) if item_ids is self._seen else 0
        if known != len(item_ids) or item_ids is not self._seen:
            fresh = [self._row_of.get(item_ids[i], -1) for i in range(known, len(item_ids))]
            self._rows = np.concatenate([self._rows[:known], np.array(fresh, dtype=np.int64)])
            self._seen, self._back = item_ids, None
        return self._rows

    @property
    def back(self) -> np.ndarray:
        """Return for each model row the row of the ids that ``of`` got last; -1 is not in them."""
        if self._back is None:
            self._back = np.full(len(self._row_of), -1, dtype=np.int64)
            known = np.flatnonzero(self._rows >= 0)
            self._back[self._rows[known]] = known
        return self._back


class Source:
    """Base of all sources; a subclass fits, scores and names its arrays."""

    name = "source"
    own_scale = False  # True: scores have a meaning of their own, at most 1, and are not scaled
    item_ids_: Sequence[str]

    def fit(self, data: Training) -> Self:
        """Learn from ``data``, forgetting earlier fits."""
        raise NotImplementedError

    def scores(self, asked: Histories) -> np.ndarray:
        """Return raw scores (n_subjects, n_items), float32, zero or more."""
        raise NotImplementedError

    def score_one(self, asked: Histories) -> np.ndarray:
        """Return raw scores (n_items,) of one subject: ``scores(asked)[0]``, made to be fast."""
        first: np.ndarray = self.scores(asked)[0]
        return first

    def because(self, asked: Histories, items: np.ndarray) -> np.ndarray:
        """Return (history rows, items): what each row of one subject adds to each raw score."""
        return np.zeros((len(asked.item), len(items)), dtype=np.float32)

    def _state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        raise NotImplementedError

    def _restore(self, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
        raise NotImplementedError

    @property
    def n_items(self) -> int:
        return len(self.item_ids_)

    def to_artefact(self) -> Artefact:
        """Return the fitted source as plain arrays and facts."""
        arrays, facts = self._state()
        return Artefact(
            kind=self.name, arrays={**arrays, **pack_words("item_ids", self.item_ids_)}, facts=facts
        )

    @classmethod
    def from_artefact(cls, artefact: Artefact) -> Self:
        """Return the source that ``to_artefact`` wrote."""
        made = cls()
        made.item_ids_ = unpack_words("item_ids", artefact.arrays)
        made._restore(dict(artefact.arrays), dict(artefact.facts))
        return made

    def predict(self, features: Features) -> Prediction:
        """Return this source's own candidates for one request, best first."""
        rows = ItemRows(self.item_ids_).of(features.item_ids)
        asked = histories.of_request(features, rows)
        raw = self.scores(asked)[0]
        back = np.full(self.n_items, -1, dtype=np.int64)
        back[rows[rows >= 0]] = np.flatnonzero(rows >= 0)
        best = [i for i in top(raw, CANDIDATES) if raw[i] > 0 and back[i] >= 0]
        picked = np.array(best, dtype=np.int64)
        score = raw[picked].astype(np.float32)
        return Prediction(
            item=back[picked].astype(np.int32),
            score=score,
            sources=(self.name,),
            parts=score.reshape(-1, 1),
        )


def top(scores: np.ndarray, k: int) -> np.ndarray:
    """Return the rows of the k best scores, best first; equal scores by lower row number."""
    k = min(k, len(scores))
    if k == 0:
        return np.zeros(0, dtype=np.int64)
    candidates = _above(scores, k)
    order = np.lexsort((candidates, -scores[candidates]))
    return candidates[order[:k]]


def _above(scores: np.ndarray, k: int) -> np.ndarray:
    """Return rows, ascending, among which the k best are, ties at the border by lower row.

    The k-th largest of the maxima of groups is no larger than the k-th largest score, so what
    lies below it need not be sorted. Partitioning all of 92,000 scores, most of them nothing,
    took 1 ms, and 7 ms where nearly all were equal; this takes 0.05 ms.
    """
    groups = GROUPS * k
    whole = len(scores) - len(scores) % groups
    if whole < 2 * groups:
        return np.arange(len(scores))
    most = scores[:whole].reshape(-1, groups).max(axis=0)
    border = np.partition(most, groups - k)[groups - k]
    if np.isnan(most).any():  # no border holds among them
        return np.arange(len(scores))
    better = np.flatnonzero(scores > border)
    if len(better) >= k:
        return better
    # The border is then the k-th best score itself, and those equal to it stand by row.
    missing, end = k - len(better), 4096
    while len(tied := np.flatnonzero(scores[:end] == border)) < missing and end < len(scores):
        end *= 4
    return np.sort(np.concatenate([better, tied[:missing]]))
