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


class ItemRows:
    """Translate rows of a growing list of item ids to a model's rows; -1 is unknown to it."""

    def __init__(self, item_ids: Sequence[str]) -> None:
        self._row_of = {item_id: row for row, item_id in enumerate(item_ids)}
        self._seen: Sequence[str] | None = None
        self._rows = np.zeros(0, dtype=np.int64)

    def of(self, item_ids: Sequence[str]) -> np.ndarray:
        """Return (len(item_ids),) model rows; only what grew since the last call is looked up."""
        known = len(self._rows) if item_ids is self._seen else 0
        if known != len(item_ids) or item_ids is not self._seen:
            fresh = [self._row_of.get(item_ids[i], -1) for i in range(known, len(item_ids))]
            self._rows = np.concatenate([self._rows[:known], np.array(fresh, dtype=np.int64)])
            self._seen = item_ids
        return self._rows


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
    # Most sources are silent on most items, and selection among thousands of equal zeros is slow:
    # look among what is above zero first.
    loud = np.flatnonzero(scores > 0)
    if len(loud) < k:
        silent = np.flatnonzero(scores == 0)[: k - len(loud)]
        if len(loud) + len(silent) == k:
            return np.concatenate([loud[np.lexsort((loud, -scores[loud]))], silent])
        loud = np.arange(len(scores))
    values = scores[loud]
    # Selection alone may cut a tie at the border anywhere: take the whole tie, then sort.
    border = np.partition(values, len(values) - k)[len(values) - k]
    kept = loud[values >= border]
    order = np.lexsort((kept, -scores[kept]))
    return kept[order[:k]]
