"""Proposals: every deed is an event, wrong ones are refused whole, sending makes one order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from shopkeeper.base import clock
from shopkeeper.base.errors import BadInput, Conflict, NotFound
from shopkeeper.data import proposals
from shopkeeper.data.events import Event, Line
from shopkeeper.data.shop import open_shop
from shopkeeper.operate.replenish import rules, states
from shopkeeper.operate.replenish.cycle import plan

NOW = datetime(2026, 1, 26, 12, tzinfo=UTC)


def proposal(name, item, quantity=10.0, supplier="acme"):
    value = {"sku": item, "location": "main", "supplier_id": supplier, "quantity": quantity}
    value |= {"unit_cost_minor": 70, "cycle": "2026-01-26", "p_stockout_now": 0.4}
    value |= {"expected_receipt": "2026-02-02", "order_by": "2026-01-27"}
    properties = {"capability": "inventory", "model": "m@1", "reasons": "[]"}
    properties["value"] = msgspec.json.encode(value).decode()
    return Event(
        event_id=name,
        kind="decision",
        occurred_at=NOW,
        decision_id=name,
        properties=properties,
    )


@pytest.fixture
def shop(settings):
    with clock.frozen(NOW), open_shop(settings) as opened:
        made = [proposal("p1", "a"), proposal("p2", "b"), proposal("p3", "c", supplier="")]
        opened.append_events(made)
        yield opened


def test_approved_and_sent_proposals_become_one_purchase_order(shop):
    states.act(shop, "edit", ["p1"], operator="li", quantity=12)
    states.act(shop, "approve", ["p1", "p2"], operator="li")
    sent = states.act(shop, "send", ["p1", "p2"], operator="li")
    assert [one["state"] for one in sent] == ["sent", "sent"]
    lines = proposals.purchase_order(shop.warehouse, sent[0]["purchase_order_id"])
    assert [(one["item_id"], one["quantity"]) for one in lines] == [("a", 12.0), ("b", 10.0)]
    arrived = Event(
        event_id="d",
        kind="delivery",
        occurred_at=NOW,
        shipment_id="s",
        purchase_order_id=sent[0]["purchase_order_id"],
        lines=[Line(item_id="a", quantity=12)],
    )
    shop.append_events([arrived])
    assert [one["state"] for one in proposals.by_ids(shop.warehouse, ["p1", "p2"])] == [
        *("closed", "sent"),
    ]


def test_a_deed_that_one_state_forbids_is_done_to_none(shop):
    with pytest.raises(Conflict, match="p1 is proposed; send needs approved"):
        states.act(shop, "send", ["p1"], operator="li")
    states.act(shop, "reject", ["p2"], operator="li", reason="discontinued")
    with pytest.raises(Conflict, match="p2 is rejected"):
        states.act(shop, "approve", ["p1", "p2"], operator="li")
    assert proposals.by_ids(shop.warehouse, ["p1"])[0]["state"] == "proposed"


def test_wrong_words_are_named(shop):
    with pytest.raises(NotFound, match="no proposal 'nope'"):
        states.act(shop, "approve", ["nope"], operator="li")
    with pytest.raises(BadInput, match="quantity must be above 0, but is 0"):
        states.act(shop, "edit", ["p1"], operator="li", quantity=0)
    with pytest.raises(BadInput, match="1 to 2000 proposals"):
        states.act(shop, "approve", [], operator="li")
    states.act(shop, "approve", ["p3"], operator="li")
    with pytest.raises(BadInput, match="names no supplier"):
        states.act(shop, "send", ["p3"], operator="li")


def test_rules_are_on_the_record_and_wrong_ones_named(shop):
    rules.change(shop, {"service_level": 0.9, "auto_approve_value_minor": 5000}, "li")
    shop.warehouse.refresh()
    held = rules.rules_of(shop)
    assert (held.service_level, held.auto_approve_value_minor) == (0.9, 5000)
    with pytest.raises(BadInput, match="no ordering rule 'speed'"):
        rules.change(shop, {"speed": 1}, "li")
    with pytest.raises(BadInput, match="service_level must be a number, but is 'high'"):
        rules.change(shop, {"service_level": "high"}, "li")
    with pytest.raises(BadInput, match=r"service_level must be 0\.5 to 0\.999, but is 2"):
        rules.change(shop, {"service_level": 2}, "li")


def test_a_second_run_in_a_cycle_doubles_nothing_and_the_next_cycle_expires_it(settings):
    def made(name, kind, weeks, **facts):
        return Event(
            event_id=name, kind=kind, occurred_at=NOW - timedelta(weeks=weeks, days=1), **facts
        )

    goods = [Line(item_id="a", quantity=7, price_minor=200)]
    events = [
        made(f"o{n}", "purchase", n, order_id=f"o{n}", currency="EUR", lines=goods)
        for n in range(30)
    ]
    events += [
        made("s", "stock_level", 0, item_id="a", quantity=0),
        made("t", "supplier", 9, supplier_id="acme", item_id="a", price_minor=90),
    ]
    with clock.frozen(NOW), open_shop(settings) as shop:
        shop.append_events(events)
        first, second = plan(shop), plan(shop)
        assert (first.cycle, first.proposed, second.proposed) == ("2026-01-26", 1, 0)
        [one] = proposals.listed(shop.warehouse)
        assert (one["state"], one["supplier_id"]) == ("proposed", "acme")
        assert one["quantity"] >= 7
    with clock.frozen(NOW + timedelta(days=7)), open_shop(settings) as shop:
        assert plan(shop).expired == 1
        states_now = sorted(one["state"] for one in proposals.listed(shop.warehouse, states=()))
        assert states_now == ["expired", "proposed"]
