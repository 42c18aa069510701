"""A refund asks the running fraud capability, in fraud's own shape, before money moves."""

from __future__ import annotations

import time

import pytest
from test_turns import Open, events

from shopkeeper.data.shop import open_shop
from shopkeeper.operate import capabilities, fraud_desk
from shopkeeper.operate.runtime import Runtime


class Both(Open):
    """A shop folder in which support and fraud run."""

    def __init__(self, settings) -> None:
        self.shop = open_shop(settings)
        cards = [capabilities.get(name) for name in ("support", "fraud")]
        self.runtime = Runtime(self.shop, capabilities=cards).start()


@pytest.fixture
def both(settings):
    with open_shop(settings) as shop:
        shop.append_events(events())
    opened = Both(settings)
    yield opened
    opened.close()


def asked(open_) -> list[dict]:
    time.sleep(1.0)
    query = "SELECT * FROM events WHERE kind = 'decision'"
    rows = open_.shop.warehouse.sql(query).to_pylist()
    return [row for row in rows if "refund_" in str(row) and "payment_id" in str(row)]


def test_a_confirmed_refund_is_judged_by_fraud(both):
    shown = both.say("I want a refund for the mug of order 10000001, it arrived broken")
    assert shown["confirm"]["writes"][0]["tool"] == "refund"
    assert asked(both) == []
    done = both.say("yes")
    scored = [one for one in done["tools"] if one["tool"] == "fraud_score"]
    assert scored == [{"tool": "fraud_score", "ok": True, "args": {}}]
    assert len(asked(both)) == 1


def test_a_customer_whom_fraud_blocks_goes_to_a_person(both):
    entry = {"list": "block", "kind": "customer_id", "value": "ann", "days": 30, "why": "Claims."}
    fraud_desk.propose_entry(both.shop, entry, "op")
    time.sleep(1.5)
    both.say("I want a refund for the mug of order 10000001, it arrived broken")
    done = both.say("yes")
    assert done["writes"] == []
    assert "review_refund" in done["acts"]
    assert done["handover"]["why"] == "refund_fraud"
    assert both.shop.warehouse.sql("SELECT * FROM events WHERE kind = 'refund'").to_pylist() == []
