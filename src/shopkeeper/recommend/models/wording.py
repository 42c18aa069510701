"""The words of a text as a short vector, by counts and components that training kept.

Tokens as in text.py (words, letter triples, pairs of Han characters), TF-IDF with dampened counts,
then the leading directions of the catalogue's texts. One text gets the vector that it would have
had among all of them, so an entry that came after training is placed like the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.utils.extmath import randomized_svd

from shopkeeper.learn.artefacts import pack_words, unpack_words
from shopkeeper.recommend.models.text import tokens

WORDS = 20_000  # tokens kept, the commonest
TEACHING = 20_000  # texts whose directions are looked for
READ = 2_000  # characters of a text; what stands further down repeats it


class Wording:
    """``vectors(texts)`` gives unit rows, zeros where no token is known."""

    def __init__(self, dimensions: int = 128, seed: int = 7) -> None:
        self.dimensions, self.seed = dimensions, seed
        self._column: dict[str, int] = {}

    def fit(self, texts: Sequence[str]) -> Self:
        """Learn tokens, their rarity and the leading directions; too few texts teach nothing."""
        self.tokens_: list[str] = []
        self.rarity_ = np.zeros(0, np.float32)
        self.directions_ = np.zeros((0, 0), np.float32)
        self._column = {}
        step = -(-len(texts) // TEACHING) or 1
        some = [text[:READ] for text in texts[::step]]
        counted = TfidfVectorizer(
            analyzer=tokens, sublinear_tf=True, min_df=2, max_features=WORDS, dtype=np.float32
        )
        try:
            matrix = sparse.csr_matrix(counted.fit_transform(some))
        except ValueError:  # no token stands in two texts
            return self
        width = min(self.dimensions, *(side - 1 for side in matrix.shape))
        if width < 1:
            return self
        _, _, right = randomized_svd(matrix, width, n_iter=3, random_state=self.seed)
        self.tokens_ = counted.get_feature_names_out().tolist()
        self.rarity_ = counted.idf_.astype(np.float32)
        self.directions_ = np.ascontiguousarray(right.T, dtype=np.float32)
        self._column = {token: at for at, token in enumerate(self.tokens_)}
        return self

    @property
    def width(self) -> int:
        return self.directions_.shape[1]

    def vectors(self, texts: Sequence[str]) -> np.ndarray:
        """Return (n, width) float32 of length 1, or 0 where nothing is known of a text."""
        place = {text: at for at, text in enumerate(dict.fromkeys(texts))}
        if len(place) < len(texts):  # a grocer's titles repeat: each is read once
            rows: np.ndarray = self.vectors(list(place))[[place[text] for text in texts]]
            return rows
        counts = self._counts(texts)
        found: np.ndarray = np.asarray(counts @ self.directions_, dtype=np.float32)
        length = np.linalg.norm(found, axis=1, keepdims=True)
        unit: np.ndarray = found / np.maximum(length, 1e-9) * (length > 1e-6)
        return unit.astype(np.float32)

    def _counts(self, texts: Sequence[str]) -> sparse.csr_array:
        column: list[int] = []
        value: list[int] = []
        start = [0]
        for text in texts:
            times: dict[int, int] = {}
            for token in tokens(text[:READ]):
                if (at := self._column.get(token)) is not None:
                    times[at] = times.get(at, 0) + 1
            column += times.keys()
            value += times.values()
            start.append(len(column))
        places = np.array(column, dtype=np.int32)
        # The length before projecting does not matter: the vector is cut to length 1 after it.
        weight = (1 + np.log(np.array(value, dtype=np.float32))) * self.rarity_[places]
        shape = (len(texts), len(self.tokens_))
        return sparse.csr_array((weight, places, np.array(start)), shape=shape)

    def state(self) -> dict[str, np.ndarray]:
        """Return what was learned as plain arrays."""
        learned = {"rarity": self.rarity_, "directions": self.directions_}
        return {**learned, **pack_words("tokens", self.tokens_)}

    @classmethod
    def restore(cls, arrays: dict[str, Any]) -> Self:
        """Return the wording that ``state`` wrote."""
        made = cls()
        made.tokens_ = unpack_words("tokens", arrays)
        made.rarity_, made.directions_ = arrays["rarity"], arrays["directions"]
        made._column = {token: at for at, token in enumerate(made.tokens_)}
        return made
