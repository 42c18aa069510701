"""A new product's place: the map must say what text alike cannot."""

from __future__ import annotations

import numpy as np

from shopkeeper.language.embedder import HashingEmbedder
from shopkeeper.recommend.models import histories
from shopkeeper.recommend.models.content import Content, features_of
from shopkeeper.recommend.models.text import Text
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


def one_click(data: Training, row: int) -> histories.Histories:
    return histories.Histories(
        start=np.array([0, 1]),
        item=np.array([row], np.int32),
        at_us=np.array([data.as_of_us - 1]),
        kind=np.zeros(1, np.int8),
        quantity=np.ones(1),
        basket=np.zeros(1, np.int64),
        as_of_us=np.array([data.as_of_us]),
    )


def test_a_new_product_stands_where_its_kind_is_bought():
    data = shop()
    model = Content(dimensions=8).fit(data, features_of(data, HashingEmbedder()))
    kettle = one_click(data, 0)
    scores = model.score_one(kettle)[NEW]
    # One click on a kettle: the new teapot before the new wrench and spanner.
    assert scores[1] > 2 * max(scores[2], scores[3])
    # Its words say nothing of that.
    alike = Text().fit(data).score_one(kettle)[NEW]
    assert abs(alike[1] - alike[3]) < 0.1 * alike[0]


def test_what_was_bought_keeps_its_own_vector():
    data = shop()
    features = features_of(data, HashingEmbedder())
    first = Content(dimensions=8, penalty=1.0).fit(data, features).vectors_
    second = Content(dimensions=8, penalty=100.0).fit(data, features).vectors_
    warm = np.unique(data.interactions.item)
    assert np.array_equal(first[warm], second[warm])
    assert not np.allclose(first[NEW], second[NEW])


def test_it_is_kept_as_arrays_and_answers_the_same():
    data = shop()
    model = Content(dimensions=8).fit(data, features_of(data, HashingEmbedder()))
    again = Content.from_artefact(model.to_artefact())
    asked = one_click(data, 13)
    assert np.array_equal(again.scores(asked), model.scores(asked))


def test_without_texts_category_and_price_still_place_it():
    data = shop(texts=False)
    model = Content(dimensions=8).fit(data, features_of(data, HashingEmbedder()))
    scores = model.score_one(one_click(data, 0))[NEW]
    assert scores[1] > 2 * max(scores[2], scores[3])


def test_without_purchases_it_says_nothing():
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
    model = Content().fit(none, features_of(none, HashingEmbedder()))
    assert model.vectors_.shape[1] == 0
    assert not model.scores(one_click(data, 0)).any()
