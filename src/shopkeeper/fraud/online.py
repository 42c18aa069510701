"""Aggregates for one request in microseconds: the incremental executor of aggregates.py.

Every entity value keeps the moments of its payments in order and prefix sums of their amounts,
so any window at any moment is two binary searches, exact, and a late event goes to its place.
What lies beyond the horizon is dropped as payments leave; nothing else is kept, so memory is
bounded by the payments of KEEP_US and the entities that they name.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Mapping, Sequence
from operator import sub

from shopkeeper.base.clock import DAY_US
from shopkeeper.fraud.aggregates import DEEPEST, HORIZON_US, Agg
from shopkeeper.fraud.series import Entity, Frauds, Series, link

# Lateness that costs no exactness: an event up to so late is still judged with whole windows.
LATE_US = 7 * DAY_US
KEEP_US = HORIZON_US + LATE_US
WAITING_LABELS = 100_000  # labels whose payment has not arrived
NAN = float("nan")
(_COUNT, _SUM, _MEAN, _MAX, _DISTINCT, _SINCE, _AGE) = range(7)
_PLAIN = ("count", "sum", "mean", "max", "distinct", "since_last", "age")
(_F_COUNT, _F_RATE, _F_RUN, _F_MEAN, _F_FIRST, _F_LAST) = range(6)
_FRAUD = ("fraud_count", "fraud_rate", "fraud_run", "fraud_mean", "fraud_first", "fraud_last")


class Plan:
    """The aggregates of one entity kind, with each window's search done once."""

    def __init__(self, kind: str, aggs: Sequence[Agg], row: Mapping[str, int]) -> None:
        self.empty = Entity(kind, "", ())
        self.others = tuple(dict.fromkeys(a.other for a in aggs if a.other))
        self.empty.payments = Series(self.others)
        self.streams: list[tuple[str, list[int], list[tuple[int, ...]], list[str]]] = []
        for stream in ("payments", "declines", "refunds"):
            mine = [a for a in aggs if a.stream == stream and not a.function.startswith("fraud")]
            if mine:
                self.streams.append(self._compile(stream, mine, row))
        self.frauds = [
            (
                _FRAUD.index(a.function),
                row[a.name],
                a.delay_us + a.window_us,
                a.delay_us,
                int(a.include_current and not a.delay_us),
            )
            for a in aggs
            if a.function.startswith("fraud")
        ]

    @staticmethod
    def _compile(
        stream: str, aggs: Sequence[Agg], row: Mapping[str, int]
    ) -> tuple[str, list[int], list[tuple[int, ...]], list[str]]:
        backs: list[int] = []
        others: list[str] = []

        def back(moment: int) -> int:
            if moment not in backs:
                backs.append(moment)
            return backs.index(moment)

        steps: list[tuple[int, ...]] = []
        for agg in aggs:
            low = back(agg.delay_us + agg.window_us)
            high = back(agg.delay_us) if agg.delay_us else -1
            current = int(agg.include_current and not agg.delay_us and stream == "payments")
            others.append(agg.other)
            steps.append((_PLAIN.index(agg.function), row[agg.name], low, high, current))
        return stream, backs, steps, others

    def fill(
        self,
        entity: Entity | None,
        at_us: int,
        amount: int,
        values: Mapping[str, str],
        out: list[float],
    ) -> None:
        """Write the aggregates of one entity as of a moment into their places."""
        one = self.empty if entity is None else entity
        for stream, backs, steps, others in self.streams:
            series = getattr(one, stream)
            if series is None:
                for step in steps:
                    out[step[1]] = 0.0
                continue
            at, total = series.at, series.total
            count = len(at)
            if count and at[-1] > at_us:
                count = bisect_right(at, at_us)
            lows = [bisect_right(at, at_us - back, 0, count) for back in backs]
            for place, (function, row, low, high, current) in enumerate(steps):
                first = lows[low]
                last = count if high < 0 else lows[high]
                if function == _COUNT:
                    out[row] = last - first + current
                elif function == _MEAN:
                    n = last - first + current
                    money = total[last] - total[first] + amount * current
                    out[row] = money / n if n else NAN
                elif function == _SUM:
                    out[row] = total[last] - total[first] + amount * current
                elif function == _SINCE:
                    out[row] = (at_us - at[last - 1]) / 1e6 if last > first else NAN
                elif function == _AGE:
                    out[row] = (at_us - at[first]) / 1e6 if last > first else 0.0
                else:
                    first = max(first, last + current - DEEPEST)
                    if function == _DISTINCT:
                        other = others[place]
                        seen = set(series.others[other][first:last])
                        if current:
                            seen.add(values.get(other))
                        seen.discard(None)
                        out[row] = len(seen)
                    else:
                        money = list(map(sub, total[first + 1 : last + 1], total[first:last]))
                        if current:
                            money.append(amount)
                        out[row] = max(money) if money else NAN
        if self.frauds:
            self._fill_frauds(one, at_us, out)

    def _fill_frauds(self, one: Entity, at_us: int, out: list[float]) -> None:
        frauds, at = one.frauds, one.payments.at
        for function, row, back, delay, current in self.frauds:
            places: list[int] = []
            if frauds is not None:
                low = bisect_right(frauds.at, at_us - back)
                high = bisect_right(frauds.at, at_us - delay)
                places = frauds.known_in(max(low, high - DEEPEST), high, at_us)
            n = len(places)
            if function == _F_COUNT:
                out[row] = n
            elif function == _F_RATE:
                of = bisect_right(at, at_us - delay) - bisect_right(at, at_us - back) + current
                out[row] = n / of if of else 0.0
            elif not n or frauds is None:
                out[row] = 0.0 if function == _F_RUN else NAN
            elif function == _F_RUN:
                start = bisect_left(at, frauds.at[places[0]])
                out[row] = n / (bisect_right(at, at_us - delay) + current - start)
            elif function == _F_MEAN:
                out[row] = sum(frauds.amount[place] for place in places) / n
            else:
                moment = frauds.at[places[0 if function == _F_FIRST else -1]]
                out[row] = (at_us - moment) / 1e6


class Windows:
    """The live aggregates of a shop: ``pay``, ``decline``, ``refund``, ``label``, ``fill``."""

    def __init__(self, aggs: Sequence[Agg], row: Mapping[str, int]) -> None:
        kinds = dict.fromkeys(agg.entity for agg in aggs)
        self.plans = {
            kind: Plan(kind, [a for a in aggs if a.entity == kind], row) for kind in kinds
        }
        self.tables: dict[str, dict[str, Entity]] = {kind: {} for kind in kinds}
        # payment_id -> (moment, amount, known as fraud from, its entities), in order of arrival
        self.payments: dict[str, tuple[int, int, int | None, tuple[Entity, ...]]] = {}
        self.waiting: dict[str, int] = {}
        self.newest_us = 0
        # What will leave one day, in order of arrival: a payment's id, or entities that declined.
        self._leaving: deque[str | tuple[int, tuple[Entity, ...]]] = deque()

    def entity(self, kind: str, key: str) -> Entity:
        """Return an entity, made when it is new."""
        table = self.tables[kind]
        found = table.get(key)
        if found is None:
            found = table[key] = Entity(kind, key, self.plans[kind].others)
        return found

    def pay(self, payment_id: str, at_us: int, amount: int, values: Mapping[str, str]) -> bool:
        """Take in a payment; False when it is known already or too old to matter."""
        if payment_id in self.payments or at_us < self.newest_us - KEEP_US:
            return False
        self.newest_us = max(self.newest_us, at_us)
        mine = tuple(self.entity(kind, key) for kind, key in values.items() if kind in self.tables)
        for one in mine:
            one.payments.add(at_us, amount, values)
        link(mine, 1)
        self.payments[payment_id] = (at_us, amount, None, mine)
        self._leaving.append(payment_id)
        if payment_id in self.waiting:
            self.label(payment_id, self.waiting.pop(payment_id))
        self._forget()
        return True

    def take_out(self, payment_id: str) -> tuple[int, int, int | None, tuple[Entity, ...]] | None:
        """Remove a payment that was taken in, and return it for ``put_back``."""
        held = self.payments.pop(payment_id, None)
        if held is not None:
            at_us, amount, known_us, mine = held
            values = {one.kind: one.key for one in mine}
            link(mine, -1)
            for one in mine:
                one.payments.remove(at_us, amount, values)
                if known_us is not None and one.frauds is not None:
                    one.frauds.remove(at_us, known_us)
        return held

    def put_back(
        self, payment_id: str, held: tuple[int, int, int | None, tuple[Entity, ...]]
    ) -> None:
        """Undo ``take_out``."""
        at_us, amount, known_us, mine = held
        values = {one.kind: one.key for one in mine}
        for one in mine:
            one.payments.add(at_us, amount, values)
        link(mine, 1)
        self.payments[payment_id] = (at_us, amount, None, mine)
        if known_us is not None:
            self.label(payment_id, known_us)

    def happened(self, stream: str, at_us: int, amount: int, values: Mapping[str, str]) -> None:
        """Take in a decline or a refund of these entities."""
        if at_us < self.newest_us - KEEP_US:
            return
        self.newest_us = max(self.newest_us, at_us)
        mine = tuple(self.entity(kind, key) for kind, key in values.items() if kind in self.tables)
        for one in mine:
            one.stream(stream).add(at_us, amount, {})
        self._leaving.append((at_us, mine))
        self._forget()

    def label(self, payment_id: str, known_us: int | None) -> None:
        """Take in that a payment is known to be fraud from a moment on; None: it is none."""
        held = self.payments.get(payment_id)
        if held is None:
            if known_us is not None and len(self.waiting) < WAITING_LABELS:
                self.waiting[payment_id] = known_us
            elif known_us is None:
                self.waiting.pop(payment_id, None)
            return
        at_us, amount, before, mine = held
        if before == known_us:
            return
        for one in mine:
            if before is not None and one.frauds is not None:
                one.frauds.remove(at_us, before)
            if known_us is not None:
                if one.frauds is None:
                    one.frauds = Frauds()
                one.frauds.add(at_us, known_us, amount)
        self.payments[payment_id] = (at_us, amount, known_us, mine)

    def fill(self, values: Mapping[str, str], at_us: int, amount: int, out: list[float]) -> None:
        """Write every aggregate of a request that shares these entities."""
        for kind, plan in self.plans.items():
            key = values.get(kind)
            if key is not None:
                plan.fill(self.tables[kind].get(key), at_us, amount, values, out)

    def _forget(self) -> None:
        """Let payments beyond the horizon go, and the entities that nothing names any more."""
        before_us = self.newest_us - KEEP_US
        while self._leaving:
            first = self._leaving[0]
            if isinstance(first, str):
                held = self.payments.get(first)
                at_us, mine = (held[0], held[3]) if held else (before_us - 1, ())
            else:
                at_us, mine = first
            if at_us >= before_us:
                return
            self._leaving.popleft()
            if isinstance(first, str) and first in self.payments:
                del self.payments[first]
                link(mine, -1)
            for one in mine:
                if one.drop(before_us):
                    self.tables[one.kind].pop(one.key, None)
