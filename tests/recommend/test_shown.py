"""Slates teach the ranker without what a place gains by itself, and only when there are enough."""

from __future__ import annotations

import numpy as np
import pytest
from made import DAYS, shop

from shopkeeper.base.clock import DAY_US
from shopkeeper.recommend.models import holdout, learn_rank, ranker, ranking, shown, study
from shopkeeper.recommend.models.blend import Blend
from shopkeeper.recommend.models.ranker import Group, Ranker
from shopkeeper.recommend.models.shown import Slates

NAMES = ranking.columns(("ease", "popularity"))
OLD, TRUE = NAMES.index("blend"), NAMES.index("looked_age")
PLACES = 10
SHAPE = ranker.FROM_SLATES[0]


def slates_of(n: int, *, told: bool, seed: int = 0) -> list[Group]:
    """Return slates placed by the old ranker's score; liking knows nothing of that score.

    Place k is looked at with chance 1 / k; then whoever liked it takes it.
    """
    rng = np.random.default_rng(seed)
    groups = []
    for _ in range(n):
        rows = rng.random((PLACES, len(NAMES))).astype(np.float32)
        position = np.empty(PLACES, dtype=np.int64)
        position[np.argsort(-rows[:, OLD])] = np.arange(PLACES)
        liked = 0.1 + 0.5 * (rows[:, TRUE] > 0.7)
        taken = rng.random(PLACES) < liked / (1 + position)
        if taken.any():
            where = position if told else None
            label = taken.astype(np.int64)
            groups.append(Group(rows=rows, label=label, targets=1, position=where))
    return groups


def test_what_a_place_gains_by_itself_is_left_out_of_the_trees():
    made = Ranker()
    rng = np.random.default_rng(9)
    fresh = rng.random((20_000, len(NAMES))).astype(np.float32)
    liked = 0.1 + 0.5 * (fresh[:, TRUE] > 0.7)
    found = {}
    for told in (False, True):
        trees = made._trees(slates_of(4_000, told=told), SHAPE, 100)
        score = np.asarray(trees.predict(fresh, raw_score=True))
        found[told] = [abs(np.corrcoef(score, x)[0, 1]) for x in (liked, fresh[:, OLD])]
    assert found[False][1] > 0.5  # the naive trees believe that the old ranker was right
    assert found[True][1] < 0.6 * found[False][1]
    assert found[True][0] > found[False][0] + 0.1


def judges(n: int, seed: int) -> list[Group]:
    """Return customers whose purchases follow what is liked, whatever the blend says."""
    rng = np.random.default_rng(seed)
    groups = []
    for _ in range(n):
        rows = rng.random((40, len(NAMES))).astype(np.float32)
        label = (rows[:, TRUE] > 0.7) & (rng.random(40) < 0.2)
        groups.append(Group(rows=rows, label=label, targets=max(1, int(label.sum()))))
    return groups


def learned(slates, monkeypatch) -> Ranker:
    """Return a ranker whose purchases of the past say nothing, so that only slates can teach."""
    monkeypatch.setattr(ranker, "SHAPES", ranker.SHAPES[:1])
    made = Ranker()
    made.sources_, made.trees_, made.calibration_ = ("ease", "popularity"), {}, {}
    made.validation_ = {}
    luck = [
        Group(rows=g.rows, label=np.random.default_rng(i).permutation(g.label), targets=g.targets)
        for i, g in enumerate(judges(300, 1))
    ]
    made._learn("all", luck, judges(1_200, 2), slates)
    return made


def test_enough_slates_win_where_they_foretell_purchases_and_the_chance_stays_calibrated(
    monkeypatch,
):
    slates = slates_of(4_000, told=True)
    made = learned((slates[: len(slates) // 2], slates[len(slates) // 2 :]), monkeypatch)
    assert made.validation_["all"]["slates"] is True
    kept = judges(400, 3)
    rows = np.concatenate([g.rows for g in kept])
    raw = np.asarray(made.trees_["all"].predict(rows, raw_score=True))
    chance = made.calibration_["all"].apply(raw, rows[:, made._habits()])
    label = np.concatenate([g.label for g in kept])
    assert chance.mean() == pytest.approx(label.mean(), rel=0.15)
    high = chance > np.quantile(chance, 0.8)
    assert chance[high].mean() == pytest.approx(label[high].mean(), rel=0.2)


def test_too_few_slates_do_not_compete(monkeypatch):
    few = slates_of(200, told=True)
    assert sum(len(g.label) for g in few) < shown.ENOUGH_PLACES
    assert "slates" not in learned((few, few), monkeypatch).validation_["all"]


def made_slates(data, n: int) -> Slates:
    rng = np.random.default_rng(2)
    at = np.sort(rng.integers(120, DAYS, n)) * DAY_US + 7
    return Slates(
        user=rng.integers(0, 120, n),
        at_us=at,
        start=np.arange(n + 1) * 3,
        item=np.concatenate([rng.permutation(30)[:3] for _ in range(n)]),
        position=np.tile(np.arange(3), n),
        grade=np.tile(np.array([0, 1, 3]), n),
    )


def test_a_slates_customer_is_known_up_to_its_moment_and_not_beyond():
    data = shop()
    slates = made_slates(data, 60)
    asked = slates.asked(data.interactions)
    log = data.interactions
    for at in range(60):
        mine = (log.user == slates.user[at]) & (log.at_us < slates.at_us[at])
        got = asked.item[asked.start[at] : asked.start[at + 1]]
        assert sorted(got.tolist()) == sorted(log.item[mine].tolist())
    assert asked.as_of_us.tolist() == slates.at_us.tolist()


def test_rows_of_slates_are_the_rows_that_serve():
    data = shop(n_users=150, seed=4)
    past, _ = holdout.cut_at(data, 150 * DAY_US)
    chosen = study.choose(past)
    blend = Blend(chosen).fit(past)
    slates = made_slates(data, 80).between(150 * DAY_US, DAYS * DAY_US)
    groups = learn_rank.groups_of(slates, blend, past, data.interactions)
    assert len(groups) == len(slates.user) > 10
    width = len(ranking.columns(tuple(sorted(blend.sources_))))
    for at, group in enumerate(groups):
        assert group.rows.shape == (3, width)
        assert group.label.tolist() == [0, 1, 3]
        assert group.position.tolist() == [0, 1, 2]
        # What the customer had bought of each item by then, counted by hand.
        log = data.interactions
        mine = (log.user == slates.user[at]) & (log.at_us < slates.at_us[at])
        column = ranking.columns(tuple(sorted(blend.sources_))).index("pair_lines")
        wanted = [int((log.item[mine] == i).sum()) for i in slates.item[3 * at : 3 * at + 3]]
        assert group.rows[:, column].tolist() == wanted


def test_a_sample_keeps_only_its_customers_and_items_and_no_item_alone():
    data = shop()
    slates = made_slates(data, 60)
    log = holdout.take(data.interactions, data.interactions.user < 60)
    some = slates.of(log, data.interactions)
    assert len(some.user) == int((slates.user < 60).sum())
    assert (np.diff(some.start) == 3).all()
    assert set(some.user.tolist()) <= set(range(60))


def test_the_record_gives_grades_and_places_and_leaves_out_strangers():
    def row(decision, customer, item, position):
        told = {"decision_id": decision, "customer_id": customer, "occurred_us": 5}
        return told | {"item_id": item, "position": position}

    rows = [row("d1", "u1", "i1", 0), row("d1", "u1", "i9", 1), row("d1", "u1", "i2", 2)]
    rows.append(row("d2", "nobody", "i1", 0))
    taken = {("d1", "i2"): [{"label": "select_item"}, {"label": "add_to_cart"}]}
    found = shown.of_record(rows, taken, ["u0", "u1"], ["i1", "i2"])
    assert found.user.tolist() == [1]
    assert found.item.tolist() == [0, 1]
    assert found.position.tolist() == [0, 2]
    assert found.grade.tolist() == [0, 2]
    nothing = shown.of_record([], {}, [], [])
    assert len(nothing.between(0, 10).user) == 0
