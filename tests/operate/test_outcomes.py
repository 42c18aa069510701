"""Proposals end in outcomes: what the order prevented, or what doing nothing led to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from shopkeeper.base import clock
from shopkeeper.data import proposal_outcomes
from shopkeeper.data.events import Event, Line
from shopkeeper.data.shop import open_shop
from shopkeeper.inventory.outcomes import LedgerDay, judge
from shopkeeper.operate.replenish import outcomes, states

NOW = datetime(2026, 1, 26, 3, tzinfo=UTC)
DAYS = [f"2026-01-{day:02d}" for day in range(2, 12)]


def day(number, on_hand, least=None):
    least = on_hand if least is None else least
    return LedgerDay(day=f"2026-01-{number:02d}", on_hand=on_hand, least=least)


def test_days_without_a_movement_are_as_the_day_before_ended():
    """Sold out on the 4th, delivered on the 8th: 4, 5, 6, 7 and the morning of the 8th."""
    ledger = [day(1, 3), day(4, 0), day(8, 20, least=0)]
    found = judge(ledger, DAYS, received=20, received_day="2026-01-08", ordered=True)
    assert (found.label, found.out_days, found.days) == ("stock_out", 5, 10)
    assert found.saved_units == 0.0  # nothing was sold of it yet


def test_what_was_sold_out_of_an_order_is_what_it_saved():
    ledger = [day(1, 3), day(5, 13), day(8, 4), day(10, 1)]
    found = judge(ledger, DAYS, received=10, received_day="2026-01-05", ordered=True)
    # Without the ten, one would be left of -9: nine were sold that were not there.
    assert (found.label, found.saved_units, found.left_units) == ("in_stock", 9.0, 1.0)


def test_an_order_that_did_not_come_is_late_and_a_full_shelf_is_overstock():
    found = judge([day(1, 500)], DAYS, expected="2026-01-06", ordered=True, daily=2.0)
    assert found.late
    assert found.overstock  # 250 days of cover
    assert not judge([day(1, 100)], DAYS, daily=2.0).overstock
    assert not judge([day(1, 100)], DAYS, expected="2026-01-06", daily=2.0).late


def test_a_product_that_was_never_counted_has_no_outcome():
    assert judge([], DAYS) is None


def proposal(name, item, quantity=10.0):
    value = {"sku": item, "location": "main", "supplier_id": "acme", "quantity": quantity}
    value |= {"unit_cost_minor": 70, "cycle": "2026-01-26", "p_stockout_now": 0.4}
    value |= {"p_stockout_after": 0.05, "expected_receipt": "2026-01-30"}
    value |= {"order_by": "2026-01-27", "numbers": {"protection_days": 10.5}}
    properties = {"capability": "inventory", "model": "m@1", "reasons": "[]"}
    properties["value"] = msgspec.json.encode(value).decode()
    return Event(
        event_id=name, kind="decision", occurred_at=NOW, decision_id=name, properties=properties
    )


def moved(name, kind, days, item, quantity, **facts):
    goods = [Line(item_id=item, quantity=quantity, price_minor=200)]
    if kind == "stock_level":
        facts |= {"item_id": item, "quantity": quantity}
    else:
        facts["lines"] = goods
    at = NOW + timedelta(days=days)
    return Event(event_id=name, kind=kind, occurred_at=at, location_id="main", **facts)


@pytest.fixture
def shop(settings):
    with clock.frozen(NOW), open_shop(settings) as opened:
        opened.append_events(
            [
                moved("c1", "stock_level", -1, "a", 4),
                moved("c2", "stock_level", -1, "b", 4),
                proposal("p1", "a"),
                proposal("p2", "b"),
            ]
        )
        states.act(opened, "approve", ["p1"], operator="li")
        [sent] = states.act(opened, "send", ["p1"], operator="li")
        states.act(opened, "reject", ["p2"], operator="li")
        opened.order = sent["purchase_order_id"]
        yield opened


def test_an_order_and_a_rejection_end_on_the_record_once(shop):
    """Both had four. a got ten and sold nine; b got none and ran out on the third day."""
    with clock.frozen(NOW + timedelta(days=12)):
        shop.append_events(
            [
                moved("d", "delivery", 3, "a", 10, shipment_id="s", purchase_order_id=shop.order),
                moved("o1", "purchase", 5, "a", 9, order_id="o1", currency="EUR"),
                moved("o2", "purchase", 2, "b", 4, order_id="o2", currency="EUR"),
            ]
        )
        assert outcomes.tell(shop) == 2
        assert outcomes.tell(shop) == 0
        kept = proposal_outcomes.of_decision(shop.warehouse, "p1")
        lost = proposal_outcomes.of_decision(shop.warehouse, "p2")
        [cycle] = proposal_outcomes.by_cycle(shop.warehouse)
    assert (kept["label"], kept["ordered"], kept["late"]) == ("in_stock", True, False)
    assert (kept["saved_units"], kept["left_units"], kept["days"]) == (5.0, 5.0, 11)
    # Sold out from the 28th to the 5th: nine of eleven days.
    assert (lost["label"], lost["ordered"], lost["out_days"]) == ("stock_out", False, 9)
    assert (cycle["proposals"], cycle["ended"], cycle["ordered"]) == (2, 2, 1)
    assert cycle["stock_out_share"] == 0.5
    assert (cycle["stock_out_share_ordered"], cycle["stock_out_share_not_ordered"]) == (0.0, 1.0)
    assert cycle["said_with"] == pytest.approx(0.05)


def test_nothing_is_told_before_the_interval_is_over(shop):
    with clock.frozen(NOW + timedelta(days=10)):
        assert outcomes.tell(shop) == 0
        assert proposal_outcomes.of_decision(shop.warehouse, "p1") is None
