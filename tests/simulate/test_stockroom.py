"""The simulated stockroom: seeded, labelled, never below zero, and orders that arrive."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest

from shopkeeper.base import clock
from shopkeeper.base.clock import DAY_US
from shopkeeper.data.events import encoder
from shopkeeper.data.validate import check_event
from shopkeeper.simulate.stockroom import SOURCE, WHOLESALER, Sales, stockroom

START_US = 1_735_689_600_000_000  # 2025-01-01


@pytest.fixture(scope="module")
def sales():
    rng = np.random.default_rng(3)
    rate = rng.gamma(1.0, 1.0, 40)
    return Sales(
        item_ids=tuple(f"i{n}" for n in range(40)),
        category=("Tea > Green",) * 20 + ("Mugs",) * 20,
        price_minor=rng.integers(100, 900, 40).astype(float),
        units=rng.poisson(rate[:, None], (40, 120)).astype(float),
        start_us=START_US,
        currency="EUR",
    )


@pytest.fixture(scope="module")
def events(sales):
    return list(stockroom(sales, np.random.default_rng(7)))


def test_same_arguments_same_events(sales, events):
    again = list(stockroom(sales, np.random.default_rng(7)))
    assert encoder.encode(again) == encoder.encode(events)
    assert encoder.encode(list(stockroom(sales, np.random.default_rng(8)))) != encoder.encode(again)


def test_every_event_is_labelled_valid_and_has_an_id_of_its_own(events):
    assert {event.source for event in events} == {SOURCE}
    assert len({event.event_id for event in events}) == len(events)
    assert [check_event(event) for event in events if check_event(event)] == []


def test_the_books_never_fall_below_zero_and_counts_agree_within_a_piece(sales, events):
    on_hand = {}
    by_day = defaultdict(list)
    for event in events:
        by_day[(clock.to_us(event.occurred_at) - START_US) // DAY_US].append(event)
    for day in range(sales.units.shape[1]):
        for event in by_day[day]:
            if event.kind == "stock_level":
                assert event.quantity - on_hand.get(event.item_id, event.quantity) in (0, -1)
                on_hand[event.item_id] = event.quantity
            elif event.kind == "delivery":
                for line in event.lines:
                    on_hand[line.item_id] += line.quantity
        for row, item in enumerate(sales.item_ids):
            on_hand[item] -= sales.units[row, day]
            assert on_hand[item] >= 0


def test_what_arrives_was_ordered_in_packs_and_no_more(events):
    ordered, arrived, packs = defaultdict(float), defaultdict(float), {}
    for event in events:
        if event.kind == "supplier" and event.item_id:
            packs[event.item_id] = event.properties["pack_size"]
        for line in event.lines if event.kind in ("purchase_order", "delivery") else ():
            into = ordered if event.kind == "purchase_order" else arrived
            into[event.purchase_order_id, line.item_id] += line.quantity
    assert all(quantity % packs[item] == 0 for (_, item), quantity in ordered.items())
    assert all(arrived[key] in (0, quantity) for key, quantity in ordered.items())
    assert arrived.keys() <= ordered.keys()


def test_lead_times_differ_by_supplier_and_vary(events):
    days = defaultdict(list)
    sent = {e.purchase_order_id: e for e in events if e.kind == "purchase_order"}
    for event in events:
        if event.kind == "delivery" and event.supplier_id != WHOLESALER:
            took = event.occurred_at - sent[event.purchase_order_id].occurred_at
            days[event.supplier_id].append(took.total_seconds() / 86_400)
    assert len(days) >= 2
    assert max(np.std(one) for one in days.values()) > 0.5
