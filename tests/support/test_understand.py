"""One message becomes language, intents, entities, feeling and the wish for a person."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopkeeper.support.schema import OUT_OF_SCOPE
from shopkeeper.support.understand import context_for, understand

CONTEXT = context_for(datetime.date(2026, 11, 24))


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("我的快递到哪了", "track_order"),
        ("取消订单 A10023", "cancel_order"),
        ("怎么退货", "return_item"),
        ("where is my package", "track_order"),
        ("I want my money back", "get_refund"),
        ("今天天气不错", OUT_OF_SCOPE),
        ("how tall is mount fuji", OUT_OF_SCOPE),
    ],
)
def test_words_alone_understand_the_plain_cases(text, intent):
    assert understand(text, CONTEXT).intent == intent


def test_two_things_asked_are_two_intents_in_order():
    text = "帮我取消订单A10023，另外上周五那件的退款到账了吗"
    found = understand(text, CONTEXT)
    assert [score.intent for score in found.intents] == ["cancel_order", "track_refund"]
    assert text[found.intents[1].start : found.intents[1].end] == "上周五那件的退款到账了吗"


@pytest.mark.parametrize(
    "text",
    [
        "转人工",
        "人工",
        "轉人工",
        "别让机器人跟我说，找个真人",
        "Can I talk to a human?",
        "agent please",
        "I want to speak with a manager",
        "let me talk to a real person now",
    ],
)
def test_the_wish_for_a_person_is_always_heard(text):
    assert understand(text, CONTEXT).wants_human


@pytest.mark.parametrize(
    "text", ["is this human hair?", "人造革的吗", "this hand cream is for men"]
)
def test_a_person_is_not_wished_for_by_chance(text):
    assert not understand(text, CONTEXT).wants_human


def test_the_masked_text_has_no_personal_data():
    found = understand("我的手机13812345678，a@b.com", CONTEXT)
    assert found.masked == "我的手机[phone]，[email]"


@given(st.text(max_size=200))
def test_no_text_breaks_it_and_probabilities_are_probabilities(text):
    found = understand(text, CONTEXT)
    assert 0 <= found.out_of_scope <= 1
    assert all(0 <= score.probability <= 1 for score in found.ranking)
    assert sum(score.probability for score in found.ranking) <= 1.001
    assert all(0 <= e.start < e.end <= len(text) for e in found.entities)
