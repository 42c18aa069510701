"""What the online executor keeps of one entity value: moments in order, with prefix sums.

Exact at any moment: a window is a range between two binary searches, its count and sum are
differences. Late things are put in their place; what lies beyond the horizon is dropped.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence

# Who holds what others may share: the first of these that a payment names.
HOLDERS = ("customer", "email", "phone", "card", "device")
# What links holders, and how many may share it before it says nothing any more.
HUBS = {"card": 50, "device": 50, "email": 50, "phone": 50, "address": 20, "ip": 20}
SHORT = 256  # things, up to which a series forgets each at once


class Series:
    """Moments in order, prefix sums of amounts, and other entities' values where asked."""

    __slots__ = ("at", "others", "total")

    def __init__(self, others: Sequence[str] = ()) -> None:
        self.at = array("q")
        self.total = array("q", (0,))
        self.others: dict[str, list[str | None]] = {name: [] for name in others}

    def add(self, at_us: int, amount: int, values: Mapping[str, str]) -> None:
        """Put one thing in its place; things of the same moment keep the order of arrival."""
        at, total = self.at, self.total
        if not at or at_us >= at[-1]:
            at.append(at_us)
            total.append(total[-1] + amount)
            for name, held in self.others.items():
                held.append(values.get(name))
            return
        place = bisect_right(at, at_us)
        at.insert(place, at_us)
        moved = [value + amount for value in total[place:]]
        self.total = total[: place + 1]
        self.total.extend(moved)
        for name, held in self.others.items():
            held.insert(place, values.get(name))

    def remove(self, at_us: int, amount: int, values: Mapping[str, str]) -> None:
        """Take out one thing that was added with the same moment, amount and values."""
        for place in range(bisect_left(self.at, at_us), bisect_right(self.at, at_us)):
            same = self.total[place + 1] - self.total[place] == amount
            if same and all(held[place] == values.get(n) for n, held in self.others.items()):
                del self.at[place]
                after = [value - amount for value in self.total[place + 2 :]]
                self.total = self.total[: place + 1]
                self.total.extend(after)
                for held in self.others.values():
                    del held[place]
                return

    def drop(self, before_us: int) -> None:
        """Forget what lies before a moment; of a long series once it is half of what is held."""
        at = self.at
        if not at or at[0] >= before_us:
            return
        place = bisect_left(at, before_us)
        if place * 2 < len(at) and len(at) > SHORT:
            return
        del at[:place]
        base = self.total[place]
        self.total = array("q", [value - base for value in self.total[place:]])
        for held in self.others.values():
            del held[:place]


class Frauds:
    """Payments known to be fraud: moment, from when it was known, amount; in order."""

    __slots__ = ("amount", "at", "known", "latest")

    def __init__(self) -> None:
        self.at = array("q")
        self.known = array("q")
        self.amount = array("q")
        self.latest = 0

    def add(self, at_us: int, known_us: int, amount: int) -> None:
        """Put one fraud in its place."""
        place = bisect_right(self.at, at_us)
        self.at.insert(place, at_us)
        self.known.insert(place, known_us)
        self.amount.insert(place, amount)
        self.latest = max(self.latest, known_us)

    def remove(self, at_us: int, known_us: int) -> None:
        """Take out a fraud that was judged otherwise later."""
        for place in range(bisect_left(self.at, at_us), bisect_right(self.at, at_us)):
            if self.known[place] == known_us:
                del self.at[place], self.known[place], self.amount[place]
                return

    def drop(self, before_us: int) -> None:
        """Forget what lies before a moment."""
        place = bisect_left(self.at, before_us)
        if place:
            del self.at[:place], self.known[:place], self.amount[:place]

    def count_known(self, low: int, high: int, at_us: int) -> int:
        """Return how many of the places in [low, high) were known by a moment."""
        if at_us >= self.latest:
            return high - low
        return sum(known <= at_us for known in self.known[low:high])

    def known_in(self, low: int, high: int, at_us: int) -> list[int]:
        """Return the places in [low, high) that were known by a moment."""
        if at_us >= self.latest:
            return list(range(low, high))
        return [place for place in range(low, high) if self.known[place] <= at_us]


class Group:
    """Holders joined by identifiers, as rings.py walked them, until a link of theirs changes.

    ``crowd``: there are more of them than a ring has; then nobody is listed.
    """

    __slots__ = ("at", "crowd", "frauds", "holders", "names", "shared", "valid")

    def __init__(self, holders: list[Entity], shared: list[Entity], *, crowd: bool = False) -> None:
        self.valid, self.crowd = True, crowd
        self.holders = [] if crowd else holders
        self.shared = [] if crowd else shared
        self.at = [one.payments.at for one in self.holders]
        self.frauds = [one.frauds for one in self.holders if one.frauds is not None]
        self.names: tuple[str, ...] | None = None  # made when asked for


class Entity:
    """One value of one entity: its streams, and who it was seen with (for rings)."""

    __slots__ = (
        *("declines", "frauds", "group", "holds", "key", "kind", "links", "payments", "refunds"),
    )

    def __init__(self, kind: str, key: str, others: Sequence[str]) -> None:
        self.kind, self.key = kind, key
        self.payments = Series(others)
        self.declines: Series | None = None
        self.refunds: Series | None = None
        self.frauds: Frauds | None = None
        self.links: dict[Entity, int] = {}
        self.holds = False  # somebody's payments, rather than something shared
        self.group: Group | None = None  # the last one that it was found in

    def stream(self, name: str) -> Series:
        """Return a stream, made when it is first needed."""
        found: Series | None = getattr(self, name)
        if found is None:
            found = Series()
            setattr(self, name, found)
        return found

    def known_frauds(self) -> Frauds:
        """Return the frauds, made when the first is known."""
        if self.frauds is None:
            self.frauds = Frauds()
            _outdate(self)
        return self.frauds

    def drop(self, before_us: int) -> bool:
        """Forget the past before a moment; True when nothing is left."""
        left = False
        for series in (self.payments, self.declines, self.refunds):
            if series is not None:
                series.drop(before_us)
                left = left or bool(series.at and series.at[-1] >= before_us)
        if self.frauds is not None:
            self.frauds.drop(before_us)
        return not left


def link(mine: Sequence[Entity], step: int) -> None:
    """Count (step 1) or uncount (-1) that one payment names these entities together."""
    holder = next((e for kind in HOLDERS for e in mine if e.kind == kind), None)
    if holder is None:
        return
    if not holder.holds:
        holder.holds = True
        for one in (holder, *holder.links):  # no hub stops at it any more
            _outdate(one)
    for one in mine:
        if one is holder or one.kind not in HUBS:
            continue
        count = holder.links.get(one, 0) + step
        if count > 0:
            holder.links[one] = one.links[holder] = count
            if count == step:
                _joined(holder, one)
        else:
            holder.links.pop(one, None)
            one.links.pop(holder, None)
            _parted(holder, one)


def passes(one: Entity) -> bool:
    """Return whether a ring goes on through an entity: hubs join nobody."""
    return one.holds or one.kind not in HUBS or len(one.links) <= HUBS[one.kind]


def _joined(holder: Entity, one: Entity) -> None:
    """Let go of groups that a new link changes; a crowd that grows stays one."""
    if passes(one):
        if holder.group is None or holder.group is not one.group:
            _outdate(holder, crowds=False)
            _outdate(one, crowds=False)
    elif len(one.links) == HUBS[one.kind] + 1:  # a hub from now on
        _outdate(one)


def _parted(holder: Entity, one: Entity) -> None:
    """Let go of groups that a link less changes."""
    if not passes(one):
        return
    if not one.holds and len(one.links) == HUBS[one.kind]:  # a hub until now
        for other in one.links:
            _outdate(other, crowds=False)
    _outdate(holder)
    _outdate(one)


def _outdate(one: Entity, *, crowds: bool = True) -> None:
    group = one.group
    if group is not None and (crowds or not group.crowd):
        group.valid = False
        one.group = None
