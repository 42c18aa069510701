"""Intents by words: no training, no encoder; the baseline, and the answer of last resort.

One list of patterns per intent (words/keywords.toml), for both languages. The score of an intent
is the weight of its longest pattern that occurs; nothing at all is out of scope.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Sequence
from importlib import resources

import numpy as np

from shopkeeper.language.normalise import plain
from shopkeeper.support.schema import INTENTS


class Keywords:
    """The baseline of intents: ``predict`` needs no fit."""

    name = "keywords"
    intents: tuple[str, ...] = INTENTS

    def predict(self, texts: Sequence[str]) -> np.ndarray:
        """Return (n_texts, n_intents) probabilities; what is missing to 1 is out of scope.

        >>> scores = Keywords().predict(["我要取消订单", "how tall is mount fuji"])
        >>> INTENTS[scores[0].argmax()], float(scores[1].sum())
        ('cancel_order', 0.0)
        """
        out = np.zeros((len(texts), len(self.intents)))
        for row, text in zip(out, texts, strict=True):
            lower = plain(text).lower()
            for place, intent in enumerate(self.intents):
                longest = max(
                    (len(m.group()) for m in _shapes()[intent].finditer(lower)), default=0
                )
                # Chinese says in 4 characters what takes 15 letters in English.
                wide = sum(1 for letter in lower if letter > "\u2fff") > 0
                row[place] = min(longest * (3 if wide else 1), 40)
            row[row < row.max() * 0.5] *= 0.5
            if row.sum() > 0:
                row /= row.sum() / min(0.9, 0.5 + row.max() / 60)
        return out


@functools.cache
def _shapes() -> dict[str, re.Pattern[str]]:
    file = resources.files("shopkeeper.support").joinpath("words", "keywords.toml")
    lists = tomllib.loads(file.read_text("utf-8"))
    return {intent: re.compile("|".join(lists[intent])) for intent in INTENTS}
