"""Reports say what the events say, are ready for JSON, and name what nobody ever saw."""

from __future__ import annotations

import json

import pytest
from shopfloor import NOW, at, event, purchase, us

from shopkeeper.base import clock
from shopkeeper.base.errors import NotFound
from shopkeeper.data import reports
from shopkeeper.data.events import Line
from shopkeeper.data.shop import open_shop


@pytest.fixture
def shop(settings):
    with clock.frozen(NOW), open_shop(settings) as opened:
        opened.append_events(
            [
                event(
                    1,
                    "item",
                    0,
                    item_id="milk-1",
                    title="Whole Milk 100%",
                    brand="Farm",
                    category="Dairy",
                    price_minor=120,
                    currency="EUR",
                    properties={"fat": 3.5},
                ),
                event(2, "item", 0, item_id="soap", title="Soap"),
                event(3, "price", 5, item_id="milk-1", price_minor=130, currency="EUR"),
                event(4, "stock_level", 6, item_id="milk-1", quantity=9, location_id="w1"),
                event(5, "stock_level", 7, item_id="milk-1", quantity=4, location_id="w1"),
                *(purchase(f"b{n}", 10 + n, ["milk-1", "soap"], "ann") for n in range(5)),
                purchase("c", 16, [Line(item_id="milk-1", quantity=2, price_minor=130)], "bob"),
                event("k", "cancel", 17, order_id="o-c"),
                event(
                    "d",
                    "decision",
                    18,
                    decision_id="d",
                    customer_id="ann",
                    placement="home",
                    properties={
                        "capability": "recommend",
                        "fallback": True,
                        "latency_ms": 2.0,
                        "value": '{"items":["soap"]}',
                        "reasons": "[]",
                        "request": "{}",
                    },
                ),
                event("s", "select_item", 18.5, item_id="soap", decision_id="d", customer_id="ann"),
            ]
        )
        yield opened


def test_the_overview_counts_events_orders_and_decisions(shop):
    seen = reports.overview(shop.warehouse)
    assert seen["events"] == 14
    assert seen["last_event_us"] == us(18.5)
    assert seen["totals"] == {"customers": 2, "items": 2, "orders": 6, "decisions": 1}
    assert sum(day["orders"] for day in seen["orders_by_day"]) == 5  # the cancelled one is out
    assert seen["orders_by_day"][0] == {
        "dt": "2026-01-15",
        "currency": "EUR",
        "orders": 1,
        "units": 2.0,
        "customers": 1,
        "net_minor": 200,
    }
    (hour,) = seen["decisions_by_hour"]
    assert (hour["decisions"], hour["fallbacks"], hour["latency_ms"]) == (1, 1, 2.0)
    json.dumps(seen)


def test_a_customer_page_shows_orders_with_lines_actions_and_decisions(shop):
    page = reports.customer_page(shop.warehouse, "ann")
    assert page["customer"]["orders"] == 5
    assert [order["order_id"] for order in page["orders"]] == [f"o-b{n}" for n in (4, 3, 2, 1, 0)]
    assert [i["title"] for i in page["orders"][0]["items"]] == ["Whole Milk 100%", "Soap"]
    assert page["actions"][0]["kind"] == "select_item"
    assert page["favourites"][0]["orders"] == 5
    assert page["decisions"][0]["value"] == {"items": ["soap"]}
    json.dumps(page)


def test_a_product_page_shows_sales_prices_companions_and_buyers(shop):
    shop.lake.compact()
    page = reports.product_page(shop.warehouse, "milk-1")
    assert page["item"]["price_minor"] == 130
    assert page["item"]["properties"] == {"fat": 3.5}
    assert page["sales_by_week"][0]["week"] == "2026-01-12"
    assert sum(week["units"] for week in page["sales_by_week"]) == 7
    assert [price["price_minor"] for price in page["prices"]] == [120, 130]
    assert page["bought_together"][0]["title"] == "Soap"
    assert (page["buyers"]["customers"], page["buyers"]["repeat_share"]) == (2, 0.5)
    assert page["buyers"]["by_frequency"] == [
        {"orders": 1, "customers": 1},
        {"orders": 5, "customers": 1},
    ]
    assert page["stock"] == [{"location_id": "w1", "quantity": 4.0, "occurred_us": us(7)}]
    json.dumps(page)


@pytest.mark.parametrize(
    ("q", "ids"),
    [
        ("milk", ["milk-1"]),
        ("farm MILK", ["milk-1"]),
        ("100%", ["milk-1"]),
        ("%", ["milk-1"]),
        ("_", []),
        ("soap", ["soap"]),
        ("milk soap", []),
        ("' OR 1=1 --", []),
        ("", ["milk-1", "soap"]),
    ],
)
def test_items_are_found_by_every_word(shop, q, ids):
    assert [item["item_id"] for item in reports.search_items(shop.warehouse, q)] == ids


@pytest.mark.parametrize(("q", "ids"), [("a", ["ann"]), ("ann", ["ann"]), ("%", []), ("zoe", [])])
def test_customers_are_found_by_the_start_of_their_id(shop, q, ids):
    found = reports.search_customers(shop.warehouse, q)
    assert [customer["customer_id"] for customer in found] == ids


def test_a_decision_comes_with_its_outcomes(shop):
    found = reports.decision(shop.warehouse, "d")
    assert (found["fallback"], found["value"]) == (True, {"items": ["soap"]})
    assert [outcome["label"] for outcome in found["outcomes"]] == ["select_item"]
    json.dumps(found)


@pytest.mark.parametrize(
    "ask", [reports.customer_page, reports.product_page, reports.decision], ids=str
)
def test_what_nobody_ever_saw_is_not_found(shop, ask):
    with pytest.raises(NotFound, match="'nobody' was ever seen"):
        ask(shop.warehouse, "nobody")


def test_an_empty_shop_has_an_overview(settings):
    with open_shop(settings) as empty:
        seen = reports.overview(empty.warehouse)
    assert (seen["events"], seen["last_event_us"]) == (0, None)
    assert at(0) < NOW
