"""Payments over real baskets, and the people who steal: seeded, with the truth known.

A grocer's data has baskets but no payments. ``payments_over`` gives every basket a payment with
its customer's card, device and address, and adds what fraud looks like from a shop's side:

    takeover   a customer's account, with a new device, a new address and large amounts
    testing    bursts of small declined payments with many cards from one network address
    ring       new customers who share a device and a card and buy within seconds of signing up
    abuse      customers who ask for money back again and again
    friendly   honest payments that their own buyer disputes

Chargebacks come weeks later (lognormal, median 18 days), and only those that came before ``end_us``
are told. Everything carries ``simulated`` in its properties and the source ``demo``.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np

from shopkeeper.base import clock
from shopkeeper.base.clock import DAY_US
from shopkeeper.data.events import Event

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
MEDIAN_DELAY_DAYS = 18.0
DELAY_SPREAD = 0.6
TAKEOVERS_PER_THOUSAND = 9.0  # of customers, per 30 days
BURSTS_PER_30_DAYS = 3.0
RINGS_PER_30_DAYS = 1.5
ABUSERS_PER_THOUSAND = 4.0
FRIENDLY_SHARE = 0.0006
RETRY_SHARE = 0.02  # honest payments that were declined once before
FOREIGN = ("RO", "VN", "NG", "BR", "UA", "ID")
MAIL_HOSTS = ("mail.example", "post.example", "inbox.example")


@dataclass(frozen=True, slots=True, kw_only=True)
class Basket:
    """One real order. ``customer_id`` is its buyer; money in minor units."""

    order_id: str
    customer_id: str
    occurred_us: int
    net_minor: int
    currency: str
    location_id: str | None = None


@dataclass(slots=True, kw_only=True)
class World:
    """What a run of the simulation shares, and the truth: payment_id -> kind of fraud."""

    rng: np.random.Generator
    start_us: int
    end_us: int
    currency: str
    truth: dict[str, str] = field(default_factory=dict)
    _number: int = 0

    def name(self, prefix: str) -> str:
        """Return a new id that no shop uses."""
        self._number += 1
        return f"sim-{prefix}-{self._number}"

    def moment(self) -> int:
        """Return a moment of the span, any time of day."""
        return int(self.rng.integers(self.start_us, self.end_us))

    def event(self, kind: str, at_us: int, **more: Any) -> Event:
        """Return one simulated event."""
        properties = {"simulated": True, **more.pop("properties", {})}
        named = {k: v for k, v in more.items() if v is not None}
        tail = more.get("payment_id") or more.get("customer_id") or self.name("e")
        given = {
            "event_id": f"sim-{kind}-{tail}-{at_us}",
            "kind": kind,
            "occurred_at": clock.from_us(at_us),
            "source": "demo",
            "properties": {k: v for k, v in properties.items() if v is not None},
            **named,
        }
        return msgspec.convert(given, Event)

    def chargeback(self, payment_id: str, at_us: int, reason: str = "fraud") -> Iterator[Event]:
        """Yield the chargeback of a payment if it came before the end."""
        days = float(self.rng.lognormal(np.log(MEDIAN_DELAY_DAYS), DELAY_SPREAD))
        known_us = at_us + int(days * DAY_US)
        if known_us < self.end_us:
            yield self.event("chargeback", known_us, payment_id=payment_id, reason=reason)


def payments_over(
    baskets: Sequence[Basket], rng: np.random.Generator, *, end_us: int
) -> tuple[list[Event], dict[str, str]]:
    """Return payments, refunds, sign-ups and chargebacks by time, and what was fraud.

    Parameters
    ----------
    baskets
        Real orders by time; their customers become payers and, some of them, victims.
    end_us
        Nothing is told that happened after this.

    Returns
    -------
    tuple
        Events, oldest first; payment_id -> takeover, testing, ring or friendly.
    """
    if not baskets:
        return [], {}
    world = World(
        rng=rng, start_us=baskets[0].occurred_us, end_us=end_us, currency=baskets[0].currency
    )
    days = (end_us - world.start_us) / DAY_US
    customers = sorted({basket.customer_id for basket in baskets})
    parts: list[Iterable[Event]] = [_honest(world, baskets)]
    rate = days / 30
    for _ in range(int(rng.poisson(TAKEOVERS_PER_THOUSAND * len(customers) / 1000 * rate))):
        parts.append(_takeover(world, customers[int(rng.integers(len(customers)))]))
    for _ in range(max(1, int(rng.poisson(BURSTS_PER_30_DAYS * rate)))):
        parts.append(_testing(world, world.moment()))
    # One of each in the last days, so that a fresh demo has something to look at.
    parts.append(_testing(world, end_us - int(rng.integers(2, 20)) * 60 * MINUTE_US))
    for _ in range(max(1, int(rng.poisson(RINGS_PER_30_DAYS * rate)))):
        parts.append(_ring(world, world.moment()))
    parts.append(_ring(world, end_us - int(rng.integers(20, 40)) * 60 * MINUTE_US))
    for _ in range(int(rng.poisson(ABUSERS_PER_THOUSAND * len(customers) / 1000))):
        parts.append(_abuse(world, customers[int(rng.integers(len(customers)))]))
    events = list(heapq.merge(*(sorted(p, key=_time) for p in parts), key=_time))
    return [one for one in events if one.occurred_at < clock.from_us(end_us)], world.truth


def person_of(customer_id: str) -> dict[str, str]:
    """Return who a simulated customer is; the same for the same id.

    >>> person_of("c1")["email"]
    'c1@post.example'
    """
    draw = np.random.default_rng(list(customer_id.encode("utf-8")))
    net = ".".join(str(int(n)) for n in draw.integers(1, 250, 3))
    return {
        "email": f"{customer_id}@{MAIL_HOSTS[int(draw.integers(len(MAIL_HOSTS)))]}",
        "phone": f"+1555{int(draw.integers(10**6, 10**7))}",
        "address": f"{int(draw.integers(1, 999))} Simulated Street, {customer_id}",
        "ip": f"{net}.{int(draw.integers(2, 250))}",
        "device_id": f"sim-device-{draw.integers(10**12)}",
        "card_fingerprint": f"sim_card_{draw.integers(10**12)}",
    }


def _honest(world: World, baskets: Sequence[Basket]) -> Iterator[Event]:
    rng = world.rng
    people: dict[str, dict[str, str]] = {}
    seen: set[str] = set()
    for basket in baskets:
        customer = basket.customer_id
        person = people.setdefault(customer, person_of(customer))
        if customer not in seen:
            seen.add(customer)
            years = int(rng.integers(200, 2000)) * DAY_US
            signup = clock.iso(basket.occurred_us - years)
            yield world.event(
                "customer",
                basket.occurred_us - SECOND_US,
                customer_id=customer,
                properties={"signup_at": signup},
            )
        used = dict(person)
        # People move about: another network now and then, a second device at times.
        if rng.random() < 0.12:
            used["ip"] = ".".join(str(int(n)) for n in rng.integers(1, 250, 4))
        if rng.random() < 0.06:
            used["device_id"] += "-b"
        at_us = basket.occurred_us
        if rng.random() < RETRY_SHARE:
            yield _pay(world, basket, at_us - 40 * SECOND_US, used, status="declined", again="-a")
        payment = _pay(world, basket, at_us, used)
        yield payment
        if rng.random() < FRIENDLY_SHARE:
            assert payment.payment_id is not None
            world.truth[payment.payment_id] = "friendly"
            reason = "not_received" if rng.random() < 0.5 else "fraud"
            yield from world.chargeback(payment.payment_id, at_us, reason)


def _pay(
    world: World,
    basket: Basket,
    at_us: int,
    person: dict[str, str],
    *,
    status: str = "captured",
    again: str = "",
    **properties: Any,
) -> Event:
    home = {"card_country": "US", "billing_country": "US", "shipping_country": "US"}
    return world.event(
        "payment",
        at_us,
        payment_id=f"pay-{basket.order_id}{again}",
        order_id=basket.order_id,
        customer_id=basket.customer_id,
        location_id=basket.location_id,
        value_minor=max(1, basket.net_minor),
        currency=basket.currency,
        status=status,
        person=person,
        properties={**home, "ip_country": "US", "card_bin": "400000", **properties},
    )


def _basket(world: World, customer: str, at_us: int, low: float, high: float) -> Basket:
    amount = int(np.exp(world.rng.uniform(np.log(low), np.log(high))) * 100)
    return Basket(
        order_id=world.name("order"),
        customer_id=customer,
        occurred_us=at_us,
        net_minor=amount,
        currency=world.currency,
    )


def _takeover(world: World, victim: str) -> Iterator[Event]:
    """A victim's account and card, somebody else's device and address."""
    rng, at_us = world.rng, world.moment()
    country = FOREIGN[int(rng.integers(len(FOREIGN)))]
    person = person_of(victim) | {
        "ip": ".".join(str(int(n)) for n in rng.integers(1, 250, 4)),
        "device_id": world.name("device"),
        "address": f"{world.name('drop')}, Reshipping Lane",
    }
    if rng.random() < 0.4:
        person["card_fingerprint"] = world.name("card")
    far = {"ip_country": country} if rng.random() < 0.7 else {}
    if rng.random() < 0.5:
        far["shipping_country"] = country
    for _ in range(1 + int(rng.poisson(2.0))):
        basket = _basket(world, victim, at_us, 40, 600)
        payment = _pay(world, basket, at_us, person, **far)
        world.truth[str(payment.payment_id)] = "takeover"
        yield payment
        yield from world.chargeback(str(payment.payment_id), at_us)
        at_us += int(rng.integers(1, 120)) * MINUTE_US


def _testing(world: World, at_us: int) -> Iterator[Event]:
    """Many cards, small amounts, one address: nearly all declined."""
    rng = world.rng
    ip = ".".join(str(int(n)) for n in rng.integers(1, 250, 4))
    device = world.name("device")
    for n in range(int(rng.integers(25, 70))):
        at_us += int(rng.integers(2, 14)) * SECOND_US
        passed = rng.random() < 0.06
        who = world.name("guest")
        person = {
            "ip": ip,
            "device_id": device if n % 3 else world.name("device"),
            "card_fingerprint": world.name("card"),
            "email": f"{who}@throwaway.example",
        }
        basket = _basket(world, who, at_us, 1, 6)
        payment = _pay(
            world,
            basket,
            at_us,
            person,
            status="captured" if passed else "declined",
            disposable_email=True,
            ip_country=FOREIGN[0],
        )
        world.truth[str(payment.payment_id)] = "testing"
        yield payment
        if passed:
            yield from world.chargeback(str(payment.payment_id), at_us)


def _ring(world: World, at_us: int) -> Iterator[Event]:
    """New customers with one device and few cards who buy within seconds of signing up."""
    rng = world.rng
    device, address = world.name("device"), f"{world.name('drop')}, Locker Hall"
    cards = [world.name("card") for _ in range(3)]
    net = ".".join(str(int(n)) for n in rng.integers(1, 250, 3))
    for _ in range(int(rng.integers(6, 11))):
        customer = world.name("customer")
        signup = clock.iso(at_us)
        yield world.event("customer", at_us, customer_id=customer, properties={"signup_at": signup})
        bought_us = at_us + int(rng.integers(8, 90)) * SECOND_US
        person = {
            "email": f"{customer}@throwaway.example",
            "ip": f"{net}.{int(rng.integers(2, 250))}",
            "device_id": device,
            "address": address,
            "card_fingerprint": cards[int(rng.integers(len(cards)))],
        }
        basket = _basket(world, customer, bought_us, 60, 350)
        payment = _pay(world, basket, bought_us, person, disposable_email=True)
        world.truth[str(payment.payment_id)] = "ring"
        yield payment
        yield from world.chargeback(str(payment.payment_id), bought_us)
        at_us += int(rng.integers(3, 90)) * MINUTE_US


def _abuse(world: World, customer: str) -> Iterator[Event]:
    """A customer who asks for money back again and again."""
    at_us = world.moment()
    for _ in range(int(world.rng.integers(3, 7))):
        yield world.event(
            "refund",
            at_us,
            order_id=world.name("order"),
            customer_id=customer,
            value_minor=int(world.rng.integers(1500, 9000)),
            currency=world.currency,
            reason="not_received",
        )
        at_us += int(world.rng.integers(1, 9)) * DAY_US


def _time(event: Event) -> Any:
    return event.occurred_at
