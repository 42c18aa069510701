"""Products that came after training: each has a place as soon as a request needs one.

Training's products keep their rows; an entry of the live catalogue that it did not know stands
behind them, with the vector that content.py gives it. A changed entry or price moves it. Of many
new entries at once a few are placed per request, the newest first, so that no request waits long.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from shopkeeper.base import log
from shopkeeper.recommend.catalogue import NEVER_US, Catalogue
from shopkeeper.recommend.models.content import Content
from shopkeeper.recommend.models.entries import Entry
from shopkeeper.recommend.schema import Features

AT_ONCE = 4  # entries placed in one request: the encoder takes milliseconds for each
MOST = 20_000  # places; a shop with more new products than this trains first


class Newcomers:
    """Places of new products. ``version`` goes up with every one that is placed or moved."""

    def __init__(self, content: Content | None) -> None:
        self.content = content
        self.version = 0
        self._usable: bool | None = None
        self._forget(None)

    def _forget(self, catalogue: Catalogue | None) -> None:
        width = 0 if self.content is None else self.content.vectors_.shape[1]
        self._catalogue = catalogue
        self.vectors = np.zeros((0, width), dtype=np.float32)
        self._place_of: dict[int, int] = {}  # catalogue row -> row of vectors
        self._told_us = np.zeros(0, dtype=np.int64)  # the entry that a catalogue row was placed by
        self._stamp: Any = None
        self._asked: Features | None = None
        self._rows = np.zeros(0, dtype=np.int64)
        self._extended = self._rows

    def rows(self, features: Features, rows: np.ndarray) -> np.ndarray:
        """Return the model's row of each item, ``rows``, with new products behind the others."""
        catalogue: Catalogue | None = getattr(features.live, "catalogue", None)
        if self.content is None or catalogue is None or not self._ready():
            return rows
        if catalogue is not self._catalogue:
            self._forget(catalogue)
        stamp = (catalogue.version, len(rows))
        unchanged = self._stamp == stamp or self._asked is features
        if unchanged and self._rows is rows:
            return self._extended
        self._asked = features
        left = self._place(catalogue, rows)
        self._stamp = None if left else stamp
        self._rows, self._extended = rows, rows
        if self._place_of:
            self._extended = rows.copy()
            at = np.fromiter(self._place_of.keys(), dtype=np.int64)
            self._extended[at] = self.content.n_items + np.fromiter(
                self._place_of.values(), dtype=np.int64
            )
        return self._extended

    def _ready(self) -> bool:
        """Return whether the encoder is the one that taught; it is loaded before it is needed."""
        assert self.content is not None
        if self._usable is None:
            entries = self.content.entries_
            self._usable = entries.can_place and len(self.content.map_) > 0
            if self._usable:
                entries.describe([Entry(text="a")])
            else:
                log.warning("newcomers.not_placed", taught_with=entries.encoder_)
        return self._usable

    def _place(self, catalogue: Catalogue, rows: np.ndarray) -> bool:
        """Place or move some new entries; return whether more are waiting."""
        assert self.content is not None
        if len(self._told_us) < len(rows):
            more = np.full(len(rows) - len(self._told_us), NEVER_US)
            self._told_us = np.concatenate([self._told_us, more])
        new = np.flatnonzero(rows < 0)
        entered = catalogue.column("updated")[new] > NEVER_US
        new = new[entered & ~catalogue.column("removed")[new]]
        told_us = np.maximum(catalogue.column("updated")[new], catalogue.column("priced")[new])
        # Each entry and each price is taken once, also where an older clock sent the later one.
        due = new[told_us != self._told_us[new]]
        due = due[np.argsort(-catalogue.column("created")[due], kind="stable")]
        moved = [row in self._place_of for row in due.tolist()]
        room = np.cumsum(~np.array(moved, dtype=bool)) <= MOST - len(self._place_of)
        now = due[room | moved] if len(due) else due
        taken = now[:AT_ONCE].tolist()
        if not taken:
            return False
        vectors = self.content.place([entry_of(catalogue, row) for row in taken])
        for row, vector in zip(taken, vectors, strict=True):
            at = self._place_of.setdefault(row, len(self._place_of))
            if at == len(self.vectors):
                self.vectors = np.vstack([self.vectors, vector[None, :]])
            self.vectors[at] = vector
            self._told_us[row] = max(
                int(catalogue.column("updated")[row]), int(catalogue.column("priced")[row])
            )
        self.version += 1
        return len(now) > AT_ONCE


def entry_of(catalogue: Catalogue, row: int) -> Entry:
    """Return what the live catalogue tells of an item, as training would have read it."""
    brand = int(catalogue.column("brand")[row])
    return Entry(
        text=catalogue.text(row),
        category=catalogue.category_of(row) or "",
        brand=catalogue.brands.ids[brand] if brand >= 0 else "",
        price_minor=float(max(int(catalogue.column("price")[row]), 0)),
    )
