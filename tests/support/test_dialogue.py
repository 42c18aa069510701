"""Conversations over a made shop: what is asked, shown, done, refused; in both languages."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_talks import NOW_US, Talk

from shopkeeper.base.clock import DAY_US
from shopkeeper.support.grammar import render, words
from shopkeeper.support.schema import Hit, Passage
from shopkeeper.support.terms import Terms, read_terms


def test_a_return_is_shown_confirmed_and_done():
    talk = Talk()
    assert talk.say("I want to return the mug from order 1002")[-1] == "confirm"
    assert talk.writes == []
    kinds = talk.say("yes")
    assert kinds == ["done", "anything_else"]
    [write] = talk.writes
    assert (write.tool, write.order_id, write.args["item_ids"]) == (
        "return_items",
        "1002",
        ["mug-blue"],
    )
    assert "$12.00" in talk.words


def test_the_same_in_chinese():
    talk = Talk(language="zh")
    assert talk.say("我要退货，订单 1002 里的 Stoneware Mug")[-1] == "confirm"
    assert "退回" in talk.words
    assert talk.say("好的")[0] == "done"
    assert talk.writes[0].tool == "return_items"


def test_no_means_no():
    talk = Talk()
    talk.say("cancel order 1004")
    assert "dropped" in talk.say("no, keep it")
    assert talk.writes == []
    assert talk.state.pending is None


def test_a_single_line_is_not_cancelled_but_the_whole_order_is_offered():
    talk = Talk()
    kinds = talk.say("please cancel the mug in order 1004")
    assert kinds[-2:] == ["deny_cancel_line", "offer_cancel_all"]
    assert talk.say("yes")[-1] == "confirm"
    talk.say("yes")
    assert [w.tool for w in talk.writes] == ["cancel_order"]


def test_not_this_order_forgets_the_order_and_keeps_the_wish():
    talk = Talk()
    talk.say("I want to return the green tea from order 1002")
    assert talk.state.pending is not None
    talk.say("不是这个订单")
    assert talk.state.pending is None or talk.state.pending.writes[0].order_id != "1002"


def test_a_question_in_between_does_not_lose_the_task():
    talk = Talk()
    talk.say("return the mug from order 1002")
    kinds = talk.say("where is order 1003?")
    assert kinds[0] == "inform_late"
    assert kinds[-1] == "confirm"
    assert "Snow on the pass." in talk.words
    assert "TRK3" in talk.words
    assert talk.say("yes")[0] == "done"


def test_delivered_orders_are_not_cancelled_and_late_returns_refused():
    talk = Talk()
    assert "deny_cancel" in talk.say("cancel order 1002")
    talk = Talk()
    assert "deny_return_late" in talk.say("return the green tea from order 1001")


def test_an_exchange_finds_the_variant_and_says_what_it_costs():
    talk = Talk()
    assert talk.say("exchange the mug from order 1002 for a red one")[-1] == "confirm"
    assert "$1.00" in talk.words
    talk.say("ok")
    assert talk.writes[0].args["new_item_ids"] == ["mug-red"]


def test_what_is_sold_out_is_refused_with_what_there_is():
    talk = Talk()
    assert talk.say("change the mug from order 1002 to a green one")[-1] == "deny_variant"


@pytest.mark.parametrize("words_", ["人工", "I want to talk to a human", "转人工客服"])
def test_a_person_is_always_given(words_):
    talk = Talk()
    talk.say("return the mug from order 1002")
    assert talk.say(words_)[0].startswith("handed_over")
    assert talk.words
    assert talk.state.pending is None


def test_somebody_elses_order_is_as_unknown_as_none():
    talk = Talk()
    there, nowhere = Talk(), Talk()
    assert there.say("where is order 2001?") == nowhere.say("where is order 9999?")
    talk.say("cancel order 2001")
    talk.say("yes")
    assert talk.writes == []
    assert set(talk.book.asked) == {"ann"}


def test_nothing_is_looked_up_without_a_customer():
    talk = Talk(None)
    talk.say("where is my order 1004?")
    assert talk.say("cancel order 1004")[-1] == "ask_sign_in"
    assert talk.book.asked == []


def test_a_confirmation_expires_and_goes_stale():
    talk = Talk()
    talk.say("cancel order 1004")
    talk.now_us += 11 * 60 * 1_000_000
    assert "stale_confirmation" in talk.say("yes")
    talk = Talk()
    talk.say("cancel order 1004")
    import dataclasses

    from shopkeeper.support import records

    order = talk.book.held["ann"][0]
    talk.book.held["ann"][0] = dataclasses.replace(order, status=records.SHIPPED, version=1)
    assert "stale_confirmation" in talk.say("yes")
    assert talk.writes == []


def test_a_click_must_name_the_plan_that_is_shown():
    talk = Talk()
    talk.say("cancel order 1004")
    assert "stale_confirmation" in talk.say("", confirm="c1:99")
    talk.say("", confirm="c1:1")
    assert talk.writes[0].tool == "cancel_order"
    assert "stale_confirmation" not in talk.say("yes")
    assert talk.writes == []


def test_a_refund_above_the_limit_is_looked_at_by_a_person():
    talk = Talk(terms=Terms(refund_review_minor=1000))
    talk.say("I want a refund for the mug of order 1002, it is broken")
    kinds = talk.say("yes")
    assert "review_refund" in kinds
    assert talk.writes == []
    assert kinds[-1].startswith("handed_over")


def test_a_small_refund_asks_the_fraud_score_first():
    talk = Talk()
    talk.given.pop("fraud")
    talk.say("refund the mug of order 1002, it is broken")
    talk.say("yes")
    assert talk.outcome.asks[0]["capability"] == "fraud"
    assert talk.writes == []


def test_two_misunderstandings_offer_a_person():
    talk = Talk()
    for text in ("blub", "blub blub", "bla"):
        kinds = talk.say(text)
    assert kinds[0].startswith("handed_over")


def test_a_promise_is_not_given():
    assert "deny_promise" in Talk().say("Please guarantee that it comes tomorrow.")


@settings(max_examples=150, deadline=None)
@given(st.lists(st.text(max_size=60), min_size=1, max_size=4))
def test_no_text_breaks_a_turn_or_writes(texts):
    talk = Talk()
    for text in texts:
        assert talk.say(text)
        assert talk.writes == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_same_turn_reads_the_same(language):
    talk = Talk(language=language)
    talk.say("where is order 1003?")
    acts = talk.outcome.acts
    assert render(acts, language, seed="a") == render(acts, language, seed="a")


def test_both_languages_say_the_same_acts():
    assert set(words("en")) == set(words("zh"))


def test_terms_name_what_is_wrong():
    with pytest.raises(Exception, match="return_days must be 0 to 3650, but is -1"):
        Terms(return_days=-1)
    with pytest.raises(Exception, match="do not take colour"):
        read_terms('{"colour": 1}')
    assert NOW_US > DAY_US


@pytest.mark.parametrize("text", ["what is your return policy?", "退货政策是什么", "退货流程"])
def test_asking_for_the_policy_begins_no_return(text):
    talk = Talk()
    passage = Passage(
        passage_id="returns:en",
        doc_id="returns",
        kind="terms",
        language="en",
        title="Returns",
        text="You can return within 30 days.",
    )
    hit = Hit(passage=passage, score=0.9)
    assert talk.say(text, hits=(hit,)) == ["cite"]
    assert talk.state.tasks == []


def test_an_order_number_alone_asks_how_it_stands():
    assert Talk().say("show me order 1003")[0] == "inform_order"
    assert Talk().say("给我看看订单 1003")[0] == "inform_order"
    assert Talk().say("order number 2001")[0] == "ask_order_again"
    # Words and numbers joined by hyphens are a number too: not somebody's own latest order.
    assert Talk().say("where is order order-bob-17-4711?")[0] == "ask_order_again"


def test_a_question_in_between_is_no_failed_try():
    talk = Talk()
    talk.say("I want to return something")
    for _ in range(4):
        kinds = talk.say("is green tea in stock?")
        assert not any(kind.startswith("handed_over") for kind in kinds)


def test_stock_is_told_from_the_shelves_and_the_suppliers_promise():
    empty = {"units": 0.0, "arrives_us": NOW_US, "arrives_at": "", "arriving_units": 5.0}
    assert (
        Talk(stock={"items": {"tea": empty}}).say("do you have green tea?")[0] == "inform_arrives"
    )
    never = empty | {"arrives_us": None}
    assert (
        Talk(stock={"items": {"tea": never}}).say("你们有 green tea 吗")[0] == "inform_out_of_stock"
    )
    full = empty | {"units": 3.0}
    assert (
        Talk(stock={"items": {"tea": full}}).say("do you have green tea?")[0] == "inform_in_stock"
    )


@pytest.mark.parametrize(
    ("first", "yes", "again"),
    [
        ("return everything from order 1002", "yes", "return everything from order 1002"),
        ("订单 1002 全部退货", "好的", "我要退货 订单1002 全部"),
    ],
)
def test_what_is_being_returned_is_not_asked_for_again(first, yes, again):
    talk = Talk()
    talk.say(first)
    talk.say(yes)
    assert talk.say(again)[0] == "deny_return"
