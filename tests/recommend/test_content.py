"""A new product's place: the map says what text alike cannot, and only where others are mute."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from shopkeeper.base.clock import DAY_US
from shopkeeper.language.embedder import HashingEmbedder
from shopkeeper.recommend.models import histories
from shopkeeper.recommend.models.content import Content
from shopkeeper.recommend.models.entries import Entries, Entry, of_training
from shopkeeper.recommend.models.text import Text
from shopkeeper.recommend.models.wording import READ, Wording
from shopkeeper.recommend.schema import Interactions, Training

KINDS = ("kettle", "teapot", "wrench", "spanner")  # bought in pairs: the first two, the last two
EACH = 6
NEW = [kind * EACH + EACH - 1 for kind in range(4)]  # the last of each kind has no buyer


def shop(*, texts: bool = True) -> Training:
    """Return customers who take a kettle with a teapot, or a wrench with a spanner."""
    rng = np.random.default_rng(5)
    user, item = [], []
    for who in range(200):
        first = 2 * (who % 2)
        for kind in (first, first + 1):
            for pick in rng.choice(EACH - 1, 2, replace=False):
                user.append(who)
                item.append(kind * EACH + int(pick))
    n = len(user)
    return Training(
        interactions=Interactions(
            user=np.array(user, np.int32),
            item=np.array(item, np.int32),
            at_us=np.arange(n, dtype=np.int64),
            kind=np.zeros(n, np.int8),
            quantity=np.ones(n),
            basket=np.arange(n),
            user_ids=[str(who) for who in range(200)],
            item_ids=[f"{kind}{n}" for kind in KINDS for n in range(EACH)],
        ),
        as_of_us=n,
        item_text=[f"{k} no{n}" if texts else "" for k in KINDS for n in range(EACH)],
        item_category=[f"Home > {k}" for k in KINDS for _ in range(EACH)],
        item_price_minor=np.array([900 + 10 * n for _ in KINDS for n in range(EACH)]),
    )


def fitted(data: Training, **settings: float) -> Content:
    return Content(dimensions=8, entries=Entries(HashingEmbedder()), **settings).fit(data)  # type: ignore[arg-type]


def one_click(data: Training, *rows: int) -> histories.Histories:
    n = len(rows)
    return histories.Histories(
        start=np.array([0, n]),
        item=np.array(rows, np.int32),
        at_us=np.full(n, data.as_of_us - 1),
        kind=np.zeros(n, np.int8),
        quantity=np.ones(n),
        basket=np.arange(n),
        as_of_us=np.array([data.as_of_us]),
    )


def test_a_new_product_stands_where_its_kind_is_bought():
    data = shop()
    scores = fitted(data, share=1.0).score_one(one_click(data, 0))[NEW]
    # One click on a kettle: the new teapot before the new wrench and spanner.
    assert scores[1] > 2 * max(scores[2], scores[3])
    # Its words say nothing of that.
    alike = Text().fit(data).score_one(one_click(data, 0))[NEW]
    assert abs(alike[1] - alike[3]) < 0.1 * alike[0]


def test_it_is_silent_on_what_others_know_until_something_new_was_clicked():
    data = shop()
    model = fitted(data)
    known = np.setdiff1d(np.arange(len(KINDS) * EACH), NEW)
    assert not model.score_one(one_click(data, 0))[known].any()
    # A click on the new kettle proposes the teapots, which purchases alone could not.
    after = model.score_one(one_click(data, NEW[0]))
    assert after[EACH : 2 * EACH - 1].min() > after[2 * EACH : 3 * EACH - 1].max()


def test_its_scale_is_a_likeness_and_does_not_depend_on_how_many_are_new():
    data = shop()
    model = fitted(data)
    asked = one_click(data, 0, 8, 1)
    scores = model.score_one(asked)
    assert 0 < scores.max() <= 1 + 1e-6
    alone = model.score_with(asked, model.vectors_[[NEW[1]]])[-1]
    assert alone == pytest.approx(scores[NEW[1]], rel=1e-5)


def test_because_sums_to_the_score_and_a_batch_scores_as_one_request():
    data = shop()
    model = fitted(data)
    for rows in ((0, 7, 1), (NEW[0], 3), (NEW[2],)):
        asked = one_click(data, *rows)
        one = model.score_one(asked)
        assert model.scores(asked)[0] == pytest.approx(one, abs=1e-6)
        shares = model.because(asked, np.arange(len(one))).sum(axis=0)
        assert np.maximum(shares, 0) == pytest.approx(one, abs=1e-6)


def test_an_entry_after_training_gets_the_vector_that_training_would_have_given_it():
    """Batch equals incremental: the same entry alone, and among all at training."""
    data = shop()
    model = fitted(data)
    for row in NEW:
        (entry,) = of_training(data, np.array([row]))
        assert model.place([entry])[0] == pytest.approx(model.vectors_[row], abs=1e-5)


def test_a_text_alone_has_the_wording_it_has_among_others():
    texts = list(shop().item_text)
    wording = Wording().fit(texts)
    whole = wording.vectors(texts)
    alone = np.vstack([wording.vectors([text]) for text in texts])
    assert np.allclose(whole, alone, atol=1e-6)
    assert np.linalg.norm(whole, axis=1) == pytest.approx(np.ones(len(texts)), abs=1e-5)
    again = Wording.restore(wording.state())
    assert np.array_equal(again.vectors(texts), whole)


def test_it_is_kept_as_arrays_and_places_the_same():
    data = shop()
    model = fitted(data)
    again = Content.from_artefact(model.to_artefact())
    again.entries_.embedder = HashingEmbedder()
    asked = one_click(data, 13)
    assert np.array_equal(again.scores(asked), model.scores(asked))
    entry = Entry(text="teapot blue", category="Home > teapot", price_minor=1000)
    assert np.array_equal(again.place([entry]), model.place([entry]))
    assert again.entries_.can_place
    again.entries_.encoder_ = "another"
    assert not again.entries_.can_place


def test_without_texts_category_and_price_still_place_it():
    data = shop(texts=False)
    scores = fitted(data).score_one(one_click(data, 0))[NEW]
    assert scores[1] > 2 * max(scores[2], scores[3])


def test_a_brand_is_enough():
    data = replace(shop(texts=False), item_category=(), item_price_minor=None)
    data = replace(data, item_brand=[k for k in KINDS for _ in range(EACH)])
    scores = fitted(data).score_one(one_click(data, 0))[NEW]
    assert scores[1] > 2 * max(scores[2], scores[3])


@pytest.mark.parametrize(
    "entry",
    [
        Entry(text=""),
        Entry(text="", price_minor=990),
        Entry(text="   "),
    ],
)
def test_an_entry_that_says_nothing_has_no_place(entry):
    model = fitted(shop())
    assert not model.place([replace(entry, text=entry.text.strip())]).any()


@pytest.mark.parametrize(
    "text",
    ["teapot " * 2000, "茶壶" * 5000, "\u0000\ufffd🫖" * 50, "x" * 10_000],
)
def test_long_and_strange_texts_are_read_and_stay_finite(text):
    data = shop()
    model = fitted(data)
    (vector,) = model.place([Entry(text=text, category="Home > teapot")])
    assert np.isfinite(vector).all()
    assert np.linalg.norm(vector) <= 1 + 1e-5
    # What stands beyond the part that is read changes nothing.
    (more,) = model.place([Entry(text=text + " " * READ + "wrench", category="Home > teapot")])
    assert more == pytest.approx(vector, abs=1e-6) or len(text) < READ


def test_a_missing_price_is_the_usual_one_and_moves_nothing():
    model = fitted(shop())
    features, _ = model.entries_.describe([Entry(text="teapot no1"), Entry(text="teapot no1")])
    assert np.isfinite(features).all()
    without = model.place([Entry(text="teapot no1", category="Home > teapot")])
    usual = float(np.exp(model.entries_.price_[0]))
    with_it = model.place([Entry(text="teapot no1", category="Home > teapot", price_minor=usual)])
    assert with_it == pytest.approx(without, abs=1e-6)


def test_what_reviews_feel_is_part_of_an_entry():
    data = shop()
    rng = np.random.default_rng(3)
    felt = np.column_stack([rng.uniform(-1, 1, len(data.item_text)), np.ones(len(data.item_text))])
    told = Entries(HashingEmbedder()).fit(replace(data, item_reviews=felt))
    good, bad = told.describe(
        [Entry(text="teapot", reviews=(0.9, 1.0)), Entry(text="teapot", reviews=(-0.9, 1.0))]
    )[0]
    assert np.flatnonzero(good != bad).tolist() == [len(good) - 3]


def test_without_purchases_only_wording_speaks():
    data = shop()
    log = data.interactions
    empty = {
        k: getattr(log, k)[:0] for k in ("user", "item", "at_us", "kind", "quantity", "basket")
    }
    none = Training(
        interactions=Interactions(**empty, user_ids=log.user_ids, item_ids=log.item_ids),
        as_of_us=1,
        item_text=data.item_text,
    )
    model = fitted(none)
    scores = model.scores(one_click(data, 0))[0]
    assert scores[:EACH].min() > scores[EACH:].max()
    assert not model.place([Entry(text="teapot")]).any()


def test_a_text_that_stands_twice_is_read_once_and_gets_its_vector_twice():
    wording = Wording().fit(list(shop().item_text))
    texts = ["teapot no1", "wrench no2", "teapot no1", ""]
    found = wording.vectors(texts)
    assert np.array_equal(found[0], found[2])
    assert np.allclose(found[1], wording.vectors(["wrench no2"])[0], atol=1e-6)
    assert not found[3].any()


def test_what_long_stood_without_a_buyer_is_dead_stock_and_gets_no_place():
    data = replace(shop(), as_of_us=100 * DAY_US)
    assert fitted(data).cold_.tolist() == NEW
    told_us = np.zeros(len(data.interactions.item_ids), dtype=np.int64)
    told_us[NEW[1]] = 90 * DAY_US
    known = replace(data, item_created_us=told_us)
    assert fitted(known).cold_.tolist() == [NEW[1]]
    assert not len(fitted(data, placed=False).cold_)
    assert not fitted(known).scores(one_click(data, 0))[0, NEW[0]]
