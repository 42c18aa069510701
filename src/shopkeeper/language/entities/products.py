"""Products named in a text: exact names by a trie, typing errors by edit distance, then meaning.

``ProductIndex`` holds the catalogue. A name found exactly scores 1; a misspelt one its likeness;
one found by words or meaning alone scores below 0.8 and brings its other candidates, so that the
conversation can ask which is meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from rapidfuzz import fuzz, process

from shopkeeper.language.embedder import Embedder
from shopkeeper.language.entities.kinds import Entity, Known, Product
from shopkeeper.language.lexical import LexicalIndex
from shopkeeper.language.normalise import Normalised, plain
from shopkeeper.language.tokens import content_words

FUZZY_LIKENESS = 88.0  # of 100, rapidfuzz ratio: one slip in eight letters
MEANING_LIKENESS = 0.55  # cosine
_TOKEN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]|[a-z0-9]+(?:[-'][a-z0-9]+)*")

Place = tuple[int, int, str, float, tuple[str, ...]]


def find(made: Normalised, known: Known) -> list[Entity]:
    """Return the products named; ``facts`` has the other candidates, best first."""
    if known.products is None:
        return []
    found = []
    for first, last, item_id, score, others in known.products.find(made.text):
        start, end = made.span(first, last)
        found.append(
            Entity(
                kind="product",
                value=item_id,
                text=made.original[start:end],
                start=start,
                end=end,
                score=score,
                facts={"others": list(others)} if others else {},
            )
        )
    return found


class ProductIndex:
    """The catalogue's names, ready to be found. ``embedder`` None: no search by meaning."""

    def __init__(self, products: Iterable[Product], embedder: Embedder | None = None) -> None:
        self._trie: dict[str, Any] = {}
        self._names: list[str] = []
        self._items: list[str] = []
        for product in products:
            for name in product.names:
                self._add(plain(name).lower(), product.item_id)
        self._longest = max((len(_TOKEN.findall(n)) for n in self._names), default=0)
        self._by_words = LexicalIndex(self._names)
        self._embedder = embedder
        self._vectors: np.ndarray | None = None

    def find(self, text: str) -> Sequence[Place]:
        """Return (start, end, item id, score, other item ids) in a normal text, not overlapping."""
        lower = text.lower()
        tokens = [(m.start(), m.end()) for m in _TOKEN.finditer(lower)]
        found = self._exact(lower, tokens)
        return found or self._misspelt(lower, tokens)

    def search(self, text: str, k: int = 5) -> list[tuple[str, float]]:
        """Return up to k (item id, score) for a description, by words and meaning, best first."""
        if not self._names:
            return []
        words = self._by_words.scores(text)
        total = words / max(float(words.max()), 1e-9) * 0.5 if words.any() else words
        if self._embedder is not None:
            if self._vectors is None:
                self._vectors = self._embedder.encode(self._names)
            total = total + self._vectors @ self._embedder.encode([text])[0]
        best: dict[str, float] = {}
        for row in np.argsort(-total, kind="stable")[: 4 * k]:
            if total[row] >= (MEANING_LIKENESS if self._embedder else 0.25):
                best.setdefault(self._items[row], round(float(total[row]), 4))
        return list(best.items())[:k]

    def _add(self, name: str, item_id: str) -> None:
        tokens = _TOKEN.findall(name)
        if not tokens or len("".join(tokens)) < 2:
            return
        node = self._trie
        for token in tokens:
            node = node.setdefault(token, {})
        node.setdefault("", []).append(item_id)
        self._names.append(name)
        self._items.append(item_id)

    def _exact(self, text: str, tokens: list[tuple[int, int]]) -> list[Place]:
        """Return the longest names that stand in the text, left to right."""
        found: list[Place] = []
        at = 0
        while at < len(tokens):
            node: Any = self._trie
            best = None
            for ahead in range(at, min(len(tokens), at + self._longest)):
                node = node.get(text[tokens[ahead][0] : tokens[ahead][1]])
                if node is None:
                    break
                if "" in node:
                    best = (ahead, node[""])
            if best is None:
                at += 1
                continue
            last, items = best
            found.append((tokens[at][0], tokens[last][1], items[0], 1.0, tuple(items[1:6])))
            at = last + 1
        return found

    def _misspelt(self, text: str, tokens: list[tuple[int, int]]) -> list[Place]:
        """Return the best likeness of a run of words to a name, if it is like enough.

        Only names that share a gram with the text are tried: a catalogue is long.
        """
        near = [row for row, _ in self._by_words.top(text, 40)]
        if not near or not tokens:
            return []
        best: Place | None = None
        for row in near:
            name = self._names[row]
            wide = len(_TOKEN.findall(name))
            if len(name) < 4:
                continue
            for at in range(max(1, len(tokens) - wide + 1)):
                last = min(len(tokens), at + wide) - 1
                start, end = tokens[at][0], tokens[last][1]
                like = fuzz.ratio(text[start:end], name, score_cutoff=FUZZY_LIKENESS)
                if like and (best is None or like / 100 > best[3]):
                    best = (start, end, self._items[row], round(like / 100, 4), ())
        return [best] if best else []

    def closest(self, name: str, k: int = 3) -> list[tuple[str, float]]:
        """Return up to k (item id, likeness 0 to 1) of the names most like a whole name."""
        words = " ".join(content_words(name)) or plain(name).lower()
        rows = process.extract(words, self._names, scorer=fuzz.token_set_ratio, limit=k * 2)
        best: dict[str, float] = {}
        for _, like, row in rows:
            best.setdefault(self._items[row], round(like / 100, 4))
        return list(best.items())[:k]
