"""Saving, listing and previewing merchandising rules, through the running shop."""

from __future__ import annotations

import time

import pytest

from shopkeeper.base import clock, settings
from shopkeeper.base.errors import BadInput
from shopkeeper.data import slate_reports
from shopkeeper.data.shop import open_shop
from shopkeeper.operate import merchandising
from shopkeeper.operate.runtime import Runtime
from shopkeeper.simulate.tiny_shop import tiny_shop

PIN = {"action": "pin", "items": {"item_ids": ["item-030"]}}


@pytest.fixture
def shop(tmp_path):
    with open_shop(settings.load(tmp_path / "shop")) as opened:
        opened.append_events(tiny_shop(customers=12, days=30, end_us=clock.now_us()))
        yield opened


@pytest.fixture
def runtime(shop):
    from shopkeeper.recommend.capability import CAPABILITY

    made = Runtime(shop, capabilities=[CAPABILITY]).start()
    yield made
    made.close()


def first(runtime):
    made = runtime.decide("recommend", {"placement": "home", "customer_id": "customer-001"})
    return made.value["items"][0]["item_id"]


def test_a_saved_rule_acts_in_the_next_answer_and_ends_when_told(shop, runtime):
    assert first(runtime) != "item-030"
    merchandising.save(shop, "top", "live", PIN, operator="mei")
    deadline = time.monotonic() + 5
    while first(runtime) != "item-030" and time.monotonic() < deadline:
        time.sleep(0.01)
    assert first(runtime) == "item-030"
    [rule] = merchandising.standing(shop)
    assert (rule["rule_id"], rule["status"], rule["operator"]) == ("top", "live", "mei")
    merchandising.save(shop, "top", "ended", PIN, operator="mei")
    deadline = time.monotonic() + 5
    while first(runtime) == "item-030" and time.monotonic() < deadline:
        time.sleep(0.01)
    assert first(runtime) != "item-030"


def test_a_preview_says_what_would_change_and_changes_nothing(shop, runtime):
    rule = merchandising.checked("top", "draft", PIN)
    customers = [f"customer-{n:03d}" for n in range(10)]
    before = first(runtime)
    counted = runtime.counts["decisions"]
    seen = merchandising.preview(runtime, rule, customers)
    assert seen.slates == 10
    assert seen.changed == 10
    assert seen.entering[0][0] == "item-030"
    assert all(one.after[0] == "item-030" for one in seen.examples)
    assert runtime.counts["decisions"] == counted
    assert first(runtime) == before


def test_a_rule_that_touches_nobody_changes_no_slate(shop, runtime):
    rule = merchandising.checked("x", "draft", {"action": "filter", "items": {"brand": "none"}})
    seen = merchandising.preview(runtime, rule, ["customer-001"])
    assert (seen.changed, seen.slots_changed, seen.entering) == (0, 0, ())


def test_wrong_ids_moments_and_numbers_of_customers_are_named(shop, runtime):
    with pytest.raises(BadInput, match="A rule's id must be small letters"):
        merchandising.save(shop, "Top Deal", "live", PIN, operator="mei")
    with pytest.raises(BadInput, match="starts_at must be a moment, but is 'soon'"):
        merchandising.save(shop, "top", "live", PIN, operator="mei", starts_at="soon")
    assert merchandising.standing(shop) == []
    with pytest.raises(BadInput, match="1 to 200 customers"):
        merchandising.preview(runtime, merchandising.checked("x", "draft", PIN), [])


def test_slates_by_day_count_what_was_shown_and_what_came_of_it(shop, runtime):
    made = runtime.decide("recommend", {"placement": "home", "customer_id": "customer-001"})
    clicked = {
        "kind": "select_item",
        "item_id": made.value["items"][0]["item_id"],
        "decision_id": made.decision_id,
    }
    from shopkeeper.data.events import Event

    shop.append_events(
        [Event(event_id="click-1", occurred_at=clock.now(), customer_id="customer-001", **clicked)]
    )
    deadline = time.monotonic() + 5
    rows = []
    while time.monotonic() < deadline and not (rows and rows[-1]["clicked"]):
        shop.warehouse.refresh()
        rows = slate_reports.by_day(shop.warehouse, 7)
        time.sleep(0.05)
    [row] = rows
    assert row["slates"] == 1
    assert row["clicked"] == 1.0
    assert row["bought"] == 0.0
    assert row["coverage"] == pytest.approx(10 / 40)
    assert row["repeat_share"] + row["discovery_share"] == pytest.approx(1)
