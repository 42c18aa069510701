"""Whether a review praises or blames, learned: letters in Chinese and English, and their odds.

``letters`` is a linear support vector machine over 1 to 3 characters. ``odds`` adds a second
one over characters and words, each scaled by the log odds of its label, and takes the mean:
better from some ten thousand reviews on, worse below. Which one serves is chosen on validation.
No negation is dropped, because no character is.

Source of the odds: Wang and Manning, Baselines and Bigrams (2012), eq. 2.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from scipy import sparse
from scipy.special import expit
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from shopkeeper.language.normalise import plain
from shopkeeper.language.opinions import Sentiment, aspects, label_of
from shopkeeper.language.tokens import tokenise
from shopkeeper.learn.artefacts import pack_words, unpack_words
from shopkeeper.learn.contracts import Artefact

LETTERS_C, ODDS_C = 0.5, 0.1  # chosen on validation parts of two review sets


def characters_of(text: str) -> list[str]:
    """Return every run of 1 to 3 characters, spaces between Latin words kept.

    >>> characters_of("不好")
    ['不', '好', '不好']
    """
    lower = plain(text).lower()
    return [lower[i : i + n] for n in (1, 2, 3) for i in range(len(lower) - n + 1)]


def words_of(text: str) -> list[str]:
    """Return words and pairs of words."""
    words = tokenise(text)
    return [*words, *(f"{a}_{b}" for a, b in itertools.pairwise(words))]


class Letters:
    """Two labels, 1 good and 0 bad. ``odds`` adds the second machine."""

    kind = "support-sentiment"

    def __init__(self, *, odds: bool = False) -> None:
        self.odds = odds
        self.name = "letters-and-odds" if odds else "letters"

    def fit(self, texts: Sequence[str], labels: np.ndarray) -> Self:
        """Learn from texts and 0/1 labels; forgets earlier fits."""
        labels = np.asarray(labels)
        self._vectorisers = {"characters": _vectoriser(characters_of)}
        if self.odds:
            self._vectorisers["words"] = _vectoriser(words_of)
        parts = {name: v.fit_transform(texts) for name, v in self._vectorisers.items()}
        first = LinearSVC(C=LETTERS_C).fit(parts["characters"], labels)
        self.coefficients_ = {"characters": first.coef_[0].astype(np.float64)}
        self.bias_ = float(first.intercept_[0])
        if self.odds:
            self._add_odds(parts, labels, first.decision_function(parts["characters"]))
        self.slope_, self.offset_ = 2.0, 0.0
        return self

    def calibrate(self, texts: Sequence[str], labels: np.ndarray) -> Self:
        """Fit the logistic curve from scores to probabilities on held-out rows (Platt)."""
        scores = self.scores(texts)[:, None]
        model = LogisticRegression(C=1e3).fit(scores, labels)
        self.slope_, self.offset_ = float(model.coef_[0, 0]), float(model.intercept_[0])
        return self

    def scores(self, texts: Sequence[str]) -> np.ndarray:
        """Return (n,) above 0 where the text praises."""
        total = np.full(len(texts), self.bias_)
        for name, weights in self.coefficients_.items():
            total += self._vectorisers[name].transform(texts) @ weights
        return total

    def predict(self, texts: Sequence[str]) -> np.ndarray:
        """Return (n,) probability that the text praises."""
        return np.asarray(expit(self.scores(texts) * self.slope_ + self.offset_))

    def feel(self, text: str) -> Sentiment:
        """Return the sentiment of one text, with the aspects of the lexicon."""
        score = round(float(2 * self.predict([text])[0] - 1), 4)
        return Sentiment(label=label_of(score), score=score, aspects=aspects(text))

    def to_artefact(self) -> Artefact:
        """Return the fitted model as plain arrays."""
        arrays: dict[str, Any] = {}
        for name, vectoriser in self._vectorisers.items():
            order = sorted(vectoriser.vocabulary_, key=vectoriser.vocabulary_.__getitem__)
            arrays |= pack_words(name, order)
            arrays[f"{name}.idf"] = vectoriser.idf_
            arrays[f"{name}.weights"] = self.coefficients_[name]
        facts = {"bias": self.bias_, "slope": self.slope_, "offset": self.offset_}
        return Artefact(kind=self.kind, arrays=arrays, facts=facts | {"odds": self.odds})

    @classmethod
    def from_artefact(cls, artefact: Artefact) -> Self:
        """Return the model at rest."""
        made = cls(odds=bool(artefact.facts["odds"]))
        made._vectorisers, made.coefficients_ = {}, {}
        for name in ("characters", "words") if made.odds else ("characters",):
            vectoriser = _vectoriser(characters_of if name == "characters" else words_of)
            order = unpack_words(name, artefact.arrays)
            vectoriser.vocabulary = dict(zip(order, range(len(order)), strict=True))
            vectoriser._validate_vocabulary()
            vectoriser.idf_ = artefact.arrays[f"{name}.idf"]
            made._vectorisers[name] = vectoriser
            made.coefficients_[name] = artefact.arrays[f"{name}.weights"]
        made.bias_ = float(artefact.facts["bias"])
        made.slope_ = float(artefact.facts["slope"])
        made.offset_ = float(artefact.facts["offset"])
        return made

    def _add_odds(
        self, parts: dict[str, sparse.csr_matrix], labels: np.ndarray, first: np.ndarray
    ) -> None:
        """Mix in the second machine, both in units of their own spread; still one linear rule."""
        ratios = {name: _log_odds(rows, labels) for name, rows in parts.items()}
        scaled = sparse.hstack([rows @ sparse.diags(ratios[n]) for n, rows in parts.items()])
        second = LinearSVC(C=ODDS_C).fit(scaled.tocsr(), labels)
        spread = float(second.decision_function(scaled.tocsr()).std())
        own = float(first.std())
        at = 0
        for name, rows in parts.items():
            share = second.coef_[0, at : at + rows.shape[1]] * ratios[name] / spread
            at += rows.shape[1]
            self.coefficients_[name] = self.coefficients_.get(name, 0.0) / own + share
        self.bias_ = self.bias_ / own + float(second.intercept_[0]) / spread


def _vectoriser(analyzer: Any) -> TfidfVectorizer:
    return TfidfVectorizer(analyzer=analyzer, min_df=2, sublinear_tf=True)


def _log_odds(rows: sparse.csr_matrix, labels: np.ndarray) -> np.ndarray:
    """Return, per term, log of its share among good texts over its share among bad ones."""
    held = (rows > 0).astype(np.float64)
    good = 1.0 + np.asarray(held[labels == 1].sum(axis=0)).ravel()
    bad = 1.0 + np.asarray(held[labels == 0].sum(axis=0)).ravel()
    return np.log((good / good.sum()) / (bad / bad.sum()))
