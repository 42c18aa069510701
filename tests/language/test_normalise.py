"""One writing for equal texts, and every character knows where it came from."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shopkeeper.language.detect import detect_language
from shopkeeper.language.normalise import normalise, plain, to_simplified
from shopkeeper.language.tokens import clauses, content_words, is_stop_word, sentences, tokenise

NEGATIVE = ["不", "没", "没有", "别", "no", "not", "never", "don't", "cannot"]


def test_traditional_full_width_and_invisible_become_one_writing():
    assert plain("訂單　ＡＢ１２３\u200b 退貨") == "订单 AB123 退货"


def test_simplifying_touches_only_traditional_characters():
    assert to_simplified("發票 iPhone 15 发票") == "发票 iPhone 15 发票"


@given(st.text(max_size=60))
def test_places_point_into_the_original_and_never_run_backwards(text):
    made = normalise(text)
    assert len(made.text) == len(made.starts) == len(made.ends)
    assert all(0 <= a < b <= len(text) for a, b in zip(made.starts, made.ends, strict=True))
    assert list(made.starts) == sorted(made.starts)
    assert plain(plain(text)) == plain(text)


def test_a_place_in_the_normal_text_names_the_same_words_in_the_original():
    text = "我要　　退貨ＡＢ１"
    made = normalise(text)
    start = made.text.index("退货")
    first, last = made.span(start, start + 2)
    assert text[first:last] == "退貨"


def test_no_negation_is_a_stop_word():
    assert [word for word in NEGATIVE if is_stop_word(word)] == []
    assert "没有" in content_words("我的包裹没有到")
    assert "didn't" in content_words("it didn't arrive")


def test_chinese_is_cut_into_words_and_not_only_latin_runs():
    """A tokeniser that knows Latin only finds nothing here: retrieval then scores like chance."""
    assert len(tokenise("怎么申请退款")) >= 2
    assert tokenise("iPhone 15手机壳")[:2] == ["iphone", "15"]


def test_sentences_and_clauses_give_places():
    text = "到了。但是坏了！ It broke. Why?"
    assert [text[a:b] for a, b in sentences(text)] == ["到了。", "但是坏了！", "It broke.", "Why?"]
    text = "cancel my order, and also where is my refund?"
    assert [text[a:b] for a, b in clauses(text)] == ["cancel my order", "where is my refund"]


def test_the_language_of_a_conversation_wins_in_doubt():
    assert detect_language("我的 iPhone 15 Pro Max 到哪了") == "zh"
    assert detect_language("Where is order 订单?") == "en"
    assert detect_language("A10023", before="zh") == "zh"
    assert detect_language("OK", before="zh") == "zh"
    assert detect_language("please speak english", before="zh") == "en"
