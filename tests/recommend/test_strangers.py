"""Customers of whom only attributes are known: learned, judged on others, and never a name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made import N_ITEMS, features
from made import shop as made_shop

from shopkeeper.base.clock import DAY_US
from shopkeeper.learn import artefacts
from shopkeeper.recommend import attributes
from shopkeeper.recommend.models import strangers
from shopkeeper.recommend.models.blend import ATTRIBUTES, Blend
from shopkeeper.recommend.models.fusion import Study
from shopkeeper.recommend.models.strangers import PEOPLE, Columns, Strangers
from shopkeeper.recommend.schema import Interactions, Training


def shop(n_users: int = 400, *, told: bool = True) -> Training:
    """Families buy rows 0-9, singles 10-19, all 20-29; ``told`` False: attributes are noise."""
    rng = np.random.default_rng(4)
    user, item, at = [], [], []
    people = []
    for who in range(n_users):
        kids = who % 2
        people.append({"kids": kids if told else int(rng.integers(2)), "income": 100 * who})
        own = rng.permutation(10)[:4] + (0 if kids else 10)
        both = rng.permutation(10)[:2] + 20
        for one in (*own, *both):
            user.append(who)
            item.append(int(one))
            at.append(int(rng.integers(0, 20)) * DAY_US)
    order = np.argsort(at, kind="stable")
    n = len(user)
    return Training(
        interactions=Interactions(
            user=np.array(user, np.int32)[order],
            item=np.array(item, np.int32)[order],
            at_us=np.array(at, np.int64)[order],
            kind=np.zeros(n, np.int8),
            quantity=np.ones(n),
            basket=np.arange(n),
            user_ids=[str(who) for who in range(n_users)],
            item_ids=[f"i{n:02}" for n in range(30)],
        ),
        as_of_us=21 * DAY_US,
        customer_attributes=people,
    )


def test_what_families_buy_is_lifted_for_a_family_and_lowered_for_a_single():
    model = Strangers().fit(shop())
    family, single = model.lift({"kids": 1}), model.lift({"kids": 0})
    assert family is not None
    assert family[:10].min() > 1.2 > 0.8 > family[10:20].max()
    assert single[10:20].min() > 1.2 > 0.8 > single[:10].max()
    assert family[20:] == pytest.approx(np.ones(10), abs=0.4)


def test_settings_are_judged_on_customers_held_out_whole_and_noise_is_refused():
    found = strangers.choose(shop())
    assert found.settings is not None
    assert found.validation["attributes"] > found.validation["popularity"] + 0.05
    assert found.validation["customers"] == 400
    assert strangers.choose(shop(told=False)).settings is None


def test_a_held_out_customer_teaches_nothing(monkeypatch):
    seen: list[np.ndarray] = []
    fit = Strangers.fit

    def watched(self, data):
        seen.append(np.unique(data.interactions.user))
        return fit(self, data)

    monkeypatch.setattr(Strangers, "fit", watched)
    strangers.choose(shop())
    assert {len(one) for one in seen} == {320}
    # Over the folds everybody is left out once.
    assert len(np.unique(np.concatenate(seen))) == 400


def test_few_customers_decide_nothing():
    found = strangers.choose(shop(60))
    assert found.settings is None
    assert found.validation == {"customers": 60}


def test_nobody_known_means_nobody_lifted():
    model = Strangers().fit(shop())
    assert model.lift({}) is None
    assert model.lift({"colour": "red"}) is None
    assert model.lift({"kids": 7}) is None
    assert Strangers().fit(replace(shop(), customer_attributes=())).lift({"kids": 1}) is None


def test_a_value_of_few_people_a_name_or_a_date_has_no_column():
    people = [{"vip": "yes" if n < PEOPLE - 1 else "no", "name": f"p{n}"} for n in range(200)]
    found = Columns.learn(people)
    assert found.values == [("vip", "no")]


def test_numbers_are_cut_into_fifths_and_words_among_them_are_left_out():
    columns = Columns.learn([{"income": float(n)} for n in range(200)])
    assert [value for _, value in columns.values] == [f"fifth {n}" for n in range(1, 6)]
    assert columns.read({"income": 3.0}) == [("income", "fifth 1")]
    assert columns.read({"income": "much"}) == []


def test_it_is_kept_as_arrays_and_lifts_the_same(tmp_path):
    from shopkeeper.learn.contracts import Artefact

    model = Strangers().fit(shop())
    arrays, facts = model.state()
    kept = Artefact(kind="strangers", arrays=arrays, facts=facts)
    artefacts.save(kept, tmp_path / "one")
    back = artefacts.load(tmp_path / "one")
    again = Strangers.restore(dict(back.arrays), back.facts)
    assert again.lift({"kids": 1}) == pytest.approx(model.lift({"kids": 1}), rel=1e-5)


def test_the_blend_lifts_what_is_popular_for_a_stranger_and_names_the_column():
    data = made_shop()
    aisle = (np.arange(120) % 2).astype(int)
    chosen = Study(settings={}, weights={"all": {"popularity": 1.0}}, trend={})
    stranger = Strangers().fit(shop())
    stranger.share_ = np.full(N_ITEMS, 0.5)
    stranger.directions_ = np.hstack([stranger.directions_, np.zeros((8, N_ITEMS - 30))])
    blend = Blend(chosen, strangers=stranger).fit(replace(data, customer_attributes=aisle))
    asked = features(data, 0)
    nobody = replace(
        asked,
        history=replace(
            asked.history,
            **{n: getattr(asked.history, n)[:0] for n in ("item", "at_us", "kind", "quantity")},
            basket=asked.history.basket[:0],
        ),
    )
    plain = blend.predict(nobody)
    family = blend.predict(replace(nobody, attributes={"kids": 1}))
    assert plain.sources == ("popularity",)
    assert family.sources == (ATTRIBUTES,)
    assert family.item.tolist() != plain.item.tolist()
    assert family.parts.sum(axis=1) == pytest.approx(family.score, rel=1e-5)
    back = Blend.from_artefact(blend.to_artefact())
    again = back.predict(replace(nobody, attributes={"kids": 1}))
    assert again.item.tolist() == family.item.tolist()


def test_the_setting_says_what_may_be_used():
    known = attributes.Known()
    known.take("anna", '{"age": "25-34", "income": 3}', 10)
    known.take("anna", {"age": "old"}, 9)
    assert known.of("anna") == {"age": "25-34", "income": 3}
    known.names = attributes.names_of("income")
    assert known.of("anna") == {"income": 3}
    known.names = attributes.names_of("none")
    assert known.of("anna") == {}
    assert known.of("nobody") == known.of(None) == {}
