"""Simple models of texts that anything of ours must beat: word counts, and the nearest meaning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.naive_bayes import MultinomialNB
from sklearn.svm import LinearSVC

from shopkeeper.language.embedder import Embedder, sentence_embedder
from shopkeeper.language.tokens import tokenise
from shopkeeper.support.models.terms import Terms


class WordBayes:
    """Multinomial naive Bayes over words: the textbook's first answer."""

    name = "word-bayes"

    def fit(self, texts: Sequence[str], labels: Sequence[str]) -> Self:
        """Count words per label."""
        self._words = CountVectorizer(analyzer=tokenise)
        self._model = MultinomialNB(alpha=0.3).fit(self._words.fit_transform(texts), labels)
        self.labels = tuple(str(label) for label in self._model.classes_)
        return self

    def scores(self, texts: Sequence[str]) -> np.ndarray:
        """Return (n, n_labels) log probabilities."""
        return np.asarray(self._model.predict_log_proba(self._words.transform(texts)))


class Wording:
    """A linear support vector machine over TF-IDF of words and letters; knows no meaning."""

    name = "wording"

    def fit(self, texts: Sequence[str], labels: Sequence[str]) -> Self:
        """Learn one plane per label."""
        self._terms = Terms().fit(texts)
        self._model = LinearSVC(C=1.0).fit(self._terms.rows(texts), labels)
        self.labels = tuple(str(label) for label in self._model.classes_)
        return self

    def scores(self, texts: Sequence[str]) -> np.ndarray:
        """Return (n, n_labels) distances from the planes."""
        found = np.asarray(self._model.decision_function(self._terms.rows(texts)))
        return found if found.ndim == 2 else np.column_stack([-found, found])


class NearestMeaning:
    """The label whose examples' mean sentence vector lies nearest."""

    name = "nearest-meaning"

    def __init__(self, embedder: Embedder | None = None) -> None:
        self._embedder = embedder or sentence_embedder()

    def fit(self, texts: Sequence[str], labels: Sequence[str]) -> Self:
        """Average the vectors of each label."""
        names, codes = np.unique(np.asarray(labels, dtype=str), return_inverse=True)
        self.labels = tuple(names.tolist())
        vectors = self._embedder.encode(list(texts))
        centres = np.zeros((len(names), vectors.shape[1]), dtype=np.float32)
        np.add.at(centres, codes, vectors)
        self._centres = centres / np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-9)
        return self

    def scores(self, texts: Sequence[str]) -> np.ndarray:
        """Return (n, n_labels) cosines."""
        return np.asarray(self._embedder.encode(list(texts)) @ self._centres.T)
