"""Texts as sparse rows of words and of letters: what wording says, beside what meaning says."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer

from shopkeeper.language.normalise import plain
from shopkeeper.language.tokens import tokenise
from shopkeeper.learn.artefacts import pack_words, unpack_words


def words_of(text: str) -> list[str]:
    """Return words and pairs of words, negations among them.

    >>> words_of("not good")
    ['not', 'good', 'not good']
    """
    words = tokenise(text)
    return [*words, *(f"{a} {b}" for a, b in itertools.pairwise(words))]


def letters_of(text: str, longest: int = 5) -> list[str]:
    """Return grams of letters inside each word (with its edges), and of Chinese runs.

    English words give 2 to ``longest`` letters, Chinese runs 1 to 3 characters.

    >>> letters_of("退货 a")
    ['退', '货', '退货', ' a', 'a ', ' a ']
    """
    found: list[str] = []
    for word in plain(text).lower().split():
        if any(letter > "\u3000" for letter in word):
            widths: Sequence[int] = (1, 2, 3)
            padded = word
        else:
            widths = range(2, longest + 1)
            padded = f" {word} "
        for width in widths:
            found += [padded[i : i + width] for i in range(len(padded) - width + 1)]
    return found


class Terms:
    """TF-IDF of words and letters, sublinear, rows of length 1 per family.

    ``min_words`` and ``min_letters``: a term of fewer texts is left out.
    """

    def __init__(self, *, min_words: int = 1, min_letters: int = 2) -> None:
        self._families = {
            "words": TfidfVectorizer(analyzer=words_of, sublinear_tf=True, min_df=min_words),
            "letters": TfidfVectorizer(analyzer=letters_of, sublinear_tf=True, min_df=min_letters),
        }

    def fit(self, texts: Sequence[str]) -> Terms:
        """Learn the terms and how rare they are."""
        for family in self._families.values():
            family.fit(texts)
        return self

    def rows(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """Return (n, n_terms); each row has length √2 unless a family is empty."""
        parts = [family.transform(texts) for family in self._families.values()]
        return sparse.hstack(parts, format="csr", dtype=np.float32)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return vocabulary and idf as plain arrays."""
        arrays: dict[str, np.ndarray] = {}
        for name, family in self._families.items():
            words = sorted(family.vocabulary_, key=family.vocabulary_.__getitem__)
            arrays |= pack_words(f"terms.{name}", words)
            arrays[f"terms.{name}.idf"] = family.idf_.astype(np.float32)
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> Terms:
        """Return the terms that ``to_arrays`` wrote."""
        made = cls()
        for name, family in made._families.items():
            words = unpack_words(f"terms.{name}", arrays)
            family.vocabulary = dict(zip(words, range(len(words)), strict=True))
            family._validate_vocabulary()
            family.idf_ = np.asarray(arrays[f"terms.{name}.idf"], dtype=np.float64)
        return made
