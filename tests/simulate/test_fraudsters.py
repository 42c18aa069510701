"""The fraud simulator is seeded, leaves the truth, and looks like what it says."""

from __future__ import annotations

from collections import Counter

import msgspec
import numpy as np
import pytest

from shopkeeper.base import clock
from shopkeeper.base.clock import DAY_US
from shopkeeper.data.validate import check_event
from shopkeeper.simulate.fraudsters import Basket, payments_over, person_of

END_US = 1_769_904_000_000_000


def baskets(n=2000, customers=150, days=90):
    rng = np.random.default_rng(1)
    at = np.sort(rng.integers(END_US - days * DAY_US, END_US - DAY_US, n))
    return [
        Basket(
            order_id=f"o{i}",
            customer_id=f"c{rng.integers(customers)}",
            occurred_us=int(one),
            net_minor=int(rng.integers(500, 6000)),
            currency="USD",
        )
        for i, one in enumerate(at)
    ]


@pytest.fixture(scope="module")
def made():
    return payments_over(baskets(), np.random.default_rng(3), end_us=END_US)


def test_the_same_seed_gives_the_same_events(made):
    again, truth = payments_over(baskets(), np.random.default_rng(3), end_us=END_US)
    assert [msgspec.json.encode(e) for e in again] == [msgspec.json.encode(e) for e in made[0]]
    assert truth == made[1]
    other, _ = payments_over(baskets(), np.random.default_rng(4), end_us=END_US)
    assert len(other) != len(made[0])


def test_events_are_valid_in_order_unique_and_say_that_they_are_simulated(made):
    events, _ = made
    latest = clock.from_us(END_US)
    assert [check_event(e, latest=latest) for e in events if check_event(e, latest=latest)] == []
    times = [e.occurred_at for e in events]
    assert times == sorted(times)
    assert times[-1] < latest
    assert len({e.event_id for e in events}) == len(events)
    assert all(e.properties["simulated"] is True and e.source == "demo" for e in events)


def test_every_basket_is_paid_by_its_own_customer(made):
    paid = {e.order_id: e for e in made[0] if e.kind == "payment" and e.status == "captured"}
    for basket in baskets():
        payment = paid[basket.order_id]
        assert (payment.customer_id, payment.value_minor) == (basket.customer_id, basket.net_minor)


def test_every_kind_of_fraud_is_there_and_known_late(made):
    events, truth = made
    assert set(truth.values()) >= {"takeover", "testing", "ring"}
    share = sum(kind != "testing" for kind in truth.values()) / 2000
    assert 0.001 < share < 0.1
    at = {e.payment_id: e.occurred_at for e in events if e.kind == "payment"}
    delays = [
        (e.occurred_at - at[e.payment_id]).total_seconds() / 86_400
        for e in events
        if e.kind == "chargeback"
    ]
    assert delays
    assert min(delays) > 1
    assert {e.payment_id for e in events if e.kind == "chargeback"} <= truth.keys()


def test_card_testing_is_many_small_declines_from_one_address(made):
    events, truth = made
    tested = [e for e in events if truth.get(e.payment_id) == "testing" and e.kind == "payment"]
    by_ip = Counter(e.person.ip for e in tested)
    assert by_ip.most_common(1)[0][1] >= 25
    assert np.mean([e.status == "declined" for e in tested]) > 0.8
    assert max(e.value_minor for e in tested) <= 700


def test_a_ring_buys_within_seconds_of_signing_up_and_shares_a_device(made):
    events, truth = made
    ring = [e for e in events if truth.get(e.payment_id) == "ring" and e.kind == "payment"]
    signups = {e.customer_id: e.occurred_at for e in events if e.kind == "customer"}
    assert all((e.occurred_at - signups[e.customer_id]).total_seconds() < 120 for e in ring)
    assert Counter(e.person.device_id for e in ring).most_common(1)[0][1] >= 4


def test_a_person_stays_the_same():
    assert person_of("c1") == person_of("c1")
    assert person_of("c1")["card_fingerprint"] != person_of("c2")["card_fingerprint"]


def test_no_baskets_no_payments():
    assert payments_over([], np.random.default_rng(1), end_us=END_US) == ([], {})
