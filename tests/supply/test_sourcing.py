"""Which supplier: the arithmetic of covering an uncertain lead time, by hand and as a law."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopkeeper.base.clock import DAY_US
from shopkeeper.base.errors import BadInput
from shopkeeper.operate.late_risk import given_so_far, late_chance
from shopkeeper.supply.schema import LeadTime
from shopkeeper.supply.sourcing import REASONS, Offer, rank


def lead(*days: float) -> LeadTime:
    return LeadTime(days=np.array(days), probability=np.full(len(days), 1 / len(days)))


STEADY = lead(5.0)
WILD = lead(*[5.0] * 1, 25.0)  # half the time 5 days, half 25


def test_the_cover_of_an_erratic_supplier_is_priced_by_hand():
    """1,000 minor a unit, 36.5 % a year: 1 a unit and day; 20 days between 0.5 and 0.9."""
    offers = [
        Offer(supplier_id="wild", price_minor=1000.0, lead_time=WILD),
        Offer(supplier_id="steady", price_minor=1010.0, lead_time=STEADY),
    ]
    best, other = rank(offers, units_per_day=1.0, holding_rate=0.365)
    assert (best.offer.supplier_id, best.reason) == ("steady", "best")
    assert other.safety_minor == pytest.approx(20.0)
    assert other.total_minor == pytest.approx(1020.0)
    assert other.reason == "erratic"


def test_a_minimum_beyond_a_month_lies_on_the_shelf_and_costs():
    """300 at once at 1 a day: 150 days on average, 15 are usual, so 135 days of 0.1 each."""
    big = Offer(supplier_id="big", price_minor=100.0, lead_time=STEADY, minimum_quantity=300)
    small = Offer(supplier_id="small", price_minor=101.0, lead_time=STEADY)
    best, other = rank([big, small], units_per_day=1.0, holding_rate=0.365)
    assert best.offer.supplier_id == "small"
    assert other.ordering_minor == pytest.approx(13.5)
    assert other.reason == "too_much_at_once"


@given(
    prices=st.lists(st.floats(1, 1e5), min_size=1, max_size=6),
    days=st.lists(st.integers(1, 60), min_size=1, max_size=8),
    demand=st.floats(0, 50),
)
def test_the_best_is_never_dearer_in_all_and_every_offer_has_a_reason(prices, days, demand):
    offers = [
        Offer(supplier_id=f"s{n}", price_minor=price, lead_time=lead(*sorted(days)))
        for n, price in enumerate(prices)
    ]
    found = rank(offers, units_per_day=demand)
    totals = [one.total_minor for one in found]
    assert totals == sorted(totals)
    assert [one.best for one in found].count(True) == 1
    assert {one.reason for one in found} <= set(REASONS)


def test_an_offer_twice_or_without_a_price_is_refused():
    one = Offer(supplier_id="s", price_minor=1.0, lead_time=STEADY)
    with pytest.raises(BadInput, match="stands twice or has no price"):
        rank([one, one], units_per_day=1.0)
    nan = Offer(supplier_id="s", price_minor=float("nan"), lead_time=STEADY)
    with pytest.raises(BadInput, match="stands twice or has no price"):
        rank([nan], units_per_day=1.0)


def test_the_chance_of_being_late_grows_while_the_parcel_does_not_come():
    """1 to 4 days alike, promised 3: at first 1/4, after day 1 a third, after day 2 a half."""
    days, at = lead(1, 2, 3, 4), 20_000 * DAY_US
    chances = [given_so_far(days, at, at + 3 * DAY_US, at + n * DAY_US) for n in range(4)]
    assert chances == pytest.approx([1 / 4, 1 / 4, 1 / 3, 1 / 2])
    row = {"promised_us": at, "ordered_us": at}
    assert late_chance(row, None, at + 1) == 1.0
    assert late_chance(row, None, at - 1) is None
