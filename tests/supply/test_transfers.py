"""Transfers before buying: small cases by hand, a linear program of its own, limits, bad input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from shopkeeper.base.errors import BadInput
from shopkeeper.supply.transfers import Need, Transfer, Way, plan


def need(place: str, sku: str, units: int, buy: float = 1000, **more: float) -> Need:
    return Need(warehouse_id=place, sku=sku, units=units, buy_minor=buy, **more)


def way(a: str, b: str, unit: float = 100, **more: float) -> Way:
    return Way(from_id=a, to_id=b, unit_minor=unit, **more)


def test_units_are_moved_before_any_are_bought():
    """Five are missing, three lie idle elsewhere: 3 x 100 + 2 x 1,000."""
    found = plan([need("north", "a", 5)], {("south", "a"): 3}, [way("south", "north")])
    assert found.transfers == (Transfer(from_id="south", to_id="north", sku="a", units=3),)
    assert found.bought == {("north", "a"): 2}
    assert (found.cost_minor, found.saved_minor, found.status) == (2300, 2700, "optimal")


def test_a_transfer_dearer_than_buying_is_not_made():
    found = plan([need("north", "a", 5, 90)], {("south", "a"): 9}, [way("south", "north")])
    assert (found.transfers, found.cost_minor) == ((), 450)


def test_a_vehicle_pays_only_with_enough_on_it():
    """One product saves 2 x 900 = 1,800 against 2,500 for the vehicle; two together 3,600."""
    ways = [way("south", "north", fixed_minor=2500)]
    stock = {("south", "a"): 2, ("south", "b"): 2}
    alone = plan([need("north", "a", 2)], stock, ways)
    assert (alone.transfers, alone.cost_minor) == ((), 2000)
    both = plan([need("north", "a", 2), need("north", "b", 2)], stock, ways)
    assert [x.units for x in both.transfers] == [2, 2]
    assert both.cost_minor == 2500 + 400


def test_a_way_carries_no_more_than_it_can_and_the_dearer_need_goes_first():
    found = plan(
        [need("north", "a", 4, 500), need("north", "b", 4, 900)],
        {("south", "a"): 4, ("south", "b"): 4},
        [way("south", "north", most_units=5)],
    )
    assert {x.sku: x.units for x in found.transfers} == {"a": 1, "b": 4}


def test_what_would_come_too_late_is_bought_and_said():
    found = plan(
        [need("north", "a", 5, within_days=2)],
        {("south", "a"): 9},
        [way("south", "north", days=3)],
    )
    assert found.transfers == ()
    assert found.too_late == {("north", "a"): 5}


def test_no_excess_or_no_way_means_buying():
    for stock, ways in (({}, [way("south", "north")]), ({("south", "a"): 9}, [])):
        found = plan([need("north", "a", 5)], stock, ways)
        assert (found.transfers, found.bought, found.saved_minor) == ((), {("north", "a"): 5}, 0)
        assert found.too_late == {}


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_without_fixed_costs_it_is_the_min_cost_flow(seed):
    """The same transport problem as a plain linear program, written otherwise."""
    rng = np.random.default_rng(seed)
    gives, takes = ["s0", "s1", "s2"], ["t0", "t1"]
    have, lack = rng.integers(0, 6, 3), rng.integers(0, 6, 2)
    unit, buy = rng.integers(10, 200, (3, 2)), rng.integers(50, 300, 2)
    found = plan(
        [need(t, "a", int(n), float(b)) for t, n, b in zip(takes, lack, buy, strict=True)],
        {(s, "a"): int(n) for s, n in zip(gives, have, strict=True)},
        [way(s, t, float(unit[i, j])) for i, s in enumerate(gives) for j, t in enumerate(takes)],
    )
    limits = np.zeros((3, 8))
    meets = np.zeros((2, 8))
    for i in range(3):
        limits[i, 2 * i : 2 * i + 2] = 1
    for j in range(2):
        meets[j, [j, 2 + j, 4 + j, 6 + j]] = 1
    flow = optimize.linprog(
        np.concatenate([unit.ravel(), buy]), A_ub=limits, b_ub=have, A_eq=meets, b_eq=lack
    )
    assert found.cost_minor == pytest.approx(flow.fun)
    assert found.saved_minor >= 0
    for place, units in zip(gives, have, strict=True):
        assert sum(x.units for x in found.transfers if x.from_id == place) <= units


@pytest.mark.parametrize(
    ("needs", "stock", "ways", "match"),
    [
        ([need("n", "a", 1), need("n", "a", 2)], {}, [], "twice in needs"),
        ([need("n", "a", 1)], {}, [way("s", "n"), way("s", "n")], "twice in ways"),
        ([need("n", "a", -1)], {}, [], "units must be"),
        ([need("n", "a", 1, float("nan"))], {}, [], "buy_minor must be"),
        ([need("n", "a", 1)], {("n", "a"): 2}, [], "both short and in excess"),
        ([need("n", "a", 1)], {("s", "a"): -2}, [], "excess of a at s"),
        ([need("n", "a", 1)], {}, [way("n", "n")], "to itself"),
    ],
)
def test_bad_input_is_refused(needs, stock, ways, match):
    with pytest.raises(BadInput, match=match):
        plan(needs, stock, ways)
