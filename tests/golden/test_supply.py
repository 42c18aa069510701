"""Golden values of supply: safety stock in trees and chains, allocation of a fixed batch."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from shopkeeper.base.errors import BadInput
from shopkeeper.supply import allocation
from shopkeeper.supply.multi_echelon import SerialStage, Stage, guaranteed_service, serial
from shopkeeper.supply.schema import Lane, Line, Order, Rules, Stock

TREE = (
    Stage(stage="1", processing_time=2, holding=1, demand_std=sqrt(2), external_inbound=1),
    Stage(stage="2", processing_time=1, holding=3, demand_std=1, promised=0),
    Stage(stage="3", processing_time=1, holding=2, demand_std=sqrt(2)),
    Stage(stage="4", processing_time=1, holding=3, demand_std=1, promised=1),
)


def test_guaranteed_service_tree():
    """Snyder and Shen, example 6.5: sqrt(2) sqrt(3) + 2 sqrt(2) + 3 = 8.277917."""
    found = guaranteed_service(TREE, [("1", "3"), ("3", "2"), ("3", "4")])
    assert found.service_times == {"1": 0, "2": 0, "3": 0, "4": 1}
    assert found.cost == pytest.approx(8.277917, abs=1e-6)


def test_clark_scarf_serial_chain():
    """Snyder and Shen, example 6.1: C = 47.66865, within 0.05; levels on a grid."""
    stages = [
        SerialStage(echelon_holding=h, lead_time=lead) for h, lead in ((3, 1), (2, 1), (2, 2))
    ]
    found = serial(stages, demand_mean=5, demand_std=1, stockout=37.12)
    assert found.cost == pytest.approx(47.66865, abs=0.05)
    assert found.levels == pytest.approx((6.5144, 12.0123, 22.7002), abs=0.05)


def test_a_chain_that_is_no_tree_is_refused():
    with pytest.raises(BadInput, match="are no tree"):
        guaranteed_service(TREE, [("1", "3"), ("3", "2")])


UNIT = 10_000  # costs are drawn as real numbers; whole ten-thousandths keep four digits


def three_hundred_orders() -> allocation.Task:
    """4 warehouses, 120 products, 300 orders, drawn in this order from seed 0."""
    rng = np.random.default_rng(0)
    units = rng.poisson(6, (4, 120))
    orders = []
    for number in range(300):
        count = rng.integers(1, 5)
        items = rng.choice(120, count, replace=False)
        quantity = float(rng.integers(1, 3))
        lines = tuple(Line(sku=str(item), quantity=quantity) for item in items)
        orders.append(Order(order_id=f"{number:03d}", lines=lines))
    ship = rng.uniform(4, 12, (300, 4))
    return allocation.Task(
        orders=orders,
        stock=Stock(units={(f"w{w}", str(i)): float(units[w, i]) for w, i in np.ndindex(4, 120)}),
        lanes={
            order.order_id: [
                Lane(warehouse_id=f"w{w}", parcel_minor=round(UNIT * ship[n, w])) for w in range(4)
            ]
            for n, order in enumerate(orders)
        },
        rules=Rules(short_minor=60 * UNIT, scarcity_weight=0.0),
    )


def test_allocation_of_three_hundred_orders():
    """Nearest complete warehouse, else cheapest split: 1,861.1; the program: 1,777.4."""
    task = three_hundred_orders()
    greedy, milp = allocation.batch_greedy(task), allocation.batch_milp(task)
    assert round(greedy.cost_minor / UNIT, 1) == 1861.1
    assert milp.cost_minor / UNIT <= 1777.4 * 1.005
    assert milp.status == "optimal"
    assert milp.gap <= 0.005
    for batch in (greedy, milp):
        assert not any(found.short for found in batch.allocations)
        assert allocation.oversold(task, batch.allocations) == {}
