"""Young customers: popularity carries the page while a click says too little, then lets go."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made import COLD, features, shop

from shopkeeper.recommend.models import fusion, holdout, young
from shopkeeper.recommend.models.blend import LIVE, Blend
from shopkeeper.recommend.models.fusion import Study

DATA = shop(n_users=300, seed=5)
CHOSEN = Study(
    settings={},
    weights={
        "all": {"item-knn": 1.0, "popularity": 0.01},
        "discovery": {"item-knn": 1.0},
        "similar": {"item-knn": 1.0},
    },
    trend={},
    young={"all": 3.0},
)


def young_of(user: int, rows: int):
    asked = features(DATA, user)
    first = {n: getattr(asked.history, n)[:rows] for n in ("item", "at_us", "kind", "quantity")}
    return replace(
        asked, history=replace(asked.history, basket=asked.history.basket[:rows], **first)
    )


def test_the_push_falls_with_items_and_ends():
    lines = np.array([0, 1, 3, young.MOST, young.MOST + 1])
    found = young.push_of(CHOSEN, "all", lines)
    assert found == pytest.approx([0.0, 3.0, 1.0, 3.0 / young.MOST, 0.0])
    assert not young.push_of(CHOSEN, "similar", lines).any()


def test_a_customer_of_one_item_sees_what_is_popular_and_the_request_is_the_batch():
    blend = Blend(CHOSEN).fit(DATA)
    asked = young_of(3, 1)
    answer = blend.predict(asked)
    column = answer.sources.index(LIVE)
    assert answer.item[0] == asked.popularity.argmax()
    assert answer.parts[0, column] == pytest.approx(3.01, rel=1e-5)
    assert answer.parts.sum(axis=1) == pytest.approx(answer.score, rel=1e-5)
    past = holdout.pick(young._cut(_all(), 1), np.array([3]))
    raws = {n: s.scores(past) for n, s in blend.sources_.items()}
    raws[LIVE] = asked.popularity[None, :]
    total = blend.fused(raws, "all", young.distinct(past))[0]
    assert total[answer.item] == pytest.approx(answer.score, rel=1e-4)


def _all():
    from shopkeeper.recommend.models import histories

    return histories.group(DATA.interactions, DATA.as_of_us)


def test_who_has_a_past_is_served_as_before():
    counts = young.distinct(_all())
    assert counts.max() <= young.MOST  # this shop is small: lower the border instead
    blend, plain = Blend(CHOSEN).fit(DATA), Blend(replace(CHOSEN, young={})).fit(DATA)
    user = int(counts.argmax())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(young, "MOST", int(counts.max()) - 1)
        asked = features(DATA, user)
        assert np.array_equal(blend.predict(asked).score, plain.predict(asked).score)


def test_a_cut_history_is_asked_right_after_its_last_row():
    short = young._cut(_all(), 2)
    assert np.diff(short.start).max() == 2
    some = np.flatnonzero(np.diff(short.start) == 2)
    last = short.at_us[short.start[1:][some] - 1]
    assert np.array_equal(short.as_of_us[some], last + 1)


def test_it_is_chosen_where_it_helps_and_left_at_nothing_where_it_does_not():
    inner, target = holdout.cut_at(DATA, DATA.as_of_us - 30 * 86_400_000_000)
    judged = holdout.judge(inner, target)
    # What is popular is of no use to anybody: nothing is pushed.
    bare = replace(CHOSEN, young={})
    blend = Blend(bare).fit(inner)
    fitted = dict(blend.sources_)
    fitted[LIVE].popularity_ = (np.arange(40) == COLD).astype(np.float32)
    assert "all" not in young.choose(fitted, bare, blend.trend_, judged)
    # Where all buy the same few things and neighbours point anywhere, popularity carries.
    wanted = np.tile(np.arange(5), judged.asked.n_subjects)
    start = np.arange(0, len(wanted) + 1, 5)
    same = replace(judged, target_start=start, target_item=wanted)
    fitted[LIVE].popularity_ = np.linspace(40, 1, 40).astype(np.float32)
    flat = replace(bare, weights={**bare.weights, "all": {"item-knn": 1.0, "popularity": 0.001}})
    assert young.choose(fitted, flat, blend.trend_, same)["all"] >= 1.0


def test_a_blend_at_rest_keeps_it():
    blend = Blend(CHOSEN).fit(DATA)
    back = Blend.from_artefact(blend.to_artefact())
    assert dict(back.study_.young) == {"all": 3.0}
    assert fusion.Study(settings={}, weights={}, trend={}).young == {}
