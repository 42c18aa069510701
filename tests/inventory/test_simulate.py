"""The lost-sales simulation: arithmetic by hand, then laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopkeeper.base.errors import BadInput
from shopkeeper.inventory.simulate import Setup, cover_at, curve, oracle, replenishment


def test_one_product_by_hand():
    """Opening 1.2 x 3 x 2 = 7.2, so 8. Level 4 orders nothing until the position is below it.

    t  arrives  position  order  sells  on hand
    3  0        8         0      2      6
    4  0        6         0      2      4
    5  0        4         0      2      2
    6  0        2         2      2      0
    7  0        2         2      0 of 2 0      (the order of 6 arrives at 8)
    8  2        4         0      2      0
    9  2        2         2      2      0
    """
    demand = np.full((1, 10), 2.0)
    run = replenishment(demand, lambda t: np.array([4.0]), Setup(first=3, warm_up=0))
    assert run.served[0] == 12
    assert run.demand[0] == 14
    assert run.on_hand[0] == 6 + 4 + 2
    assert run.short_periods[0] == 1


def test_who_knows_the_future_loses_nothing():
    rng = np.random.default_rng(1)
    demand = rng.poisson(4, (50, 40)).astype(float)
    setup = Setup(first=10)
    run = replenishment(demand, oracle(demand, setup), setup)
    assert run.fill(np.ones(50)) == 1
    assert run.cover(np.ones(50)) < 0.2


@given(seed=st.integers(0, 99), low=st.floats(0.5, 3), more=st.floats(0.1, 3))
def test_a_higher_level_never_serves_less(seed, low, more):
    demand = np.random.default_rng(seed).poisson(3, (20, 30)).astype(float)
    setup = Setup(first=6, lead_time=1)
    price = np.ones(20)
    points = curve(
        demand,
        {z: (lambda t, z=z: np.full(20, 6.0 * z)) for z in (low, low + more)},
        setup,
        price,
    )
    assert points[1].fill >= points[0].fill - 1e-12
    assert points[1].cover >= points[0].cover - 1e-12


def test_cover_at_a_fill_that_is_never_reached_is_none():
    assert cover_at([], 0.95) is None


def test_a_start_without_history_is_named():
    with pytest.raises(BadInput, match="must start after period 3"):
        replenishment(np.ones((1, 10)), lambda t: np.ones(1), Setup(first=2))
