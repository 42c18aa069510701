"""Reviews become labels once, and the labels become numbers per product as of any moment."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest

from shopkeeper.base import clock
from shopkeeper.data import review_reads
from shopkeeper.data.events import Event
from shopkeeper.data.shop import open_shop
from shopkeeper.language.opinions import Sentiment
from shopkeeper.operate import reviews
from shopkeeper.recommend.training import reviewed

DAY = datetime(2026, 3, 1, tzinfo=UTC)
TEXTS = ("物流很快，质量很好", "质量太差", "Great quality, but delivery was slow")


@pytest.fixture
def shop(settings):
    shop = open_shop(settings)
    shop.append_events(
        [
            Event(
                event_id=f"r{n}",
                kind="rating",
                occurred_at=DAY + timedelta(days=n),
                item_id="mug",
                customer_id=f"c{n}",
                rating=4.0,
                text=text,
            )
            for n, text in enumerate(TEXTS)
        ]
        + [Event(event_id="s", kind="rating", occurred_at=DAY, item_id="tea", rating=5.0)]
    )
    yield shop
    shop.close()


def test_each_review_with_words_is_judged_once(shop):
    assert reviews.judge(shop) == {"reviews": 3}
    assert reviews.judge(shop) == {"reviews": 0}
    row = review_reads.of_item(shop.warehouse, "mug")
    assert row["reviews"] == 3
    assert (row["quality_n"], row["logistics_n"], row["price_n"]) == (3, 2, 0)
    assert row["price"] is None
    assert row["negative_share"] == pytest.approx(1 / 3)
    assert review_reads.of_item(shop.warehouse, "tea") is None


def test_features_are_right_as_of_a_moment_before_the_later_reviews(shop):
    reviews.judge(shop)
    early = clock.to_us(DAY + timedelta(days=1, hours=1))
    sql = "SELECT reviews, logistics_n FROM item_review_features"
    found = shop.warehouse.sql(sql, as_of_us=early).to_pylist()
    assert found == [{"reviews": 2, "logistics_n": 1}]


def test_recommend_reads_what_reviews_felt_and_not_what_was_written_later(shop):
    assert reviewed(shop.warehouse, ["mug", "tea"]) is None
    reviews.judge(shop)
    found = reviewed(shop.warehouse, ["tea", "mug"])
    row = review_reads.of_item(shop.warehouse, "mug")
    assert found[0].tolist() == [0.0, 0.0]
    assert found[1] == pytest.approx([row["sentiment"] * 3 / 6, math.log(4)])
    early = clock.to_us(DAY + timedelta(days=1, hours=1))
    assert reviewed(shop.warehouse, ["mug"], early)[0, 1] == pytest.approx(math.log(3))


def test_a_better_reader_judges_again_and_its_word_counts(shop):
    reviews.judge(shop)
    glad = Sentiment(label="positive", score=1.0)
    assert reviews.judge(shop, scorer=lambda text: glad, model="glad@1") == {"reviews": 3}
    row = review_reads.of_item(shop.warehouse, "mug")
    assert (row["reviews"], row["sentiment"], row["quality_n"]) == (3, 1.0, 0)


def test_no_word_of_a_review_is_copied(shop):
    reviews.judge(shop)
    sql = "SELECT * FROM events WHERE label = 'review_sentiment'"
    told = str(shop.warehouse.sql(sql).to_pylist())
    assert not any(text in told for text in TEXTS)
