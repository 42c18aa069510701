"""Rings: customers who share cards, devices, addresses, phones or networks.

Two customers are linked by an identifier that both used in the horizon; an identifier that more
customers share than HUBS allows (an office, a parcel shop) links nobody. ``around`` walks from
one request, so a score costs what its ring is large, never what the shop is large; ``find`` joins
everything with union-find, for alerts. Both read only what is kept in windows, so they forget
with it, and a label counts only from its moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from statistics import median

from shopkeeper.base.clock import DAY_US
from shopkeeper.fraud.online import Windows
from shopkeeper.fraud.series import HOLDERS, HUBS, Entity

MOST_HOLDERS = 200
MOST_NAMED = 50


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
) -> tuple[dict[str, float], tuple[str, ...]]:
    """Return the ring features of a request, and its ring's members when it has others in it."""
    holder_kind = next((kind for kind in HOLDERS if kind in values), None)
    known = (
        windows.tables.get(kind, {}).get(key)
        for kind, key in values.items()
        if kind in HUBS or kind == holder_kind
    )
    mine = [one for one in known if one is not None]
    holders, shared = _walk(mine, holder_kind)
    own = values.get(holder_kind, "") if holder_kind else ""
    fresh = holder_kind is not None and (
        windows.tables.get(holder_kind, {}).get(own) not in holders
    )
    week = at_us - 7 * DAY_US
    recent = frauds = payments = 0
    quick: list[float] = []
    for one in holders:
        at = one.payments.at
        if not at:
            continue
        recent += at[0] > week
        payments += len(at)
        if one.frauds is not None:
            frauds += len(one.frauds.known_in(0, len(one.frauds.at), at_us))
        if signups and (signup := signups.get(one.key)) is not None:
            quick.append(max(0, at[0] - signup) / 1e6)
    if fresh and own in signups:
        quick.append(max(0, at_us - signups[own]) / 1e6)
    size = len(holders) + fresh
    found = {
        "ring_customers": float(size),
        "ring_entities": float(len(shared)),
        "ring_customers_7d": float(recent + fresh),
        "ring_frauds": float(frauds),
        "ring_fraud_rate": frauds / payments if payments else 0.0,
        "ring_signup_seconds": float(median(quick)) if quick else float("nan"),
    }
    named = islice(chain(holders, shared), MOST_NAMED) if size > 1 else ()
    members = tuple(f"{one.kind}:{one.key}" for one in named)
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


def _walk(
    start: Iterable[Entity], holder_kind: str | None
) -> tuple[dict[Entity, None], dict[Entity, None]]:
    """Return (holders, shared) reached over links, in order of the walk, hubs not passed."""
    holders: dict[Entity, None] = {}
    shared: dict[Entity, None] = {}
    waiting = list(start)
    while waiting:
        one = waiting.pop()
        if one.kind == holder_kind or one.holds:
            if one in holders or len(holders) >= MOST_HOLDERS:
                continue
            holders[one] = None
        else:
            if one in shared or len(one.links) > HUBS[one.kind]:
                continue
            shared[one] = None
        waiting.extend(one.links)
    return holders, shared


def _told(group: list[Entity], at_us: int, signups: Mapping[str, int]) -> Ring:
    holders = [one for one in group if one.holds]
    shared = [one for one in group if not one.holds]
    series = [one.payments for one in holders if one.payments.at]
    frauds = (one.frauds for one in holders if one.frauds is not None)
    quick = [
        max(0, one.payments.at[0] - signups[one.key]) / 1e6
        for one in holders
        if one.key in signups and one.payments.at
    ]
    return Ring(
        holders=tuple(sorted(f"{one.kind}:{one.key}" for one in holders)),
        shared=tuple(sorted(f"{one.kind}:{one.key}" for one in shared)),
        payments=sum(len(one.at) for one in series),
        amount_minor=sum(one.total[-1] for one in series),
        frauds=sum(len(one.known_in(0, len(one.at), at_us)) for one in frauds),
        first_us=min((one.at[0] for one in series), default=0),
        last_us=max((one.at[-1] for one in series), default=0),
        signup_seconds=float(median(quick)) if quick else None,
    )
