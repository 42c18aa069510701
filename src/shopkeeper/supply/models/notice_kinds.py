"""What kind of news a sentence of a supplier is, where no rule knows its words.

Logistic regression on characters (one to four, words kept apart) of our own phrases and seeded
variations of them: greetings before, reasons behind, other names for the places. It trains in about
a second when first asked and needs no file. It knows sentences, not values: notice_guess.py takes
those from the recognisers, and what it finds is never applied without a person.
"""

from __future__ import annotations

import functools
from typing import Self

import numpy as np

from shopkeeper.supply.models.notice_phrases import rows

_SEED = 20261124
_COPIES = 3
_BEFORE = """
unfortunately
dear customer,
please note:
sorry,
hi,
fyi
update:
不好意思，
您好，
通知：
王经理，
很遗憾，
另外，
"""
_BEHIND = """
.
 thanks
, sorry
 because of the weather
, as you know
。
，谢谢
，抱歉
，请知悉
，因为天气
!
 for the moment
"""
_WORDS = (("ORDER", "your order"), ("ORDER", "the shipment"), ("ORDER", "这批货"), ("ITEM", "it"))


class NoticeKinds:
    """``fit`` learns from (sentence, kind); ``predict`` gives each one's kind and its chance."""

    def __init__(self, strength: float = 8.0) -> None:
        self.strength = strength

    def fit(self, data: list[tuple[str, str]]) -> Self:
        """Learn from masked sentences and forget earlier ones."""
        # Imported here: a server that reads no such message never loads them.
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import FeatureUnion

        characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), sublinear_tf=True)
        words = TfidfVectorizer(token_pattern=r"[A-Za-z']+|[\u4e00-\u9fff]", ngram_range=(1, 2))
        self.terms_ = FeatureUnion([("characters", characters), ("words", words)])
        texts, kinds = zip(*data, strict=True)
        self.model_ = LogisticRegression(C=self.strength, class_weight="balanced", max_iter=500)
        self.model_.fit(self.terms_.fit_transform(texts), kinds)
        return self

    def predict(self, texts: list[str]) -> list[tuple[str, float]]:
        """Return (kind, probability) per masked sentence."""
        chances = self.model_.predict_proba(self.terms_.transform(texts))
        best = chances.argmax(axis=1)
        names = self.model_.classes_[best]
        return [(str(n), float(c.max())) for n, c in zip(names, chances, strict=True)]

    def __call__(self, text: str) -> tuple[str, float]:
        """Return the kind of one masked sentence and its probability."""
        return self.predict([text])[0]


def varied(phrases: list[tuple[str, str]], rng: np.random.Generator) -> list[tuple[str, str]]:
    """Return the phrases and variations of each, as many for all kinds."""
    # The empty first and last line are the plain sentence.
    openings, endings = (text.split("\n") for text in (_BEFORE, _BEHIND))
    found = list(phrases)
    for text, kind in phrases:
        for _ in range(_COPIES):
            made = text
            if rng.random() < 0.3:
                old, new = _WORDS[int(rng.integers(len(_WORDS)))]
                made = made.replace(old, new)
            before, behind = (some[int(rng.integers(len(some)))] for some in (openings, endings))
            found.append((f"{before} {made}{behind}".strip(), kind))
    return found


@functools.cache
def trained() -> NoticeKinds:
    """Return the classifier, trained once per process; the seed is fixed."""
    return NoticeKinds().fit(varied(rows(), np.random.default_rng(_SEED)))
