"""Feeds of other systems: GA4, Segment, Google Merchant; and decimal money, exactly."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopkeeper.base.errors import BadInput, MissingColumns
from shopkeeper.data.events import decoder
from shopkeeper.data.importers import ga4, segment
from shopkeeper.data.importers.money import exponent, price_with_currency, to_minor
from shopkeeper.data.importers.run import import_file
from shopkeeper.data.shop import open_shop

AT = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def shop(settings):
    with open_shop(settings) as opened:
        yield opened


def stored(shop):
    return [decoder.decode(row.body) for _, row in shop.store.read(0, 100_000)]


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("12.99", "USD", 1299),
        ("1,299.5", "EUR", 129950),
        ("1299", "JPY", 1299),
        ("1.234", "KWD", 1234),
        ("$0.10", "USD", 10),
        (0.1 + 0.2, "USD", 30),
        (19.99, "USD", 1999),
        (Decimal("8.20"), "GBP", 820),
    ],
)
def test_money_becomes_minor_units_exactly(text, currency, minor):
    assert to_minor(text, currency) == minor


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("0.001", "USD"),
        ("1.5", "JPY"),
        ("nan", "USD"),
        ("1_000", "USD"),
        ("12,99", "USD"),
        ("", "USD"),
    ],
)
def test_what_is_no_amount_of_the_currency_is_refused_not_rounded(text, currency):
    with pytest.raises(ValueError):
        to_minor(text, currency)


def test_the_decimal_comma_is_read_when_the_mapping_says_so():
    assert to_minor("1.299,50", "EUR", decimal=",") == 129950


@given(minor=st.integers(0, 10**12), currency=st.sampled_from(["USD", "JPY", "KWD"]))
def test_money_written_out_comes_back_as_text_and_as_float(minor, currency):
    amount = Decimal(minor).scaleb(-exponent(currency))
    assert to_minor(f"{amount:f}", currency) == minor
    if minor < 10**9:  # beyond it, a float of three decimals is not what it prints as
        assert to_minor(float(amount), currency) == minor


def test_feed_prices_carry_their_currency():
    assert price_with_currency("1299 JPY") == (1299, "JPY")
    with pytest.raises(ValueError, match="no price such as"):
        price_with_currency("12.99")


ORDER = {
    "type": "track",
    "event": "Order Completed",
    "messageId": "m1",
    "userId": "u1",
    "timestamp": "2026-01-01T00:00:00Z",
    "properties": {
        "order_id": "o1",
        "total": 27.5,
        "currency": "USD",
        "products": [{"product_id": "a", "price": 12.99, "quantity": 2}, {"sku": "b"}],
    },
}


def test_segment_orders_keep_their_id_lines_and_exact_money():
    [event], problems = segment.to_events({"batch": [ORDER]})
    assert problems == []
    assert (event["event_id"], event["kind"], event["customer_id"]) == ("m1", "purchase", "u1")
    assert event["lines"] == [
        {"item_id": "a", "quantity": 2, "price_minor": 1299},
        {"item_id": "b"},
    ]
    assert event["value_minor"] == 2750


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Products Searched", "search"),
        ("Product Viewed", "view_item"),
        ("Product Added", "add_to_cart"),
        ("product removed", "remove_from_cart"),
        ("Order Refunded", "refund"),
    ],
)
def test_segment_names_of_the_ecommerce_spec_are_known_in_any_case(name, kind):
    message = {"type": "track", "event": name, "messageId": "m", "properties": {"query": "q"}}
    [event], _ = segment.to_events(message)
    assert event["kind"] == kind


def test_segment_identify_puts_the_person_apart_and_leaves_private_traits_out():
    message = {
        "type": "identify",
        "messageId": "m",
        "userId": "u",
        "traits": {"email": "a@b.c", "plan": "gold", "birthday": "1990-01-01"},
        "context": {"ip": "192.0.2.1"},
    }
    [event], _ = segment.to_events(message)
    assert event["person"] == {"email": "a@b.c", "ip": "192.0.2.1"}
    assert event["properties"] == {"plan": "gold"}


def test_segment_problems_name_the_message_and_do_not_stop_the_others():
    batch = [
        {"type": "alias", "messageId": "m0"},
        ORDER,
        {"type": "track", "event": "Product Added"},
    ]
    batch.append({**ORDER, "messageId": "m3", "properties": {"order_id": "o", "total": "x"}})
    events, problems = segment.to_events({"batch": [*batch, "text"]})
    assert [event["event_id"] for event in events] == ["m1"]
    assert [(p.index, p.code, p.field) for p in problems] == [
        (0, "not_used", "type"),
        (2, "missing_field", "messageId"),
        (3, "wrong_value", "total"),
        (4, "wrong_value", "batch"),
    ]
    with pytest.raises(BadInput, match="batch must be a list"):
        segment.to_events({"batch": {}})


def test_segment_files_go_through_the_same_door(shop, tmp_path):
    path = tmp_path / "s.json"
    path.write_text(json.dumps({"batch": [ORDER, {"type": "alias", "messageId": "x"}]}), "utf-8")
    summary = import_file(shop, "segment", [path])
    assert (summary.accepted, summary.skipped, summary.quarantined) == (1, 1, 0)


def ga4_row(name, **more):
    return {
        "event_name": name,
        "event_timestamp": "1767225600000000",
        "user_pseudo_id": "p.1",
        "event_params": [
            {"key": "ga_session_id", "value": {"int_value": 9}},
            {"key": "currency", "value": {"string_value": "EUR"}},
        ],
        **more,
    }


def test_ga4_purchase_keeps_session_currency_and_lines(shop, tmp_path):
    items = [{"item_id": "a", "price": 12.99, "quantity": 2}, {"item_id": "b", "price": "0.5"}]
    order = {"transaction_id": "t1", "purchase_revenue": 26.48}
    rows = [ga4_row("purchase", items=items, ecommerce=order), ga4_row("session_start")]
    path = tmp_path / "ga4.json"
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    summary = import_file(shop, "ga4", [path])
    assert (summary.accepted, summary.skipped) == (1, 1)
    [event] = stored(shop)
    assert (event.order_id, event.session_id, event.currency) == ("t1", "p.1.9", "EUR")
    assert [line.price_minor for line in event.lines] == [1299, 50]
    assert event.occurred_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert import_file(shop, "ga4", [path]).duplicate == 1


def test_ga4_array_files_and_several_items_of_one_click(shop, tmp_path):
    path = tmp_path / "ga4.json"
    rows = [ga4_row("add_to_cart", items=[{"item_id": "a"}, {"item_id": "b"}]), ga4_row("purchase")]
    path.write_text(json.dumps(rows, indent=1), "utf-8")
    summary = import_file(shop, "ga4", [path])
    assert [event.item_id for event in stored(shop)] == ["a", "b"]
    assert summary.reasons["missing_field"].first.startswith("ga4.json row 2")


def test_ga4_times_and_broken_json_have_clear_errors(shop, tmp_path):
    with pytest.raises(ValueError, match="event_timestamp must be microseconds"):
        ga4.to_events({"event_name": "purchase", "event_timestamp": "yesterday"}, "USD")
    path = tmp_path / "ga4.json"
    path.write_text(json.dumps(ga4_row("page_view")) + '\n{"event_name": "pur', "utf-8")
    with pytest.raises(BadInput, match=r"ga4\.json row 2 is not valid JSON"):
        import_file(shop, "ga4", [path])


RSS = """<?xml version="1.0"?>
<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel><title>Feed</title>
<item><g:id>a</g:id><title>Mug &amp; more</title><link>https://shop.example/a</link>
<g:price>12.99 USD</g:price><g:sale_price>9.99 USD</g:sale_price>
<g:availability>in stock</g:availability><g:gtin>4006381333931</g:gtin>
<g:shipping><g:price>5.00 USD</g:price></g:shipping></item>
<item><g:id>b</g:id><g:title>Pot</g:title><g:price>cheap</g:price></item>
</channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom" xmlns:g="http://base.google.com/ns/1.0">
<entry><g:id>a</g:id><title>Mug</title><link href="https://shop.example/a"/>
<g:price>1299 JPY</g:price><g:availability>out_of_stock</g:availability></entry></feed>"""


def test_merchant_rss_gives_items_and_sets_bad_prices_aside(shop, tmp_path):
    path = tmp_path / "feed.xml"
    path.write_text(RSS, "utf-8")
    summary = import_file(shop, "merchant", [path], at=AT)
    [item] = stored(shop)
    assert (item.item_id, item.title, item.url) == ("a", "Mug & more", "https://shop.example/a")
    assert (item.price_minor, item.currency, item.available) == (999, "USD", True)
    assert item.properties == {"gtin": "4006381333931", "list_price_minor": 1299}
    assert summary.reasons["wrong_value"].first.startswith("feed.xml row 2")
    assert import_file(shop, "merchant", [path], at=AT).duplicate == 1


def test_merchant_atom_and_tsv_say_the_same(shop, tmp_path):
    (tmp_path / "feed.xml").write_text(ATOM, "utf-8")
    head = "id\ttitle\tlink\tprice\tavailability\n"
    tsv = f"{head}a\tMug\thttps://shop.example/a\t1299 JPY\tout of stock\n"
    (tmp_path / "feed.tsv").write_text(tsv, "utf-8")
    paths = [tmp_path / "feed.xml", tmp_path / "feed.tsv"]
    summary = import_file(shop, "merchant", paths, at=AT)
    assert (summary.accepted, summary.duplicate) == (1, 1)
    assert stored(shop)[0].price_minor == 1299


def test_entity_bombs_are_refused_before_they_unfold(shop, tmp_path):
    path = tmp_path / "bomb.xml"
    inner = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 9))
    path.write_text(f'<!DOCTYPE x [<!ENTITY l0 "ha">{inner}]><rss><item>&l8;</item></rss>', "utf-8")
    with pytest.raises(BadInput, match="declares a document type"):
        import_file(shop, "merchant", [path])


@pytest.mark.parametrize(
    ("name", "text", "error", "message"),
    [
        ("f.xml", RSS[:300], BadInput, "is not valid XML"),
        ("f.xml", "<rss></rss>", BadInput, "holds no product"),
        ("f.tsv", "sku\tname\na\tb\n", MissingColumns, "lacks id, title; it has sku, name"),
    ],
)
def test_broken_feeds_are_refused_by_name(shop, tmp_path, name, text, error, message):
    (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(error, match=message):
        import_file(shop, "merchant", [tmp_path / name])
