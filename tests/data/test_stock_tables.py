"""Demand, stock, purchase orders, lead times and proposals: right by hand and in any order."""

from __future__ import annotations

from random import Random

import msgspec
import pytest
from shopfloor import NOW, at, event, mixed, purchase, us

from shopkeeper.base import clock
from shopkeeper.base import settings as settings_file
from shopkeeper.data.events import Event, Line
from shopkeeper.data.shop import open_shop

TABLES = (
    "order_demand",
    "demand_history",
    "stock_days",
    "purchase_orders",
    "lead_times",
    "suppliers",
    "proposals",
)


@pytest.fixture
def shop(settings):
    with clock.frozen(NOW), open_shop(settings) as opened:
        yield opened


def rows(shop, text, **more):
    return [tuple(row.values()) for row in shop.warehouse.sql(text, **more).to_pylist()]


def contents(warehouse, name, as_of_us=None):
    return sorted(
        (
            tuple((k, v) for k, v in sorted(row.items()) if k != "seq")
            for row in warehouse.table(name, as_of_us=as_of_us).to_pylist()
        ),
        key=repr,
    )


def stocked(random: Random, n: int = 200, days: int = 70) -> list[Event]:
    """Return counts, deliveries, purchase orders, terms, proposals and what was done with them."""
    found: list[Event] = []
    for number in range(n):
        name, day = f"s{number}", random.random() * days
        item, po = f"i{random.randrange(6)}", f"po-{random.randrange(12)}"
        line = [Line(item_id=item, quantity=random.choice([3, 8, 20]), price_minor=70)]
        match random.randrange(7):
            case 0:
                place = random.choice([None, "w1", "w2"])
                count = random.randrange(9)
                found.append(
                    event(name, "stock_level", day, item_id=item, location_id=place, quantity=count)
                )
            case 1:
                facts = {"purchase_order_id": po, "shipment_id": f"ship-{random.randrange(9)}"}
                found.append(event(name, "delivery", day, lines=line, location_id="w1", **facts))
            case 2:
                status = random.choice(["sent", "confirmed", None])
                facts = {"purchase_order_id": po, "supplier_id": "acme", "status": status}
                found.append(event(name, "purchase_order", day, lines=line, **facts))
            case 3:
                facts = {"item_id": random.choice([None, item]), "price_minor": number}
                facts["properties"] = {"pack_size": random.choice([1, 6])}
                found.append(event(name, "supplier", day, supplier_id="acme", **facts))
            case 4:
                found.append(proposal(name, day, item, quantity=random.choice([5, 10])))
            case 5:
                which = f"e-s{random.randrange(n)}"
                label = random.choice(["approve", "reject", "edit"])
                found.append(act(name, day, label, which, quantity=random.choice([2, 4])))
            case 6:
                which = f"e-s{random.randrange(n)}"
                found.append(act(name, day, "send", which, purchase_order_id=po))
    return found


def proposal(number, day, item, **value) -> Event:
    facts = {"sku": item, "location": "", "supplier_id": "acme", "unit_cost_minor": 70, **value}
    facts |= {"cycle": "2026-02-02"}
    return event(
        number,
        "decision",
        day,
        decision_id=f"e-{number}",
        properties={
            "capability": "inventory",
            "model": "m@1",
            "value": msgspec.json.encode(facts).decode(),
            "reasons": "[]",
        },
    )


def act(number, day, label, decision_id, **facts) -> Event:
    return event(
        number,
        "action",
        day,
        label=label,
        decision_id=decision_id,
        source="li",
        properties={"capability": "inventory", **facts},
    )


def po(number, day, lines, **facts) -> Event:
    facts = {"purchase_order_id": "po-1", "supplier_id": "acme", **facts}
    return event(number, "purchase_order", day, lines=lines, **facts)


def arrival(number, day, lines, **facts) -> Event:
    facts = {"purchase_order_id": "po-1", "shipment_id": "ship-1", **facts}
    return event(number, "delivery", day, lines=lines, **facts)


def test_incremental_equals_built_from_scratch(shop, tmp_path):
    events = mixed(Random(1), n=200) + stocked(Random(1))
    order = Random(1)
    order.shuffle(events)
    start = 0
    while start < len(events):
        chunk = order.randrange(1, 80)
        shop.append_events(events[start : start + chunk])
        start += chunk
        for name in order.sample(TABLES, 3):
            shop.warehouse.table(name)
        if order.random() < 0.5:
            shop.lake.compact()
    with open_shop(settings_file.load(tmp_path / "scratch")) as scratch:
        scratch.append_events(events)
        for name in TABLES:
            there = contents(scratch.warehouse, name)
            assert contents(shop.warehouse, name) == there, name
            assert there, name


def test_as_of_a_moment_is_the_shop_that_had_only_seen_so_much(shop, tmp_path):
    events = mixed(Random(5), n=200) + stocked(Random(5))
    shop.append_events(events)
    shop.lake.compact()
    with open_shop(settings_file.load(tmp_path / "then")) as then:
        then.append_events(e for e in events if clock.to_us(e.occurred_at) <= us(40))
        for name in TABLES:
            if name in ("order_demand", "demand_history", "stock_days"):
                continue  # labels count from when they were known; see test_warehouse
            assert contents(shop.warehouse, name, us(40)) == contents(then.warehouse, name), name


def test_demand_is_what_was_wanted_net_of_cancelled_fraud_and_tests(shop):
    """Ten of a ordered on day 1: one order cancelled, one a test, one fraud, one page twice."""
    two = [Line(item_id="a", quantity=2, price_minor=100)]
    shop.append_events(
        [
            *(purchase(n, 1, two) for n in range(5)),
            purchase("again", 1.001, two, order_id="o-0"),
            event("c", "cancel", 2, order_id="o-1"),
            event("t", "label", 2, label="test", order_id="o-2", source="import"),
            event("f", "label", 2, label="fraud", order_id="o-3", source="import"),
            event("r", "refund", 5, order_id="o-4", currency="EUR", lines=two),
        ]
    )
    found = rows(shop, "SELECT item_id, location_id, units, ordered, returned FROM demand_history")
    assert found == [("a", "", 4.0, 10.0, 2.0)]


def test_a_part_of_an_order_can_be_cancelled(shop):
    shop.append_events(
        [
            purchase(1, 1, [Line(item_id="a", quantity=5), Line(item_id="b", quantity=1)]),
            event("c", "cancel", 2, order_id="o-1", lines=[Line(item_id="a", quantity=3)]),
        ]
    )
    assert rows(shop, "SELECT item_id, units FROM demand_history ORDER BY 1") == [
        ("a", 2.0),
        ("b", 1.0),
    ]


def test_demand_belongs_to_the_place_that_keeps_the_stock(shop):
    """a is kept in two places: an order from a third belongs to the first by name; b in none."""
    shop.append_events(
        [
            event(1, "stock_level", 0, item_id="a", location_id="w2", quantity=9),
            event(2, "stock_level", 0, item_id="a", location_id="w1", quantity=9),
            purchase(3, 1, ["a", "b"], location_id="w2"),
            purchase(4, 1, ["a", "b"], location_id="shop"),
        ]
    )
    found = rows(shop, "SELECT item_id, location_id, units FROM demand_history ORDER BY 1, 2")
    assert found == [("a", "w1", 1.0), ("a", "w2", 1.0), ("b", "", 2.0)]


def test_bulk_orders_are_tagged_and_kept(shop):
    """Middle order 1 of 10, so 20 and more at once is one-off; with nine orders nobody knows."""
    ones = [purchase(n, 1, ["a", "b"] if n < 8 else ["a"]) for n in range(9)]
    bulk = purchase("bulk", 1, [Line(item_id="a", quantity=20), Line(item_id="b", quantity=20)])
    shop.append_events([*ones, bulk])
    found = rows(shop, "SELECT item_id, units, one_off FROM demand_history ORDER BY 1")
    assert found == [("a", 29.0, 20.0), ("b", 28.0, 0.0)]


def test_the_ledger_follows_counts_deliveries_and_orders(shop):
    """Ten counted at 06:00, eight sold at noon, two at 18:00: in stock 18 of 24 hours.

    Next day 12 arrive at 12:00: half the day. The delivery told twice counts once. A count of 11
    on day 3 sets the books right: one is missing.
    """
    shop.append_events(
        [
            event(1, "stock_level", 1.25, item_id="a", quantity=10),
            purchase(2, 1.5, [Line(item_id="a", quantity=8)]),
            purchase(3, 1.75, [Line(item_id="a", quantity=2)]),
            arrival(4, 2.5, [Line(item_id="a", quantity=12)]),
            arrival(5, 2.6, [Line(item_id="a", quantity=12)]),
            event(6, "delivery", 2.7, shipment_id="to-customer", order_id="o-9"),
            event(7, "stock_level", 3.5, item_id="a", quantity=11),
        ]
    )
    text = "SELECT on_hand, received, sold, adjusted, in_stock_share FROM stock_days ORDER BY dt"
    assert rows(shop, text) == [
        (0.0, 0.0, 10.0, None, 0.75),
        (12.0, 12.0, 0.0, None, 0.5),
        (11.0, 0.0, 0.0, -1.0, 1.0),
    ]


def test_nothing_is_known_before_the_first_count(shop):
    shop.append_events([purchase(1, 1, ["a"]), event(2, "stock_level", 3, item_id="b", quantity=1)])
    assert rows(shop, "SELECT item_id FROM stock_days") == [("b",)]


def test_a_purchase_order_goes_from_sent_to_closed(shop):
    ten = [Line(item_id="a", quantity=10, price_minor=70)]
    state = "SELECT state, received, outstanding FROM purchase_orders"
    shop.append_events([po(1, 1, ten, promised_at=at(8))])
    assert rows(shop, state) == [("sent", 0.0, 10.0)]
    shop.append_events([po(2, 2, [], status="confirmed", promised_at=at(9))])
    assert rows(shop, state) == [("confirmed", 0.0, 10.0)]
    shop.append_events([arrival(3, 8, [Line(item_id="a", quantity=4)])])
    shop.append_events([arrival(4, 8.5, [Line(item_id="a", quantity=4)])])
    assert rows(shop, state) == [("partly_received", 4.0, 6.0)]
    shop.append_events([arrival(5, 11, [Line(item_id="a", quantity=6)], shipment_id="ship-2")])
    assert rows(shop, state) == [("closed", 10.0, 0.0)]
    text = "SELECT lead_time_days, promised_days, censored FROM lead_times"
    assert rows(shop, text) == [(7.0, 8.0, False)]


def test_an_open_order_is_censored_and_a_cancelled_one_says_nothing(shop):
    line = [Line(item_id="a", quantity=1)]
    shop.append_events(
        [
            po(1, 1, line, purchase_order_id="open"),
            po(2, 1, line, purchase_order_id="gone"),
            po(3, 2, line, purchase_order_id="gone", status="cancelled"),
        ]
    )
    text = "SELECT purchase_order_id, lead_time_days, censored FROM lead_times"
    assert rows(shop, text) == [("open", None, True)]


def test_the_last_word_of_a_supplier_holds(shop):
    def terms(number, day, **facts):
        return event(number, "supplier", day, supplier_id="acme", **facts)

    shop.append_events(
        [
            terms(1, 1, item_id="a", price_minor=90, properties={"pack_size": 6}),
            terms(2, 3, item_id="a", price_minor=80, properties={"pack_size": "twelve"}),
            terms(3, 2, title="Acme", properties={"lead_time_days": 5}),
        ]
    )
    text = "SELECT item_id, title, price_minor, pack_size, lead_time_days FROM suppliers ORDER BY 1"
    assert rows(shop, text) == [("", "Acme", None, None, 5.0), ("a", None, 80, None, None)]


def test_a_proposal_goes_from_proposed_to_closed(shop):
    state = "SELECT state, quantity, value_minor, received FROM proposals"
    shop.append_events([proposal(1, 1, "a", quantity=10)])
    assert rows(shop, state) == [("proposed", 10.0, 700, 0.0)]
    shop.append_events([act(2, 2, "edit", "e-1", quantity=8)])
    assert rows(shop, state) == [("proposed", 8.0, 560, 0.0)]
    shop.append_events([act(3, 2.5, "approve", "e-1")])
    assert rows(shop, state) == [("approved", 8.0, 560, 0.0)]
    shop.append_events(
        [
            act(4, 3, "send", "e-1", purchase_order_id="po-1"),
            po(5, 3, [Line(item_id="a", quantity=8)]),
        ]
    )
    assert rows(shop, state) == [("sent", 8.0, 560, 0.0)]
    shop.append_events([arrival(6, 9, [Line(item_id="a", quantity=8)])])
    assert rows(shop, state) == [("closed", 8.0, 560, 8.0)]


@pytest.mark.parametrize(("label", "state"), [("reject", "rejected"), ("expire", "expired")])
def test_a_proposal_can_end_without_an_order(shop, label, state):
    shop.append_events([proposal(1, 1, "a", quantity=10), act(2, 2, label, "e-1")])
    assert rows(shop, "SELECT state, operator FROM proposals") == [(state, "li")]


def test_a_decision_for_one_product_asked_by_hand_is_no_proposal(shop):
    asked = proposal(1, 1, "a", quantity=10)
    asked.properties["value"] = '{"sku": "a", "quantity": 10}'
    shop.append_events([asked])
    assert rows(shop, "SELECT * FROM proposals") == []
