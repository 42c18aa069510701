"""The way of one item through a request: it agrees with the policy, step by step."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from test_merchandise import tell
from test_policy import ITEMS, NOW_US, everything, stocked

from shopkeeper.recommend.features import features_at
from shopkeeper.recommend.policy import FORBIDDEN, acting_rules, forbidden
from shopkeeper.recommend.request import parse
from shopkeeper.recommend.schema import PLACEMENTS
from shopkeeper.recommend.trace import filters, path

STATE = stocked()
tell(STATE, "out", action="filter", items={"brand": "Brand 2"})
tell(STATE, "up", action="boost", factor=3, items={"item_ids": ["i10"]})


@given(
    placement=st.sampled_from(PLACEMENTS),
    customer=st.sampled_from([None, "c1", "c4"]),
    category=st.sampled_from([None, "Shelf 1"]),
    again=st.sampled_from([None, True, False]),
    exclude=st.sampled_from([(), ("i07", "i10")]),
)
@hypothesis_settings(deadline=None, max_examples=40)
def test_the_first_filter_that_takes_an_item_out_is_the_one_the_policy_names(
    placement, customer, category, again, exclude
):
    raw = {"placement": placement, "items": ["i12"], "exclude": list(exclude)}
    raw |= {"customer_id": customer} if customer else {}
    raw |= {"category": category} if category else {}
    raw |= {"include_bought": again} if again is not None else {}
    request = parse(raw)
    features = features_at(STATE, request, NOW_US)
    why_not, rules = forbidden(request, features), acting_rules(request, features)
    for row in range(len(ITEMS)):
        said = filters(row, request, features, rules)
        assert list(said) == list(FORBIDDEN[1:])
        first = next((name for name, out in said.items() if out), "shown")
        assert first == FORBIDDEN[int(why_not[row])]


def test_every_filter_answers_for_itself_and_not_only_the_first():
    request = parse({"placement": "home", "exclude": ["i02"], "category": "Shelf 0"})
    features = features_at(STATE, request, NOW_US)
    said = filters(2, request, features, acting_rules(request, features))
    taken = {name for name, out in said.items() if out}
    assert taken == {"sold_out", "outside_category", "excluded", "ruled_out"}


def test_the_path_names_sources_rules_and_the_rank_that_rules_give():
    request = parse({"placement": "home"})
    features = features_at(STATE, request, NOW_US)
    prediction = everything(2, 3)
    row = ITEMS.index("i10")
    told = path(row, request, features, prediction)
    place = int(np.flatnonzero(prediction.item == row)[0])
    shares = [said["share"] for said in told["sources"].values() if said]
    assert sum(shares) == pytest.approx(float(prediction.score[place]), abs=1e-5)
    assert {rule["rule"]: rule["names_it"] for rule in told["rules"]} == {"out": False, "up": True}
    assert told["rank_after_rules"] <= place + 1
    assert "ranker" not in told


def test_an_item_without_a_source_is_silent_everywhere():
    request = parse({"placement": "home"})
    features = features_at(STATE, request, NOW_US)
    prediction = everything(2, 3)
    missing = next(r for r in range(len(ITEMS)) if r not in prediction.item[:5])
    cut = type(prediction)(
        item=prediction.item[:5],
        score=prediction.score[:5],
        sources=prediction.sources,
        parts=prediction.parts[:5],
    )
    told = path(missing, request, features, cut)
    assert set(told["sources"].values()) == {None}
    assert told["rank_after_rules"] is None
