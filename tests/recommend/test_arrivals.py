"""What new products deserve: hidden ones must gain, and the list as it was must not lose."""

from __future__ import annotations

import numpy as np
import pytest

from shopkeeper.language.embedder import HashingEmbedder
from shopkeeper.recommend.models import arrivals, shelf
from shopkeeper.recommend.models.fusion import Study
from shopkeeper.recommend.models.holdout import Target
from shopkeeper.recommend.schema import Interactions, Training

# Bought in pairs: the first two, the next two, and so on.
KINDS = ("kettle", "teapot", "wrench", "spanner", "violin", "fiddle", "ski", "sledge", "milk")
SOLD, CUSTOMERS, TAKEN = 4, 240, 5
WEIGHTS = {"popularity": 0.1, "ease": 1.0}
CHOSEN = Study(settings={}, weights={"all": WEIGHTS, "discovery": WEIGHTS}, trend={})


@pytest.fixture(autouse=True)
def _letters(monkeypatch):
    """The encoder is not what these tests are about."""
    monkeypatch.setattr("shopkeeper.recommend.models.entries.sentence_embedder", HashingEmbedder)


def shop(dead: int) -> tuple[Training, Target]:
    """Return a past and what was bought next, ``dead`` products of each kind never.

    Each customer takes from one pair of kinds, five of its products and then two of the others,
    and from the last kind, which everybody takes, one each time: what is popular, not what is like.
    """
    rng = np.random.default_rng(3)
    each = SOLD + dead
    user, item, later = [], [], []
    for who in range(CUSTOMERS):
        pair = 2 * (who % (len(KINDS) // 2))
        sold = [kind * each + n for kind in (pair, pair + 1) for n in range(SOLD)]
        drawn = rng.choice(sold, TAKEN + 2, replace=False).tolist()
        user += [who] * (TAKEN + 1)
        milk = ((len(KINDS) - 1) * each + rng.choice(SOLD, 2, replace=False)).tolist()
        item += [*drawn[:TAKEN], milk[0]]
        later += [(who, row) for row in (*drawn[TAKEN:], milk[1])]
    n = len(user)
    past = Interactions(
        user=np.array(user, np.int32),
        item=np.array(item, np.int32),
        at_us=np.arange(n, dtype=np.int64),
        kind=np.zeros(n, np.int8),
        quantity=np.ones(n),
        basket=np.arange(n),
        user_ids=[str(who) for who in range(CUSTOMERS)],
        item_ids=[f"{kind}{n}" for kind in KINDS for n in range(each)],
    )
    data = Training(
        interactions=past,
        as_of_us=n,
        item_text=[f"{kind} no{n}" for kind in KINDS for n in range(each)],
        item_category=[f"Home > {kind}" for kind in KINDS for _ in range(each)],
    )
    who, row = np.array(later, dtype=np.int64).T
    return data, Target(user=who, item=row)


def welcome(dead: int) -> arrivals.Welcome:
    data, target = shop(dead)
    fitted = {name: shelf.make(name, {}).fit(data) for name in WEIGHTS}
    trend = np.ones(len(data.interactions.item_ids), dtype=np.float32)
    found = arrivals.weigh(data, target, CHOSEN, trend, fitted)
    assert found is not None
    return found


def test_hidden_products_earn_a_weight_and_nothing_is_lost_where_all_are_sold():
    found = welcome(dead=0)
    assert found.weights["discovery"] > 0
    hidden = found.validation["discovery"]
    assert hidden["with"] - hidden["without"] > hidden["gain_error"]
    assert found.settings["placed"] is True


def test_where_dead_stock_would_crowd_the_list_it_gets_no_place():
    found = welcome(dead=40)
    assert found.weights["discovery"] > 0  # what comes later is still welcome
    assert min(found.validation["as_it_was"].values()) < 0
    assert found.settings["placed"] is False
