"""Who did what, in memory: compact arrays for the past, small growing ones for what is new.

One Subjects holds the customers, another the sessions of people who are not signed in. The
order inside a history is (occurred_us, arrival); an event that arrives late is put in its
place, and a cancelled order is taken out.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping

import numpy as np

from shopkeeper.recommend.index import Index
from shopkeeper.recommend.pairs import WINDOW
from shopkeeper.recommend.schema import History

FIELDS = {
    "item": np.int32,
    "at_us": np.int64,
    "kind": np.int8,
    "quantity": np.float32,
    "basket": np.int32,
}
_RECORD = np.dtype(list(FIELDS.items()), align=True)
LATEST = WINDOW
NEVER_US = -(2**62)
Entry = tuple[int, int, int, float, int]  # item row, at_us, kind code, quantity, basket code


class _New:
    """Entries of one subject since the start; ``whole`` when they replace the past as well."""

    __slots__ = ("entries", "last_us", "latest", "size", "whole")

    def __init__(self, entries: np.ndarray | None = None) -> None:
        self.whole = entries is not None
        self.entries = np.zeros(8, _RECORD) if entries is None else entries
        self.size = 0 if entries is None else len(entries)
        # The last item rows as plain numbers and the time of the last; None: not looked up yet.
        self.latest: list[int] | None = None
        self.last_us = NEVER_US

    def append(self, entry: Entry) -> None:
        if self.size == len(self.entries):
            bigger = np.zeros(max(8, 2 * self.size), _RECORD)
            bigger[: self.size] = self.entries[: self.size]
            self.entries = bigger
        self.entries[self.size] = entry
        self.size += 1
        if self.latest is not None:
            self.latest.append(entry[0])
            if len(self.latest) > LATEST:
                del self.latest[0]
            self.last_us = entry[1]

    def insert(self, place: int, entry: Entry) -> None:
        self.append(entry)
        self.entries[place + 1 : self.size] = self.entries[place : self.size - 1].copy()
        self.entries[place] = entry
        self.latest = None


class Subjects:
    """Interactions per subject row; ``index`` translates subject ids."""

    def __init__(self) -> None:
        self.index = Index()
        self._starts = np.zeros(1, np.int64)
        self._past = {name: np.zeros(0, dtype) for name, dtype in FIELDS.items()}
        self._new: dict[int, _New] = {}
        # Only for orders since the start; the past is searched, which takes about a millisecond.
        self._subject_of: dict[int, int] = {}

    def fill(self, ids: list[str], starts: np.ndarray, past: Mapping[str, np.ndarray]) -> None:
        """Load the past at once: entries grouped by subject, ``starts`` (n_subjects + 1,)."""
        self.index = Index(ids)
        self._starts = starts.astype(np.int64)
        self._past = {name: past[name].astype(dtype) for name, dtype in FIELDS.items()}
        self._new, self._subject_of = {}, {}

    def length(self, row: int) -> int:
        """Return how many entries a subject has."""
        new = self._new.get(row)
        if new is None:
            return self._span(row)[1] - self._span(row)[0]
        low, high = (0, 0) if new.whole else self._span(row)
        return high - low + new.size

    def last(self, row: int) -> tuple[list[int], int]:
        """Return the last LATEST item rows, oldest first, and the time of the very last.

        The list is the subject's own and grows with it: read it, do not keep it.
        """
        new = self._new.get(row)
        if new is not None and new.latest is not None:
            return new.latest, new.last_us
        found = self._last(row, new)
        if new is not None:
            new.latest, new.last_us = found
        return found

    def _last(self, row: int, new: _New | None) -> tuple[list[int], int]:
        low, high = (0, 0) if new is not None and new.whole else self._span(row)
        items: list[int] = []
        at_us = int(self._past["at_us"][high - 1]) if high > low else NEVER_US
        if new is not None and new.size:
            items = new.entries["item"][max(0, new.size - LATEST) : new.size].tolist()
            at_us = int(new.entries["at_us"][new.size - 1])
        missing = LATEST - len(items)
        if missing > 0 and high > low:
            items = self._past["item"][max(low, high - missing) : high].tolist() + items
        return items, at_us

    def history(self, row: int) -> History:
        """Return all entries of a subject, oldest first."""
        low, high = self._span(row)
        new = self._new.get(row)
        if new is None:
            return History(**{name: self._past[name][low:high] for name in FIELDS})
        if new.whole:
            low = high = 0
        entries = new.entries[: new.size]
        return History(**{n: np.concatenate((self._past[n][low:high], entries[n])) for n in FIELDS})

    def append(self, row: int, entry: Entry) -> None:
        """Add an entry that is not older than the subject's last."""
        new = self._new.get(row)
        if new is None:
            new = self._new[row] = _New()
        new.append(entry)
        self._subject_of[entry[4]] = row

    def insert(self, row: int, entry: Entry) -> tuple[list[int], list[int], int]:
        """Put a late entry behind everything that is not younger.

        Returns the item rows and times of the whole sequence, and the place of the entry in it.
        """
        new = self._new.get(row)
        if new is None or not new.whole:
            new = self._new[row] = _New(self._entries(row))
        at_us = new.entries["at_us"][: new.size].tolist()
        place = bisect_right(at_us, entry[1])
        new.insert(place, entry)
        at_us.insert(place, entry[1])
        self._subject_of[entry[4]] = row
        return new.entries["item"][: new.size].tolist(), at_us, place

    def owner(self, basket: int) -> int | None:
        """Return the subject row that an order belongs to."""
        if (row := self._subject_of.get(basket)) is not None:
            return row
        places = np.flatnonzero(self._past["basket"] == basket)
        if not len(places):
            return None
        return int(np.searchsorted(self._starts, places[0], side="right")) - 1

    def drop(self, row: int, basket: int, kind: int, items: list[int] | None) -> np.ndarray:
        """Take entries of one order and kind out, all or some items; return them as records."""
        entries = self._entries(row)
        goes = (entries["basket"] == basket) & (entries["kind"] == kind)
        if items is not None:
            goes &= np.isin(entries["item"], items)
        self._new[row] = _New(entries[~goes])
        gone: np.ndarray = entries[goes]
        return gone

    def _span(self, row: int) -> tuple[int, int]:
        if row + 1 >= len(self._starts):
            return 0, 0
        return int(self._starts[row]), int(self._starts[row + 1])

    def _entries(self, row: int) -> np.ndarray:
        history = self.history(row)
        entries = np.zeros(len(history.item), _RECORD)
        for name in FIELDS:
            entries[name] = getattr(history, name)
        return entries


def merged(parts: list[History]) -> History:
    """Return several histories as one, ordered by time; equal times keep the order of parts."""
    parts = [part for part in parts if len(part.item)]
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return History(**{name: np.zeros(0, dtype) for name, dtype in FIELDS.items()})
    joined = {n: np.concatenate([getattr(p, n) for p in parts]) for n in FIELDS}
    order = np.argsort(joined["at_us"], kind="stable")
    return History(**{name: values[order] for name, values in joined.items()})
