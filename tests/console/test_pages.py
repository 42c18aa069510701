"""Every page renders in both languages, says what is missing, and escapes what events say."""

from __future__ import annotations

import html
import json
import re
import time

import pytest
from shopfront import CUSTOMER, ITEM, Front

from shopkeeper.base.errors import ArtefactBroken, StoreUnavailable
from shopkeeper.data import listings, quality

PAGES = (
    "/",
    "/live",
    "/quality",
    "/quality-pipeline",
    "/customers",
    f"/customers/{CUSTOMER}",
    "/products",
    f"/products/{ITEM}",
    "/models",
    "/decisions",
    "/find?q=tea",
)


def charts(page: str) -> list[dict]:
    return [json.loads(html.unescape(text)) for text in re.findall(r'data-chart="([^"]*)"', page)]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("path", PAGES)
def test_every_page_renders_whole(front: Front, path: str, language: str):
    page = front.signed_in(**{"accept-language": language}).get(f"/console{path}")
    assert page.status_code == 200
    assert 'class="fault"' not in page.text
    fragment = path in ("/live", "/quality-pipeline")
    assert fragment or f'lang="{"zh-Hans" if language == "zh" else "en"}"' in page.text


@pytest.mark.parametrize("path", [p for p in PAGES if "customer-" not in p and "item-" not in p])
def test_an_empty_shop_has_pages_that_say_what_to_do(empty_front: Front, path: str):
    page = empty_front.signed_in().get(f"/console{path}")
    assert page.status_code == 200
    assert 'class="fault"' not in page.text


def test_empty_states_name_the_next_command(empty_front: Front):
    browser = empty_front.signed_in()
    assert "shopkeeper demo" in browser.get("/console/").text
    assert "shopkeeper train recommend" in browser.get("/console/models").text
    assert "shopkeeper import items FILE" in browser.get("/console/products").text


@pytest.mark.parametrize(
    "path", ["/customers/nobody", "/products/nothing", "/decisions/dec_0", "/no/such/page"]
)
def test_what_is_unknown_is_a_404_page(front: Front, path: str):
    page = front.signed_in().get(f"/console{path}")
    assert page.status_code == 404
    assert "Not found" in page.text


def test_what_events_say_is_escaped_everywhere(front: Front):
    browser = front.signed_in()
    paths = ["/products", "/products/evil-1", "/find?q=alert", "/customers/evil%2F..%2Fc%201"]
    shown = 0
    for path in paths:
        page = browser.get(f"/console{path}")
        assert page.status_code == 200, path
        assert "<script>alert" not in page.text, path
        assert 'onload="alert' not in page.text, path
        shown += "&lt;script&gt;alert" in page.text
    assert shown >= 3
    found = browser.get("/console/find", params={"q": "<script>alert(1)</script>"})
    assert "<script>alert" not in found.text


def test_an_id_with_slashes_and_spaces_has_its_own_page(front: Front):
    listing = front.signed_in().get("/console/customers?list=0").text
    page = front.signed_in().get("/console/customers/evil%2F..%2Fc%201")
    assert "evil/../c 1" in page.text
    assert "/console/customers/evil%2F..%2Fc%201" in listing


def test_a_customer_page_recommends_with_reasons_and_records_nothing(front: Front):
    before = front.shop.store.last_seq()
    page = front.signed_in().get(f"/console/customers/{CUSTOMER}").text
    assert page.count('class="slate"') == 5
    assert page.count('class="ranked-item"') >= 20
    assert "blend@" in page
    assert front.shop.store.last_seq() == before
    assert front.runtime.counts["decisions"] == 0


def test_a_decision_page_tells_why_what_was_asked_and_what_came_of_it(front: Front):
    made = front.runtime.decide("recommend", {"placement": "home", "customer_id": CUSTOMER})
    front.runtime.counts["decisions"] = 0
    item = made.value["items"][0]["item_id"]
    click = {
        "event_id": f"click-{made.decision_id}",
        "kind": "select_item",
        "occurred_at": "2026-01-31T10:00:00Z",
        "item_id": item,
        "customer_id": CUSTOMER,
        "decision_id": made.decision_id,
    }
    front.shop.ingest.post(json.dumps(click).encode()).result(10)
    browser = front.signed_in()
    page = html.unescape(browser.get(f"/console/decisions/{made.decision_id}").text)
    assert made.value["items"][0]["reasons"][0]["text"] in page
    assert '"placement": "home"' in page
    assert page.count("<strong>Click</strong>") == 1
    assert made.decision_id in browser.get("/console/decisions").text
    assert made.decision_id in browser.get(f"/console/customers/{CUSTOMER}").text
    assert made.decision_id in browser.get(f"/console/products/{item}").text
    assert made.decision_id in browser.get(f"/console/find?q={made.decision_id}").text


def test_a_decision_page_walks_a_products_way_through_sources_rules_and_filters(front: Front):
    made = front.runtime.decide("recommend", {"placement": "home", "exclude": [ITEM]})
    front.runtime.counts["decisions"] = 0
    browser = front.signed_in()
    address = f"/console/decisions/{made.decision_id}"
    for _ in range(50):
        if browser.get(address).status_code == 200:
            break
        time.sleep(0.1)
    told = html.unescape(browser.get(f"{address}?item={ITEM}").text)
    assert "excluded in the request" in told
    assert "Filters that take it out" in told
    assert "Rank after the rules" in told
    assert "the shop has no such product" in browser.get(f"{address}?item=nothing-like-it").text


def test_a_customers_page_says_what_to_expect_of_her(front: Front):
    page = html.unescape(front.signed_in().get(f"/console/customers/{CUSTOMER}").text)
    assert "What to expect" in page
    assert "Chance of an order within 28 days" in page
    assert "her average pace" in page  # nothing is trained in this shop: the baseline answers


def test_lists_link_across_and_leaf_through(front: Front):
    browser = front.signed_in()
    product = browser.get(f"/console/products/{ITEM}").text
    customer = re.search(r'href="(/console/customers/customer-\d+)"', product)
    assert customer
    page = browser.get(customer[1]).text
    assert re.search(r'href="/console/products/item-\d+"', page)
    following = re.search(r'href="([^"]*history=10)"', page)
    assert following
    second = browser.get(html.unescape(following[1])).text
    first_orders = set(re.findall(r"order-[\w-]+", page))
    assert first_orders.isdisjoint(re.findall(r"order-[\w-]+", second))


def test_the_pages_of_a_history_add_up_to_the_whole(front: Front):
    whole = listings.history(front.shop.warehouse, CUSTOMER, 0, 10_000)
    parts = []
    for offset in range(0, len(whole), 7):
        parts += listings.history(front.shop.warehouse, CUSTOMER, offset, 7)[:7]
    assert parts == whole
    bought = sum(group["kind"] == "purchase" for group in whole)
    assert bought == listings.customer(front.shop.warehouse, CUSTOMER)["orders"]


def test_charts_carry_plain_numbers(front: Front):
    browser = front.signed_in()
    sales = charts(browser.get("/console/").text)
    days = next(c for c in sales if c["type"] == "days")
    assert len(days["labels"]) == len(days["bars"]["data"]) == len(days["line"]["data"])
    found = charts(browser.get("/console/models").text)
    whiskers = next(c for c in found if c["type"] == "whiskers")
    tones = [row["tone"] for row in whiskers["rows"]]
    assert tones.count("champion") == 1
    assert all(
        r["low"] <= r["value"] <= r["high"] for r in whiskers["rows"] if r["low"] is not None
    )
    weeks = next(c for c in charts(browser.get(f"/console/products/{ITEM}").text))
    units = listings.product_totals(front.shop.warehouse, ITEM)["units"]
    assert sum(weeks["bars"]["data"]) == units


def test_a_part_that_fails_says_so_and_the_rest_stands(front: Front, monkeypatch):
    def broken(*_: object, **__: object) -> None:
        raise StoreUnavailable("The table sessions is on strike.", hint="Ask it nicely.")

    monkeypatch.setattr(listings, "times_recommended", broken)
    page = front.signed_in().get(f"/console/products/{ITEM}")
    assert page.status_code == 200
    assert "The table sessions is on strike." in page.text
    assert page.text.count('class="fault"') == 1
    assert "Sales by week" in page.text


def test_a_crash_in_a_part_shows_an_id_and_not_its_insides(front: Front, monkeypatch, capsys):
    def crash(*_: object, **__: object) -> None:
        raise KeyError("secret inside")

    monkeypatch.setattr(quality, "check", crash)
    page = front.signed_in().get("/console/quality")
    error_id = re.search(r"err_[0-9a-f]{12}", page.text)
    assert page.status_code == 200
    assert error_id or "Checks" in page.text
    assert "secret inside" not in page.text


def test_a_broken_registry_leaves_the_overview_standing(front: Front, monkeypatch):
    def broken(*_: object) -> None:
        raise ArtefactBroken("aliases.json does not parse.")

    monkeypatch.setattr(front.runtime.registry, "aliases", broken)
    page = front.signed_in().get("/console/")
    assert page.status_code == 200
    assert "aliases.json does not parse." in page.text
    assert "Orders and revenue" in page.text


def test_without_a_runtime_all_but_live_answers_stand(front: Front):
    browser = front.alone()
    page = browser.get(f"/console/customers/{CUSTOMER}")
    assert page.status_code == 200
    assert "The decision runtime is not running." in page.text
    assert "History" in page.text


def test_quarantine_shows_reason_and_row_and_filters(front: Front):
    browser = front.signed_in()
    page = html.unescape(browser.get("/console/quality").text)
    assert "bad-1" in page
    assert "bad-1" not in html.unescape(browser.get("/console/quality?rows=zzz").text)
    assert "bad-1" in html.unescape(browser.get("/console/quality?rows=NOPE").text)


def test_the_quality_page_lists_every_check_by_a_name_in_words(front: Front):
    for language in ("en", "zh"):
        page = front.signed_in(**{"accept-language": language}).get("/console/quality").text
        assert page.count('class="check-name"') >= len(quality.checks())
        assert not [n for n in quality.checks() if f'check-name">{n}<' in page]
