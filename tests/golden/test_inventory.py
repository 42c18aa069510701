"""Textbook answers, to 1e-6, and the same from stockpyl where it is installed.

Snyder and Shen, Fundamentals of Supply Chain Theory, 2nd ed.; the printed digits are the
book's, the further ones were computed with stockpyl 1.0.2, the authors' own code.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from shopkeeper.base.errors import BadInput
from shopkeeper.inventory import lot_size, newsvendor, order_up_to, reorder_point

EXAMPLE_5_1 = {
    "holding": 0.225,
    "stockout": 7.5,
    "order_cost": 8,
    "demand": 1300,
    "demand_std": 150,
    "lead_time": 1 / 12,
}


def near(value):
    return pytest.approx(value, abs=1e-6)


def test_newsvendor_normal_example_4_3():
    best = newsvendor.normal(50, 8, holding=0.18, stockout=0.70)
    assert (best.level, best.cost) == (near(56.60395592743389), near(1.9976051931766445))


def test_newsvendor_poisson():
    best = newsvendor.poisson(6, holding=1, stockout=4)
    assert (best.level, best.cost) == (8, near(3.5701069457709376))


def test_poisson_cost_equals_the_sum_over_demand():
    demand = np.arange(200)
    chance = stats.poisson.pmf(demand, 6)
    for level in (0, 3, 8, 20):
        left, short = np.maximum(level - demand, 0), np.maximum(demand - level, 0)
        cost = newsvendor.poisson_cost(level, 6, holding=1, stockout=4)
        assert cost == near(float(chance @ (left + 4 * short)))


def test_economic_order_quantity_example_3_1():
    lot = lot_size.economic_order_quantity(order_cost=8, holding=0.225, demand=1300)
    assert (lot.quantity, lot.cost) == (near(304.0467800264368), near(68.41052550594829))


def test_wagner_whitin_example_3_9():
    orders, cost = lot_size.wagner_whitin([90, 120, 80, 70], order_cost=500, holding=2)
    assert orders == [210, 0, 150, 0]
    assert cost == near(1380)


def test_expected_inventory_level_example_5_1():
    found = reorder_point.expected_inventory_level(**EXAMPLE_5_1)
    assert found.reorder_point == near(213.97044213580244)
    assert found.quantity == near(318.5901810768729)
    assert found.cost == near(95.45114022285196)


def test_lot_and_safety_stock():
    point, lot = reorder_point.lot_and_safety_stock(**EXAMPLE_5_1)
    assert (point, lot) == (near(190.3369965715624), near(304.0467800264368))


def test_reorder_point_poisson_exact():
    found = reorder_point.poisson_exact(
        holding=20, stockout=150, order_cost=100, demand=1.5, lead_time=2
    )
    assert (found.reorder_point, found.quantity) == (3, 5)
    assert found.cost == near(107.92358063314975)


def test_min_max_poisson_exact():
    found = order_up_to.exact_poisson(6, holding=1, stockout=4, order_cost=5)
    assert (found.s, found.S, found.cost) == (4, 10, near(8.034111561471642))


def test_min_max_power_approximation():
    found = order_up_to.power_approximation(50, 8, holding=0.18, stockout=0.7, order_cost=2.5)
    assert (found.s, found.S) == (near(40.19461695647407), near(74.29017010980579))


def test_no_min_max_beats_the_exact_one():
    """Every (s, S) near the optimum costs at least as much, by the renewal formula itself."""
    demand = np.arange(200)
    pmf = stats.poisson.pmf(demand, 3)
    levels = np.arange(-60, 120)
    costs = np.array([newsvendor.poisson_cost(float(y), 3, holding=1, stockout=9) for y in levels])
    best = order_up_to.exact(pmf, costs, order_cost=20, offset=-60)
    renewal = order_up_to._renewal(pmf, len(levels))
    for s in range(-5, 15):
        for big in range(s + 1, 30):
            m = renewal[: big - s]
            cost = (20 + m @ costs[(big + 60) - np.arange(big - s)]) / m.sum()
            assert cost >= best.cost - 1e-9


def test_wagner_whitin_is_never_dearer_than_trying_every_plan():
    rng = np.random.default_rng(3)
    for _ in range(30):
        demand = rng.integers(0, 40, 6).astype(float)
        _, cost = lot_size.wagner_whitin(demand, order_cost=30, holding=1)
        assert cost == near(cheapest_plan(demand, 30, 1))


def cheapest_plan(demand, order_cost, holding):
    best = float("inf")
    for plan in range(2 ** len(demand)):
        stock, cost, feasible = 0.0, 0.0, True
        opens = [t for t in range(len(demand)) if plan >> t & 1]
        for t, units in enumerate(demand):
            if t in opens:
                later = [o for o in opens if o > t]
                stock += demand[t : later[0] if later else len(demand)].sum()
                cost += order_cost
            feasible &= stock >= units
            stock -= units
            cost += holding * stock
        if feasible:
            best = min(best, cost)
    return best


@pytest.mark.parametrize("seed", range(5))
def test_stockpyl_agrees_on_random_shops(seed):
    """The authors' own code, where somebody has installed it."""
    pytest.importorskip("stockpyl.newsvendor")
    from stockpyl.newsvendor import newsvendor_normal, newsvendor_poisson
    from stockpyl.rq import r_q_eil_approximation, r_q_poisson_exact
    from stockpyl.ss import s_s_discrete_exact, s_s_power_approximation

    rng = np.random.default_rng(seed)
    h, p, k = rng.uniform(0.1, 2), rng.uniform(3, 20), rng.uniform(1, 40)
    mean, std = rng.uniform(5, 30), rng.uniform(1, 5)
    assert newsvendor.normal(mean, std, holding=h, stockout=p).level == near(
        newsvendor_normal(h, p, mean, std)[0]
    )
    assert newsvendor.poisson(mean, holding=h, stockout=p).cost == near(
        newsvendor_poisson(h, p, mean)[1]
    )
    theirs = r_q_poisson_exact(h, p, k, mean, 2)
    mine = reorder_point.poisson_exact(
        holding=h, stockout=p, order_cost=k, demand=mean, lead_time=2
    )
    assert mine.cost == near(theirs[2])
    s, big, cost = s_s_discrete_exact(h, p, k, True, mean)
    found = order_up_to.exact_poisson(mean, holding=h, stockout=p, order_cost=k)
    assert (found.s, found.S, found.cost) == (s, big, near(cost))
    low, high = s_s_power_approximation(h, p, k, mean, std)
    approx = order_up_to.power_approximation(mean, std, holding=h, stockout=p, order_cost=k)
    assert (approx.s, approx.S) == (near(low), near(high))
    r, q, cost = r_q_eil_approximation(h, 10 * p, k, mean, std, 1.5)
    mine = reorder_point.expected_inventory_level(
        holding=h, stockout=10 * p, order_cost=k, demand=mean, demand_std=std, lead_time=1.5
    )
    assert (mine.reorder_point, mine.quantity, mine.cost) == (
        pytest.approx(r, abs=1e-4),
        pytest.approx(q, abs=1e-4),
        pytest.approx(cost, abs=1e-5),
    )


@pytest.mark.parametrize("field", ["holding", "stockout"])
def test_a_cost_that_is_not_above_zero_is_named(field):
    costs = {"holding": 1.0, "stockout": 1.0} | {field: 0.0}
    with pytest.raises(BadInput, match=f"{field} must be above 0, but is 0"):
        newsvendor.normal(5, 1, **costs)


def test_a_lead_time_below_zero_is_named():
    with pytest.raises(BadInput, match="lead_time must be at least 0, but is -1"):
        reorder_point.lot_and_safety_stock(**(EXAMPLE_5_1 | {"lead_time": -1}))
