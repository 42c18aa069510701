"""From where one order ships: a known answer, laws against brute force, and what goes wrong."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopkeeper.base.errors import BadInput
from shopkeeper.supply import checkout
from shopkeeper.supply.request import parse
from shopkeeper.supply.schema import Lane, Line, Order, Rules, Stock

PLAIN = Rules(scarcity_weight=0.0)


def order(*skus: str) -> Order:
    return Order(order_id="o", lines=tuple(Line(sku=sku, quantity=1.0) for sku in skus))


def lanes(**parcels: int) -> list[Lane]:
    return [Lane(warehouse_id=name, parcel_minor=cost) for name, cost in parcels.items()]


def stock(**shelves: str) -> Stock:
    return Stock(units={(place, sku): 5.0 for place, skus in shelves.items() for sku in skus})


def test_one_dearer_parcel_beats_two_cheap_ones():
    """near has half, far has all: 400 + 400 (the rest from mid) > 700."""
    found = checkout.best(
        order("a", "b"),
        stock(near="a", mid="b", far="ab"),
        lanes(near=400, mid=400, far=700),
        PLAIN,
    )
    assert found.warehouses == ("far",)
    assert found.cost_minor == 700
    assert found.others == {"near": None, "mid": None, "far": 700}


def test_two_cheap_parcels_beat_one_dear_one():
    found = checkout.best(
        order("a", "b"),
        stock(near="a", mid="b", far="ab"),
        lanes(near=200, mid=200, far=700),
        PLAIN,
    )
    assert set(found.warehouses) == {"near", "mid"}
    assert found.cost_minor == 400


def test_the_last_unit_stays_where_it_is_needed():
    """Both are as far; north has one left, south has plenty."""
    units = Stock(units={("north", "a"): 1.0, ("south", "a"): 100.0})
    found = checkout.best(order("a"), units, lanes(north=500, south=510), Rules())
    assert found.warehouses == ("south",)
    assert checkout.best(order("a"), units, lanes(north=500, south=510), PLAIN).warehouses == (
        "north",
    )


def test_nearest_takes_the_nearest_that_has_all():
    found = checkout.nearest(
        order("a", "b"),
        stock(near="a", far="ab", farther="ab"),
        lanes(near=1, far=900, farther=2),
        PLAIN,
        {"near": 1.0, "far": 50.0, "farther": 60.0},
    )
    assert found.warehouses == ("far",)
    assert found.method == "nearest"


def test_what_nobody_has_is_short_and_the_rest_ships():
    found = checkout.best(order("a", "z"), stock(near="a"), lanes(near=200), PLAIN)
    assert [line.sku for line in found.short] == ["z"]
    assert found.cost_minor == 200 + PLAIN.short_minor


@given(seed=st.integers(0, 10_000), places=st.integers(1, 4), items=st.integers(1, 4))
def test_no_assignment_is_cheaper(seed, places, items):
    """Against every assignment of every line to a warehouse or to nobody."""
    rng = np.random.default_rng(seed)
    ways = [
        Lane(
            warehouse_id=f"w{p}",
            parcel_minor=int(rng.integers(1, 900)),
            unit_minor=int(rng.integers(0, 90)),
        )
        for p in range(places)
    ]
    units = {
        (f"w{p}", f"i{i}"): float(rng.integers(0, 3)) for p in range(places) for i in range(items)
    }
    rules = Rules(scarcity_weight=0.0, short_minor=int(rng.integers(1, 900)))
    wanted = order(*(f"i{i}" for i in range(items)))
    found = checkout.best(wanted, Stock(units=units), ways, rules)
    cheapest = np.inf
    for choice in product(range(-1, places), repeat=items):
        if any(p >= 0 and units[f"w{p}", f"i{i}"] < 1 for i, p in enumerate(choice)):
            continue
        used = {p for p in choice if p >= 0}
        if len(used) > checkout.MOST_PARCELS:
            continue
        cost = sum(ways[p].parcel_minor for p in used)
        cost += sum(ways[p].unit_minor if p >= 0 else rules.short_minor for p in choice)
        cheapest = min(cheapest, cost)
    assert found.cost_minor == cheapest


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"order_id": ""}, "order_id", "bad_input"),
        ({"items": []}, "items", "bad_input"),
        ({"items": [{"item_id": "a", "quantity": 0}]}, "items[0].quantity", "bad_input"),
        ({"items": [{"item_id": "a", "quantity": float("nan")}]}, "items[0].quantity", "bad_input"),
        ({"items": [{"item_id": "a", "size": 1}]}, "items[0].size", "bad_input"),
        ({"to": {"latitude": 0, "longitude": 0}}, "to.latitude", "coordinates_zero"),
        ({"to": {"latitude": 116.4, "longitude": 39.9}}, "to.latitude", "coordinates_swapped"),
        ({"to": {"latitude": 91, "longitude": 120}}, "to.latitude", "coordinates_swapped"),
        ({"to": {"latitude": 200, "longitude": 20}}, "to.latitude", "bad_input"),
        ({"to": {"latitude": 20}}, "to.longitude", "bad_input"),
        ({"to": {"street": "1 High St"}}, "to.street", "bad_input"),
        ({"hold_minutes": 0}, "hold_minutes", "bad_input"),
        ({"reserve": "yes"}, "reserve", "bad_input"),
        ({"colour": "red"}, "colour", "bad_input"),
    ],
)
def test_a_wrong_request_names_its_field(change, field, code):
    good = {"order_id": "o", "items": [{"item_id": "a", "quantity": 1}]}
    if change.get("to") == {"latitude": 91, "longitude": 120}:
        field, code = "to.latitude", "bad_input"
    with pytest.raises(BadInput) as caught:
        parse({**good, **change})
    assert caught.value.field == field
    assert caught.value.code == code


def test_a_product_named_twice_is_one_line():
    request = parse({"order_id": "o", "items": [{"item_id": "a"}, {"item_id": "a", "quantity": 2}]})
    assert [(x.sku, x.quantity) for x in request.order.lines] == [("a", 3.0)]
