"""The ranker: it learns what the blend cannot say, only where it proves better, and says why."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made import N_ITEMS, features, shop

from shopkeeper.base.clock import DAY_US
from shopkeeper.learn import artefacts
from shopkeeper.recommend.models import histories, holdout, learn_rank, ranker, ranking, study
from shopkeeper.recommend.models.blend import ADDED, Blend
from shopkeeper.recommend.models.histories import Histories
from shopkeeper.recommend.models.memo import Memo

DATA = shop(n_users=350, seed=3)
_FOUND = study.choose(shop(n_users=120, seed=3))
CHOSEN = replace(
    _FOUND,
    weights={**_FOUND.weights, "all": {**_FOUND.weights["all"], "popularity": 0.2}},
)


@pytest.fixture(scope="module")
def trained():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranker, "SHAPES", ranker.SHAPES[:1])
        return learn_rank.learn(CHOSEN, DATA)


@pytest.fixture(scope="module")
def served(trained):
    # Every task with trees, whether or not they proved better: serving must hold for each.
    if not trained.has("all"):
        groups = _groups()
        trained.trees_["all"] = trained._trees(groups, ranker.SHAPES[0], 20)
        trained.calibration_["all"] = _calibrated(trained, groups)
    return Blend(CHOSEN, ranker=trained).fit(DATA)


@pytest.fixture(autouse=True)
def _forgetful(served):
    served._memo = Memo()


def _groups():
    horizon_us = int(holdout.horizon_days(DATA) * DAY_US)
    inner, target = holdout.cut_at(DATA, DATA.as_of_us - horizon_us)
    blend = Blend(CHOSEN).fit(inner)
    made = ranker.Ranker()
    made.sources_ = tuple(sorted(blend.sources_))
    made.facts_ = ranking.item_facts(inner, blend.trend_)
    return made._groups(blend, holdout.judge(inner, target), ["all"])["all"]


def _calibrated(trained, groups):
    raw = np.concatenate([trained.trees_["all"].predict(g.rows) for g in groups])
    habits = np.concatenate([g.rows[:, trained._habits()] for g in groups])
    return ranker.calibrate(raw, habits, np.concatenate([g.label for g in groups]))


def test_a_row_of_the_table_is_what_a_reader_counts_by_hand():
    """Bought item 3 on days 10 and 30, item 4 on day 20; asked on day 40."""
    at = np.array([10, 20, 30]) * DAY_US
    asked = Histories(
        start=np.array([0, 3]),
        item=np.array([3, 4, 3], dtype=np.int32),
        at_us=at,
        kind=np.zeros(3, dtype=np.int8),
        quantity=np.ones(3),
        basket=np.arange(3),
        as_of_us=np.array([40 * DAY_US]),
    )
    n = 6
    facts = ranking.ItemFacts(
        trend=np.ones(n),
        lines=np.zeros(n),
        repeat_share=np.zeros(n),
        gap_days=np.full(n, np.nan),
        price=np.log(np.array([1, 1, 1, 2, 8, 4.0])),
        shelf=np.array([0, 0, 0, 1, 1, -1]),
        review_feeling=np.full(n, np.nan),
        review_count=np.zeros(n),
    )
    raw = np.array([0, 0, 0, 2.0, 1.0, 0.5], dtype=np.float32)
    rows = ranking.table(facts, asked, np.array([3, 5, 4]), np.array([3.0, 2, 1]), {"ease": raw})
    told = [dict(zip(ranking.columns(["ease"]), row.tolist(), strict=True)) for row in rows]
    assert told[0]["blend"] == 1
    assert (told[0]["ease"], told[1]["ease"]) == (1, 0.25)
    assert [row["ease_rank"] for row in told] == [0, 2, 1]
    assert [told[0][f"pair_{name}"] for name in ("lines", "age", "gap")] == [2, 10, 20]
    assert told[0]["pair_age_over_gap"] == 0.5
    assert (told[0]["shelf_lines"], told[0]["shelf_age"]) == (3, 10)
    assert np.isnan([told[1]["pair_age"], told[1]["shelf_share"]]).all()
    usual = (2 * np.log(2) + np.log(8)) / 3
    assert told[2]["price_against_usual"] == pytest.approx(np.log(8) - usual)
    assert told[0]["subject_age"] == 10
    assert told[0]["subject_baskets"] == pytest.approx(np.log(4))


def test_trees_learn_a_rule_that_the_blend_cannot_say():
    """Targets are the candidates looked at lately: no source speaks of it, the trees find it."""
    rng = np.random.default_rng(5)
    names = ranking.columns(("ease", "popularity"))
    groups = []
    for _ in range(500):
        rows = rng.random((40, len(names))).astype(np.float32)
        rows[:, names.index("looked_age")] = rng.integers(0, 60, 40)
        label = rows[:, names.index("looked_age")] < 5
        groups.append(ranker.Group(rows=rows, label=label, targets=max(1, int(label.sum()))))
    made = ranker.Ranker()
    made.sources_, made.trees_, made.calibration_ = ("ease", "popularity"), {}, {}
    made.validation_ = {}
    made._learn("all", groups[::2], groups[1::2])
    assert made.has("all")
    assert made.validation_["all"]["ranker"] > 0.95 > made.validation_["all"]["blend"]


def test_where_labels_are_luck_the_order_of_the_blend_stands():
    rng = np.random.default_rng(5)
    names = ranking.columns(("ease",))
    groups = [
        ranker.Group(
            rows=rng.random((40, len(names))).astype(np.float32),
            label=np.isin(np.arange(40), rng.integers(0, 40, 3)),
            targets=3,
        )
        for _ in range(500)
    ]
    made = ranker.Ranker()
    made.sources_, made.trees_, made.calibration_ = ("ease",), {}, {}
    made.validation_ = {}
    made._learn("all", groups[::2], groups[1::2])
    assert not made.has("all")


def test_trees_taught_before_a_column_came_read_the_columns_they_know(served):
    trees = served.ranker_.trees_["all"]
    grown = ranking.columns(served.ranker_.sources_)
    asked = features(DATA, 5)
    before = served.predict(asked).item.tolist()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranking, "_TOLD", (*ranking._TOLD, "review_count"))
        served._memo = Memo()
        assert len(ranking.columns(served.ranker_.sources_)) == len(grown) + 1
        assert served.predict(asked).item.tolist() == before
        assert served.why(asked, before[0]) is not None
    assert trees.num_feature() == len(grown)


def test_reviews_are_columns_and_a_product_without_one_is_unknown():
    felt = np.zeros((N_ITEMS, 2))
    felt[3] = 0.6, np.log1p(4)
    facts = ranking.item_facts(replace(DATA, item_reviews=felt), np.ones(N_ITEMS))
    assert facts.review_feeling[3] == pytest.approx(0.6)
    assert np.isnan(facts.review_feeling[4])
    assert facts.review_count[[3, 4]] == pytest.approx([np.log(5), 0.0])
    rows = ranking.table(
        facts,
        histories.group(DATA.interactions, DATA.as_of_us).chunk(0, 1),
        np.array([3, 4]),
        np.array([1.0, 0.5]),
        {},
    )
    names = ranking.columns([])
    assert rows[0, names.index("review_feeling")] == pytest.approx(0.6)
    older = {k: v for k, v in ranking.to_arrays(facts).items() if "review" not in k}
    assert np.isnan(ranking.from_arrays(older).review_feeling).all()


def test_few_customers_train_no_trees():
    small = shop(n_users=60, seed=3)
    assert learn_rank.learn(CHOSEN, small).trees_ == {}


def test_probabilities_are_calibrated_and_keep_the_order_of_the_trees():
    rng = np.random.default_rng(2)
    raw = rng.normal(size=40_000)
    habits = np.column_stack([rng.normal(size=40_000), rng.normal(size=40_000), rng.random(40_000)])
    truth = 1 / (1 + np.exp(3 - raw - 0.5 * habits[:, 0]))
    label = rng.random(40_000) < truth
    held = ranker.calibrate(raw[:20_000], habits[:20_000], label[:20_000])
    found = held.apply(raw[20_000:], habits[20_000:])
    assert ((found > 0) & (found < 1)).all()
    assert np.abs(found - truth[20_000:]).mean() < 0.01
    one = held.apply(np.sort(raw[:200]), np.repeat(habits[:1], 200, axis=0))
    assert (np.diff(one) >= 0).all()


@pytest.mark.parametrize("user", [0, 5, 77])
def test_serving_orders_as_the_batch_that_was_measured(served, user):
    popularity = served.sources_["popularity"].popularity_
    answer = served.predict(replace(features(DATA, user), popularity=popularity))
    past = histories.group(DATA.interactions, DATA.as_of_us)
    batch = served.scores(past.chunk(user, user + 1), "all")[0]
    assert (np.diff(batch[answer.item]) <= 1e-7).all()


def test_shares_and_what_the_trees_add_sum_to_the_probability(served):
    answer = served.predict(features(DATA, 5))
    assert answer.sources[-1] == ADDED
    assert answer.parts.sum(axis=1) == pytest.approx(answer.score, abs=1e-6)
    assert ((answer.score > 0) & (answer.score < 1)).all()
    assert (np.diff(answer.score) <= 1e-7).all()


def test_contributions_sum_to_the_raw_score(served):
    """TreeSHAP: the bias and what each column adds are the raw score, exactly."""
    told = served.why(features(DATA, 5), int(served.predict(features(DATA, 5)).item[0]))
    assert sum(told["adds"].values()) == pytest.approx(told["raw"], abs=1e-6)
    assert set(told["adds"]) == {*ranking.columns(served.ranker_.sources_), "bias"}


def test_a_ranked_blend_at_rest_answers_the_same(served, tmp_path):
    artefacts.save(served.to_artefact(), tmp_path / "m")
    back = Blend.from_artefact(artefacts.load(tmp_path / "m"))
    for user in (0, 5):
        one, two = served.predict(features(DATA, user)), back.predict(features(DATA, user))
        assert (one.item == two.item).all()
        assert one.score == pytest.approx(two.score)


def test_an_item_that_training_never_saw_follows_behind(served):
    asked = features(DATA, 5)
    grown = [*asked.item_ids, "new-one"]
    popularity = np.append(asked.popularity, asked.popularity.max() * 5).astype(np.float32)
    answer = served.predict(replace(asked, item_ids=grown, popularity=popularity))
    assert N_ITEMS in answer.item.tolist()
    assert answer.item.tolist()[0] != N_ITEMS
