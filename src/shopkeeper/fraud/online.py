"""Aggregates for one request in microseconds: the incremental executor of aggregates.py.

Every entity value keeps the moments of its payments in order and prefix sums of their amounts,
so any window at any moment is two binary searches, exact, and a late event goes to its place;
plans.py compiles the declaration into the function that reads them. What lies beyond the horizon
is dropped as payments leave; nothing else is kept, so memory is bounded by the payments of
KEEP_US and the entities that they name.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

from shopkeeper.base.clock import DAY_US
from shopkeeper.fraud.aggregates import HORIZON_US, Agg
from shopkeeper.fraud.plans import Plan
from shopkeeper.fraud.series import Entity, link

# Lateness that costs no exactness: an event up to so late is still judged with whole windows.
LATE_US = 7 * DAY_US
KEEP_US = HORIZON_US + LATE_US
WAITING_LABELS = 100_000  # labels whose payment has not arrived


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
                one.known_frauds().add(at_us, known_us, amount)
        self.payments[payment_id] = (at_us, amount, known_us, mine)

    def fill(self, values: Mapping[str, str], at_us: int, amount: int, out: list[float]) -> None:
        """Write every aggregate of a request that shares these entities."""
        for kind, plan in self.plans.items():
            key = values.get(kind)
            if key is not None:
                one = self.tables[kind].get(key) or plan.empty
                plan.fill(one, at_us, amount, values, out)

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
