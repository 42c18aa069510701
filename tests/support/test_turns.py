"""Turns through the runtime over a real shop folder: the one path, the log, a restart."""

from __future__ import annotations

import pytest

from shopkeeper.base import clock
from shopkeeper.base.clock import DAY_US
from shopkeeper.data.events import Event, Line
from shopkeeper.data.shop import open_shop
from shopkeeper.operate.runtime import Runtime


def events() -> list[Event]:
    now = clock.now_us()

    def at(days: float):
        return clock.from_us(now - int(days * DAY_US))

    def made(event_id, kind, days, **more):
        return Event(event_id=event_id, kind=kind, occurred_at=at(days), **more)

    def bought(event_id, days, order_id, who):
        more = {"lines": lines, "currency": "USD"}
        return made(event_id, "purchase", days, order_id=order_id, customer_id=who, **more)

    items = [
        made(
            "i1", "item", 60, item_id="mug", title="Stoneware Mug", price_minor=1200, currency="USD"
        ),
        made("i2", "item", 60, item_id="tea", title="Green Tea", price_minor=500),
    ]
    lines = [Line(item_id="mug", price_minor=1200), Line(item_id="tea", price_minor=500)]
    return [
        *items,
        bought("p1", 9, "10000001", "ann"),
        bought("p2", 1, "10000002", "ann"),
        bought("p3", 1, "20000001", "bob"),
        made(
            "s1", "shipment", 0.5, shipment_id="sh1", order_id="10000002", label="Post",
            reason="Snow on the pass.", promised_at=at(0.1), lines=lines,
            properties={"tracking": "TRK1"},
        ),
        made(
            "a1", "article", 30, label="returns", language="en", title="How to return?",
            text="Return anything within 30 days.", properties={"questions": "return policy"},
        ),
    ]  # fmt: skip


class Open:
    """A shop folder with a running support."""

    def __init__(self, settings) -> None:
        from shopkeeper.operate import capabilities

        self.shop = open_shop(settings)
        self.runtime = Runtime(self.shop, capabilities=[capabilities.get("support")]).start()

    def say(self, text, who="ann", conversation="c1", **more):
        raw = {"conversation_id": conversation, "text": text, **more}
        if who:
            raw["customer_id"] = who
        return self.runtime.decide("support", raw).value

    def close(self) -> None:
        self.runtime.close()
        self.shop.close()


@pytest.fixture
def running(settings):
    with open_shop(settings) as shop:
        shop.append_events(events())
    opened = [Open(settings)]

    def restart():
        opened[-1].close()
        opened.append(Open(settings))
        return opened[-1]

    yield opened[0], restart
    opened[-1].close()


def test_a_late_parcel_is_explained_by_its_own_facts(running):
    open_, _ = running
    value = open_.say("where is my order 10000002?")
    assert value["acts"][0] == "inform_late"
    assert "Snow on the pass" in value["reply"]
    assert value["sentences"][0]["source"] == "shipment:sh1"


def test_an_order_that_counts_as_delivered_without_a_parcel_is_not_called_unshipped(running):
    open_, _ = running
    value = open_.say("where is my order 10000001?")
    assert value["acts"][0] == "inform_no_parcel"
    assert "10000001 counts as delivered" in value["reply"]


def test_a_return_is_an_event_after_a_yes_and_survives_a_restart(running):
    open_, restart = running
    shown = open_.say("return the mug from order 10000001")
    assert shown["confirm"]["writes"][0]["tool"] == "return_items"
    open_ = restart()
    assert open_.say("yes")["acts"][0] == "done"
    table = open_.shop.warehouse.sql("SELECT label, order_id FROM actions").to_pylist()
    assert table == [{"label": "return_requested", "order_id": "10000001"}]
    open_ = restart()
    assert (
        "deny_return" in open_.say("return the tea from order 10000001", conversation="c2")["acts"]
    )


def test_messages_and_state_are_tables(running):
    open_, _ = running
    open_.say("I want a human")
    [row] = open_.shop.warehouse.sql("SELECT * FROM conversations").to_pylist()
    assert (row["state_name"], row["handover_reason"], row["messages"]) == ("waiting", "asked", 2)


def test_an_address_is_nowhere_in_clear(running):
    open_, _ = running
    with open_shop(open_.shop.settings) as other:
        later = Event(
            event_id="p9", kind="purchase", occurred_at=clock.now(), order_id="10000009",
            customer_id="cat", lines=[Line(item_id="mug", price_minor=1200)], currency="USD",
        )  # fmt: skip
        other.append_events([later])
    import time

    time.sleep(1.5)
    value = open_.say(
        "change the address of order 10000009 to 77 Secret Street, Denver, 80280", "cat", "c9"
    )
    assert value["acts"][-1] == "confirm"
    assert open_.say("yes", "cat", "c9")["acts"][0] == "done"
    rows = open_.shop.warehouse.sql("SELECT * FROM events WHERE kind IN ('message', 'action')")
    told = [r for r in rows.to_pylist() if "Secret" in str(r) and "direction': 'in'" in str(r)]
    assert told == []
    actions = [r for r in rows.to_pylist() if r["kind"] == "action"]
    assert "Secret" not in str(actions)


def test_knowledge_is_cited_and_a_gap_is_honest(running):
    open_, _ = running
    value = open_.say("What is your return policy?", conversation="k1")
    assert value["citations"]
    assert "30 days" in value["reply"]
    assert "dont_know" in open_.say("What is the meaning of life?", conversation="k2")["acts"]


def test_an_article_is_cited_in_the_language_of_the_question(running):
    open_, _ = running
    fresh = Event(
        event_id="a2", kind="article", occurred_at=clock.now(), label="returns", language="zh",
        title="怎么退货", text="收货后 30 天内可以退货。",
    )  # fmt: skip
    open_.shop.append_events([fresh])
    open_.say("What is your return policy?", conversation="k3")
    assert "收货后" in open_.say("怎么退货？", conversation="k3")["reply"]


def test_other_peoples_orders_are_unknown(running):
    open_, _ = running
    value = open_.say("cancel order 20000001")
    assert value["writes"] == []
    assert "20000001" not in str(value["confirm"])
