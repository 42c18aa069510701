"""The greedy allocation against a mixed-integer program, and the lead times of suppliers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import lil_matrix

from shopkeeper.base.errors import BadInput
from shopkeeper.inventory import budget, lead_time


def orders(seed, n=40):
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(n):
        mean = rng.uniform(2, 60)
        pack = float(rng.integers(1, 12))
        found.append(
            budget.lots(
                float(np.ceil(1.5 * mean / pack) * pack),
                smallest=pack * float(rng.integers(1, 4)),
                pack=pack,
                unit_cost=rng.uniform(50, 900),
                volume=rng.uniform(0.1, 3),
                position=rng.uniform(0, mean / 2),
                draws=rng.poisson(mean, 200).astype(float),
                margin=rng.uniform(30, 700),
            )
        )
    return found


def best_by_program(found, money, room):
    """Return the worth of the best choice of lots, each after the one before it (HiGHS)."""
    worth = np.concatenate([one.worth for one in found])
    rows = [np.concatenate([one.money for one in found])]
    limits = [money]
    if room is not None:
        rows.append(np.concatenate([one.volume for one in found]))
        limits.append(room)
    sizes = [len(one.units) for one in found]
    links = lil_matrix((sum(sizes) - len(sizes), sum(sizes)))
    row = start = 0
    for size in sizes:
        for place in range(size - 1):
            links[row, start + place + 1], links[row, start + place] = 1, -1
            row += 1
        start += size
    solved = milp(
        -worth,
        integrality=np.ones(len(worth)),
        bounds=Bounds(0, 1),
        constraints=[
            LinearConstraint(np.array(rows), -np.inf, limits),
            LinearConstraint(links.tocsr(), -np.inf, 0),
        ],
        options={"time_limit": 20, "mip_rel_gap": 1e-4},
    )
    return -solved.fun


@pytest.mark.parametrize("share", [0.25, 0.5, 0.8])
@pytest.mark.parametrize("room", [None, 0.5])
def test_greedy_is_within_two_percent_of_the_integer_program(share, room):
    gaps = []
    for seed in range(4):
        found = orders(seed)
        money = share * sum(one.money.sum() for one in found)
        space = None if room is None else room * sum(one.volume.sum() for one in found)
        taken = budget.allocate(found, budget=money, volume=space)
        worth = spent = used = 0.0
        for units, one in zip(taken, found, strict=True):
            lots = int(np.searchsorted(np.cumsum(one.units), units + 1e-9, side="right"))
            worth += one.worth[:lots].sum()
            spent += one.money[:lots].sum()
            used += one.volume[:lots].sum()
        assert spent <= money + 1e-6
        assert space is None or used <= space + 1e-6
        gaps.append(1 - worth / best_by_program(found, money, space))
    assert np.mean(gaps) < 0.02


def test_without_a_cap_everything_is_bought():
    found = orders(1)
    assert budget.allocate(found).tolist() == [one.units.sum() for one in found]


def test_open_orders_are_not_forgotten():
    """Ten arrived after 5 days; ten more are open since 20: the mean is far above 5."""
    days = np.array([5.0] * 10 + [20.0] * 10)
    open_ = np.array([False] * 10 + [True] * 10)
    both = lead_time.Deliveries(supplier=["s"] * 20, sku=["a"] * 20, days=days, open=open_)
    closed = lead_time.Deliveries(
        supplier=["s"] * 10, sku=["a"] * 10, days=days[:10], open=open_[:10]
    )
    assert lead_time.estimate(closed)["s", "a"].mean_days == 5
    assert lead_time.estimate(both)["s", "a"].mean_days > 12


def test_an_item_with_few_deliveries_leans_on_its_supplier():
    days = np.array([10.0] * 60 + [30.0])
    sku = ["usual"] * 60 + ["rare"]
    found = lead_time.estimate(
        lead_time.Deliveries(supplier=["s"] * 61, sku=sku, days=days, open=np.zeros(61, bool))
    )
    rare = found["s", "rare"]
    assert 10 < rare.mean_days < 16
    assert (rare.source, rare.observed) == ("item", 1)
    assert found["s", ""].source == "supplier"
    assert sum(rare.probability) == pytest.approx(1)


def test_many_different_days_become_few_with_nearly_the_same_mean():
    rng = np.random.default_rng(2)
    days = np.rint(rng.gamma(4, 5, 500))
    found = lead_time.estimate(
        lead_time.Deliveries(
            supplier=["s"] * 500, sku=["a"] * 500, days=days, open=np.zeros(500, bool)
        )
    )["s", "a"]
    assert len(found.days) <= lead_time.POINTS
    assert found.mean_days == pytest.approx(days.mean(), rel=0.03)
    assert found.at(0.95) >= np.quantile(days, 0.87)


def test_a_promise_is_used_where_nothing_was_delivered():
    assert lead_time.lookup({}, "s", "a", promised=None) is None
    assert lead_time.lookup({}, "s", "a", promised=10).source == "promise"


def test_a_delivery_before_its_order_names_its_row():
    with pytest.raises(BadInput, match=r"days must be 0 or more, but is -2\.0 .* row 2"):
        lead_time.estimate(
            lead_time.Deliveries(
                supplier=["s", "s"],
                sku=["a", "a"],
                days=np.array([1.0, -2.0]),
                open=np.zeros(2, bool),
            )
        )
