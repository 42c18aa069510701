"""Products that read alike: TF-IDF over words and letters, for items nobody has bought yet.

Chinese has no spaces, so runs of Han characters become overlapping pairs of characters; other
words are kept whole and, cut into letters, meet misspellings and compounds half-way. A truncated
SVD turns the counts into short vectors; score_j = (sum over history of w(h) v_h) . v_j.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.utils.extmath import randomized_svd

from shopkeeper.recommend.models.histories import Histories
from shopkeeper.recommend.models.neighbours import ItemToItem
from shopkeeper.recommend.schema import Training

WIDE_ITEMS = 30_000
_HAN = re.compile(r"[\u3400-\u9fff]+")
_WORD = re.compile(r"[^\W_]+")


def tokens(text: str) -> list[str]:
    """Return words, pairs of Han characters, and letter triples of longer words.

    >>> tokens("Blue 马克杯")
    ['blue', '#blu', '#lue', '马克', '克杯']
    """
    folded = unicodedata.normalize("NFKC", text).lower()
    found: list[str] = []
    for word in _WORD.findall(_HAN.sub(lambda run: f" {run.group()} ", folded)):
        if _HAN.fullmatch(word):
            found += [word[i : i + 2] for i in range(max(len(word) - 1, 1))]
            continue
        found.append(word)
        if len(word) > 3:
            found += [f"#{word[i : i + 3]}" for i in range(len(word) - 2)]
    return found


class Text(ItemToItem):
    """Vectors from item text; says nothing where the shop has no texts."""

    name = "text"

    def __init__(
        self,
        *,
        dimensions: int = 64,
        seed: int = 7,
        fade: float = 0.9,
        fade_days: float | None = None,
    ) -> None:
        super().__init__(fade=fade, fade_days=fade_days)
        self.dimensions, self.seed = dimensions, seed

    def fit(self, data: Training) -> Self:
        """Turn the catalogue's texts into unit vectors; an item without text gets zeros."""
        self.item_ids_ = data.interactions.item_ids
        self.vectors_ = np.zeros((self.n_items, self.dimensions), dtype=np.float32)
        texts = list(data.item_text)
        if sum(map(bool, texts)) < 2:
            return self
        counted = TfidfVectorizer(
            analyzer=tokens, sublinear_tf=True, min_df=2, max_features=60_000, dtype=np.float32
        )
        try:
            matrix = sparse.csr_matrix(counted.fit_transform(texts))
        except ValueError:  # no token stands in two items: nothing reads alike
            return self
        # A request reads every vector once: half the width keeps a large catalogue in cache.
        widest = self.dimensions if self.n_items <= WIDE_ITEMS else self.dimensions // 2
        width = min(widest, *(side - 1 for side in matrix.shape))
        if width < 1:
            return self
        left, strength, _ = randomized_svd(matrix, width, n_iter=3, random_state=self.seed)
        vectors = left * strength
        length = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit = vectors / np.maximum(length, 1e-9) * (length > 1e-6)
        self.vectors_ = np.ascontiguousarray(unit, dtype=np.float32)
        return self

    def scores(self, asked: Histories) -> np.ndarray:
        """Return profile . item, never below zero."""
        profile = asked.matrix(self.weights(asked), self.n_items) @ self.vectors_
        dense = np.asarray(profile @ self.vectors_.T, dtype=np.float32)
        return np.maximum(dense, 0, out=dense)

    def score_one(self, asked: Histories) -> np.ndarray:
        """Return profile . item for one subject."""
        known = (asked.item >= 0) & (asked.item < self.n_items)
        weight = np.where(known, self.weights(asked), 0).astype(np.float32)
        profile = weight @ self.vectors_[np.where(known, asked.item, 0)]
        dense: np.ndarray = self.vectors_ @ profile
        return np.maximum(dense, 0, out=dense)

    def because(self, asked: Histories, items: np.ndarray) -> np.ndarray:
        """Return w(h) v_h . v_item for each history row and item."""
        known = (asked.item >= 0) & (asked.item < self.n_items)
        weight = np.where(known, self.weights(asked), 0).astype(np.float32)
        mine = self.vectors_[np.where(known, asked.item, 0)]
        return weight[:, None] * (mine @ self.vectors_[items].T)

    def _state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        return {"vectors": self.vectors_}, {"fade": self.fade, "fade_days": self.fade_days}

    def _restore(self, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
        self.vectors_ = arrays["vectors"]
        self.dimensions = self.vectors_.shape[1]
        self.fade, self.fade_days = facts["fade"], facts["fade_days"]
