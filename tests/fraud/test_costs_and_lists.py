"""The cost of outcomes by hand, and lists with two pairs of eyes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopkeeper.base.clock import DAY_US
from shopkeeper.base.errors import BadInput, Conflict
from shopkeeper.fraud import lists
from shopkeeper.fraud.costs import (
    Costs,
    block_above,
    expected,
    from_dict,
    from_text,
    saved_by_review,
    stakes,
    to_text,
)

SHOP = Costs(recovery_share=0, chargeback_fee_minor=15, margin_minor=20, insult_minor=5)


@pytest.mark.parametrize(("probability", "cheaper"), [(0.178571, "approve"), (0.178572, "block")])
def test_block_if_and_only_if_above_25_of_140(probability, cheaper):
    """A = 100, r = 0, fee = 15, margin = 20, insult = 5: 25 / (115 + 25) = 0.178571."""
    said = expected(SHOP, probability, stakes(SHOP, 100))
    assert min(("approve", "block"), key=said.__getitem__) == cheaper
    assert block_above(SHOP, stakes(SHOP, 100)) == pytest.approx(25 / 140)


def test_every_cost_by_hand():
    """A = 100 at p = 0.2: fraud 115, good 25; desk half used doubles the price of a review."""
    shop = Costs(
        recovery_share=0,
        chargeback_fee_minor=15,
        margin_minor=20,
        insult_minor=5,
        challenge_minor=1,
        challenge_dropoff=0.1,
        challenge_stops=0.75,
        review_minor=4,
        review_catches=0.9,
        review_mistakes=0.05,
    )
    said = expected(shop, 0.2, stakes(shop, 100), desk_used=0.5)
    assert said["approve"] == pytest.approx(0.2 * 115)
    assert said["block"] == pytest.approx(0.8 * 25)
    assert said["challenge"] == pytest.approx(1 + 0.1 * 0.8 * 25 + 0.25 * 0.2 * 115)
    assert said["review"] == pytest.approx(4 + 4 + 0.05 * 0.8 * 25 + 0.1 * 0.2 * 115)


def test_a_full_desk_has_no_review_to_give():
    at_stake = stakes(SHOP, 100)
    assert expected(SHOP, 0.5, at_stake, desk_used=1.0)["review"] == float("inf")
    nobody = from_dict({"review_capacity": 0})
    assert expected(nobody, 0.5, at_stake)["review"] == float("inf")


def test_a_customer_worth_more_is_dearer_to_insult():
    assert stakes(SHOP, 100, 50_000).lost_if_blocked == pytest.approx(25 + 0.02 * 50_000)


probabilities = st.floats(0, 1)


@given(low=probabilities, high=probabilities, amount=st.integers(0, 10**9))
def test_more_fraud_never_makes_blocking_relatively_dearer(low, high, amount):
    low, high = sorted((low, high))
    at_stake = stakes(SHOP, amount)
    before, after = expected(SHOP, low, at_stake), expected(SHOP, high, at_stake)
    assert after["block"] - after["approve"] <= before["block"] - before["approve"] + 1e-6


@given(p=probabilities, amount=st.integers(0, 10**7))
def test_a_review_saves_what_the_formulas_say(p, amount):
    at_stake = stakes(SHOP, amount)
    said = expected(SHOP, p, at_stake)
    saved = saved_by_review(SHOP, p, at_stake, held="approve")
    assert saved == pytest.approx(said["approve"] - said["review"] + SHOP.review_minor)


def test_costs_survive_as_text_and_refuse_what_is_none():
    assert from_text(to_text(SHOP)) == SHOP
    for bad in ('{"fee": 1}', '{"review_catches": 1.5}', "[]", "nope"):
        with pytest.raises(BadInput):
            from_text(bad)
    with pytest.raises(BadInput, match="insult_minor must be"):
        Costs(insult_minor=-1)
    with pytest.raises(BadInput):
        Costs(insult_minor=float("nan"))


def entry(list_name="block", kind="ip", key="h1", operator="li", **more):
    return lists.propose(
        list_name=list_name, kind=kind, key=key, operator=operator, now_us=0, **more
    )


def test_a_block_counts_at_once_and_until_its_end():
    book = lists.Lists()
    book.put(entry(days=10))
    assert book.look_up({"ip": "h1"}, 10 * DAY_US - 1).list_name == "block"
    assert book.look_up({"ip": "h1"}, 10 * DAY_US) is None
    assert book.look_up({"device_id": "h1"}, 0) is None  # the kind is part of the name


def test_an_allow_needs_a_second_person():
    book = lists.Lists()
    asked = entry("allow")
    book.put(asked)
    assert book.look_up({"ip": "h1"}, 0) is None
    with pytest.raises(Conflict, match="li proposed this entry"):
        lists.approve(asked, operator="li", now_us=1)
    book.put(lists.approve(asked, operator="wang", now_us=1))
    assert book.look_up({"ip": "h1"}, 1).list_name == "allow"
    with pytest.raises(Conflict, match="not proposed"):
        lists.approve(book.get(asked.entry_id), operator="zhao", now_us=2)


def test_a_block_beats_an_allow():
    book = lists.Lists()
    book.put(lists.approve(entry("allow", "customer_id", "c1"), operator="wang", now_us=1))
    keys = {"customer_id": "c1", "ip": "h1"}
    assert book.look_up(keys, 1).list_name == "allow"
    book.put(entry())
    assert book.look_up(keys, 1).list_name == "block"
    book.put(lists.end(entry(), operator="li", now_us=2))
    assert book.look_up(keys, 2).list_name == "allow"


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("list", {"list_name": "grey"}),
        ("kind", {"kind": "shoe_size"}),
        ("value", {"key": ""}),
        ("value", {"key": "x" * 129}),
        ("days", {"days": 0}),
        ("days", {"days": 10**6}),
        ("why", {"why": "x" * 401}),
    ],
)
def test_a_wrong_field_of_an_entry_is_named(field, given):
    with pytest.raises(BadInput) as fault:
        entry(**given)
    assert fault.value.field == field
