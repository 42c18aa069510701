"""What is ordered: a known answer, laws, and each odd input with its named answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from shopkeeper.base import clock
from shopkeeper.base.errors import BadInput
from shopkeeper.inventory import lead_time, telling
from shopkeeper.inventory.policy import approvable, choose, propose_many
from shopkeeper.inventory.schema import (
    LEVELS,
    Demand,
    DemandPanel,
    Features,
    Position,
    PriceBreak,
    Request,
    Rules,
    SupplyTerms,
)

TODAY = date(2026, 7, 1)  # a Wednesday
WEEK = lead_time.certain(7)


def normal_demand(mean=50.0, std=8.0, n=1, segment="smooth"):
    """Weekly demand, independent and normal: cumulative over h weeks N(h mean, h std^2)."""
    horizons = np.array([1, 2, 3, 4, 8, 13])
    levels = np.array(LEVELS)
    z = norm.ppf(levels)
    one = horizons[:, None] * mean + np.sqrt(horizons)[:, None] * std * z[None, :]
    return Demand(
        horizons=horizons,
        levels=levels,
        quantiles=np.tile(np.maximum(one, 0), (n, 1, 1)),
        mean=np.tile(horizons * mean, (n, 1)).astype(float),
        path=np.full((n, 13), float(mean)),
        frequency="W",
        model=("made",) * n,
        segment=(segment,) * n,
    )


def terms(**more):
    return SupplyTerms(**({"supplier_id": "s", "unit_cost_minor": 100, "lead_time": WEEK} | more))


def propose(position=0.0, rules=None, offer=None, demand=None, **more):
    """Return the one proposal for one product."""
    [found] = propose_many(
        demand or normal_demand(),
        skus=["mug"],
        locations=[""],
        positions=[position if isinstance(position, Position) else Position(on_hand=position)],
        terms=[(terms(),) if offer is None else offer],
        prices_minor=np.array([250.0]),
        rules=rules or Rules(),
        today=TODAY,
        **more,
    )
    return found


def codes(proposal):
    return [code for code, _ in proposal.reasons]


def test_the_level_is_the_quantile_of_demand_over_lead_time_and_review():
    """Lead time and review a week each: N(100, 2 * 64), at 95 %: 100 + 1.645 * 11.31 = 118.6."""
    made = propose(position=30)
    assert made.numbers["order_up_to"] == pytest.approx(100 + 1.6449 * 8 * 2**0.5, abs=0.05)
    assert made.quantity == pytest.approx(118.6 - 30, abs=1)
    assert codes(made)[0] == "below_level"
    assert made.p_stockout_after == pytest.approx(0.05, abs=0.01)


def test_what_is_proposed_or_on_order_is_not_ordered_again():
    first = propose(position=30)
    again = propose(position=Position(on_hand=30, proposed=first.quantity))
    on_the_way = propose(position=Position(on_hand=30, on_order=first.quantity))
    assert first.quantity > 0
    assert again.quantity == on_the_way.quantity == 0
    assert codes(again) == ["enough_stock"]


def test_by_cost_the_level_is_the_newsvendors():
    """Margin 125 against 100 * 52/365... per week: the critical ratio of the book's formula."""
    rules = Rules(target="cost", holding_rate=5.2, stockout_cost_share=0.1)
    made = propose(rules=rules)
    over, under = 5.2 * 100 * 7 / 365, 0.1 * 250
    z = norm.ppf(under / (under + over))
    assert made.numbers["order_up_to"] == pytest.approx(100 + z * 8 * 2**0.5, abs=0.1)


def test_by_fill_rate_the_expected_shortage_is_what_was_allowed():
    made = propose(rules=Rules(target="fill_rate", service_level=0.95))
    level, std = made.numbers["order_up_to"], 8 * 2**0.5
    z = (level - 100) / std
    short = std * (norm.pdf(z) - z * norm.sf(z))
    assert short == pytest.approx(0.05 * 50, rel=0.05)
    assert level < propose(rules=Rules()).numbers["order_up_to"]


def test_an_uncertain_lead_time_asks_for_more_than_a_certain_one():
    spread = lead_time.LeadTime(days=np.array([0.0, 14.0]), probability=np.array([0.5, 0.5]))
    sure = propose().numbers["order_up_to"]
    unsure = propose(offer=(terms(lead_time=spread),)).numbers["order_up_to"]
    assert unsure > sure + 20


@settings(max_examples=30, deadline=None)
@given(low=st.floats(0.6, 0.95), more=st.floats(0.01, 0.04), position=st.floats(0, 200))
def test_a_higher_target_never_orders_less(low, more, position):
    small = propose(position=position, rules=Rules(service_level=low))
    large = propose(position=position, rules=Rules(service_level=low + more))
    assert large.quantity >= small.quantity


@settings(max_examples=30, deadline=None)
@given(
    position=st.floats(0, 150),
    pack=st.integers(1, 30),
    minimum=st.integers(0, 80),
)
def test_what_is_ordered_can_be_bought(position, pack, minimum):
    made = propose(position=position, offer=(terms(pack_size=pack, minimum_quantity=minimum),))
    if made.quantity:
        assert made.quantity % pack == 0
        assert made.quantity >= minimum
        assert made.p_stockout_after <= made.p_stockout_now


def test_min_max_orders_the_economic_quantity_beyond_the_level():
    offer = (terms(order_cost_minor=5000),)
    made = propose(position=100, rules=Rules(policy="s,S"), offer=offer)
    yearly = 50 * 365 / 7
    lot = (2 * 5000 * yearly / (0.25 * 100)) ** 0.5
    level = propose().numbers["order_up_to"]
    # Capped by the cover of 180 days, rounded up to whole units.
    assert made.quantity == pytest.approx(np.ceil(level + min(lot, 1e9) - 100), abs=1)
    assert propose(position=125, rules=Rules(policy="s,S"), offer=offer).quantity == 0


def test_a_price_break_is_taken_where_it_pays_and_not_where_it_does_not():
    cheap = terms(price_breaks=(PriceBreak(quantity=200, unit_cost_minor=90),))
    made = propose(position=30, offer=(cheap,))
    assert (made.quantity, made.unit_cost_minor) == (200, 90)
    assert "price_break" in codes(made)
    slight = terms(price_breaks=(PriceBreak(quantity=2000, unit_cost_minor=99),))
    assert propose(position=30, offer=(slight,)).unit_cost_minor == 100


def test_the_cheapest_supplier_is_taken_unless_the_request_names_one():
    offers = (terms(supplier_id="dear", unit_cost_minor=120), terms(supplier_id="cheap"))
    assert propose(offer=offers).supplier_id == "cheap"
    asked = choose(Request(sku="mug", supplier_id="dear"), features(terms=offers), normal_demand())
    assert asked.value["supplier_id"] == "dear"


def test_order_by_waits_while_stock_lasts_and_keeps_the_suppliers_days():
    assert propose(position=10).order_by == "2026-07-01"
    later = propose(position=400)
    assert later.order_by > "2026-07-20"
    mondays = propose(position=10, offer=(terms(order_weekdays=(0,)),))
    assert mondays.order_by == "2026-07-06"
    assert mondays.expected_receipt == "2026-07-13"
    closed = terms(order_weekdays=(0,), closed_dates=("2026-07-13",))
    assert propose(position=10, offer=(closed,)).expected_receipt == "2026-07-14"


def test_stock_that_will_not_sell_is_advised_on():
    assert propose(position=5000).advice == "markdown"
    assert propose(position=5000, offer=(terms(returnable=True),)).advice == "return"
    two = propose_many(
        normal_demand(n=2),
        skus=["mug", "mug"],
        locations=["north", "south"],
        positions=[Position(on_hand=5000), Position()],
        terms=[(terms(),)] * 2,
        prices_minor=np.array([250.0, 250.0]),
        rules=Rules(),
        today=TODAY,
    )
    assert [one.advice for one in two] == ["transfer", None]


def test_a_suppliers_minimum_waits_until_something_is_urgent():
    offer = (terms(minimum_value_minor=20_000),)
    calm = propose(position=110, offer=offer)
    assert (calm.quantity, codes(calm)[-1]) == (0, "supplier_minimum_wait")
    urgent = propose(position=60, offer=offer)
    assert urgent.value_minor >= 20_000
    assert "supplier_minimum_filled" in codes(urgent)


def test_small_usual_orders_may_go_without_a_planner_and_odd_ones_may_not():
    rules = Rules(auto_approve_value_minor=1_000_000)
    assert approvable(propose(position=30), rules)
    assert not approvable(propose(position=30), Rules())
    assert not approvable(propose(position=30, offer=(terms(lead_time=None),)), rules)
    assert not approvable(propose(position=Position(on_hand=-3)), rules)
    assert not approvable(propose(position=30), replace(rules, auto_approve_value_minor=10))


# Bad input, each with its named answer.


def test_a_supplier_without_lead_time_uses_the_default_and_says_so():
    made = propose(offer=(terms(lead_time=None),))
    assert "default_lead_time" in codes(made)
    assert made.numbers["lead_time_source"] == "default"


def test_nobody_sells_it_is_said_and_the_need_still_shown():
    made = propose(offer=())
    assert made.supplier_id == ""
    assert "no_supplier" in codes(made)
    assert made.quantity > 0


def test_a_minimum_above_the_budget_is_left_out_and_says_so():
    made = propose(rules=Rules(budget_minor=1000), offer=(terms(minimum_quantity=500),))
    assert made.quantity == 0
    assert "minimum_above_budget" in codes(made)


def test_a_lead_time_of_zero_covers_the_review_alone():
    made = propose(offer=(terms(lead_time=lead_time.certain(0)),))
    assert made.numbers["order_up_to"] == pytest.approx(50 + 1.645 * 8, abs=0.1)


def test_a_lead_time_of_400_days_is_ordered_for_and_flagged():
    made = propose(offer=(terms(lead_time=lead_time.certain(400)),))
    assert "long_lead_time" in codes(made)
    assert made.numbers["demand_mean"] == pytest.approx(50 * 407 / 7, rel=0.01)
    assert made.quantity >= made.numbers["demand_mean"]


def test_a_lead_time_of_401_days_is_refused_by_name():
    with pytest.raises(BadInput, match="lead_time_days must be 0 to 400, but is 401"):
        lead_time.around(401, source="promise")


def test_negative_stock_is_owed_and_said():
    made = propose(position=Position(on_hand=-20))
    assert made.quantity == pytest.approx(139, abs=1)
    assert "negative_stock" in codes(made)


def test_stock_that_nobody_counted_is_said():
    assert "never_counted" in codes(propose(position=Position(counted=False)))


def test_what_does_not_sell_is_not_ordered():
    nothing = normal_demand(mean=0.0, std=0.0, segment="ended")
    made = propose(demand=nothing)
    assert made.quantity == 0
    assert codes(made) == ["enough_stock", "ended"]


def test_shelf_life_caps_the_order():
    made = propose(offer=(terms(shelf_life_days=7),))
    assert made.quantity <= 50
    assert "capped" in codes(made)


@pytest.mark.parametrize(
    ("name", "value"),
    [("service_level", 1.0), ("holding_rate", 0), ("policy", "Q,Q"), ("target", "luck")],
)
def test_a_rule_out_of_range_is_named(name, value):
    with pytest.raises(BadInput, match=f"{name} must be"):
        propose(rules=Rules(**{name: value}))


def test_every_reason_has_words():
    made = [
        propose(position=30, offer=(terms(lead_time=None, pack_size=7),)),
        propose(offer=()),
        propose(position=5000),
        propose(rules=Rules(budget_minor=1000)),
    ]
    assert {code for one in made for code in codes(one)} <= telling.REASONS.keys()


def test_the_reference_lists_every_reason():
    page = Path(__file__).parents[2] / "docs" / "reference" / "inventory.md"
    text = page.read_text("utf-8")
    assert [
        code for code, says in telling.REASONS.items() if f"`{code}` | {says} |" not in text
    ] == []


def features(**more):
    panel = DemandPanel(
        skus=["mug"],
        locations=[""],
        frequency="W",
        starts=np.array(["2026-06-22"], dtype="datetime64[D]"),
        units=np.ones((1, 1)),
    )
    values = {
        "as_of_us": clock.to_us(datetime(2026, 7, 1, 3, tzinfo=UTC)),
        "sku": "mug",
        "location": "",
        "panel": panel,
        "position": Position(on_hand=30),
        "terms": (terms(),),
        "rules": Rules(),
        "price_minor": 250,
    }
    return Features(**(values | more))


def test_a_request_may_ask_what_if():
    usual = choose(Request(sku="mug"), features(), normal_demand())
    dearer = choose(Request(sku="mug", service_level=0.99), features(), normal_demand())
    slower = choose(Request(sku="mug", lead_time_days=28), features(), normal_demand())
    poorer = choose(Request(sku="mug", budget_minor=3000), features(), normal_demand())
    assert usual.value["quantity"] < dearer.value["quantity"] < slower.value["quantity"]
    assert poorer.value["value_minor"] <= 3000
    with pytest.raises(BadInput, match="supplier_id 'nobody' does not deliver 'mug'"):
        choose(Request(sku="mug", supplier_id="nobody"), features(), normal_demand())
