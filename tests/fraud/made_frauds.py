"""A seeded shop with payments, fraud on stolen cards, chargebacks with delay, and one ring."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from shopkeeper.base import clock
from shopkeeper.base.clock import DAY_US
from shopkeeper.data.events import Event, Person

END_US = 1_780_000_000_000_000
MINUTE_US = 60_000_000


def person(name: str, device: str, card: str, ip: str) -> Person:
    return Person(
        email=f"{name}@mail.test",
        device_id=device,
        card_fingerprint=card,
        ip=ip,
    )


def events(*, days: int = 90, customers: int = 250, seed: int = 1, ring: int = 0) -> list[Event]:
    """Return customers, payments and chargebacks up to END_US, in order of time."""
    found = list(_payments(days, customers, np.random.default_rng(seed)))
    found += _ring(ring)
    return sorted(found, key=lambda event: event.occurred_at)


def _payments(days: int, customers: int, draw: np.random.Generator) -> Iterator[Event]:
    start = END_US - days * DAY_US
    usual = draw.lognormal(8, 0.6, customers)
    for number in range(customers):
        yield Event(
            event_id=f"customer-{number}",
            kind="customer",
            customer_id=f"c{number}",
            occurred_at=clock.from_us(start - int(draw.integers(0, 300 * DAY_US))),
            source="import",
        )
    count = days * 60
    for number, at in enumerate(np.sort(draw.integers(0, days * DAY_US, count)).tolist()):
        who = int(draw.integers(customers))
        bad = bool(draw.random() < 0.04)
        thief = int(draw.integers(12))
        # Half of the thieves sit at the victim's own device, so that no single sign tells all.
        seen = bad and bool(draw.random() < 0.5)
        amount = usual[who] * float(draw.lognormal(0, 0.4)) * (2.5 if bad else 1.0)
        yield Event(
            event_id=f"payment-{number}",
            kind="payment",
            payment_id=f"p{number}",
            customer_id=f"c{who}",
            occurred_at=clock.from_us(start + at),
            value_minor=int(amount),
            currency="EUR",
            status="declined" if bad and draw.random() < 0.4 else "captured",
            source="import",
            person=person(
                f"c{who}",
                f"thief-device-{thief}" if seen else f"device-{who}",
                f"card-{who}",
                f"198.51.100.{thief}" if seen else f"10.{who // 250}.{who % 250}.7",
            ),
        )
        if bad:
            late = start + at + int(draw.integers(DAY_US, 10 * DAY_US))
            if late < END_US:
                yield Event(
                    event_id=f"chargeback-{number}",
                    kind="chargeback",
                    payment_id=f"p{number}",
                    reason="fraud",
                    source="import",
                    occurred_at=clock.from_us(late),
                )


def _ring(size: int) -> Iterator[Event]:
    """Accounts made minutes before they buy, on two devices and one address on the net."""
    for number in range(size):
        at = END_US - DAY_US + number * 20 * MINUTE_US
        yield Event(
            event_id=f"ring-customer-{number}",
            kind="customer",
            customer_id=f"ring{number}",
            occurred_at=clock.from_us(at),
            source="import",
        )
        yield Event(
            event_id=f"ring-payment-{number}",
            kind="payment",
            payment_id=f"ring{number}",
            customer_id=f"ring{number}",
            occurred_at=clock.from_us(at + 2 * MINUTE_US),
            value_minor=9900,
            currency="EUR",
            source="import",
            person=person(f"ring{number}", f"ring-device-{number % 2}", f"rc{number}", "192.0.2.9"),
        )


def question(number: int, *, thief: int | None = None, amount: int = 3000) -> dict[str, object]:
    """Return a request about a new payment of a customer, from a thief's device or the own."""
    mine = person(
        f"c{number}",
        f"device-{number}" if thief is None else f"thief-device-{thief}",
        f"card-{number}",
        f"10.0.{number}.7" if thief is None else f"198.51.100.{thief}",
    )
    return {
        "payment_id": f"new-{number}-{thief}",
        "customer_id": f"c{number}",
        "amount_minor": amount,
        "currency": "EUR",
        "person": {
            "email": mine.email,
            "device_id": mine.device_id,
            "card_fingerprint": mine.card_fingerprint,
            "ip": mine.ip,
        },
    }
