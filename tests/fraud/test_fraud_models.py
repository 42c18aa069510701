"""The parts of the detector: fast paths equal slow ones, curves stay in order, forests match."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import IsolationForest

from shopkeeper.fraud import metrics
from shopkeeper.fraud.models import calibration, forest
from shopkeeper.fraud.models.booster import FastBooster
from shopkeeper.fraud.models.learn import fit_trees
from shopkeeper.fraud.models.tails import Tails


@pytest.fixture(scope="module")
def taught():
    draw = np.random.default_rng(4)
    rows = draw.normal(size=(4000, 6))
    rows[draw.random(rows.shape) < 0.05] = np.nan
    label = (np.nan_to_num(rows[:, 0]) + draw.normal(size=4000) > 2).astype(int)
    names = ("amount_minor", "hour", "night", "customer_count_1d", "ip_count_1d", "ring_frauds")
    return rows, label, names, fit_trees(rows, label, names, seed=1, rounds=60)


def test_the_fast_path_is_bit_identical_to_predict(taught):
    rows, _, _, text = taught
    model = FastBooster(text)
    assert model.fast
    slow = model.raw_many(rows[:500])
    assert [model.raw(row) for row in rows[:500]] == slow.tolist()
    model.fast = False
    assert [model.raw(row) for row in rows[:20]] == slow[:20].tolist()


def test_contributions_sum_to_the_score(taught):
    rows, _, _, text = taught
    model = FastBooster(text)
    for row in rows[:50]:
        assert model.contributions(row).sum() == pytest.approx(model.raw(row), abs=1e-9)


def test_monotone_trees_never_let_more_known_fraud_lower_the_risk(taught):
    rows, label, names, _ = taught
    model = FastBooster(fit_trees(rows, label, names, seed=1, rounds=60, monotone=True))
    low, high = rows[:300].copy(), rows[:300].copy()
    low[:, 5], high[:, 5] = -1.0, 1.0
    assert (model.raw_many(high) >= model.raw_many(low)).all()


def test_the_forest_scores_as_scikit_learn_does():
    rows = np.random.default_rng(2).normal(size=(2000, 5)).astype(np.float32).astype(np.float64)
    mine = FastBooster(forest.grow(rows, seed=9))
    theirs = IsolationForest(n_estimators=100, max_samples=256, random_state=9).fit(rows)
    depth = mine.raw_many(rows)
    np.testing.assert_allclose(
        2 ** (-depth / forest.normal_path(256)), -theirs.score_samples(rows), rtol=1e-9
    )


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000))
def test_calibration_never_changes_the_order(seed):
    draw = np.random.default_rng(seed)
    raw = draw.normal(-3, 2, 3000)
    label = (draw.random(3000) < 1 / (1 + np.exp(-raw * 0.7))).astype(int)
    curve = calibration.fit(raw, label)
    asked = np.sort(draw.normal(-3, 2, 200))
    found = curve(asked)
    assert (np.diff(found) >= 0).all()
    assert calibration.error(curve(raw), label) < 0.03
    assert calibration.Calibration.from_facts(curve.facts()) == curve


@pytest.mark.parametrize("make", [calibration._fit_beta, calibration._isotonic])
def test_one_row_is_calibrated_as_many_are(make):
    draw = np.random.default_rng(4)
    scores = draw.normal(-2, 2, 400)
    label = (draw.random(400) < 1 / (1 + np.exp(-scores))).astype(np.int64)
    curve = make(scores, label)
    asked = np.concatenate([scores, draw.uniform(-300, 300, 400)])
    assert [curve.one(raw) for raw in asked.tolist()] == pytest.approx(curve(asked).tolist())


def test_tails_add_what_lies_beyond():
    """Of 1,000 amounts the largest lies beyond about 999: -ln(1/1000), to one knot."""
    rows = np.arange(1000.0)[:, None]
    tails = Tails.fit(rows, ("amount_minor",))
    found = tails.score_many(np.array([[0.0], [500.0], [999.5]]), ("amount_minor",))
    assert found[0] == 0
    assert found[1] == pytest.approx(np.log(2), abs=0.05)
    assert found[2] >= np.log(1000)
    one = tails.fast(("amount_minor",))
    assert [one(np.array([v])) for v in (0.0, 500.0, 999.5)] == pytest.approx(found.tolist())


def test_metrics_agree_with_scikit_learn_and_weights_with_repetition():
    from sklearn.metrics import average_precision_score, roc_auc_score

    draw = np.random.default_rng(3)
    label, score = (draw.random(500) < 0.1).astype(int), draw.integers(0, 40, 500) / 40
    assert metrics.auc_roc(label, score) == pytest.approx(roc_auc_score(label, score))
    ours = metrics.average_precision(label, score)
    assert ours == pytest.approx(average_precision_score(label, score))
    weight = draw.integers(0, 3, 500)
    again = np.repeat(np.arange(500), weight)
    assert metrics.average_precision(label, score, weight) == pytest.approx(
        metrics.average_precision(label[again], score[again])
    )


def test_card_precision_drops_a_card_once_found():
    """Day 1: cards 1 (fraud) and 2; day 2: card 1 again (dropped), card 3 (fraud). k = 1."""
    day = 86_400_000_000
    found = metrics.card_precision(
        np.array([0, 1, day, day + 1]),
        np.array([1, 2, 1, 3]),
        np.array([1, 0, 1, 1]),
        np.array([0.9, 0.1, 0.9, 0.5]),
        k=1,
    )
    assert found.tolist() == [1.0, 1.0]
