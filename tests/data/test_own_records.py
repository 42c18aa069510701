"""A decision of our own becomes the row that judging would have made of it, or is looked at."""

from __future__ import annotations

import pytest

from shopkeeper.base import clock
from shopkeeper.data.events import Event, Line, encoder
from shopkeeper.data.own_records import own_row
from shopkeeper.data.shop import open_shop
from shopkeeper.data.validate import judged, to_row

AT_US = 1_780_000_000_123_456


def decision(**more):
    facts = {
        "event_id": "dec_1",
        "kind": "decision",
        "occurred_at": clock.from_us(AT_US),
        "decision_id": "dec_1",
        "customer_id": "c1",
        "lines": [Line(item_id="mug", position=0), Line(item_id="茶", position=1)],
        "properties": {"propensity": 0.25, "value": '{"title": "杯，\\"mug\\"\\n"}', "arm": None},
    }
    return Event(**(facts | more))


def test_the_row_is_the_one_that_judging_makes(settings):
    event = decision()
    good, fault = judged(event)
    assert fault is None
    with open_shop(settings) as shop:
        assert own_row(event, b"{}", AT_US, 7) == to_row(good, shop.keyring, 7)


@pytest.mark.parametrize(
    "more",
    [
        {"customer_id": "4111111111111111"},
        {"session_id": "c 4111-1111-1111-1111"},
        {"placement": "４１１１１１１１１１１１１１１１"},
        {"customer_id": "x" * 129},
        {"customer_id": ""},
        {"session_id": 5},
        {"properties": {"propensity": float("nan")}},
    ],
)
def test_what_may_be_wrong_is_looked_at(settings, more):
    assert own_row(decision(**more), encoder.encode(more), AT_US, 7) is None
    good, fault = judged(decision(**more))
    assert good is None
    with open_shop(settings) as shop, pytest.raises(Exception, match=fault.field or "card"):
        shop.record_decision(decision(**more), encoder.encode(more), AT_US)


def test_decisions_share_a_commit_and_are_durable_within_the_patience(settings, monkeypatch):
    with open_shop(settings) as shop:
        sizes, commit = [], shop.store.commit
        monkeypatch.setattr(
            shop.store, "commit", lambda some, refused=(): sizes.append(len(some)) or commit(some)
        )
        done = [
            shop.record_decision(
                decision(event_id=f"dec_{i}", decision_id=f"dec_{i}"), b"{}", AT_US
            )
            for i in range(20)
        ]
        assert [one.result(5) for one in done] == [["accepted"]] * 20
        assert len(sizes) <= 3
        assert sum(sizes) == 20
