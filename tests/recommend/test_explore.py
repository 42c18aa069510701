"""Exploration: what stands by chance is logged with exactly its chance, and no filter gives way."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from test_policy import NEVER, NOW_US, STATE, everything

from shopkeeper.base import settings
from shopkeeper.base.errors import BadInput
from shopkeeper.data.shop import open_shop
from shopkeeper.recommend import explore
from shopkeeper.recommend.explore import Exploration
from shopkeeper.recommend.features import LiveState, features_at
from shopkeeper.recommend.policy import choose
from shopkeeper.recommend.request import parse

HOME = parse({"placement": "home", "customer_id": "c3", "limit": 5})


def made(share: float, seed: int, request=HOME):
    features = features_at(STATE, request, NOW_US)
    exploring = Exploration(share=share, rng=np.random.default_rng(seed))
    return choose(request, replace(features, exploration=exploring), everything(3, 1))


def slate(choice) -> tuple[str, ...]:
    return tuple(item["item_id"] for item in choice.value["items"])


def test_logged_chances_are_the_frequencies():
    drawn = 4_000
    seen: Counter[tuple[str, str]] = Counter()
    firsts: Counter[str] = Counter()
    chance: dict[str, float] = {}
    for seed in range(drawn):
        items = made(0.5, seed).value["items"]
        firsts[items[0]["item_id"]] += 1
        chance[items[0]["item_id"]] = items[0]["propensity"]
        seen[(items[0]["item_id"], items[1]["item_id"])] += 1
    for item, times in firsts.items():
        error = 4.5 * np.sqrt(chance[item] * (1 - chance[item]) / drawn)
        assert times / drawn == pytest.approx(chance[item], abs=error)
    assert 0.95 < sum(chance.values()) <= 1 + 1e-6
    assert len(seen) > 50


def test_the_whole_slate_has_the_product_of_its_places():
    choice = made(0.3, 11)
    parts = [item["propensity"] for item in choice.value["items"]]
    assert choice.propensity == pytest.approx(np.prod(parts), rel=1e-6)


def test_without_a_share_the_best_stand_and_nothing_is_drawn():
    features = features_at(STATE, HOME, NOW_US)
    plain = choose(HOME, features, everything(3, 1))
    assert plain.propensity is None
    assert all("propensity" not in item for item in plain.value["items"])
    assert slate(made(0.0, 5)) == slate(plain)


def test_drawn_slates_keep_filters_caps_and_length():
    for seed in range(200):
        choice = made(1.0, seed)
        shown = slate(choice)
        assert len(set(shown)) == HOME.limit
        assert not NEVER & set(shown)
        boards = Counter(int(item[1:]) % 10 for item in shown)
        assert max(boards.values()) <= 2


@pytest.mark.parametrize(
    ("placement", "drawn"), [("home", True), ("trending", False), ("buy_again", False)]
)
def test_only_places_that_recommend_are_drawn(placement, drawn):
    state = LiveState()
    state.exploration = Exploration(share=0.1, rng=np.random.default_rng(0))
    request = parse({"placement": placement, "customer_id": "c1"})
    assert (features_at(state, request, NOW_US).exploration is not None) is drawn


def test_the_setting_turns_it_on_and_a_wrong_share_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("SHOPKEEPER_EXPLORE_SHARE", "0.1")
    with open_shop(settings.load(tmp_path / "shop")) as shop:
        state = LiveState()
        explore.attach(state, shop)
        assert state.exploration is not None
        assert state.exploration.share == 0.1
    with pytest.raises(BadInput) as caught:
        Exploration(share=1.5, rng=np.random.default_rng(0))
    assert caught.value.field == "explore_share"
