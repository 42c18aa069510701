"""Products are found by exact name, with a slip of the finger, and by what they are."""

from __future__ import annotations

import datetime

from shopkeeper.language.embedder import HashingEmbedder
from shopkeeper.language.entities import Known, Product, recognise
from shopkeeper.language.entities.products import ProductIndex

INDEX = ProductIndex(
    [
        Product(item_id="mug", names=("Blue Mug", "蓝色马克杯")),
        Product(item_id="mug-xl", names=("Blue Mug XL",)),
        Product(item_id="kettle", names=("Whistling Kettle", "鸣笛水壶")),
        Product(item_id="phones", names=("Sony WH-1000XM5", "索尼降噪耳机")),
    ]
)
KNOWN = Known(today=datetime.date(2026, 11, 24), products=INDEX)


def _items(text: str) -> list[tuple[str, str]]:
    return [(e.value, e.text) for e in recognise(text, KNOWN) if e.kind == "product"]


def test_the_longest_name_wins():
    assert _items("is the blue mug XL in stock") == [("mug-xl", "blue mug XL")]
    assert _items("is the Blue Mug in stock") == [("mug", "Blue Mug")]


def test_chinese_and_traditional_names():
    assert _items("我的藍色馬克杯碎了") == [("mug", "藍色馬克杯")]
    assert _items("索尼降噪耳机和鸣笛水壶") == [("phones", "索尼降噪耳机"), ("kettle", "鸣笛水壶")]


def test_a_typing_error_is_forgiven_and_scores_below_one():
    [found] = [e for e in recognise("my wistling kettle leaks", KNOWN) if e.kind == "product"]
    assert found.value == "kettle"
    assert 0.88 <= found.score < 1


def test_nothing_is_found_where_nothing_is_named():
    assert _items("where is my order") == []
    assert ProductIndex([]).find("anything") == []
    assert ProductIndex([]).search("anything") == []


def test_a_description_finds_candidates_best_first():
    index = ProductIndex(
        [Product(item_id="k", names=("Whistling Kettle",)), Product(item_id="l", names=("Lamp",))],
        HashingEmbedder(),
    )
    assert index.search("a kettle that whistles")[0][0] == "k"
    assert INDEX.closest("kettle whistling")[0] == ("kettle", 1.0)
