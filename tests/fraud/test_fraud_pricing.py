"""What decisions cost: the outcomes of the policy, priced with the truth, beside thresholds."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopkeeper.fraud import policy, pricing
from shopkeeper.fraud.controls import Controls
from shopkeeper.fraud.costs import Costs
from shopkeeper.fraud.registry import NAMES, ROW
from shopkeeper.fraud.request import parse
from shopkeeper.fraud.rules_row import NAMES as RULE_NAMES
from shopkeeper.fraud.schema import OUTCOMES, Features, Prediction

CALM = Costs(explore_share=0.0, audit_share=0.0)
HOUR_US = 3_600_000_000


def payments(amount, label, *, at_us=None, value=None):
    n = len(amount)
    return pricing.Payments(
        at_us=np.arange(n) * HOUR_US if at_us is None else np.asarray(at_us),
        amount=np.asarray(amount),
        label=np.asarray(label),
        customer=np.arange(n),
        yearly_value=np.zeros(n) if value is None else np.asarray(value),
    )


def test_what_is_priced_is_what_the_policy_does():
    """Amounts, probabilities and customers of every kind, with a desk that fills up."""
    draw = np.random.default_rng(3)
    n = 400
    costs = replace(CALM, review_capacity=12)
    columns = np.zeros((n, len(NAMES)))
    columns[:, ROW["customer_count_30d"]] = draw.integers(1, 6, n)
    columns[:, ROW["customer_mean_30d"]] = draw.integers(500, 20_000, n)
    columns[:5, ROW["customer_mean_30d"]] = np.nan
    amount, probability = draw.integers(100, 300_000, n), draw.beta(0.4, 1, n)
    at_us = np.sort(draw.integers(0, 72 * HOUR_US, n)) + 1_700_000_000_000_000
    controls = Controls(names=RULE_NAMES, draws=np.random.default_rng(0), costs=costs)
    told = []
    for place in range(n):
        asked = {"payment_id": f"p{place}", "amount_minor": int(amount[place]), "currency": "EUR"}
        features = Features(
            as_of_us=int(at_us[place]),
            names=NAMES,
            values=columns[place],
            row=ROW,
            controls=controls,
        )
        believed = Prediction(
            probability=probability[place : place + 1],
            raw=np.zeros(1),
            rarity=np.ones(1),
            calibrated=True,
        )
        told.append(policy.choose(parse(asked), features, believed).value["outcome"])
    value = pricing.yearly_value(columns, NAMES)
    made = pricing.chosen(
        costs, probability, payments(amount, np.zeros(n), at_us=at_us, value=value)
    )
    assert [OUTCOMES[place] for place in made] == told
    assert set(told) == set(OUTCOMES)
    free = payments(amount, np.zeros(n), at_us=at_us, value=value)
    unlimited = pricing.chosen(CALM, probability, free)
    assert (unlimited != made).any()  # the desk was full at times, or this proves less


def test_each_outcome_costs_what_the_truth_says():
    """A = 100.00, fee 15.00, margin 25 %, insult 5.00: a fraud loses 115.00, a block 30.00."""
    one = pricing.priced(
        CALM,
        np.array([0.0, 1.0, 0.0, 1.0]),
        payments([10_000] * 4, [0, 0, 1, 1]),
        np.random.default_rng(0),
    )
    assert one.outcomes == {"approve": 2, "challenge": 0, "review": 0, "block": 2}
    assert one.cost == pytest.approx((0 + 30 + 115 + 0) / 4)
    # Held for good at .08 drop-off, .75 stopped, .10 each: 2.50 and 28.85.
    sure = pricing.priced(
        replace(CALM, review_capacity=0),
        np.array([0.1, 0.1]),
        payments([10_000] * 2, [0, 1]),
        np.random.default_rng(0),
    )
    assert sure.outcomes["challenge"] == 2
    assert sure.cost == pytest.approx((0.10 + 0.08 * 30 + 0.10 + 0.25 * 115) / 2)


def test_what_is_not_calibrated_blocks_nothing():
    told = pricing.chosen(CALM, np.ones(3), payments([90_000] * 3, [1, 1, 1]), calibrated=False)
    assert OUTCOMES.index("block") not in told.tolist()


rows = st.lists(st.tuples(st.floats(0, 1), *[st.floats(0, 9)] * 4), min_size=1, max_size=7)


@settings(max_examples=80, deadline=None)
@given(rows)
def test_the_ladder_is_the_cheapest_of_all_ladders(given_rows):
    probability = np.array([row[0] for row in given_rows])
    truth = np.array([row[1:] for row in given_rows])
    thresholds, steps = pricing._ladder(probability, truth)
    found = truth[np.arange(len(steps)), steps].sum()
    order = np.argsort(probability, kind="stable")
    cheapest = min(
        sum(truth[order[i], sum(i >= cut for cut in cuts)] for i in range(len(order)))
        for cuts in itertools.combinations_with_replacement(range(len(order) + 1), 3)
    )
    assert found == pytest.approx(cheapest)
    assert list(thresholds) == sorted(thresholds)


def test_a_sharp_model_beats_every_single_threshold_and_a_blind_one_does_not():
    draw = np.random.default_rng(11)
    n = 20_000
    chance = draw.beta(0.2, 4, n)
    label = (draw.random(n) < chance).astype(np.int64)
    given_rows = payments(draw.lognormal(8, 1.6, n).astype(np.int64), label)
    sharp = pricing.priced(CALM, chance, given_rows, np.random.default_rng(0))
    told = pricing.summed([sharp])
    assert told["against_best_fixed"]["verdict"] == "cheaper"
    assert told["against_best_fixed"]["interval_95"][1] < 0
    low, high = told["interval_95"]
    assert low < sharp.cost < high
    blind = pricing.priced(CALM, draw.random(n), given_rows, np.random.default_rng(0))
    assert pricing.summed([blind])["against_best_fixed"]["verdict"] == "dearer"
    assert blind.cost > sharp.cost
