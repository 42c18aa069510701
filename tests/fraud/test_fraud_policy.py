"""Lists before rules before costs; chance is drawn, logged and capped."""

from __future__ import annotations

import dataclasses
import math
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from made_cases import controls, features, prediction, request

from shopkeeper.base.clock import DAY_US
from shopkeeper.base.settings import Settings
from shopkeeper.fraud import lists, reasons
from shopkeeper.fraud.costs import Costs, expected, stakes
from shopkeeper.fraud.policy import choose, default
from shopkeeper.fraud.rules import OUTCOMES, SEVERITY, Rule
from shopkeeper.learn.contracts import Reason

# The brief's shop: only approve and block can be cheapest.
GOLDEN = Costs(
    recovery_share=0,
    chargeback_fee_minor=15,
    margin_minor=20,
    insult_minor=5,
    challenge_minor=10**6,
    review_capacity=0,
    explore_share=0.0,
    audit_share=0.0,
)


def with_costs(costs, seed=1):
    made = controls(seed)
    made.costs = costs
    return made


def rule(outcome, expression="request_kind == 'payment'", **more):
    return Rule(
        rule_id=f"say_{outcome}", expression=expression, outcome=outcome, status="live", **more
    )


@pytest.mark.parametrize(("p", "outcome"), [(0.178571, "approve"), (0.178572, "block")])
def test_the_golden_threshold(p, outcome):
    """A=100, r=0, fee=15, margin=20, insult=5 → block iff p > 25/140 = .178571."""
    said = choose(request(amount_minor=100), features(with_costs(GOLDEN)), prediction(p))
    assert said.value["outcome"] == outcome
    assert said.value["block_above"] == pytest.approx(0.178571, abs=1e-6)


@given(p=st.floats(0, 1), amount=st.integers(0, 10**7))
def test_without_rules_the_outcome_costs_least(p, amount):
    costs = Costs(explore_share=0.0)
    said = choose(request(amount_minor=amount), features(with_costs(costs)), prediction(p))
    least = expected(costs, p, stakes(costs, amount))
    assert least[said.value["outcome"]] == pytest.approx(min(least.values()))


def test_a_model_that_is_not_calibrated_may_hold_but_not_block():
    costs = Costs(explore_share=0.0, review_capacity=0)
    sure = choose(request(), features(with_costs(costs)), prediction(0.999))
    assert sure.value["outcome"] == "block"
    unsure = choose(request(), features(with_costs(costs)), prediction(0.999, calibrated=False))
    assert unsure.value["outcome"] == "challenge"


def test_lists_come_first_and_block_beats_allow():
    book = controls()
    blocked = lists.propose(list_name="block", kind="ip", key="h1", operator="li", now_us=10**15)
    asked = lists.propose(
        list_name="allow", kind="customer_id", key="c1", operator="li", now_us=10**15
    )
    book.lists.put(lists.approve(asked, operator="wang", now_us=10**15))
    book.book.put(rule("block"))
    good = choose(request(customer_id="c1"), features(book), prediction(0.99))
    assert (good.value["outcome"], good.reasons[0].code) == ("approve", "list_allow")
    book.lists.put(blocked)
    bad = choose(request(customer_id="c1", keys={"ip": "h1"}), features(book), prediction(0.0))
    assert (bad.value["outcome"], bad.reasons[0].code) == ("block", "list_block")
    assert bad.value["list"] == blocked.entry_id


@pytest.mark.parametrize("ruled", OUTCOMES[1:])
@pytest.mark.parametrize("p", [0.0, 0.02, 0.3, 0.99])
def test_a_rule_is_a_floor(ruled, p):
    costs = Costs(explore_share=0.0)
    without = choose(request(), features(with_costs(costs)), prediction(p)).value["outcome"]
    held = with_costs(costs)
    held.book.put(rule(ruled))
    said = choose(request(), features(held), prediction(p))
    assert SEVERITY[said.value["outcome"]] == max(SEVERITY[ruled], SEVERITY[without])
    assert said.value["rule"] == f"say_{ruled}"


def test_a_rule_that_approves_ends_the_matter_and_a_shadow_rule_only_leaves_a_trace():
    held = controls()
    held.book.put(rule("approve", "customer_id == 'c1'", priority=1))
    held.book.put(dataclasses.replace(rule("block"), status="shadow"))
    said = choose(request(customer_id="c1"), features(held), prediction(0.99))
    assert said.value["outcome"] == "approve"
    assert said.value["shadow"] == ["say_block"]
    other = choose(request(customer_id="c2"), features(held), prediction(0.0))
    assert other.reasons[0].code == "least_cost"


def test_rules_read_features_countries_and_what_is_missing():
    held = controls()
    held.book.put(rule("block", "ip_declines_10m >= 5 and billing_country == 'DE'"))
    hit = choose(
        request(billing_country="DE"), features(held, ip_declines_10m=5.0), prediction(0.0)
    )
    assert hit.value["outcome"] == "block"
    unknown = features(held, ip_declines_10m=math.nan)
    assert choose(request(billing_country="DE"), unknown, prediction(0.0)).value["rule"] is None


def test_the_random_slice_is_drawn_logged_and_capped():
    costs = dataclasses.replace(
        GOLDEN, explore_share=0.2, explore_largest_minor=100, explore_budget_minor=1000
    )
    held = with_costs(costs)
    drawn = [choose(request(amount_minor=100), features(held), prediction(0.9)) for _ in range(400)]
    explored = [c for c in drawn if c.reasons[0].code == "explored"]
    # Each costs .9 · 115 = 103.5 expected, so 9 of them fit into 1,000.
    assert len(explored) == 9
    assert {c.propensity for c in explored} == {0.2}
    assert {c.value["outcome"] for c in explored} == {"approve"}
    blocked = [c for c in drawn if c.value["outcome"] == "block"]
    assert {c.propensity for c in blocked[:20]} == {0.8}
    assert blocked[-1].propensity is None  # the budget is used up: no chance, no propensity
    later = features(held, as_of_us=10**15 + 31 * DAY_US)
    assert choose(request(amount_minor=100), later, prediction(0.9)).propensity in (0.2, 0.8)
    large = features(held, as_of_us=10**15 + 62 * DAY_US)
    assert choose(request(amount_minor=101), large, prediction(0.9)).propensity is None


def test_the_share_of_the_random_slice_is_what_it_says():
    costs = dataclasses.replace(GOLDEN, explore_share=0.1, explore_budget_minor=10**9)
    held = with_costs(costs, seed=3)
    many = [choose(request(amount_minor=100), features(held), prediction(0.9)) for _ in range(2000)]
    share = sum(c.reasons[0].code == "explored" for c in many) / 2000
    assert abs(share - 0.1) < 3 * (0.1 * 0.9 / 2000) ** 0.5


def test_a_desk_that_fills_reviews_less():
    costs = Costs(review_capacity=20, challenge_minor=10**6, explore_share=0.0)
    held = with_costs(costs)
    outcomes = [
        choose(request(amount_minor=20_000), features(held), prediction(0.15)).value["outcome"]
        for _ in range(60)
    ]
    assert outcomes[0] == "review"
    assert 0 < outcomes.count("review") <= 20
    assert outcomes[-1] != "review"
    tomorrow = features(held, as_of_us=10**15 + DAY_US)
    again = choose(request(amount_minor=20_000), tomorrow, prediction(0.15))
    assert again.value["outcome"] == "review"


def test_reasons_add_up_and_speak_both_languages():
    told = prediction(
        0.9,
        groups={"network": 2.0, "amount": 1.0, "customer": -0.5},
        contributions=np.array([1.5, 0.5, 1.0, -0.5, -3.0]),
        names=("ip_declines_10m", "ip_count_1h", "amount_minor", "customer_age_120d"),
    )
    said = choose(request(), features(controls(), ip_declines_10m=7.0), told)
    assert [r.code for r in said.reasons[:3]] == [said.reasons[0].code, "network", "amount"]
    assert said.reasons[1].share == pytest.approx(2 / 3, abs=1e-4)
    assert said.reasons[1].facts["feature"] == "ip_declines_10m"
    assert said.reasons[1].facts["value"] == 7.0
    for reason in said.reasons:
        assert reasons.sentence(reason.code, reason.facts, "en")
        assert reasons.sentence(reason.code, reason.facts, "zh")


def test_contributions_are_asked_for_only_when_somebody_is_stopped():
    asked = []

    def because():
        asked.append(1)
        return prediction(0.5, groups={"amount": 1.0})

    choose(request(), features(controls()), prediction(0.0, because=because))
    assert asked == []
    said = choose(request(), features(controls()), prediction(0.9, because=because))
    assert asked == [1]
    assert "amount" in [reason.code for reason in said.reasons]


def test_the_default_answers_without_a_score():
    said = default(request(), Settings())
    assert said.value["outcome"] == "review"
    assert default(request(), Settings(fraud_on_failure="approve")).value["outcome"] == "approve"
    assert default(request(), Settings(fraud_on_failure="panic")).value["outcome"] == "review"
    assert said.reasons == (Reason(code="failure_default", facts={"outcome": "review"}),)


def test_the_record_holds_what_a_back_test_needs():
    said = choose(
        request(), features(controls(), ip_count_1h=3.0, ip_age_90d=math.nan), prediction(0.1)
    )
    assert said.value["features"] == {"ip_count_1h": 3.0, "ip_age_90d": None}
