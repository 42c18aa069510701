"""Products that came after training: placed at once, moved when they change, a few per request."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from test_content import EACH, KINDS, shop

from shopkeeper.language.embedder import HashingEmbedder
from shopkeeper.learn import artefacts
from shopkeeper.recommend.features import LiveState, features_at
from shopkeeper.recommend.models import newcomers, study
from shopkeeper.recommend.models.blend import Blend
from shopkeeper.recommend.models.content import Content
from shopkeeper.recommend.models.entries import Entries
from shopkeeper.recommend.models.fusion import Study
from shopkeeper.recommend.models.newcomers import AT_ONCE, Newcomers
from shopkeeper.recommend.reasons import reasons_for, sentence
from shopkeeper.recommend.schema import Request

DATA = shop()
NOW_US = 10**9
CHOSEN = Study(
    settings={"content": {"dimensions": 8}},
    weights={
        "all": {"ease": 1.0, "content": 1.0, "popularity": 0.02},
        "repeat": {"buy_again": 1.0},
        "discovery": {"ease": 1.0, "content": 1.0},
        "similar": {"ease": 1.0, "content": 1.0},
        "trending": {"popularity": 1.0},
    },
    trend={"all": 1.0},
)


@pytest.fixture(autouse=True)
def _letters(monkeypatch):
    """The encoder is not what these tests are about."""
    monkeypatch.setattr("shopkeeper.recommend.models.entries.sentence_embedder", HashingEmbedder)


@pytest.fixture
def blend():
    return Blend(CHOSEN).fit(DATA)


def told(kind: str, **fields: Any) -> dict[str, Any]:
    return {"kind": kind, "occurred_us": NOW_US, **fields}


def entry(item_id: str, kind: str, **fields: Any) -> dict[str, Any]:
    fields = {"title": f"{kind} no9", "category": f"Home > {kind}", "price_minor": 950, **fields}
    return told("item", item_id=item_id, **fields)


@pytest.fixture
def live():
    """The shop as it stands: the catalogue of training, and a customer who clicked a kettle."""
    state = LiveState()
    for row, item_id in enumerate(DATA.interactions.item_ids):
        state.apply(entry(item_id, KINDS[row // EACH], title=DATA.item_text[row], occurred_us=1))
    click = {"item_id": "kettle0", "occurred_us": NOW_US - 1}
    state.apply(told("view_item", customer_id="anna", **click))
    return state


def asked(state: LiveState, placement: str = "home", *items: str, customer: str | None = "anna"):
    request = Request(placement=placement, customer_id=customer, items=items)
    return features_at(state, request, NOW_US)


def scores(blend: Blend, features: Any) -> dict[str, float]:
    answer = blend.predict(features)
    assert answer.parts.sum(axis=1) == pytest.approx(answer.score, rel=1e-4, abs=1e-6)
    ids = features.item_ids
    return {ids[r]: s for r, s in zip(answer.item.tolist(), answer.score.tolist(), strict=True)}


def test_a_product_is_placed_on_the_next_request_and_goes_to_the_right_customers(blend, live):
    assert "teapot-new" not in scores(blend, asked(live))
    live.apply(entry("teapot-new", "teapot"))
    live.apply(entry("wrench-new", "wrench"))
    found = scores(blend, asked(live))  # the same customer, within the minute that is remembered
    assert found["teapot-new"] > 2 * found.get("wrench-new", 0.0)
    live.apply(told("view_item", customer_id="ben", item_id="spanner0", occurred_us=NOW_US - 1))
    found = scores(blend, asked(live, customer="ben"))
    assert found["wrench-new"] > 2 * found.get("teapot-new", 0.0)


def test_the_blend_with_late_products_equals_one_trained_with_them_in_the_catalogue(live):
    """Batch equals incremental: three kinds came late, or stood there unsold at training."""
    late = [f"{kind}{EACH - 1}" for kind in KINDS]
    rows = np.array([r for r, name in enumerate(DATA.interactions.item_ids) if name not in late])
    number = np.full(len(DATA.item_text), -1)
    number[rows] = np.arange(len(rows))
    log = DATA.interactions
    cut = replace(
        DATA,
        interactions=replace(
            log, item=number[log.item], item_ids=[log.item_ids[r] for r in rows.tolist()]
        ),
        item_text=[DATA.item_text[r] for r in rows.tolist()],
        item_category=[DATA.item_category[r] for r in rows.tolist()],
        item_price_minor=DATA.item_price_minor[rows],
    )
    told_once = Entries(HashingEmbedder()).fit(cut)
    whole = Content(dimensions=8, entries=told_once).fit(DATA)
    part = Content(dimensions=8, entries=told_once).fit(cut)
    places = Newcomers(part)
    features = asked(live)
    rows_of = np.array(
        [part.item_ids_.index(i) if i in part.item_ids_ else -1 for i in features.item_ids]
    )
    placed = places.rows(features, rows_of)
    for name in late:
        mine = placed[features.item_ids.index(name)] - part.n_items
        theirs = whole.vectors_[log.item_ids.index(name)]
        wanted = theirs @ whole.vectors_.T
        own = places.vectors[mine]
        there = np.array([whole.item_ids_.index(i) for i in part.item_ids_])
        # The axes may turn with one item more in the factorisation; likeness may not.
        assert own @ part.vectors_.T == pytest.approx(wanted[there], abs=0.02)


def test_a_changed_entry_moves_the_product_and_an_older_one_does_not(blend, live):
    live.apply(entry("new", "teapot"))
    first = scores(blend, asked(live))["new"]
    live.apply(entry("new", "wrench", occurred_us=NOW_US + 1))
    moved = scores(blend, asked(live)).get("new", 0.0)
    assert moved < 0.5 * first
    live.apply(entry("new", "teapot", occurred_us=NOW_US - 5))
    assert scores(blend, asked(live)).get("new", 0.0) == pytest.approx(moved, abs=1e-6)


def test_a_removed_product_and_one_without_words_have_no_place(blend, live):
    live.apply(told("item", item_id="mute"))
    live.apply(entry("gone", "teapot"))
    live.apply(told("item_removed", item_id="gone", occurred_us=NOW_US + 1))
    assert not {"mute", "gone"} & scores(blend, asked(live)).keys()


def test_many_new_products_are_placed_a_few_per_request_the_newest_first(blend, live):
    many = 3 * AT_ONCE
    for n in range(many):
        live.apply(entry(f"teapot-{n:02}", "teapot", occurred_us=NOW_US + n))
    first = scores(blend, asked(live))
    here = {f"teapot-{n:02}" for n in range(many)} & first.keys()
    assert here == {f"teapot-{n:02}" for n in range(many - AT_ONCE, many)}
    for _ in range(3):
        last = scores(blend, asked(live))
    assert {f"teapot-{n:02}" for n in range(many)} <= last.keys()


def test_on_its_own_page_a_new_product_is_followed_by_its_like(blend, live):
    live.apply(entry("teapot-new", "teapot"))
    answer = blend.predict(asked(live, "product", "teapot-new"))
    names = [n for r in answer.item.tolist() if (n := live.catalogue.index.ids[r]) != "teapot-new"]
    assert {name[:6] for name in names[: EACH - 1]} == {"teapot"}


def test_the_reason_names_what_it_is_close_to(blend, live):
    live.apply(entry("teapot-new", "teapot"))
    features = asked(live)
    answer = blend.predict(features)
    row = features.item_ids.index("teapot-new")
    place = answer.item.tolist().index(row)
    (first, *_) = reasons_for(features, answer, [place])[0]
    assert first.code == "new_like"
    assert sentence(first) == "New, and close to kettle no0"
    assert sentence(first, "zh") == "新品，与「kettle no0」相近"


def test_the_artefact_welcomes_as_the_blend_did(blend, live, tmp_path):
    artefacts.save(blend.to_artefact(), tmp_path / "blend")
    back = Blend.from_artefact(artefacts.load(tmp_path / "blend"))
    live.apply(entry("teapot-new", "teapot"))
    assert scores(back, asked(live)) == scores(blend, asked(live))


def test_with_another_encoder_than_the_one_that_taught_nothing_is_placed(blend, live, monkeypatch):
    class Other(HashingEmbedder):
        name = "other"

    monkeypatch.setattr("shopkeeper.recommend.models.entries.sentence_embedder", Other)
    live.apply(entry("teapot-new", "teapot"))
    assert "teapot-new" not in scores(blend, asked(live))


def test_more_than_the_most_new_products_are_left_to_training(blend, live, monkeypatch):
    monkeypatch.setattr(newcomers, "MOST", 2)
    for n in range(4):
        live.apply(entry(f"teapot-{n}", "teapot", occurred_us=NOW_US + n))
    for _ in range(3):
        found = scores(blend, asked(live))
    assert {f"teapot-{n}" for n in range(4)} & found.keys() == {"teapot-2", "teapot-3"}


def test_a_small_shop_starts_with_a_prior_and_one_that_says_nothing_without():
    small = replace(DATA, as_of_us=DATA.as_of_us)
    mute = replace(DATA, item_text=(), item_category=())
    assert study.choose(mute).weights["all"].get("content", 0.0) == 0.0
    assert "content" in study.choose(small).weights["similar"]
