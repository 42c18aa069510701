"""Scorecards: counted by hand, no look ahead, open orders, few deliveries, bad input."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from shopkeeper.base.errors import BadInput
from shopkeeper.supply.lead_time import Deliveries
from shopkeeper.supply.scorecards import History, scorecards

NAN = float("nan")
# supplier, item, ordered, promised, received, units ordered, units received, price
ROWS = [
    ("good", "a", 0, 10, 9, 10, 10, 100),
    ("good", "a", 10, 20, 20, 10, 10, 110),
    ("good", "b", 20, 30, 34, 10, 5, 50),
    ("good", "b", 95, 120, NAN, 10, 0, 50),  # not due yet
    ("bad", "a", 0, 10, 30, 10, 10, 100),
    ("bad", "a", 10, 20, NAN, 10, 0, 100),  # long overdue
    ("bad", "a", 30, 40, 105, 10, 10, 90),  # comes after the day asked for
]


def history(rows=ROWS) -> History:
    supplier, item, ordered, promised, received, units, got, price = zip(*rows, strict=True)
    return History(
        deliveries=Deliveries(
            keys={"supplier": np.array(supplier), "item": np.array(item)},
            ordered=np.array(ordered),
            promised=np.array(promised, dtype=float),
            received=np.array(received, dtype=float),
        ),
        ordered_units=np.array(units, dtype=float),
        received_units=np.array(got, dtype=float),
        price_minor=np.array(price, dtype=float),
    )


def test_a_scorecard_counted_by_hand():
    """Day 100. good: 2 of 3 on time, 4 days over 3 orders, 25 of 30 units, a +10 %, b 0 %."""
    good = scorecards(history(), 100)[1]
    assert (good.supplier_id, good.delivered, good.open_orders) == ("good", 3, 1)
    assert good.on_time_share == pytest.approx(2 / 3)
    assert good.late_days_mean == pytest.approx(4 / 3)
    assert good.fill_rate == pytest.approx(25 / 30)
    assert good.price_change == pytest.approx(0.05)
    assert good.facts == {"judged": 3, "overdue": 0, "lanes": {}}
    low, high = good.on_time_interval
    assert low == pytest.approx(0.2077, abs=1e-4)
    assert high == pytest.approx(0.9385, abs=1e-4)


def test_open_after_its_day_is_late_and_what_came_later_is_not_known():
    """bad: 20 days late, 80 so far, 60 so far."""
    bad = scorecards(history(), 100)[0]
    assert (bad.delivered, bad.open_orders) == (1, 2)
    assert bad.on_time_share == 0
    assert bad.late_days_mean == pytest.approx((20 + 80 + 60) / 3)
    assert bad.facts["overdue"] == 2


def test_the_next_order_of_the_worse_supplier_is_likelier_late():
    bad, good = scorecards(history(), 100)
    assert 0 < good.p_late_next < bad.p_late_next < 1
    assert good.lead_time.at(0.5) < bad.lead_time.at(0.5)


def test_a_change_after_the_day_asked_for_changes_nothing():
    later = history()
    later.deliveries.received[6] = 5000
    for one, two in zip(scorecards(history(), 100), scorecards(later, 100), strict=True):
        assert (one.on_time_share, one.p_late_next) == (two.on_time_share, two.p_late_next)
        assert one.lead_time.probability.tolist() == two.lead_time.probability.tolist()


def test_without_promises_only_the_lead_time_is_known():
    found = scorecards(history([(*row[:3], NAN, *row[4:]) for row in ROWS]), 100)[1]
    assert np.isnan([found.on_time_share, found.late_days_mean, found.p_late_next]).all()
    assert found.on_time_interval == (0.0, 1.0)
    assert found.lead_time.observed == 3


def test_before_the_first_order_there_is_nothing():
    assert scorecards(history(), 0) == []


def test_columns_of_other_length_or_below_zero_are_refused():
    with pytest.raises(BadInput, match="price_minor has 1 rows"):
        scorecards(replace(history(), price_minor=np.ones(1)), 100)
    with pytest.raises(BadInput, match="below 0"):
        scorecards(replace(history(), ordered_units=-np.ones(7)), 100)


def test_each_lane_has_its_own_lead_time_where_goods_go_to_several_places():
    rows = [("s", "a", n, n + 9, n + (4 if n % 2 else 12), 1, 1, 10) for n in range(80)]
    told = history(rows)
    lanes = np.array(["far" if n % 2 == 0 else "near" for n in range(80)])
    deliveries = replace(told.deliveries, keys={**told.deliveries.keys, "lane": lanes})
    [card] = scorecards(replace(told, deliveries=deliveries), 100)
    near, far = card.facts["lanes"]["near"], card.facts["lanes"]["far"]
    assert near.at(0.5) <= 6 < 9 <= far.at(0.5)
    [plain] = scorecards(told, 100)
    assert plain.facts["lanes"] == {}
