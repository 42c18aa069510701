"""What a catalogue entry says, as numbers: meaning, wording, shelf, brand, price, reviews.

Learned once on the catalogue (``fit``), then the same for an entry of the training and for one
that the shop made a minute ago (``describe``). An entry that says nothing is all zeros.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from shopkeeper.language.embedder import Embedder, sentence_embedder
from shopkeeper.learn.artefacts import pack_words, unpack_words
from shopkeeper.recommend.models.wording import Wording
from shopkeeper.recommend.schema import Training

FEW = 5  # a shelf or a brand needs so many products to have a column
COLUMNS = 2_000  # shelves and brands with a column, the largest
LETTERS = 120  # characters that the encoder reads: title and brand; reading 500 ranks no better
AT_ONCE = 500  # texts per call, so that the encoder remembers them for the next fit
SHELF_WEIGHT, PRICE_WEIGHT, REVIEW_WEIGHT = 0.5, 0.3, 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One product as the catalogue tells it; ``reviews`` as Training.item_reviews has them."""

    text: str
    category: str = ""
    brand: str = ""
    price_minor: float = 0
    reviews: Sequence[float] = field(default=(0.0, 0.0))


class Entries:
    """The numbers of catalogue entries; ``embedder`` None: this process's encoder."""

    def __init__(self, embedder: Embedder | None = None) -> None:
        self.embedder = embedder

    def fit(self, data: Training) -> Self:
        """Learn wording, which shelves and brands have a column, and the usual price."""
        self.wording_ = Wording().fit(list(data.item_text))
        names = [name for entry in of_training(data) for name in _marks(entry)]
        found, counts = np.unique(np.array(names, dtype=str), return_counts=True)
        largest = np.sort(np.argsort(-counts, kind="stable")[:COLUMNS])
        self.marks_: list[str] = found[largest][counts[largest] >= FEW].tolist()
        self._column = {name: at for at, name in enumerate(self.marks_)}
        self.price_ = np.array([0.0, 1.0])
        if data.item_price_minor is not None and (data.item_price_minor > 0).any():
            log = np.log(data.item_price_minor[data.item_price_minor > 0])
            self.price_ = np.array([log.mean(), max(float(log.std()), 1e-9)])
        self.encoder_ = self._encoder().name
        return self

    @property
    def can_place(self) -> bool:
        """Whether this process has the encoder that was taught with."""
        return self._encoder().name == self.encoder_

    def describe(self, entries: Sequence[Entry]) -> tuple[np.ndarray, np.ndarray]:
        """Return (n, m) numbers, and (n, width) unit rows of wording, which are part of them."""
        wording = self.wording_.vectors([entry.text for entry in entries])
        known = np.array([[bool(e.text or e.category or e.brand)] for e in entries], dtype=bool)
        price = np.array([e.price_minor for e in entries], dtype=np.float64)
        there = price > 0
        log = np.where(there, np.log(np.where(there, price, 1.0)), self.price_[0])
        standard = (log - self.price_[0]) / self.price_[1]
        reviews = REVIEW_WEIGHT * np.array([e.reviews for e in entries], dtype=np.float64)
        parts = [
            self._meaning([entry.text[:LETTERS] for entry in entries]),
            wording,
            self._shelves(entries),
            PRICE_WEIGHT * np.stack([standard, standard**2], axis=1),
            reviews.reshape(len(entries), 2),
            np.ones((len(entries), 1)),
        ]
        return np.hstack(parts).astype(np.float64) * known, wording

    def _encoder(self) -> Embedder:
        return self.embedder or sentence_embedder()

    def _meaning(self, texts: list[str]) -> np.ndarray:
        """Return the encoder's rows; each different text is read once, an empty one is zeros."""
        distinct, of = np.unique(np.array(texts, dtype=object), return_inverse=True)
        encoder = self._encoder()
        rows = np.zeros((len(distinct), encoder.dimensions), dtype=np.float32)
        for first in range(0, len(distinct), AT_ONCE):
            some = distinct[first : first + AT_ONCE].tolist()
            rows[first : first + len(some)] = encoder.encode(some)
        rows[[not text.strip() for text in distinct]] = 0
        return rows[of]

    def _shelves(self, entries: Sequence[Entry]) -> np.ndarray:
        found = np.zeros((len(entries), len(self.marks_)), dtype=np.float32)
        for row, entry in enumerate(entries):
            found[row, [self._column[m] for m in _marks(entry) if m in self._column]] = SHELF_WEIGHT
        return found

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return what was learned as plain arrays and facts."""
        arrays = {f"wording.{name}": a for name, a in self.wording_.state().items()}
        arrays |= {"price": self.price_, **pack_words("marks", self.marks_)}
        return arrays, {"encoder": self.encoder_}

    @classmethod
    def restore(cls, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> Self:
        """Return the entries that ``state`` wrote."""
        made = cls()
        start = "wording."
        own = {k.removeprefix(start): a for k, a in arrays.items() if k.startswith(start)}
        made.wording_ = Wording.restore(own)
        made.price_, made.encoder_ = arrays["price"], facts["encoder"]
        made.marks_ = unpack_words("marks", arrays)
        made._column = {name: at for at, name in enumerate(made.marks_)}
        return made


def of_training(data: Training, rows: np.ndarray | None = None) -> list[Entry]:
    """Return the entries of some item rows of a training, or of all; what it lacks is empty."""
    n_items = len(data.interactions.item_ids)
    price, reviews = data.item_price_minor, data.item_reviews
    return [
        Entry(
            text=data.item_text[row] if data.item_text else "",
            category=data.item_category[row] if data.item_category else "",
            brand=data.item_brand[row] if data.item_brand else "",
            price_minor=0.0 if price is None else float(price[row]),
            reviews=(0.0, 0.0) if reviews is None else tuple(reviews[row].tolist()),
        )
        for row in (range(n_items) if rows is None else rows.tolist())
    ]


def _marks(entry: Entry) -> list[str]:
    """Return the shelf levels ("A > B" counts for "A" too) and the brand of an entry."""
    path = [part.strip() for part in entry.category.split(">")] if entry.category else []
    marks = [" > ".join(path[: n + 1]) for n in range(len(path))]
    return [*marks, f"brand: {entry.brand}"] if entry.brand else marks
