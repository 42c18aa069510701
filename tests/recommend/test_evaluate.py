"""Evaluate: baselines always there, the champion from validation, the cold counted apart."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from made import shop

from shopkeeper.base.clock import DAY_US
from shopkeeper.base.errors import BadInput
from shopkeeper.recommend import evaluate
from shopkeeper.recommend.evaluate import BASELINES, METRICS, Setup
from shopkeeper.recommend.models import histories, holdout
from shopkeeper.recommend.models.fusion import Judged
from shopkeeper.recommend.models.lists import rank, score_lists
from shopkeeper.recommend.schema import Interactions

DATA = shop()


@pytest.fixture(scope="module")
def repeats():
    setup = Setup(protocol="time", at_us=150 * DAY_US, repeats=True)
    return evaluate.evaluate(DATA, setup, {"sha256": "x"})


@pytest.fixture(scope="module")
def last_out():
    return evaluate.evaluate(DATA, Setup(protocol="last-out"))


def test_the_printed_object_has_the_promised_shape(repeats):
    printed = json.loads(json.dumps(repeats.report, allow_nan=False))
    assert {"capability", "data", "protocol", "models", "champion", "baseline"} <= set(printed)
    assert {"rows", "users", "items", "sha256"} <= set(printed["data"])
    for model in printed["models"].values():
        assert set(model["metrics"]) == set(METRICS)
        for name, (low, high) in model["interval_95"].items():
            assert low <= model["metrics"][name] <= high
        for cost in ("fit_seconds", "predict_ms_per_row", "peak_memory_mb"):
            assert model[cost] >= 0


def test_baselines_stand_in_every_report(repeats, last_out):
    assert set(BASELINES) <= set(repeats.report["models"])
    assert set(BASELINES) - {"frequency"} <= set(last_out.report["models"])
    assert repeats.report["baseline"] == "frequency"
    assert last_out.report["baseline"] == "popularity"


def test_the_champion_is_best_on_validation(repeats):
    models = repeats.report["models"]
    best = max(models, key=lambda name: models[name].get("validation_ndcg_at_10", -1))
    assert repeats.report["champion"] == best


def test_repeat_and_discovery_are_reported_apart(repeats):
    blend = repeats.report["models"]["blend"]
    assert set(blend["repeat"]["metrics"]) == set(blend["discovery"]["metrics"]) == set(METRICS)
    assert blend["discovery"]["users"] <= blend["users"]


def test_the_same_seed_prints_the_same_metrics(last_out):
    again = evaluate.evaluate(DATA, Setup(protocol="last-out")).report["models"]
    for name, model in last_out.report["models"].items():
        assert again[name]["metrics"] == model["metrics"]
        assert again[name]["interval_95"] == model["interval_95"]


def test_users_and_items_that_training_never_saw_are_counted_apart():
    log = DATA.interactions
    n_users, n_items = len(log.user_ids), len(log.item_ids)
    extra = Interactions(
        user=np.append(log.user, [n_users, n_users, 0]).astype(np.int32),
        item=np.append(log.item, [3, 4, n_items]).astype(np.int32),
        at_us=np.append(log.at_us, [199 * DAY_US] * 3),
        kind=np.append(log.kind, [0, 0, 0]),
        quantity=np.append(log.quantity, [1.0, 1.0, 1.0]),
        basket=np.append(log.basket, [10**6, 10**6, 10**6 + 1]),
        user_ids=[*log.user_ids, "zz-new"],
        item_ids=[*log.item_ids, "zz-new"],
    )
    plain, data = replace(DATA, item_text=()), replace(DATA, interactions=extra, item_text=())
    setup = Setup(protocol="time", at_us=150 * DAY_US, repeats=True)
    before, after = (evaluate.evaluate(d, setup).report for d in (plain, data))
    gained = {name: after["data"][name] - before["data"][name] for name in before["data"]}
    assert (gained["cold_users"], gained["cold_items"], gained["cold_targets"]) == (1, 1, 3)
    assert after["cold"]["users"]["count"] == after["data"]["cold_users"]
    assert "ndcg_at_10" in after["cold"]["users"]["metrics"]
    warm = after["models"]["popularity"]["metrics"]["ndcg_at_10"]
    assert warm == before["models"]["popularity"]["metrics"]["ndcg_at_10"]


def test_a_cut_outside_the_data_is_refused():
    for at_us in (-DAY_US, 10_000 * DAY_US):
        with pytest.raises(BadInput, match="--at leaves no rows on one side"):
            evaluate.evaluate(DATA, Setup(protocol="time", at_us=at_us))


def test_a_log_of_repeats_alone_asks_for_repeats():
    log = DATA.interactions
    favourite = replace(log, item=(log.user % 7).astype(np.int32))
    with pytest.raises(BadInput, match="Every held-out row is an item that its user met before"):
        evaluate.evaluate(replace(DATA, interactions=favourite), Setup())


def test_limit_users_judges_a_sample_of_that_size():
    printed = evaluate.evaluate(DATA, Setup(limit_users=40)).report
    assert printed["data"]["test_users"] == 40


def test_a_list_hides_what_was_seen_and_hits_only_what_is_left():
    """Two users, four items. User 0 saw item 0; its targets are 0 and 2."""
    log = Interactions(
        user=np.array([0, 1], dtype=np.int32),
        item=np.array([0, 1], dtype=np.int32),
        at_us=np.array([0, 0]),
        kind=np.zeros(2, dtype=np.int8),
        quantity=np.ones(2),
        basket=np.arange(2),
        user_ids=["a", "b"],
        item_ids=["w", "x", "y", "z"],
    )
    asked = histories.group(log, 1)
    judged = Judged(asked=asked, target_start=np.array([0, 2, 3]), target_item=np.array([0, 2, 1]))
    ranked = rank(lambda a: np.tile([4.0, 3, 2, 1], (a.n_subjects, 1)), asked, 4, "discovery")
    assert ranked[0, :4].tolist() == [1, 2, 3, -1]
    found = score_lists(ranked, judged, "discovery", np.array([1, 1, 0, 0]), 2)
    # User 1's only target was seen before, so user 0 alone is judged: item 2 at rank 2.
    assert found["users"] == 1
    assert found["per_subject"]["mrr_at_10"].tolist() == [1 / 2]
    everything = rank(lambda a: np.tile([4.0, 3, 2, 1], (a.n_subjects, 1)), asked, 4, "all")
    found = score_lists(everything, judged, "all", np.array([1, 1, 0, 0]), 2)
    assert found["per_subject"]["recall_at_10"].tolist() == [2 / 2, 1 / 1]


def test_a_sample_of_users_keeps_their_own_targets():
    train, target = holdout.last_out(DATA)
    whole, some = holdout.judge(train, target), holdout.judge(train, target, limit=10)
    assert some.asked.n_subjects == 10
    assert len(some.target_item) == 10 <= len(whole.target_item)
