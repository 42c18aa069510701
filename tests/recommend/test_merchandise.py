"""The shop's rules: what each does, for whom and when; filters keep the last word."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from test_policy import DAY_US, ITEMS, NOW_US, everything, stocked

from shopkeeper.base import clock
from shopkeeper.base.errors import BadInput
from shopkeeper.base.settings import Settings
from shopkeeper.data.events import Event
from shopkeeper.data.shop import open_shop
from shopkeeper.recommend.features import LiveState, features_at
from shopkeeper.recommend.merchandise import Merchandise, read
from shopkeeper.recommend.policy import choose
from shopkeeper.recommend.rebuild import rebuild
from shopkeeper.recommend.request import parse

RULE: dict[str, Any] = {"kind": "rule", "status": "live", "properties": {"capability": "recommend"}}


def tell(state: LiveState, rule_id: str, days_ago: float = 1, **rule: Any) -> None:
    more = {name: rule.pop(name) for name in ("status", "starts_at", "ends_at") if name in rule}
    at_us = NOW_US - int(days_ago * DAY_US)
    state.apply(RULE | {"label": rule_id, "text": json.dumps(rule), "occurred_us": at_us} | more)


def shown(state: LiveState, seed: int = 3, **request: Any) -> list[dict[str, Any]]:
    asked = parse({"placement": "home", "limit": 10} | request)
    made = choose(asked, features_at(state, asked, NOW_US), everything(2, seed))
    return made.value["items"]


def ids(items: list[dict[str, Any]]) -> list[str]:
    return [item["item_id"] for item in items]


def test_a_pin_stands_at_its_position_and_says_who_put_it_there():
    state = stocked()
    before = ids(shown(state))
    stranger = next(i for i in reversed(ITEMS[4:]) if i not in before)
    tell(state, "r1", action="pin", items={"item_ids": [stranger]}, position=3)
    after = shown(state)
    assert after[2]["item_id"] == stranger
    assert after[2]["rule"] == "r1"
    assert len(after) == 10
    assert [i for i in ids(after) if i != stranger] == before[:9]


def test_several_pins_of_one_rule_stand_side_by_side():
    state = stocked()
    tell(state, "r1", action="pin", items={"item_ids": ["i10", "i11", "i12"]}, position=2)
    assert ids(shown(state))[1:4] == ["i10", "i11", "i12"]


@given(seed=st.integers(0, 50), position=st.integers(1, 10))
@hypothesis_settings(deadline=None, max_examples=30)
def test_no_rule_shows_what_the_filters_forbid(seed, position):
    state = stocked()
    never = ["i00", "i01", "i02", "i03"]
    tell(state, "pin", action="pin", items={"item_ids": [*never, "i20"]}, position=position)
    tell(state, "share", action="share", items={"item_ids": never}, share=0.5)
    tell(state, "boost", action="boost", items={"item_ids": never}, factor=100)
    found = ids(shown(state, seed, exclude=["i20"]))
    assert not set(found) & {*never, "i20"}
    assert len(found) == 10


def test_a_boost_raises_and_a_bury_lowers_and_shares_still_sum_to_the_score():
    state = stocked()
    last = ids(shown(state, limit=30))[-1]
    tell(state, "up", action="boost", items={"item_ids": [last]}, factor=100)
    raised = shown(state)
    assert raised[0]["item_id"] == last
    assert sum(raised[0]["sources"].values()) == pytest.approx(raised[0]["score"], abs=1e-5)
    first = ids(raised)[1]
    tell(state, "down", action="bury", items={"item_ids": [first]}, factor=0.001)
    assert first not in ids(shown(state))


def test_a_filter_takes_out_a_whole_shelf_and_the_trace_says_so():
    state = stocked()
    tell(state, "r1", action="filter", items={"category": "Shelf 4"})
    asked = parse({"placement": "home", "limit": 30})
    made = choose(asked, features_at(state, asked, NOW_US), everything(2, 3))
    shelves = {
        state.catalogue.category_of(state.catalogue.index.get(i)) for i in ids(made.value["items"])
    }
    assert not any(shelf.startswith("Shelf 4") for shelf in shelves)
    assert made.value["trace"]["removed"]["ruled_out"]
    assert made.value["trace"]["rules"][0]["rule"] == "r1"


def test_a_share_holds_its_part_of_the_slots():
    state = stocked()
    brand = "Brand 2"
    tell(state, "r1", action="share", items={"brand": brand}, share=0.6)
    found = shown(state)
    rows = [state.catalogue.index.get(i) for i in ids(found)]
    code = state.catalogue.brands.get(brand)
    assert sum(int(state.catalogue.column("brand")[row]) == code for row in rows) >= 6


def test_new_items_get_a_floor_of_exposure():
    state = stocked()
    for n in range(3):
        state.apply(
            {"kind": "item", "item_id": f"new{n}", "title": "New", "occurred_us": NOW_US - DAY_US}
        )
    tell(state, "fresh", action="share", items={"new_days": 7}, share=0.2)
    assert sum(i.startswith("new") for i in ids(shown(state))) == 2


@pytest.mark.parametrize(
    ("change", "acts"),
    [
        ({}, True),
        ({"status": "draft"}, False),
        ({"status": "ended"}, False),
        ({"starts_at": clock.iso(NOW_US + DAY_US)}, False),
        ({"ends_at": clock.iso(NOW_US - 1)}, False),
        ({"ends_at": clock.iso(NOW_US + DAY_US)}, True),
        ({"placements": ["cart"]}, False),
        ({"segment": "anonymous"}, True),
        ({"segment": "new"}, False),
        ({"segment": ["c1"]}, False),
    ],
)
def test_a_rule_acts_only_when_where_and_for_whom_it_says(change, acts):
    state = stocked()
    rule = {"action": "pin", "items": {"item_ids": ["i29"]}} | change
    tell(state, "r1", **rule)
    assert (ids(shown(state))[0] == "i29") is acts


def test_segments_know_new_returning_and_named_customers():
    state = stocked()
    tell(state, "r1", action="filter", items={"item_ids": ["i28"]}, segment="returning")
    assert "i28" in ids(shown(state, limit=30, customer_id="nobody"))
    assert "i28" not in ids(shown(state, limit=30, customer_id="c1", include_bought=True))


def test_the_last_event_of_a_rule_counts_whenever_it_arrives():
    state = stocked()
    tell(state, "r1", 1, action="pin", items={"item_ids": ["i29"]})
    tell(state, "r1", 2, action="pin", items={"item_ids": ["i28"]})  # late: an older word
    assert ids(shown(state))[0] == "i29"
    tell(state, "r1", 0.5, status="ended", action="pin", items={"item_ids": ["i29"]})
    assert state.merchandise.rules["r1"].status == "ended"


def test_another_capabilitys_rule_is_none_of_ours():
    rules = Merchandise()
    rules.apply(
        RULE | {"label": "x", "text": "{}", "occurred_us": 1, "properties": {"capability": "fraud"}}
    )
    assert rules.rules == {} == rules.broken


def test_a_broken_rule_in_the_log_does_not_act_and_says_why():
    state = stocked()
    state.apply(RULE | {"label": "bad", "text": '{"action": "fly"}', "occurred_us": NOW_US - 1})
    assert "action must be pin" in state.merchandise.broken["bad"]
    assert len(shown(state)) == 10


def test_an_item_that_changes_its_brand_leaves_the_rule():
    state = stocked()
    tell(state, "r1", action="filter", items={"brand": "Brand 2"})
    assert "i05" not in ids(shown(state, limit=30))
    state.apply(
        {
            "kind": "item",
            "item_id": "i05",
            "title": "T",
            "brand": "Brand 1",
            "occurred_us": NOW_US - 1,
        }
    )
    assert "i05" in ids(shown(state, limit=30))


def test_rebuilt_from_the_log_the_rules_are_the_same(tmp_path):
    text = json.dumps({"action": "pin", "items": {"item_ids": ["a"]}})
    now = clock.from_us(clock.now_us() - DAY_US)
    made = Event(
        event_id="rule-1",
        kind="rule",
        occurred_at=now,
        label="r1",
        status="live",
        text=text,
        starts_at=now,
        properties={"capability": "recommend"},
    )
    with open_shop(Settings(home=tmp_path / "shop")) as shop:
        shop.append_events([made])
        found = rebuild(shop.warehouse).merchandise.rules
    assert found["r1"].items == {"item_ids": ["a"]}
    assert found["r1"].starts_us == clock.to_us(now)


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({"action": "fly", "items": {"brand": "x"}}, "action"),
        ({"action": "pin", "items": {"brand": "x"}}, "items"),
        ({"action": "pin", "items": {"item_ids": []}}, "items.item_ids"),
        ({"action": "boost", "items": {"brand": "x"}}, "factor"),
        ({"action": "boost", "items": {"brand": "x"}, "factor": 0.5}, "factor"),
        ({"action": "bury", "items": {"brand": "x"}, "factor": 2}, "factor"),
        ({"action": "share", "items": {"brand": "x"}, "share": 1.5}, "share"),
        ({"action": "filter", "items": {"brand": "x"}, "share": 0.5}, "share"),
        ({"action": "filter", "items": {}}, "items"),
        ({"action": "filter", "items": {"colour": "red"}}, "items.colour"),
        ({"action": "filter", "items": {"min_price_minor": -1}}, "items.min_price_minor"),
        ({"action": "filter", "items": {"brand": "x"}, "placements": ["roof"]}, "placements"),
        ({"action": "filter", "items": {"brand": "x"}, "segment": "rich"}, "segment"),
        ({"action": "filter", "items": {"brand": "x"}, "colour": 1}, "colour"),
        ([], "text"),
    ],
)
def test_a_wrong_rule_names_its_field(rule, field):
    with pytest.raises(BadInput) as caught:
        read("r1", "live", json.dumps(rule))
    assert caught.value.field == field
    assert caught.value.allowed


def test_text_that_is_no_json_and_dates_that_end_before_they_start_are_named():
    with pytest.raises(BadInput, match="text must be a JSON object"):
        read("r1", "live", "{")
    good = json.dumps({"action": "filter", "items": {"brand": "x"}})
    with pytest.raises(BadInput, match="ends_at must be after"):
        read("r1", "live", good, starts_us=2, ends_us=1)
    with pytest.raises(BadInput, match="status must be draft, live, ended"):
        read("r1", "on", good)


def overstocked() -> LiveState:
    """i20 sells a unit a day and has 200; i21 as many, with 10; both cost 60 of 100, i22 95."""
    state = stocked()
    for item, units, cost in (("i20", 200, 60), ("i21", 10, 60), ("i22", 200, 95)):
        price = {"kind": "price", "item_id": item, "price_minor": 100, "currency": "USD"}
        state.apply(price | {"occurred_us": NOW_US - 90 * DAY_US})
        terms = {"kind": "supplier", "supplier_id": "s", "item_id": item, "price_minor": cost}
        state.apply(terms | {"occurred_us": NOW_US - 80 * DAY_US})
        for day in range(60):
            state.apply(
                {
                    "kind": "purchase",
                    "customer_id": f"z{day}",
                    "order_id": f"{item}-{day}",
                    "lines": [{"item_id": item}],
                    "occurred_us": NOW_US - day * DAY_US,
                }
            )
        count = {"kind": "stock_level", "item_id": item, "quantity": float(units)}
        state.apply(count | {"occurred_us": NOW_US - 1})
    return state


def test_overstock_and_margin_name_what_inventory_and_suppliers_say():
    state = overstocked()
    row = state.catalogue.index.get("i20")
    # A unit on each of 60 days, and what stocked() sold of it: six orders and five beside i19.
    ages = [*range(60), *range(20, 26), *range(20, 25)]
    pace = sum(math.exp(-age / 28) for age in ages) / 28
    assert state.catalogue.cover_days(NOW_US)[row] == pytest.approx(200 / pace)
    assert state.catalogue.margin()[row] == pytest.approx(0.4)
    named = {}
    for name, items in {
        "much": {"min_cover_days": 100, "item_ids": ["i20", "i21", "i22"]},
        "both": {"min_cover_days": 100, "min_margin_percent": 40, "item_ids": ["i20", "i22"]},
        "blind": {"min_margin_percent": 0},
    }.items():
        tell(state, name, action="boost", factor=2, items=items)
        rule = state.merchandise.rules[name]
        mask = state.merchandise.named(rule, state.catalogue, NOW_US)
        named[name] = {ITEMS[at] for at in range(len(ITEMS)) if mask[at]}
    # Without a cost on record nothing is said of a margin.
    expected = {"much": {"i20", "i22"}, "both": {"i20"}, "blind": {"i20", "i21", "i22"}}
    assert named == expected


def test_what_sells_out_leaves_an_overstock_rule_within_a_quarter_of_an_hour():
    state = overstocked()
    tell(state, "r1", action="boost", factor=2, items={"min_cover_days": 100})
    rule, row = state.merchandise.rules["r1"], state.catalogue.index.get("i20")
    assert state.merchandise.named(rule, state.catalogue, NOW_US)[row]
    count = {"kind": "stock_level", "item_id": "i20", "quantity": 3.0, "occurred_us": NOW_US}
    state.apply(count)
    later = NOW_US + DAY_US // 90
    assert not state.merchandise.named(rule, state.catalogue, later)[row]


def test_variety_spreads_a_slate_over_shelves_and_keeps_the_best_first():
    def shelves(found: list[dict[str, Any]]) -> int:
        held = state.catalogue.column("category")
        return len({int(held[state.catalogue.index.get(i)]) for i in ids(found)})

    state = stocked()
    before = shown(state, limit=8)
    tell(state, "r1", action="diversify", strength=0.9)
    after = shown(state, limit=8)
    assert ids(after)[0] == ids(before)[0]
    assert shelves(after) > shelves(before)
    tell(state, "r1", 0.5, action="diversify", strength=0.0)
    assert ids(shown(state, limit=8)) == ids(before)


@given(seed=st.integers(0, 40), strength=st.floats(0, 1))
@hypothesis_settings(deadline=None, max_examples=20)
def test_variety_loses_no_candidate_and_shows_nothing_forbidden(seed, strength):
    state = stocked()
    tell(state, "r1", action="diversify", strength=strength)
    found = ids(shown(state, seed, limit=26))
    assert len(found) == len(set(found)) == 26
    assert not set(found) & {"i00", "i01", "i02", "i03"}
