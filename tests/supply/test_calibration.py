"""Whether promises are kept as often as they say: the chance by hand, and who is alarmed."""

from __future__ import annotations

import numpy as np
import pytest

from shopkeeper.base import clock
from shopkeeper.base.clock import DAY_US
from shopkeeper.operate import promise_watch
from shopkeeper.supply import calibration
from shopkeeper.supply.calibration import Promised

NOW = 20_000 * DAY_US


def parcels(kept: int, broken: int, *, carrier="post", place="north", lost: int = 0, level=0.9):
    due = NOW - 3 * DAY_US
    days = [due - 1] * kept + [due + DAY_US] * broken + [None] * lost
    return [
        Promised(carrier=carrier, location_id=place, promised_us=due, delivered_us=at, level=level)
        for at in days
    ]


def test_the_chance_of_so_few_is_the_binomials():
    """Of 10 promises at 0.5 none kept: 0.5 to the 10."""
    lane = calibration.lanes(parcels(0, 10, level=0.5), NOW)[0]
    assert lane.chance == pytest.approx(0.5**10)
    assert lane.verdict == "too_few"


def test_a_lane_that_keeps_too_few_is_alarming_and_the_right_one_is_not():
    rows = [*parcels(60, 40), *parcels(90, 10, carrier="van")]
    found = {(x.carrier, x.location_id): x.verdict for x in calibration.lanes(rows, NOW)}
    assert found["post", "north"] == found["post", ""] == "too_rarely"
    assert found["van", "north"] == "right"


def test_parcels_that_never_came_are_broken_promises_and_open_ones_judge_nobody():
    lost = calibration.lanes(parcels(60, 0, lost=40), NOW)[0]
    assert (lost.judged, lost.kept, lost.verdict) == (100, 60, "too_rarely")
    coming = [
        Promised(carrier="post", location_id="", promised_us=NOW + 1, delivered_us=None, level=0.9)
    ]
    assert calibration.lanes(coming, NOW) == []


def test_promises_that_give_days_away_are_called_so():
    lane = calibration.lanes(parcels(200, 0), NOW)[0]
    assert lane.verdict == "too_cautious"


def test_by_chance_alone_hardly_any_shop_is_alarmed():
    """200 shops of 20 right lanes each: the shared limit of 1 % holds within its noise."""
    rng = np.random.default_rng(4)
    alarmed = 0
    for _ in range(200):
        rows = []
        for lane in range(20):
            kept = int(rng.binomial(60, 0.9))
            rows += parcels(kept, 60 - kept, carrier=f"c{lane}")
        alarmed += any(x.verdict == "too_rarely" for x in calibration.lanes(rows, NOW))
    assert alarmed <= 6


def test_an_alarming_lane_is_told_once_a_week(depot, monkeypatch):
    sent = []
    monkeypatch.setattr(
        "shopkeeper.operate.promise_watch.webhooks.send",
        lambda shop, topic, body, key: sent.append((topic, body)),
    )
    lines = [{"item_id": "mug", "quantity": 1.0}]
    for number in range(40):
        name = f"o{number}"
        depot.tell("purchase", hours_ago=240, order_id=name, lines=lines, currency="USD")
        promised = clock.from_us(clock.now_us() - 5 * DAY_US)
        depot.tell(
            "shipment",
            hours_ago=230,
            shipment_id=name,
            order_id=name,
            location_id="south",
            label="post",
            promised_at=promised,
            lines=lines,
        )
        depot.tell("delivery", hours_ago=48, shipment_id=name, order_id=name, status="delivered")
    assert promise_watch.look(depot.shop) == {"lanes": 2, "alarming": 2, "told": 2}
    assert {topic for topic, _ in sent} == {"supply.promise_drift"}
    assert sent[0][1]["kept"] == 0
    depot.shop.warehouse.refresh()
    assert promise_watch.look(depot.shop)["told"] == 0
