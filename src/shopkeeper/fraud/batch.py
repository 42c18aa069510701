"""Aggregates for all rows at once: the vectorised executor of aggregates.py.

A group is the rows of one entity value, in order. Rows are numbered in order of time, so the
window of row i is a range of its group, found by binary search in (code, number) keys; counts
and sums are differences of prefix sums over whole minor units, so they are exact.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shopkeeper.fraud.aggregates import DEEPEST, Agg
from shopkeeper.fraud.rows import NEVER_US, Rows, Stream

_Known = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
_PAIRS = 4_000_000  # how many (row, member) pairs are looked at together
SECOND_US = 1e6


def aggregate(rows: Rows, aggs: Sequence[Agg]) -> dict[str, np.ndarray]:
    """Return name -> (n,) float64, NaN where the row has no such entity."""
    found: dict[str, np.ndarray] = {}
    groups: dict[tuple[str, str], _Groups] = {}
    clocks: dict[str, _Clock] = {}
    for agg in aggs:
        code = rows.payments.codes.get(agg.entity)
        source = rows.stream(agg.stream)
        if code is None:
            found[agg.name] = np.full(len(rows), np.nan)
            continue
        if source is None or agg.entity not in source.codes:
            found[agg.name] = np.where(code >= 0, 0.0, np.nan)
            continue
        key = (agg.entity, agg.stream)
        if key not in groups:
            clock = clocks.setdefault(agg.stream, _Clock(rows.payments.at_us, source.at_us))
            groups[key] = _Groups(rows, source, code, source.codes[agg.entity], clock)
        values = np.full(len(rows), np.nan)
        values[groups[key].asked] = _compute(rows, groups[key], agg)
        found[agg.name] = values
    return found


class _Clock:
    """How much of a stream had happened some time before each row; the same for all entities.

    Searched once per span and in order of time: the answers lie side by side in memory.
    """

    def __init__(self, asked_us: np.ndarray, source_us: np.ndarray) -> None:
        self.asked_us, self.source_us = asked_us, source_us
        self._numbers: dict[int, np.ndarray] = {}

    def number(self, back_us: int) -> np.ndarray:
        """Return per row how many things happened up to ``back_us`` before it."""
        if back_us not in self._numbers:
            moments = self.asked_us - back_us
            self._numbers[back_us] = np.searchsorted(self.source_us, moments, side="right")
        return self._numbers[back_us]


class _Groups:
    """Members of a stream sorted by entity value, and the rows that ask about them."""

    def __init__(
        self, rows: Rows, source: Stream, code: np.ndarray, theirs: np.ndarray, clock: _Clock
    ) -> None:
        self.source, self.clock = source, clock
        self.own = source is rows.payments
        members = np.flatnonzero(theirs >= 0)
        members = members[np.argsort(theirs[members], kind="stable")]
        self.members = members
        self.step = len(source) + 1
        self.keys = theirs[members].astype(np.int64) * self.step + members
        self.total = np.concatenate([[0], np.cumsum(source.amount[members])])
        # Rows are asked in the order of their groups: searches then walk forward in memory.
        asked = np.flatnonzero(code >= 0)
        self.asked = asked[np.argsort(code[asked], kind="stable")]
        self.base = code[self.asked].astype(np.int64) * self.step
        self.at_us = rows.payments.at_us[self.asked]
        self.place = np.arange(len(members)) if self.own else None
        self._ranges: dict[int, np.ndarray] = {}
        self._frauds: _Groups | None = None
        self.known: dict[tuple[int, int], _Known] = {}  # of frauds: by (delay, window)
        self.known_us = np.zeros(0, np.int64)
        self.number = np.zeros(0, np.int64)  # of frauds: their row

    def before(self, moment_us: np.ndarray) -> np.ndarray:
        """Return how many members lie before the row's group's members later than a moment."""
        number = np.searchsorted(self.source.at_us, moment_us, side="right")
        return np.searchsorted(self.keys, self.base + number, side="left")

    def bounds(self, agg: Agg) -> tuple[np.ndarray, np.ndarray]:
        """Return [low, high) into the members, per asked row."""
        back = agg.delay_us + agg.window_us
        low = self._cached(back)
        if agg.delay_us or self.place is None:
            return low, self._cached(agg.delay_us)
        return low, self.place + agg.include_current

    def _cached(self, back_us: int) -> np.ndarray:
        if back_us not in self._ranges:
            number = self.clock.number(back_us)[self.asked]
            self._ranges[back_us] = np.searchsorted(self.keys, self.base + number, side="left")
        return self._ranges[back_us]

    def up_to(self, back_us: int) -> np.ndarray:
        """Return how many members lie up to ``back_us`` before each asked row."""
        return self._cached(back_us)

    def frauds(self, rows: Rows) -> _Groups:
        """Return the same groups over known frauds only, asked by the same rows."""
        if self._frauds is None:
            bad = np.flatnonzero(rows.known_us != NEVER_US)
            one = Stream(
                at_us=self.source.at_us[bad],
                amount=self.source.amount[bad],
                codes={},
            )
            code = np.full(len(rows), -1, dtype=np.int64)
            code[self.asked] = self.base // self.step
            clock = _Clock(rows.payments.at_us, one.at_us)
            self._frauds = _Groups(rows, one, code, code[bad], clock)
            self._frauds.known_us = rows.known_us[bad][self._frauds.members]
            self._frauds.number = bad
        return self._frauds


def _compute(rows: Rows, groups: _Groups, agg: Agg) -> np.ndarray:
    if agg.function.startswith("fraud"):
        return _fraud(rows, groups, agg)
    low, high = groups.bounds(agg)
    high = np.maximum(high, low)
    count = high - low
    if agg.function == "count":
        return count.astype(np.float64)
    if agg.function in ("sum", "mean"):
        total = (groups.total[high] - groups.total[low]).astype(np.float64)
        return total if agg.function == "sum" else _over(total, count, np.nan)
    if agg.function == "max":
        return _largest(groups, np.maximum(low, high - DEEPEST), high)
    if agg.function == "distinct":
        return _distinct(rows, groups, agg, np.maximum(low, high - DEEPEST), high)
    at = groups.source.at_us[groups.members]
    if agg.function == "age":
        first = at[np.minimum(low, len(at) - 1)]
        return np.where(count > 0, (groups.at_us - first) / SECOND_US, 0.0)
    last = groups.place - 1 if groups.place is not None else high - 1
    return np.where(last >= low, (groups.at_us - at[np.maximum(last, 0)]) / SECOND_US, np.nan)


def _fraud(rows: Rows, groups: _Groups, agg: Agg) -> np.ndarray:
    """Return a function of the frauds in the window that were known at the row's moment."""
    bad = groups.frauds(rows)
    span = (agg.delay_us, agg.window_us)
    if span not in bad.known:
        bad.known[span] = _known_in(bad, groups, agg)
    count, money, first, last = bad.known[span]
    if agg.function == "fraud_count":
        return count.astype(np.float64)
    if agg.function == "fraud_rate":
        start, end = groups.bounds(agg)
        return _over(count.astype(np.float64), np.maximum(end - start, 0), 0.0)
    if agg.function == "fraud_run":
        start = groups.before(np.where(count > 0, first, groups.at_us) - 1)
        end = groups.bounds(agg)[1]
        return np.where(count > 0, _over(count.astype(np.float64), end - start, 0.0), 0.0)
    if agg.function == "fraud_mean":
        return _over(money, count, np.nan)
    moment = first if agg.function == "fraud_first" else last
    return np.where(count > 0, (groups.at_us - moment) / SECOND_US, np.nan)


def _known_in(bad: _Groups, groups: _Groups, agg: Agg) -> _Known:
    """Return count, money, first and last moment of the window's frauds known at each row."""
    low = bad.up_to(agg.delay_us + agg.window_us)
    if agg.delay_us:
        high = bad.up_to(agg.delay_us)
    else:
        # A payment never counts itself, even where its label bears its own moment.
        earlier = np.searchsorted(bad.number, groups.asked, side="left")
        high = np.searchsorted(bad.keys, bad.base + earlier, side="left")
    high = np.maximum(high, low)
    low = np.maximum(low, high - DEEPEST)
    times = bad.source.at_us[bad.members]
    amount = bad.source.amount[bad.members]
    n = len(low)
    count, money = np.zeros(n, np.int64), np.zeros(n)
    first, last = np.full(n, NEVER_US), np.full(n, -NEVER_US)
    some = np.flatnonzero(high > low)
    for part in _parts(high[some] - low[some]):
        rows = some[part]
        owner, member = _pairs(low[rows], high[rows])
        seen = bad.known_us[member] <= groups.at_us[rows][owner]
        owner, member = owner[seen], member[seen]
        count[rows] = np.bincount(owner, minlength=len(rows))
        # Whole minor units below 2^53: sums of doubles are exact.
        money[rows] = np.bincount(owner, amount[member], len(rows))
        starts = np.flatnonzero(np.diff(owner, prepend=-1))
        ends = np.flatnonzero(np.diff(owner, append=n + 1))
        first[rows[owner[starts]]] = times[member[starts]]
        last[rows[owner[ends]]] = times[member[ends]]
    return count, money, first, last


def _largest(groups: _Groups, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return the largest amount in [low, high) from a table of maxima over powers of two."""
    levels = [groups.source.amount[groups.members]]
    while 2 ** len(levels) <= DEEPEST:
        half = 2 ** (len(levels) - 1)
        one = levels[-1]
        longer = one.copy()
        longer[: max(len(one) - half, 0)] = (
            np.maximum(one[:-half], one[half:]) if len(one) > half else 0
        )
        levels.append(longer)
    table = np.stack(levels)
    count = high - low
    level = np.log2(np.maximum(count, 1)).astype(np.int64)
    last = np.maximum(high - 2**level, 0)
    found = np.maximum(table[level, np.minimum(low, table.shape[1] - 1)], table[level, last])
    return np.where(count > 0, found, np.nan)


def _distinct(
    rows: Rows, groups: _Groups, agg: Agg, low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    """Return how many different values of another entity lie in [low, high)."""
    other = groups.source.codes.get(agg.other)
    if other is None:
        return np.zeros(len(low))
    value = other[groups.members].astype(np.int64)
    group = groups.keys // groups.step
    # The place of the same pair's member before, in the order of the group.
    order = np.lexsort((np.arange(len(value)), value, group))
    same = (np.diff(value[order]) == 0) & (np.diff(group[order]) == 0)
    earlier = np.full(len(value), -1)
    earlier[order[1:][same]] = order[:-1][same]
    earlier[value < 0] = NEVER_US
    found = np.zeros(len(low))
    for part in _parts(high - low):
        owner, member = _pairs(low[part], high[part])
        fresh = earlier[member] < low[part][owner]
        found[part] = np.bincount(owner[fresh], minlength=len(low[part]))
    return found


def _pairs(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (owner, member) of every member of every range, in order."""
    count = high - low
    owner = np.repeat(np.arange(len(low)), count)
    start = np.cumsum(count) - count
    return owner, np.arange(len(owner)) + np.repeat(low - start, count)


def _parts(count: np.ndarray) -> list[slice]:
    """Cut rows into slices of about _PAIRS pairs."""
    ends = np.cumsum(count)
    if not len(ends):
        return []
    cuts = np.searchsorted(ends, np.arange(_PAIRS, ends[-1] + _PAIRS, _PAIRS), side="left") + 1
    edges = np.unique(np.concatenate([[0], np.minimum(cuts, len(count)), [len(count)]]))
    return [slice(a, b) for a, b in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)]


def _over(total: np.ndarray, count: np.ndarray, empty: float) -> np.ndarray:
    return np.divide(total, count, out=np.full(len(total), empty), where=count > 0)
