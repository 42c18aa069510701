"""Words find texts in Chinese as well as in English."""

from __future__ import annotations

import math

import pytest

from shopkeeper.language.lexical import K1, B, LexicalIndex, grams

TITLES = [
    "如何取消订单？",
    "怎么申请退款？",
    "如何修改收货地址？",
    "忘记密码怎么找回？",
    "有哪些配送方式？",
]


def test_bm25_matches_the_equation_by_hand():
    """Two texts of 2 and 4 words; "cat" stands once in the first only."""
    index = LexicalIndex(["red cat", "red dog blue hat"])
    idf = math.log(1 + (2 - 1 + 0.5) / (1 + 0.5))
    tf = 1 * (K1 + 1) / (1 + K1 * (1 - B + B * 2 / 3))
    assert index.scores("cat")[0] == pytest.approx(idf * tf)
    assert index.scores("cat")[1] == 0


def test_chinese_questions_find_chinese_titles():
    """With Latin runs alone no term is shared and every score is 0: this test then fails."""
    index = LexicalIndex(TITLES)
    found = [
        index.top(q, 1)[0][0] for q in ("我要取消单子", "退款", "地址填错了", "密码忘记", "配送")
    ]
    assert found == [0, 1, 2, 3, 4]


def test_traditional_and_full_width_questions_find_the_same():
    index = LexicalIndex(TITLES)
    assert index.scores("訂單").tolist() == index.scores("订单").tolist()


def test_endings_do_not_part_words():
    assert set(grams("orders ordered ordering order")) == {"order"}
    assert grams("shipping") == grams("shipped") == ["ship"]
    assert grams("address") == ["address"]


def test_codes_stay_whole():
    assert grams("AB-123.4") == ["ab-123.4"]


def test_an_empty_index_and_an_empty_question_find_nothing():
    assert LexicalIndex([]).top("x", 3) == []
    assert LexicalIndex(TITLES).top("", 3) == []
