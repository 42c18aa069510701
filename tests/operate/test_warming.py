"""The start: each capability answers once it stands; no event of these seconds is lost."""

from __future__ import annotations

import dataclasses
import threading
from typing import Any

import pytest

from shopkeeper.base import clock, settings
from shopkeeper.base.errors import StoreUnavailable
from shopkeeper.data.events import Event
from shopkeeper.data.shop import open_shop
from shopkeeper.operate.runtime import Runtime
from shopkeeper.recommend.capability import CAPABILITY
from shopkeeper.simulate.tiny_shop import tiny_shop

HOME = {"placement": "home", "customer_id": "customer-001"}
NOW_US = clock.now_us()
PATIENCE = 30.0


@pytest.fixture
def shop(tmp_path):
    with open_shop(settings.load(tmp_path / "shop")) as opened:
        opened.append_events(tiny_shop(customers=12, days=30, end_us=NOW_US))
        yield opened


class Slow:
    """A rebuild that has read the tables and then waits until it is let go."""

    def __init__(self) -> None:
        self.read, self.go = threading.Event(), threading.Event()

    def __call__(self, warehouse: Any) -> Any:
        state = CAPABILITY.rebuild(warehouse)
        self.read.set()
        assert self.go.wait(PATIENCE)
        return state


@pytest.fixture
def slow():
    return Slow()


def view(name: str, item_id: str) -> Event:
    at = clock.from_us(clock.now_us())
    return Event(
        event_id=name, kind="view_item", occurred_at=at, item_id=item_id, session_id="fresh"
    )


def test_a_capability_that_stands_answers_while_the_next_one_warms(shop, slow):
    second = dataclasses.replace(CAPABILITY, name="second", rebuild=slow)
    runtime = Runtime(shop, capabilities=[CAPABILITY, second])
    start = threading.Thread(target=runtime.start)
    start.start()
    try:
        assert slow.read.wait(PATIENCE)
        assert runtime.ready == {"recommend"}
        assert runtime.decide("recommend", HOME).value["items"]
        with pytest.raises(StoreUnavailable, match="warming up"):
            runtime.decide("second", HOME)
    finally:
        slow.go.set()
        start.join()
    assert runtime.ready == {"recommend", "second"}
    runtime.close()


def test_events_that_arrive_while_a_state_is_built_reach_it(shop, slow):
    asked = {"placement": "home", "session_id": "fresh"}
    runtime = Runtime(shop, capabilities=[dataclasses.replace(CAPABILITY, rebuild=slow)])
    start = threading.Thread(target=runtime.start)
    start.start()
    assert slow.read.wait(PATIENCE)
    shop.append_events([view("early", "item-005")])
    slow.go.set()
    start.join()
    twin = Runtime(shop, capabilities=[CAPABILITY]).start(follow=False)
    answer, other = (one.decide("recommend", asked) for one in (runtime, twin))
    assert answer.value["items"] == other.value["items"]
    nobody = runtime.decide("recommend", asked | {"session_id": "another"})
    assert answer.value["items"] != nobody.value["items"]
    runtime.close()


def test_a_state_that_is_built_again_misses_nothing_meanwhile(shop, slow):
    slow.go.set()
    runtime = Runtime(shop, capabilities=[dataclasses.replace(CAPABILITY, rebuild=slow)]).start()
    slow.go.clear()
    slow.read.clear()
    again = threading.Thread(target=runtime.live["recommend"].rebuild, args=[shop])
    again.start()
    assert slow.read.wait(PATIENCE)
    shop.append_events([view("meanwhile", "item-005")])
    asked = {"placement": "home", "session_id": "fresh"}
    before = [item["item_id"] for item in runtime.decide("recommend", asked).value["items"]]
    slow.go.set()
    again.join()
    after = [item["item_id"] for item in runtime.decide("recommend", asked).value["items"]]
    assert after == before
    runtime.close()
