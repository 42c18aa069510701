"""A made-up bilingual shop: the same for the same seed, and its titles tell the truth mostly."""

from __future__ import annotations

import numpy as np
import pytest

from shopkeeper.base.errors import BadInput
from shopkeeper.simulate.bilingual_shop import LEFT_OUT, SHELVES, STYLES, bilingual_shop

SHOP = bilingual_shop(customers=400, items=600)


def test_the_same_seed_is_the_same_shop_and_another_is_not():
    again, other = bilingual_shop(customers=400, items=600), bilingual_shop(8, 400, 600)
    assert again.titles == SHOP.titles
    assert np.array_equal(again.item, SHOP.item)
    assert other.titles != SHOP.titles


def test_titles_name_the_shelf_and_often_the_style_in_both_languages():
    said = {"zh": 0, "en": 0}
    for row in range(600):
        for side, language in enumerate(("zh", "en")):
            title = SHOP.titles[language][row]
            noun, style = SHELVES[SHOP.shelf[row]][1][side], STYLES[SHOP.style[row]][side]
            assert any(word in title for word in noun.split("|"))
            said[language] += any(word in title for word in style.split("|"))
    for many in said.values():
        assert many / 600 == pytest.approx(1 - LEFT_OUT, abs=0.06)


def test_a_chinese_title_has_no_english_words():
    assert not any("a" <= letter.lower() <= "z" for title in SHOP.titles["zh"] for letter in title)


def test_customers_buy_by_shelf_and_style_each_product_once():
    pairs = np.unique(np.stack([SHOP.user, SHOP.item]), axis=1)
    assert pairs.shape[1] == len(SHOP.user)
    shares = []
    for who in range(400):
        mine = SHOP.item[SHOP.user == who]
        shares.append(np.bincount(SHOP.style[mine]).max() / len(mine))
    assert np.mean(shares) > 0.5  # a quarter each, were style nothing to them


def test_too_few_products_are_refused():
    with pytest.raises(BadInput, match="needs 15 items"):
        bilingual_shop(items=3)
