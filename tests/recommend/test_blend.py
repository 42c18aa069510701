"""The blend: shares sum to the score, choices come from validation, new items do no harm."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made import COLD, N_ITEMS, features, shop

from shopkeeper.base.clock import DAY_US
from shopkeeper.learn import artefacts
from shopkeeper.recommend.models import histories, holdout
from shopkeeper.recommend.models.blend import TASK_OF, Blend
from shopkeeper.recommend.schema import PLACEMENTS

DATA = shop()


@pytest.fixture(scope="module")
def blend():
    return Blend().fit(DATA)


def context_of(placement: str) -> tuple[int, ...]:
    return (12, 15) if TASK_OF[placement] == "similar" else ()


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_shares_of_sources_sum_to_the_score(blend, placement):
    for user in (0, 5, 77):
        answer = blend.predict(features(DATA, user, placement, context_of(placement)))
        assert len(answer.item) > 0
        assert answer.parts.shape == (len(answer.item), len(answer.sources))
        assert answer.parts.sum(axis=1) == pytest.approx(answer.score, rel=1e-5)
        assert (np.diff(answer.score) <= 1e-7).all()


@pytest.mark.parametrize("placement", ["home", "product", "cart", "buy_again"])
def test_because_names_items_of_the_history_or_the_page_and_not_more_than_the_score(
    blend, placement
):
    asked = features(DATA, 5, placement, context_of(placement))
    answer = blend.predict(asked)
    known = {*asked.history.item.tolist(), *asked.context.tolist()}
    score = dict(zip(answer.item.tolist(), answer.score.tolist(), strict=True))
    assert answer.because
    for candidate, reasons in answer.because.items():
        assert {item for item, _ in reasons} <= known
        shares = [share for _, share in reasons]
        assert shares == sorted(shares, reverse=True)
        assert all(share > 0 for share in shares)
        assert candidate in score


def test_buy_again_offers_only_what_was_bought(blend):
    asked = features(DATA, 8, "buy_again")
    assert set(blend.predict(asked).item) <= set(asked.history.item)


def test_a_stranger_gets_what_is_popular(blend):
    asked = features(DATA, 0)
    empty = histories.group(holdout.take(DATA.interactions, np.zeros(0, dtype=int)), 0).chunk(0, 1)
    nobody = replace(
        asked,
        history=type(asked.history)(
            item=empty.item,
            at_us=empty.at_us,
            kind=empty.kind,
            quantity=empty.quantity,
            basket=empty.basket,
        ),
    )
    answer = blend.predict(nobody)
    assert answer.item[0] == asked.popularity.argmax()
    assert answer.because == {}


def test_an_item_that_came_after_training_is_ranked_by_its_popularity_and_breaks_nothing(blend):
    asked = features(DATA, 3)
    grown = replace(
        asked,
        item_ids=[*asked.item_ids, "new"],
        popularity=np.append(asked.popularity, asked.popularity.max() * 2).astype(np.float32),
        history=replace(asked.history, item=np.append(asked.history.item[:-1], N_ITEMS)),
    )
    answer = blend.predict(grown)
    assert N_ITEMS in answer.item
    assert answer.parts.sum(axis=1) == pytest.approx(answer.score, rel=1e-5)


def test_a_catalogue_in_another_order_gets_the_same_answer(blend):
    asked = features(DATA, 6)
    order = np.random.default_rng(2).permutation(N_ITEMS)
    back = np.argsort(order)
    turned = replace(
        asked,
        item_ids=[asked.item_ids[i] for i in order],
        popularity=asked.popularity[order],
        history=replace(asked.history, item=back[asked.history.item]),
    )
    first, second = blend.predict(asked), blend.predict(turned)
    named = dict(zip(first.item.tolist(), first.score.tolist(), strict=True))
    for item, score in zip(second.item.tolist(), second.score.tolist(), strict=True):
        assert named[int(order[item])] == pytest.approx(score, rel=1e-4)


def test_a_product_page_finds_neighbours_for_an_item_nobody_bought(blend):
    answer = blend.predict(features(DATA, 0, "product", (COLD,)))
    assert sum(item >= 30 for item in answer.item[:5].tolist()) >= 4


def test_the_artefact_predicts_as_the_blend_did(blend, tmp_path):
    artefacts.save(blend.to_artefact(), tmp_path / "blend")
    back = Blend.from_artefact(artefacts.load(tmp_path / "blend"))
    for placement in PLACEMENTS:
        asked = features(DATA, 9, placement, context_of(placement))
        first, second = blend.predict(asked), back.predict(asked)
        assert np.array_equal(first.item, second.item)
        assert np.array_equal(first.score, second.score)
        assert first.because == second.because


def test_frozen_choices_are_not_chosen_again(blend):
    again = Blend(blend.study_).fit(DATA)
    assert again.study_ is blend.study_
    asked = histories.group(DATA.interactions, DATA.as_of_us)
    assert np.array_equal(again.scores(asked), blend.scores(asked))


def test_choices_do_not_see_what_comes_after_the_data():
    """The study of a cut history is the same whatever the held-out rows say."""
    cut = 150 * DAY_US
    first, _ = holdout.cut_at(DATA, cut)
    log = DATA.interactions
    late = log.at_us >= cut
    shuffled = replace(log, item=np.where(late, (log.item + 11) % 30, log.item))
    second, _ = holdout.cut_at(replace(DATA, interactions=shuffled), cut)
    assert Blend().fit(first).study_ == Blend().fit(second).study_


def test_a_shop_with_three_rows_still_gets_a_model():
    few = replace(DATA, interactions=holdout.take(DATA.interactions, np.arange(3)))
    answer = Blend().fit(few).predict(features(DATA, 0))
    assert np.isfinite(answer.score).all()
