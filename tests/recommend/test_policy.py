"""The slate: filters have the last word, from every source; it is full; it says why."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from shopkeeper.base import clock
from shopkeeper.base.errors import BadInput
from shopkeeper.recommend import fallback
from shopkeeper.recommend.features import LiveState, features_at
from shopkeeper.recommend.policy import DEFAULT_CAPS, choose, forbidden
from shopkeeper.recommend.reasons import SENTENCES, sentence
from shopkeeper.recommend.request import parse
from shopkeeper.recommend.schema import PLACEMENTS, Prediction, Request

NOW_US = 1_800_000_000_000_000
DAY_US = clock.DAY_US
ITEMS = [f"i{n:02d}" for n in range(30)]


def at(state: LiveState, kind: str, days_ago: float, **fields: Any) -> None:
    state.apply({"kind": kind, "occurred_us": NOW_US - int(days_ago * DAY_US), **fields})


def stocked() -> LiveState:
    """A shop of 30 items: i00 hidden, i01 sold out, i02 without stock, i03 removed."""
    state = LiveState()
    for n, item in enumerate(ITEMS):
        at(
            state,
            "item",
            100,
            item_id=item,
            title=f"Thing {n}",
            category=f"Shelf {n % 5} > Board {n % 10}",
            brand=f"Brand {n % 3}",
            hidden=n == 0,
            available=n != 1,
            replenishable=n % 2 == 0,
        )
    at(state, "stock_level", 90, item_id="i02", quantity=0.0)
    at(state, "item_removed", 50, item_id="i03")
    for n, item in enumerate(ITEMS):
        for k in range(n % 7):
            line = [{"item_id": item}, {"item_id": ITEMS[(n + 1) % 30]}]
            at(state, "purchase", 20 + k, order_id=f"{n}-{k}", lines=line, customer_id=f"c{k}")
    return state


STATE = stocked()
NEVER = {"i00", "i01", "i02", "i03"}


def everything(sources: int, seed: int) -> Prediction:
    """A model gone mad: proposes every item of the shop, in any order."""
    size = len(STATE.catalogue)
    rng = np.random.default_rng(seed)
    parts = rng.random((size, sources)).astype(np.float32)
    order = np.argsort(-parts.sum(axis=1), kind="stable")
    names = ("popularity", "text", "ease", "buy_again")[:sources]
    return Prediction(
        item=order.astype(np.int32),
        score=parts[order].sum(axis=1),
        sources=names,
        parts=parts[order],
        because={int(r): [(int((r + 1) % size), 0.5)] for r in order},
    )


requests = st.builds(
    Request,
    placement=st.sampled_from(PLACEMENTS),
    customer_id=st.one_of(st.none(), st.sampled_from([f"c{k}" for k in range(7)] + ["new"])),
    items=st.lists(st.sampled_from([*ITEMS, "unknown"]), max_size=3).map(tuple),
    limit=st.integers(1, 40),
    exclude=st.lists(st.sampled_from(ITEMS), max_size=8).map(tuple),
    category=st.one_of(st.none(), st.sampled_from(["Shelf 1", "Shelf 2 > Board 7", "Nowhere"])),
    include_bought=st.one_of(st.none(), st.booleans()),
)


def slate(request: Request, prediction: Prediction | None = None) -> list[dict[str, Any]]:
    features = features_at(STATE, request, NOW_US)
    made = choose(request, features, prediction or fallback.predict(features))
    assert made.reasons
    return made.value["items"]


@hypothesis_settings(max_examples=150, deadline=None)
@given(request=requests, sources=st.integers(1, 4), seed=st.integers(0, 9))
def test_nothing_forbidden_appears_from_any_source_on_any_placement(request, sources, seed):
    features = features_at(STATE, request, NOW_US)
    bought = {features.item_ids[row] for row in features.bought}
    again = request.include_bought or (
        request.include_bought is None and request.placement == "buy_again"
    )
    for prediction in (everything(sources, seed), fallback.predict(features)):
        shown = [item["item_id"] for item in slate(request, prediction)]
        assert not set(shown) & (NEVER | set(request.exclude) | set(request.items))
        assert len(shown) == len(set(shown)) <= request.limit
        if request.category:
            below = request.category + " > "
            paths = [STATE.catalogue.category_of(STATE.catalogue.index.get(i)) for i in shown]
            assert all(p == request.category or p.startswith(below) for p in paths)
        if not again:
            once = {i for i in bought if int(i[1:]) % 2 or request.include_bought is False}
            assert not set(shown) & once


@hypothesis_settings(max_examples=60, deadline=None)
@given(request=requests)
def test_a_slate_is_full_when_the_shop_has_enough(request):
    features = features_at(STATE, request, NOW_US)
    free = int((forbidden(request, features) == 0).sum())
    shown = slate(request)
    if request.placement != "buy_again":
        assert len(shown) == min(request.limit, free)
    for position, item in enumerate(shown):
        assert item["position"] == position
        assert item["reasons"]
        assert item["reasons"][0]["text"]
        assert item["reasons"][0]["text_zh"]


def test_a_filter_that_forgets_is_caught(monkeypatch):
    """The broken twin of ``forbidden`` lets everything through; the law above must notice."""
    from shopkeeper.recommend import policy

    monkeypatch.setattr(policy, "forbidden", lambda *_: np.zeros(len(STATE.catalogue), np.int8))
    shown = slate(Request(placement="home", limit=30), everything(2, 1))
    assert {item["item_id"] for item in shown} & NEVER


def test_unknown_customer_gets_what_sells_and_is_told_so():
    shown = slate(Request(placement="home", customer_id="nobody"))
    assert len(shown) == 10
    assert {item["reasons"][0]["code"] for item in shown} <= {"popular", "new_item"}


def test_first_click_of_an_unknown_session_changes_the_slate():
    state = stocked()
    request = Request(placement="home", session_id="fresh")
    before = choose(request, f := features_at(state, request, NOW_US), fallback.predict(f))
    at(state, "view_item", 0, item_id="i12", session_id="fresh")
    after = choose(request, f := features_at(state, request, NOW_US), fallback.predict(f))
    assert before.value["items"] != after.value["items"]
    codes = {r["code"] for item in after.value["items"] for r in item["reasons"]}
    assert "because_you_viewed" in codes


def test_empty_shop_answers_with_an_empty_slate():
    state = LiveState()
    for placement in PLACEMENTS:
        request = Request(placement=placement, customer_id="x", items=("nothing",))
        features = features_at(state, request, NOW_US)
        made = choose(request, features, fallback.predict(features))
        assert made.value["items"] == []
        assert made.reasons[0].code == "nothing_to_show"


def test_item_never_bought_can_fill_a_slate_as_new():
    state = stocked()
    at(state, "item", 1, item_id="novel", title="Novel", category="Shelf 9")
    request = Request(placement="home", category="Shelf 9")
    features = features_at(state, request, NOW_US)
    made = choose(request, features, fallback.predict(features))
    assert [item["item_id"] for item in made.value["items"]] == ["novel"]
    assert made.value["items"][0]["reasons"][0]["code"] == "new_item"


def test_less_like_this_takes_effect_at_once():
    state = stocked()
    request = Request(placement="trending", session_id="s")
    features = features_at(state, request, NOW_US)
    first = choose(request, features, fallback.predict(features)).value["items"][0]["item_id"]
    at(state, "less_like_this", 0, item_id=first, session_id="s")
    features = features_at(state, request, NOW_US)
    made = choose(request, features, fallback.predict(features))
    assert first not in [item["item_id"] for item in made.value["items"]]
    assert first in made.value["trace"]["removed"]["disliked"]


def test_no_category_fills_more_than_its_share_while_others_wait():
    shown = slate(Request(placement="home", limit=10), everything(1, 5))
    shelves = [STATE.catalogue.category_of(STATE.catalogue.index.get(i["item_id"])) for i in shown]
    most = max(shelves.count(shelf) for shelf in shelves)
    assert most <= -(-10 * DEFAULT_CAPS.category_share // 1)


def test_buy_again_says_how_often_and_how_long_ago():
    state = LiveState()
    for days in (30, 20, 10):
        line = [{"item_id": "milk"}]
        at(state, "purchase", days, order_id=f"o{days}", lines=line, customer_id="x")
    request = Request(placement="buy_again", customer_id="x")
    features = features_at(state, request, NOW_US)
    item = choose(request, features, fallback.predict(features)).value["items"][0]
    assert item["reasons"][0]["text"] == "You buy this about every 10 days, last 10 days ago"
    assert item["reasons"][0]["text_zh"] == "您大约每 10 天买一次，上次是 10 天前"


@given(seed=st.integers(0, 50), sources=st.integers(1, 4))
@hypothesis_settings(max_examples=30, deadline=None)
def test_shares_of_the_sources_sum_to_the_score(seed, sources):
    for item in slate(Request(placement="home"), everything(sources, seed)):
        if "backfill" not in item["sources"]:
            assert sum(item["sources"].values()) == pytest.approx(item["score"], abs=1e-5)


def test_every_sentence_takes_its_facts_in_both_languages():
    facts = {"title": "T", "days": 1, "times": 2, "interval": 3, "category": "C"}
    from shopkeeper.learn.contracts import Reason

    for code in SENTENCES:
        for language in ("en", "zh"):
            assert "{" not in sentence(Reason(code=code, facts=facts), language)


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        ({"placement": "shelf"}, "placement"),
        ({"placement": "product"}, "items"),
        ({"limit": 0}, "limit"),
        ({"limit": True}, "limit"),
        ({"limit": 10**9}, "limit"),
        ({"customer_id": 900}, "customer_id"),
        ({"customer_id": ""}, "customer_id"),
        ({"items": "i01"}, "items"),
        ({"exclude": [1]}, "exclude"),
        ({"include_bought": "yes"}, "include_bought"),
        ({"user": "x"}, "user"),
    ],
)
def test_a_wrong_request_names_its_field(raw, field):
    with pytest.raises(BadInput) as caught:
        parse(raw)
    assert caught.value.field == field
    assert caught.value.allowed
