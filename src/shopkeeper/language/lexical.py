"""Find texts by the words they share with a question: BM25 over Latin runs and Chinese grams.

Chinese is indexed by single characters and pairs, because a dictionary's cut of the question
and of the text may differ (退货 in one, 退 货 in the other) and then nothing would be found.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from shopkeeper.language.normalise import plain

_RUN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]+|[a-z0-9]+(?:[-_.][a-z0-9]+)*")
K1, B = 1.5, 0.75


def grams(text: str) -> list[str]:
    """Return Latin runs (with their stem), and each Chinese run's characters and pairs.

    >>> grams("怎么退货 A-100 returns")
    ['怎', '么', '退', '货', '怎么', '么退', '退货', 'a-100', 'return']
    """
    found: list[str] = []
    for run in _RUN.findall(plain(text).lower()):
        if run[0] > "\u3000":
            found += [*run, *(run[i : i + 2] for i in range(len(run) - 1))]
        else:
            found.append(_stem(run))
    return found


def _stem(word: str) -> str:
    """Cut the commonest English endings: orders, ordered and ordering meet at order."""
    if not word.isalpha() or len(word) < 5:
        return word
    for ending in ("ing", "ied", "ies", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            stem = word[: -len(ending)]
            if ending in ("ied", "ies"):
                return stem + "y"
            if ending in ("es", "ed") and stem[-1] in "cgsuvz":
                return stem + "e"
            return stem[:-1] if len(stem) > 3 and stem[-1] == stem[-2] not in "ls" else stem
    return word


class LexicalIndex:
    """BM25 of a fixed list of texts.

    score(q, d) = sum over terms of idf * tf (k1 + 1) / (tf + k1 (1 - b + b |d| / mean |d|)),
    idf = ln(1 + (n - df + 0.5) / (df + 0.5)).

    Source: Robertson and Zaragoza, The Probabilistic Relevance Framework (2009), eq. 3.15, with
    the idf that never goes below 0.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        counts = [Counter(grams(text)) for text in texts]
        lengths = np.array([sum(count.values()) for count in counts], dtype=np.float64)
        relative = 1 - B + B * lengths / max(float(lengths.mean()) if len(lengths) else 1.0, 1.0)
        postings: dict[str, tuple[list[int], list[float]]] = {}
        for row, count in enumerate(counts):
            for term, times in count.items():
                rows, weights = postings.setdefault(term, ([], []))
                rows.append(row)
                weights.append(times * (K1 + 1) / (times + K1 * relative[row]))
        self.size = len(texts)
        self._postings = {
            term: (np.array(rows), np.array(weights) * self._idf(len(rows)))
            for term, (rows, weights) in postings.items()
        }

    def scores(self, question: str) -> np.ndarray:
        """Return (n_texts,) BM25 scores; 0 where no word is shared."""
        out = np.zeros(self.size)
        for term in set(grams(question)):
            if term in self._postings:
                rows, weights = self._postings[term]
                out[rows] += weights
        return out

    def top(self, question: str, k: int) -> list[tuple[int, float]]:
        """Return up to k (row, score), best first, without those that share no word."""
        scores = self.scores(question)
        best = np.argsort(-scores, kind="stable")[:k]
        return [(int(row), float(scores[row])) for row in best if scores[row] > 0]

    def _idf(self, holders: int) -> float:
        return float(np.log1p((self.size - holders + 0.5) / (holders + 0.5)))
