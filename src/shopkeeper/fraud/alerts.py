"""What somebody should know now: card testing, new rings, drift, a sudden approval rate.

``Bursts`` watches payments one by one in memory; the other three judge counts that a report
makes. An alert has a key, so that the same trouble is told once per quiet period and not with
every payment. Nothing here reads or sends anything.
"""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
# What many cards may be tried with -> how many times as many declines it takes.
ENTITIES = {"ip": 1, "device_id": 1, "ip_net": 3, "card_bin": 3}
DECLINED = frozenset(("declined", "failed", "refused"))
WATCHED_US = 10 * MINUTE_US
MOST_KEYS = 50_000  # identifiers watched at once; the longest silent are forgotten
MOST_EACH = 200
KINDS = ("card_testing", "new_ring", "drift", "approval_rate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One thing to know. ``key`` makes a repeat recognisable; ``facts`` fill its sentence."""

    kind: str
    key: str
    at_us: int
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Quiet:
    """Lets an alert of one key through once per ``period_us``.

    A ring grows with each payment; it is news only when none of its members was told this week.
    """

    period_us: int = HOUR_US
    ring_us: int = 7 * 24 * HOUR_US
    _last: dict[str, int] = field(default_factory=dict)

    def lets(self, alert: Alert) -> bool:
        """Return whether the alert is news, and remember it."""
        if alert.kind == "new_ring":
            return self._lets_ring(alert)
        before = self._last.get(alert.key)
        if before is not None and alert.at_us - before < self.period_us:
            return False
        self._last[alert.key] = alert.at_us
        if len(self._last) > MOST_KEYS:
            self._last = {k: at for k, at in self._last.items() if alert.at_us - at < self.ring_us}
        return True

    def _lets_ring(self, alert: Alert) -> bool:
        members = [f"member/{one}" for one in alert.facts["members"]]
        told = any(alert.at_us - self._last.get(m, -self.ring_us) < self.ring_us for m in members)
        for member in members:
            self._last[member] = alert.at_us
        return not told


@dataclass(slots=True, kw_only=True)
class Bursts:
    """Many declined payments with one identifier within ten minutes: somebody tests cards.

    ``declines`` from one identifier raise the alarm; a whole network, or an issuer's cards (BIN),
    needs three times as many;
    with at least ``cards`` different cards where cards are known.
    """

    declines: int = 8
    cards: int = 4
    _seen: OrderedDict[tuple[str, str], deque[tuple[int, str, int]]] = field(
        default_factory=OrderedDict
    )

    def apply(self, fact: Mapping[str, Any]) -> list[Alert]:
        """Take one event; return what it makes known."""
        if fact.get("kind") != "payment" or fact.get("status") not in DECLINED:
            return []
        keys = fact.get("person_keys") or {}
        at_us, card = fact["occurred_us"], keys.get("card_fingerprint", "")
        named = {**keys, "card_bin": (fact.get("properties") or {}).get("card_bin")}
        found = []
        for entity in ENTITIES:
            key = named.get(entity)
            if not isinstance(key, str) or not key:
                continue
            window = self._window(entity, key)
            window.append((at_us, card, fact.get("value_minor") or 0))
            alert = self._judge(entity, key, window, at_us)
            if alert is not None:
                found.append(alert)
        return found

    def _window(self, entity: str, key: str) -> deque[tuple[int, str, int]]:
        name = (entity, key)
        window = self._seen.get(name)
        if window is None:
            window = self._seen[name] = deque(maxlen=MOST_EACH)
            if len(self._seen) > MOST_KEYS:
                self._seen.popitem(last=False)
        else:
            self._seen.move_to_end(name)
        return window

    def _judge(
        self, entity: str, key: str, window: deque[tuple[int, str, int]], at_us: int
    ) -> Alert | None:
        recent = [one for one in window if 0 <= at_us - one[0] <= WATCHED_US]
        needed = self.declines * ENTITIES[entity]
        cards = {card for _, card, _ in recent if card}
        if len(recent) < needed or 0 < len(cards) < self.cards:
            return None
        amounts = sorted(amount for _, _, amount in recent)
        facts = {
            "entity": entity,
            "key": key[:16],
            "declines": len(recent),
            "cards": len(cards),
            "minutes": round((at_us - min(at for at, _, _ in recent)) / MINUTE_US, 1),
            "median_minor": amounts[len(amounts) // 2],
        }
        return Alert(
            kind="card_testing", key=f"card_testing/{entity}/{key}", at_us=at_us, facts=facts
        )


def new_ring(
    ring: Sequence[str], features: Mapping[str, Any], at_us: int, *, customers: int = 4
) -> Alert | None:
    """Return an alert when a payment belongs to a ring of several new customers.

    ``features`` as a decision recorded them: ring_customers, ring_customers_7d,
    ring_signup_seconds.
    """
    fresh = features.get("ring_customers_7d") or 0
    if not ring or fresh < customers:
        return None
    facts = {
        "customers": int(features.get("ring_customers") or fresh),
        "new_customers": int(fresh),
        "signup_seconds": features.get("ring_signup_seconds"),
        "members": list(ring)[:20],
    }
    return Alert(kind="new_ring", key=f"new_ring/{min(ring)}", at_us=at_us, facts=facts)


def population_stability(expected: Sequence[float], actual: Sequence[float]) -> float:
    """Return the population stability index of two histograms over the same bins.

    Below .1 nothing moved, above .25 much did (Siddiqi, Credit Risk Scorecards, 2006). Empty bins
    count half an entry, so that a new value is not infinitely strange.

    >>> round(population_stability([50, 50], [50, 50]), 6)
    0.0
    >>> round(population_stability([50, 50], [20, 80]), 3)
    0.416
    """
    before, after = sum(expected), sum(actual)
    if not before or not after:
        return 0.0
    total = 0.0
    for e, a in zip(expected, actual, strict=True):
        p, q = max(e, 0.5) / before, max(a, 0.5) / after
        total += (q - p) * math.log(q / p)
    return total


def drift(
    expected: Sequence[float], actual: Sequence[float], at_us: int, *, least: int = 200
) -> Alert | None:
    """Return an alert when the scores of the last day look unlike those of the month before."""
    if sum(actual) < least or sum(expected) < least:
        return None
    index = population_stability(expected, actual)
    if index < 0.25:
        return None
    facts = {"psi": round(index, 3), "payments": int(sum(actual))}
    return Alert(kind="drift", key="drift/score", at_us=at_us, facts=facts)


def approval_rate(
    before: tuple[int, int], now: tuple[int, int], at_us: int, *, least: int = 100
) -> Alert | None:
    """Return an alert when the share approved moved by more than chance and by 5 points.

    ``before`` and ``now`` are (approved, all). Two-proportion z test, |z| > 4.
    """
    if before[1] < least or now[1] < least:
        return None
    share, recent = before[0] / before[1], now[0] / now[1]
    pooled = (before[0] + now[0]) / (before[1] + now[1])
    spread = math.sqrt(pooled * (1 - pooled) * (1 / before[1] + 1 / now[1]))
    if spread == 0 or abs(recent - share) / spread < 4 or abs(recent - share) < 0.05:
        return None
    facts = {"before": round(share, 4), "now": round(recent, 4), "payments": now[1]}
    return Alert(kind="approval_rate", key="approval_rate", at_us=at_us, facts=facts)
