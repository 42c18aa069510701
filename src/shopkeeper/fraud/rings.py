"""Rings: customers who share cards, devices, addresses, phones or networks.

Two customers are linked by an identifier that both used in the horizon; an identifier that more
customers share than HUBS allows (an office, a parcel shop) links nobody. ``around`` walks from
one request and remembers larger groups until a link of theirs changes, so a score costs what its
ring is large, never what the shop is large; ``find`` joins everything with union-find, for
alerts. Both read only what is kept in windows, so they forget with it, and a label counts only
from its moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from statistics import median

from shopkeeper.base.clock import DAY_US
from shopkeeper.fraud.online import Windows
from shopkeeper.fraud.series import HOLDERS, HUBS, Entity, Group, passes

MOST_HOLDERS = 200  # of a ring; what is larger is a crowd, that says nothing of one payment
MOST_NAMED = 50
REMEMBERED = 8  # holders, from which on a group is kept until a link of it changes
NAN = float("nan")
FEATURES = (
    *("ring_customers", "ring_entities", "ring_customers_7d"),
    *("ring_frauds", "ring_fraud_rate", "ring_signup_seconds"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """Linked customers and identifiers. ``holders``, ``shared``: "kind:key", sorted."""

    holders: tuple[str, ...]
    shared: tuple[str, ...]
    payments: int
    amount_minor: int
    frauds: int
    first_us: int
    last_us: int
    signup_seconds: float | None  # median from sign-up to first payment, where known


def around(
    windows: Windows, values: Mapping[str, str], at_us: int, signups: Mapping[str, int]
) -> tuple[list[float], tuple[str, ...]]:
    """Return the ring features of a request, and its ring's members when it has others in it.

    The features stand in the order of FEATURES. Those joined to what the request names are its
    ring; where that is a crowd, only those who share one of its identifiers themselves are.
    """
    own_kind = next((kind for kind in HOLDERS if kind in values), "")
    own = values.get(own_kind, "")
    tables = windows.tables
    start: list[Entity] = []
    for kind, key in values.items():
        if (kind in HUBS or kind == own_kind) and kind in tables:
            one = tables[kind].get(key)
            if one is not None:
                start.append(one)
    groups = _groups(start)
    if sum(len(group.at) for group in groups) > MOST_HOLDERS or any(g.crowd for g in groups):
        groups = [_near(start)]
    mine = tables[own_kind].get(own) if own_kind in tables else None
    fresh = bool(own_kind) and not any(mine in group.holders for group in groups)
    return _features(groups, fresh, own, at_us, signups)


def _features(
    groups: Sequence[Group], fresh: bool, own: str, at_us: int, signups: Mapping[str, int]
) -> tuple[list[float], tuple[str, ...]]:
    """Return what groups say together; ``fresh``: ``own`` pays now and is not among them."""
    week = at_us - 7 * DAY_US
    size = recent = int(fresh)
    shared = frauds = payments = 0
    quick: list[float] = []
    for group in groups:
        size += len(group.at)
        shared += len(group.shared)
        for at in group.at:
            if at:
                recent += at[0] > week
                payments += len(at)
        for one in group.frauds:
            frauds += one.count_known(0, len(one.at), at_us)
        if signups:
            quick += _seconds(group.holders, signups)
    if fresh and own in signups:
        quick.append(max(0, at_us - signups[own]) / 1e6)
    found = [
        float(size),
        float(shared),
        float(recent),
        float(frauds),
        frauds / payments if payments else 0.0,
        float(median(quick)) if quick else NAN,
    ]
    if size < 2:
        return found, ()
    members = tuple(islice(chain.from_iterable(map(_named, groups)), MOST_NAMED))
    return found, members


def find(
    windows: Windows, signups: Mapping[str, int], *, fewest: int = 3, now_us: int | None = None
) -> list[Ring]:
    """Return every ring of at least ``fewest`` customers, the largest first."""
    parent: dict[Entity, Entity] = {}

    def top(one: Entity) -> Entity:
        while parent.setdefault(one, one) is not one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    for kind, most in HUBS.items():
        for shared in windows.tables.get(kind, {}).values():
            if 2 <= len(shared.links) <= most:
                for holder in shared.links:
                    parent[top(holder)] = top(shared)
    groups: dict[Entity, list[Entity]] = {}
    for one in list(parent):
        groups.setdefault(top(one), []).append(one)
    at_us = windows.newest_us if now_us is None else now_us
    rings = [_told(group, at_us, signups) for group in groups.values()]
    return sorted(
        (ring for ring in rings if len(ring.holders) >= fewest),
        key=lambda ring: (-len(ring.holders), ring.holders),
    )


def _groups(start: Iterable[Entity]) -> list[Group]:
    """Return the groups that some entities are in, each once; hubs are in none."""
    found: list[Group] = []
    seen: set[Entity] = set()
    for one in start:
        if one in seen:
            continue
        group = one.group
        if group is None or not group.valid:
            if not passes(one):
                continue
            group = _walked(one, seen)
        if group not in found:
            found.append(group)
    return found


def _walked(start: Entity, seen: set[Entity]) -> Group:
    """Return everybody joined to one entity; large groups are remembered, ``seen`` grows."""
    holders: list[Entity] = []
    shared: list[Entity] = []
    waiting = [start]
    mine = {start}
    crowd: Group | None = None
    while waiting:
        one = waiting.pop()
        if one.group is not None and one.group.valid and one.group.crowd:
            crowd = one.group
            break
        if one.holds or one.kind not in HUBS:
            holders.append(one)
            if len(holders) > MOST_HOLDERS:
                crowd = Group(holders, shared, crowd=True)
                break
        elif len(one.links) > HUBS[one.kind]:
            continue
        else:
            shared.append(one)
            if len(one.links) == 1 and one is not start:
                continue  # nobody else has it
        new = one.links.keys() - mine
        mine |= new
        waiting.extend(new)
    seen |= mine
    group = crowd or Group(holders, shared)
    if len(holders) >= REMEMBERED or crowd is not None:
        for one in chain(holders, shared):
            one.group = group
    return group


def _near(start: Sequence[Entity]) -> Group:
    """Return those who share an identifier with a request themselves."""
    shared = [one for one in start if not one.holds and one.kind in HUBS and passes(one)]
    holders = dict.fromkeys(one for one in start if one.holds or one.kind not in HUBS)
    for one in shared:
        holders.update(dict.fromkeys(one.links))
    return Group(list(holders), shared)


def _seconds(holders: Iterable[Entity], signups: Mapping[str, int]) -> list[float]:
    """Return seconds from sign-up to the first payment, of those of whom both are known."""
    return [
        max(0, one.payments.at[0] - signups[one.key]) / 1e6
        for one in holders
        if one.key in signups and one.payments.at
    ]


def _named(group: Group) -> tuple[str, ...]:
    if group.names is None:
        names = [
            sorted(f"{e.kind}:{e.key}" for e in some) for some in (group.holders, group.shared)
        ]
        group.names = tuple(chain.from_iterable(names))[:MOST_NAMED]
    return group.names


def _told(group: list[Entity], at_us: int, signups: Mapping[str, int]) -> Ring:
    holders = [one for one in group if one.holds]
    shared = [one for one in group if not one.holds]
    series = [one.payments for one in holders if one.payments.at]
    frauds = [one.frauds for one in holders if one.frauds is not None]
    quick = _seconds(holders, signups)
    return Ring(
        holders=tuple(sorted(f"{one.kind}:{one.key}" for one in holders)),
        shared=tuple(sorted(f"{one.kind}:{one.key}" for one in shared)),
        payments=sum(len(one.at) for one in series),
        amount_minor=sum(one.total[-1] for one in series),
        frauds=sum(one.count_known(0, len(one.at), at_us) for one in frauds),
        first_us=min((one.at[0] for one in series), default=0),
        last_us=max((one.at[-1] for one in series), default=0),
        signup_seconds=float(median(quick)) if quick else None,
    )
