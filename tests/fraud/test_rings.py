"""Rings: who is joined, what is remembered of it, and where a ring ends."""

from __future__ import annotations

import math

import made_payments as made
import numpy as np
import pytest

from shopkeeper.base.clock import DAY_US
from shopkeeper.fraud import rings
from shopkeeper.fraud.online import Windows
from shopkeeper.fraud.registry import AGGREGATES, ROW
from shopkeeper.fraud.series import HUBS

AT = made.START_US


def windows_of(*payments: dict[str, str]) -> Windows:
    windows = Windows(AGGREGATES, ROW)
    for number, values in enumerate(payments):
        windows.pay(f"p{number}", AT + number, 100, values)
    return windows


def told(windows: Windows, values: dict[str, str], signups: dict[str, int] | None = None):
    found, members = rings.around(windows, values, AT + DAY_US, signups or {})
    return dict(zip(rings.FEATURES, found, strict=True)), members


def joined_by_hand(windows: Windows, values: dict[str, str]) -> set[str]:
    """Return holders reached over identifiers that few enough share, hop by hop."""
    own = values["customer"]
    reached, hops = set(), [("customer", own)]
    hops += [(kind, key) for kind, key in values.items() if kind in HUBS]
    seen = set(hops)
    while hops:
        kind, key = hops.pop()
        one = windows.tables[kind].get(key)
        if kind == "customer":
            reached.add(key)
        if one is None or (kind != "customer" and len(one.links) > HUBS[kind]):
            continue
        new = {(other.kind, other.key) for other in one.links} - seen
        seen |= new
        hops += new
    return reached


def test_a_ring_counts_what_can_be_counted_by_hand():
    windows = windows_of(
        {"customer": "a", "device": "d1", "card": "k1"},
        {"customer": "b", "device": "d1", "card": "k2"},
        {"customer": "c", "card": "k2"},
        {"customer": "z", "device": "d9"},
    )
    windows.label("p1", AT + 10)
    found, members = told(windows, {"customer": "new", "device": "d1"}, {"b": AT - 59_999_999})
    assert members == (
        *("customer:a", "customer:b", "customer:c"),
        *("card:k1", "card:k2", "device:d1"),
    )
    assert found == {
        "ring_customers": 4,
        "ring_entities": 3,
        "ring_customers_7d": 4,
        "ring_frauds": 1,
        "ring_fraud_rate": 1 / 3,
        "ring_signup_seconds": 60,
    }


def test_who_shares_nothing_is_alone():
    windows = windows_of({"customer": "a", "device": "d1"})
    found, members = told(windows, {"customer": "a", "device": "d1"})
    assert members == ()
    assert (found["ring_customers"], found["ring_entities"]) == (1, 1)
    assert math.isnan(found["ring_signup_seconds"])


def test_a_hub_joins_nobody():
    many = HUBS["ip"] + 1
    windows = windows_of(*({"customer": f"c{n}", "ip": "office"} for n in range(many)))
    assert told(windows, {"customer": "c0", "ip": "office"})[0]["ring_customers"] == 1
    windows.take_out(f"p{many - 1}")
    assert told(windows, {"customer": "c0", "ip": "office"})[0]["ring_customers"] == many - 1


def test_of_a_crowd_only_those_are_told_who_share_an_identifier_with_the_request():
    """A chain: each customer shares a device with the next."""
    length = rings.MOST_HOLDERS + 50
    chain = [
        {"customer": f"c{number // 2}", "device": f"d{(number + 1) // 2}"}
        for number in range(2 * length)
    ]
    windows = windows_of(*chain)
    for middle in (5, length // 2, length - 5):
        values = {"customer": f"c{middle}", "device": f"d{middle}"}
        found, members = told(windows, values)
        assert found["ring_customers"] == 2
        assert members == (f"customer:c{middle - 1}", f"customer:c{middle}", f"device:d{middle}")
    # Cut in two, the ends are rings again.
    held = windows.take_out(f"p{2 * 150}")
    assert told(windows, {"customer": "c0", "device": "d0"})[0]["ring_customers"] == 150
    windows.put_back(f"p{2 * 150}", held)
    assert told(windows, {"customer": "c0", "device": "d0"})[0]["ring_customers"] == 1


@pytest.mark.parametrize("seed", range(6))
def test_what_is_remembered_of_rings_is_what_a_fresh_walk_finds(seed):
    """Payments come, go and are judged in any order; every question is also walked by hand."""
    draw = np.random.default_rng(seed)
    windows = Windows(AGGREGATES, ROW)
    customers = 40 if seed % 2 else 400  # with 400 there are crowds
    there: list[str] = []
    out: dict[str, object] = {}
    crowds = asked = 0
    for number in range(1500):
        values = {
            "customer": f"c{draw.integers(customers)}",
            "device": f"d{draw.integers(customers)}",
            "ip": f"i{int(draw.integers(0, customers) ** 0.5)}",
        }
        if draw.random() < 0.2:
            values.pop("device")
        windows.pay(f"p{number}", AT + number, 100, values)
        there.append(f"p{number}")
        if draw.random() < 0.6 and len(there) > 30:
            gone = there.pop(int(draw.integers(len(there))))
            out[gone] = windows.take_out(gone)
        if draw.random() < 0.2 and out:
            back = next(iter(out))
            windows.put_back(back, out.pop(back))
            there.append(back)
        if draw.random() < 0.1:
            windows.label(there[-1], AT + number)
        if number % 3 == 0:
            asked += 1
            found, members = told(windows, values)
            by_hand = joined_by_hand(windows, values)
            if len(by_hand) > rings.MOST_HOLDERS:
                crowds += 1
                assert found["ring_customers"] < len(by_hand)
            else:
                assert found["ring_customers"] == len(by_hand)
                frauds = [windows.tables["customer"][c].frauds for c in by_hand]
                assert found["ring_frauds"] == sum(len(f.at) for f in frauds if f is not None)
                if len(by_hand) < 20:
                    assert {m for m in members if m.startswith("customer:")} == (
                        {f"customer:{c}" for c in by_hand} if len(by_hand) > 1 else set()
                    )
    assert asked == 500
    assert (crowds > 20) == (customers == 400)
