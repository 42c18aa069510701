"""Copy says only what the facts say, in the tone, and nothing that the law forbids."""

from __future__ import annotations

import itertools
import json

import pytest

from shopkeeper.base.errors import BadInput, ModelUnavailable
from shopkeeper.cli.main import main
from shopkeeper.language.copywriting.product import CHANNELS, TONES, Brief, faults, write
from shopkeeper.language.copywriting.reviews import summarise

ZH = {
    "title": "蓝色马克杯",
    "facts": ("容量350毫升", "可进洗碗机"),
    "price": "59元",
    "language": "zh",
}
EN = {"title": "Blue Mug", "facts": ("holds 350 ml", "dishwasher safe"), "price": "9.90 USD"}


class Says:
    name = "fake"

    def __init__(self, text: str) -> None:
        self.text = text

    def complete(self, messages, *, max_tokens=400):
        if self.text == "down":
            raise ModelUnavailable("nobody there")
        return self.text


@pytest.mark.parametrize(("tone", "channel"), [*itertools.product(TONES, CHANNELS)])
@pytest.mark.parametrize("facts", [ZH, EN])
def test_every_tone_and_channel_gives_text_without_fault(tone, channel, facts):
    brief = Brief(**facts, tone=tone, channel=channel)
    made = write(brief)
    assert made == write(brief)
    assert faults(made.text, brief) == []
    assert facts["title"] in made.text


def test_tones_and_seeds_differ():
    assert len({write(Brief(**ZH, tone=tone)).text for tone in TONES}) == 3
    assert len({write(Brief(**EN, seed=seed)).text for seed in range(12)}) > 1


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("Blue Mug holds 500 ml.", "number 500"),
        ("Blue Mug, the best mug.", "'best' is forbidden"),
        ("蓝色马克杯，容量三百五十毫升，欢迎购买。", "language"),
        ("Blue Mug. " * 60, "characters"),
    ],
)
def test_a_rewrite_with_a_fault_falls_and_the_grammar_answers(text, fault):
    made = write(Brief(**EN), Says(text))
    assert made.written_by == "grammar"
    assert any(fault in reason for reason in made.refused)


def test_a_faultless_rewrite_is_kept_and_silence_is_no_harm():
    good = "The Blue Mug holds 350 ml and is dishwasher safe."
    assert write(Brief(**EN), Says(good)).text == good
    assert write(Brief(**EN), Says("down")).written_by == "grammar"


def test_what_must_be_there_is_there_and_a_forbidden_fact_is_left_out():
    brief = Brief(**ZH | {"facts": ("全网最低", "可进洗碗机")}, must_include=("包邮",))
    text = write(brief).text
    assert "包邮" in text
    assert "可进洗碗机" in text
    assert "最低" not in text


def test_bad_briefs_say_what_is_allowed():
    with pytest.raises(BadInput, match="tone must be one of plain, warm, lively"):
        Brief(title="a", tone="loud")
    with pytest.raises(BadInput, match="must_include asks for '第一'"):
        Brief(title="a", must_include=("销量第一",))
    with pytest.raises(BadInput, match="do not fit sms"):
        write(Brief(title="a" * 200, channel="sms"))


def test_the_command_writes_and_refuses(capsys, tmp_path):
    words = ["--home", str(tmp_path), "copy", "Blue Mug", "--fact", "holds 350 ml", "--json"]
    assert main(words) == 0
    assert "350" in json.loads(capsys.readouterr().out)["text"]
    assert main([*words, "--channel", "radio"]) == 2


def test_a_summary_counts_and_quotes_its_reviews():
    reviews = {
        "r1": "物流很快，质量很差",
        "r2": "物流很快，打我电话13812345678",
        "r3": "今天收到",
    }
    made = summarise(reviews, language="zh")
    assert made.text == "3条评价：物流2条好评；质量1条差评。"
    for side in made.sides:
        for quote in side.quotes:
            assert reviews[quote.review_id][quote.start : quote.end] == quote.text
    assert "13812345678" not in repr(made)
