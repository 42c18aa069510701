"""Many orders at once: the program against brute force, its prices, its limits, bad input."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopkeeper.base.errors import BadInput
from shopkeeper.supply import allocation
from shopkeeper.supply.allocation import Task
from shopkeeper.supply.schema import Lane, Line, Order, Rules, Stock

PLAIN = Rules(scarcity_weight=0.0)


def order(name: str, *skus: str, quantity: float = 1.0) -> Order:
    return Order(order_id=name, lines=tuple(Line(sku=sku, quantity=quantity) for sku in skus))


def lanes(**parcels: int) -> list[Lane]:
    return [Lane(warehouse_id=name, parcel_minor=cost) for name, cost in parcels.items()]


def contested() -> Task:
    """One unit in the north; the first order may as well go from the south, the second may not."""
    return Task(
        orders=[order("1", "a"), order("2", "a")],
        stock=Stock(units={("north", "a"): 1.0, ("south", "a"): 9.0}),
        lanes={"1": lanes(north=400, south=450), "2": lanes(north=400, south=1100)},
        rules=PLAIN,
    )


def test_the_last_unit_goes_to_who_needs_it_most():
    task = contested()
    greedy, milp = allocation.batch_greedy(task), allocation.batch_milp(task)
    assert [x.warehouses for x in greedy.allocations] == [("north",), ("south",)]
    assert [x.warehouses for x in milp.allocations] == [("south",), ("north",)]
    assert (greedy.cost_minor, milp.cost_minor) == (1500, 850)
    assert milp.status == "optimal"
    assert milp.bound_minor == pytest.approx(850, rel=0.005)


def test_the_shadow_price_lies_between_one_more_and_one_less():
    """A second unit in the north saves 450 - 400; without the first, 1,100 - 400 are lost."""
    task = contested()
    cost = {
        units: allocation.batch_milp(
            replace(task, stock=Stock(units={**task.stock.units, ("north", "a"): units}))
        ).cost_minor
        for units in (0.0, 1.0, 2.0)
    }
    assert (cost[1] - cost[2], cost[0] - cost[1]) == (50, 700)
    prices = allocation.shadow_prices(task)
    assert list(prices) == [("north", "a")]
    assert 50 <= prices["north", "a"] <= 700


def test_a_unit_beyond_its_price_leaves_the_greedy_its_second_order():
    task = replace(contested(), rules=Rules())
    found = allocation.batch_greedy(task, {("north", "a"): 51.0})
    assert [x.warehouses for x in found.allocations] == [("south",), ("north",)]


def test_splits_and_lateness_cost_as_at_checkout():
    """Split 400 + 400 + 300 > 900 far; far is 2 days late at 100: 1,100, so the split is no dearer
    until a further cent."""
    stock = Stock(units={("near", "a"): 1.0, ("mid", "b"): 1.0, ("far", "a"): 1, ("far", "b"): 1})
    task = Task(
        orders=[order("1", "a", "b")],
        stock=stock,
        lanes={"1": lanes(near=400, mid=400, far=900)},
        rules=replace(PLAIN, split_minor=299, late_day_minor=100),
        late_days={"1": {("far", ""): 2.0, ("near", ""): 0.5}},
    )
    found = allocation.batch_milp(task, gap=0.0).allocations[0]
    assert found.warehouses == ("far",)
    assert found.parts == {"shipping": 900, "split": 0, "short": 0, "late": 200, "scarcity": 0}
    dearer = replace(task, late_days={"1": {("far", ""): 3.0, ("near", ""): 0.5}})
    found = allocation.batch_milp(dearer, gap=0.0).allocations[0]
    assert set(found.warehouses) == {"near", "mid"}
    assert found.parts == {"shipping": 800, "split": 299, "short": 0, "late": 50, "scarcity": 0}


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_program_equals_brute_force(seed):
    task = small(np.random.default_rng(seed))
    found = allocation.batch_milp(task, gap=0.0)
    assert allocation.oversold(task, found.allocations) == {}
    assert found.cost_minor == pytest.approx(brute_force(task), abs=3)
    assert found.bound_minor <= found.cost_minor + 3
    assert allocation.batch_greedy(task).cost_minor >= found.cost_minor - 3


def small(rng: np.random.Generator) -> Task:
    places, skus = ["w0", "w1", "w2"], ["a", "b"]
    orders = [
        order(str(n), *skus[: int(rng.integers(1, 3))], quantity=float(rng.integers(1, 3)))
        for n in range(3)
    ]
    units = {(place, sku): float(rng.integers(0, 4)) for place in places for sku in skus}
    ways = {
        x.order_id: [
            Lane(warehouse_id=place, parcel_minor=int(rng.integers(100, 900)), unit_minor=7)
            for place in places
        ]
        for x in orders
    }
    late = {
        x.order_id: {(place, ""): float(rng.integers(0, 3)) for place in places} for x in orders
    }
    rules = Rules(
        short_minor=int(rng.integers(300, 2000)),
        split_minor=int(rng.integers(0, 200)),
        late_day_minor=50,
        scarcity_weight=float(rng.integers(0, 2)),
    )
    return Task(orders=orders, stock=Stock(units=units), lanes=ways, rules=rules, late_days=late)


def brute_force(task: Task) -> float:
    """Every assignment of every line to a warehouse or to nobody that the stock allows."""
    lines = [(x, at) for x in task.orders for at in range(len(x.lines))]
    best = np.inf
    for places in product([None, "w0", "w1", "w2"], repeat=len(lines)):
        used: dict[tuple[str, str], float] = {}
        for (x, at), place in zip(lines, places, strict=True):
            if place is not None:
                cell = (place, x.lines[at].sku)
                used[cell] = used.get(cell, 0.0) + x.lines[at].quantity
        if any(units > task.stock.at(*cell) for cell, units in used.items()):
            continue
        told = iter(places)
        made = [
            allocation.judged(task, x, [next(told) for _ in x.lines], "any") for x in task.orders
        ]
        best = min(best, sum(x.cost_minor for x in made))
    return best


def test_what_nobody_stocks_or_reaches_is_short():
    task = Task(
        orders=[order("1", "nowhere"), order("2", "a")],
        stock=Stock(units={("north", "a"): 5.0}),
        lanes={"1": lanes(north=400), "2": []},
        rules=PLAIN,
    )
    for found in (allocation.batch_milp(task), allocation.batch_greedy(task)):
        assert [len(x.short) for x in found.allocations] == [1, 1]
        assert found.cost_minor == 12_000


def test_an_empty_batch_is_an_answer():
    task = Task(orders=[], stock=Stock(units={}), lanes={}, rules=PLAIN)
    found = allocation.batch_milp(task)
    assert (found.allocations, found.cost_minor, found.status) == ((), 0.0, "optimal")
    assert allocation.shadow_prices(task) == {}


def test_out_of_time_gives_the_greedy_and_says_so():
    rng = np.random.default_rng(3)
    orders = [order(f"{n:03d}", *{f"s{k}" for k in rng.integers(0, 9, 4)}) for n in range(200)]
    places = [f"w{k}" for k in range(4)]
    task = Task(
        orders=orders,
        stock=Stock(units={(w, f"s{k}"): 20.0 for w in places for k in range(9)}),
        lanes={
            x.order_id: [
                Lane(warehouse_id=w, parcel_minor=int(rng.integers(400, 1200))) for w in places
            ]
            for x in orders
        },
        rules=PLAIN,
    )
    found = allocation.batch_milp(task, gap=0.0, seconds=1e-4)
    assert found.status == "greedy"
    assert found.cost_minor == allocation.batch_greedy(task).cost_minor
    assert allocation.oversold(task, found.allocations) == {}


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"orders": [order("1", "a"), order("1", "a")]}, "twice"),
        ({"lanes": {"1": []}}, "no entry in lanes"),
        ({"orders": [order("1", "a", quantity=float("nan"))]}, "asks for nan"),
        ({"stock": Stock(units={("north", "a"): -1.0})}, "has -1 units"),
    ],
)
def test_bad_input_is_refused(change, match):
    with pytest.raises(BadInput, match=match):
        allocation.batch_milp(replace(contested(), **change))


def test_seconds_must_be_positive():
    with pytest.raises(BadInput, match="seconds"):
        allocation.batch_milp(contested(), seconds=0)
