"""Promises of every source: fit forgets, batch equals one, artefacts round, shares add up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made import COLD, N_ITEMS, features, shop

from shopkeeper.learn import artefacts
from shopkeeper.recommend.models import histories, shelf
from shopkeeper.recommend.models.als import Als
from shopkeeper.recommend.models.ease import Ease
from shopkeeper.recommend.models.popularity import Popularity
from shopkeeper.recommend.models.source import top
from shopkeeper.recommend.models.text import Text, tokens

DATA = shop()
ASKED = histories.group(DATA.interactions, DATA.as_of_us)
SOURCES = sorted(set(shelf.KINDS) - set(shelf.DEEP))


@pytest.fixture(scope="module")
def fitted():
    return {name: shelf.make(name, {}).fit(DATA) for name in SOURCES}


@pytest.mark.parametrize("name", SOURCES)
def test_scores_are_finite_and_never_negative(fitted, name):
    scores = fitted[name].scores(ASKED)
    assert scores.shape == (ASKED.n_subjects, N_ITEMS)
    assert np.isfinite(scores).all()
    assert (scores >= 0).all()


@pytest.mark.parametrize("name", SOURCES)
def test_a_subject_alone_scores_as_in_a_batch(fitted, name):
    whole = fitted[name].scores(ASKED)
    for subject in (0, 7, 119):
        alone = fitted[name].scores(ASKED.chunk(subject, subject + 1))
        assert alone[0] == pytest.approx(whole[subject], rel=1e-3, abs=1e-5)


@pytest.mark.parametrize("name", SOURCES)
def test_fit_forgets_the_fit_before(fitted, name):
    twice = shelf.make(name, {}).fit(shop(60, seed=9)).fit(DATA)
    assert np.array_equal(twice.scores(ASKED), fitted[name].scores(ASKED))


@pytest.mark.parametrize("name", SOURCES)
def test_an_artefact_scores_as_the_model_did(fitted, name, tmp_path):
    artefacts.save(fitted[name].to_artefact(), tmp_path / name)
    back = shelf.KINDS[name].from_artefact(artefacts.load(tmp_path / name))
    assert list(back.item_ids_) == list(DATA.interactions.item_ids)
    assert np.array_equal(back.scores(ASKED), fitted[name].scores(ASKED))


@pytest.mark.parametrize(
    "name", ["item-knn", "sequential", "ease", "als", "text", "buy_again", "graph_filter"]
)
def test_what_history_gave_adds_up_to_the_raw_score(fitted, name):
    for subject in (3, 50):
        one = ASKED.chunk(subject, subject + 1)
        raw = fitted[name].scores(one)[0]
        spoken = np.flatnonzero(raw > 1e-6)
        given = fitted[name].because(one, spoken).sum(axis=0)
        assert given == pytest.approx(raw[spoken], rel=1e-3, abs=1e-5)


@pytest.mark.parametrize("name", SOURCES)
def test_an_empty_history_and_an_unknown_item_do_no_harm(fitted, name):
    none = ASKED.chunk(0, 0)
    assert fitted[name].scores(none).shape == (0, N_ITEMS)
    one = ASKED.chunk(0, 1)
    strange = histories.Histories(
        start=np.array([0, 0, len(one.item)]),
        item=np.full(len(one.item), -1, dtype=np.int32),
        at_us=one.at_us,
        kind=one.kind,
        quantity=one.quantity,
        basket=one.basket,
        as_of_us=np.repeat(one.as_of_us, 2),
    )
    assert np.isfinite(fitted[name].scores(strange)).all()


def test_popularity_weighs_a_sale_by_its_age():
    counted = Popularity(days=50).fit(DATA)
    log = DATA.interactions
    age_days = (DATA.as_of_us - log.at_us[log.item == 5]) / 86_400_000_000
    assert counted.popularity_[5] == pytest.approx(np.exp(-age_days / 50).sum(), rel=1e-5)


def test_text_finds_the_aisle_of_an_item_that_nobody_bought(fitted):
    buyer = next(u for u in range(120) if ASKED.item[ASKED.start[u]] >= 30)
    stranger = next(u for u in range(120) if ASKED.item[ASKED.start[u]] < 10)
    scores = fitted["text"].scores(ASKED)
    assert scores[buyer, COLD] > 10 * max(scores[stranger, COLD], 1e-3)
    assert fitted["ease"].scores(ASKED)[buyer, COLD] == 0


def test_text_without_texts_says_nothing():
    silent = Text().fit(shop_without_text())
    assert not silent.scores(ASKED).any()


def shop_without_text():
    from dataclasses import replace

    return replace(DATA, item_text=())


def test_tokens_cut_chinese_into_pairs_and_words_into_triples():
    assert tokens("Blue 马克杯") == ["blue", "#blu", "#lue", "马克", "克杯"]
    assert tokens("ＡＢ-1 杯") == ["ab", "1", "杯"]
    assert tokens("") == []


def test_pruned_ease_keeps_the_largest_weights_of_either_sign():
    whole = Ease(penalty=5, neighbours=None).fit(DATA)
    small = whole.pruned(8).similar_.toarray()
    for row in range(len(whole.head_)):
        weights = whole.weights_[row]
        kept = small[whole.head_[row], whole.head_]
        assert (kept != 0).sum() == 8
        assert np.abs(kept[kept != 0]).min() >= np.abs(weights[kept == 0]).max() - 1e-7


def test_als_folds_in_a_new_customer_as_if_solved_in_training():
    model = Als(dimensions=8, rounds=5).fit(DATA)
    again = model._fold_in(ASKED)
    x = ASKED.matrix(np.ones(len(ASKED.item)), N_ITEMS)
    for subject in (0, 20):
        mine = model.item_vectors_[x[[subject]].indices]
        lhs = model._gram + model.alpha * mine.T @ mine
        expected = np.linalg.solve(lhs, (1 + model.alpha) * mine.sum(axis=0))
        assert again[subject] == pytest.approx(expected, rel=1e-2, abs=1e-3)


def test_equal_scores_stand_in_row_order_even_at_the_border():
    scores = np.array([1.0, 2.0, 1.0, 1.0, 3.0, 1.0])
    assert top(scores, 4).tolist() == [4, 1, 0, 2]
    assert top(scores, 99).tolist() == [4, 1, 0, 2, 3, 5]
    assert top(scores[:0], 3).tolist() == []


@given(
    seed=st.integers(0, 10_000),
    n=st.sampled_from([1, 17, 900, 5_000]),
    k=st.sampled_from([1, 10, 60]),
    kinds=st.sampled_from([2, 5, 1_000_000]),
    silent=st.floats(0, 1),
)
def test_top_equals_a_full_sort_with_ties_by_row(seed, n, k, kinds, silent):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, kinds, n).astype(np.float32) * (rng.random(n) >= silent)
    assert top(scores, k).tolist() == np.lexsort((np.arange(n), -scores))[:k].tolist()


def test_one_source_answers_a_request_alone(fitted):
    answer = fitted["ease"].predict(features(DATA, 4))
    assert answer.sources == ("ease",)
    assert (np.diff(answer.score) <= 0).all()
    assert answer.parts.sum(axis=1) == pytest.approx(answer.score)
