"""Simulated shoppers do what their truth says, and the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from shopkeeper.simulate import shoppers
from shopkeeper.simulate.shoppers import CLICKS, ETA, Order, examined, on_slate, visits

SHELF = {"w": "tea", "s": "tea", "o": "mugs"}


def visit(wanted: dict[str, int]) -> shoppers.Visit:
    return shoppers.Visit(
        name="v",
        customer_id="c",
        starts_us=0,
        order_id="o1" if wanted else None,
        order_us=600_000_000 if wanted else None,
        wanted=wanted,
        shelves=frozenset({"tea"}),
    )


def test_clicks_are_looking_times_wish():
    rng = np.random.default_rng(3)
    slate = [("w", "tea"), ("s", "tea"), ("o", "mugs"), ("w", "tea")]
    clicks = np.zeros(4)
    n = 8_000
    for _ in range(n):
        for act in on_slate(visit({"w": 300}), slate, rng):
            clicks[act.position] += act.kind == "select_item"
    wish = np.array([CLICKS[name] for name in ("wanted", "shelf", "other", "wanted")])
    expected = examined(4) * wish
    assert clicks / n == pytest.approx(expected, abs=4 * np.sqrt(0.25 / n))
    assert clicks[3] / clicks[0] == pytest.approx(4**-ETA, rel=0.08)


def test_who_means_to_buy_leaves_more_in_the_cart_than_who_looks_around():
    rng = np.random.default_rng(4)
    stock = {"tea": ["w", "s", "t", "u"]}
    carts = {
        name: sum(
            act.kind == "add_to_cart"
            for _ in range(400)
            for act in shoppers.elsewhere(visit(wanted), stock, rng)
        )
        for name, wanted in (("buys", {"w": 300, "t": 100}), ("looks", {}))
    }
    assert carts["buys"] > 3 * carts["looks"] > 0


def test_every_order_has_its_visit_before_it_and_lookers_have_none():
    day = 86_400_000_000
    orders = [
        Order(order_id=f"o{n}", customer_id=f"c{n % 3}", at_us=(n + 10) * day, items={"w": 5})
        for n in range(40)
    ]
    found = visits(orders, SHELF, np.random.default_rng(1))
    assert found == visits(orders, SHELF, np.random.default_rng(1))
    assert [v.starts_us for v in found] == sorted(v.starts_us for v in found)
    buying = [v for v in found if v.order_id]
    assert {v.order_id for v in buying} == {o.order_id for o in orders}
    assert all(0 < v.order_us - v.starts_us <= 20 * 60 * 1_000_000 for v in buying)
    assert all(v.order_us is None and not v.wanted for v in found if not v.order_id)
    assert 0.8 < (len(found) - 40) / 40 / shoppers.LOOKS_PER_ORDER < 1.25
