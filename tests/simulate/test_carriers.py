"""Simulated deliveries are seeded, labelled, and true to their own truth."""

from __future__ import annotations

import numpy as np
import pytest

from shopkeeper.base.clock import DAY_US
from shopkeeper.data.validate import check_event
from shopkeeper.simulate import carriers

START_US = 1_769_904_000_000_000


def made(seed: int = 3, orders: int = 600):
    baskets = [
        carriers.Basket(
            order_id=f"o{n}", customer_id=f"c{n % 90}", ordered_us=START_US + n * DAY_US // 30
        )
        for n in range(orders)
    ]
    rng = np.random.default_rng(seed)
    return list(carriers.parcels(baskets, START_US + 15 * DAY_US, 7, rng))


def test_the_same_seed_tells_the_same_events_and_all_are_labelled():
    events = made()
    assert events == made()
    assert events != made(seed=4)
    everything = [*events, *carriers.set_up(START_US)]
    assert {event.source for event in everything} == {"simulated"}
    assert [check_event(event) for event in everything] == [None] * len(everything)


def test_parcels_that_are_not_there_yet_have_no_end():
    events = made()
    shipped = {e.shipment_id for e in events if e.kind == "shipment"}
    ended = {e.shipment_id for e in events if e.kind == "delivery"}
    assert ended < shipped
    assert max(e.occurred_at for e in events).timestamp() * 1e6 <= START_US + 15 * DAY_US


def test_about_as_many_are_late_as_the_truth_says():
    events = made(orders=450)
    sent = {e.shipment_id: e for e in events if e.kind == "shipment" and e.label == "van"}
    came = [e for e in events if e.kind == "delivery" and e.shipment_id in sent]
    on_time = np.mean([e.occurred_at <= sent[e.shipment_id].promised_at for e in came])
    # A promise holds one day beyond the carrier's word: 88 % + 9 % of vans.
    assert on_time == pytest.approx(0.97, abs=0.04)
