"""Every check finds what it is named for, and is silent on a sound shop."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from shopfloor import NOW, at, event, purchase, us

from shopkeeper.base import clock
from shopkeeper.base.errors import BadInput
from shopkeeper.data.events import Event, Line
from shopkeeper.data.quality import check, checks
from shopkeeper.data.shop import open_shop

DOCS = Path(__file__).parents[2] / "docs" / "reference" / "quality-checks.md"
DAYS = 70


def sound() -> list[Event]:
    """Ten weeks of a small shop: 12 orders a day, a catalogue, one currency, honest clocks."""
    events = [
        event(
            f"i{n}",
            "item",
            0,
            item_id=f"i{n}",
            title=f"Item {n}",
            price_minor=100 + n,
            currency="EUR",
        )
        for n in range(20)
    ]
    for day in range(DAYS):
        for n in range(12):
            lines = [
                Line(item_id=f"i{(n * 7 + day) % 20}", quantity=1 + n % 3, price_minor=100 + n)
            ]
            events.append(
                purchase(f"{day}-{n}", day + n / 13, lines, customer=f"c{n}", source="import")
            )
    return events


def odd_line(**line):
    return [purchase("odd", 60, [Line(**({"item_id": "i1", "price_minor": 104} | line))])]


def late(events, minutes):
    """Live events of one source that say to be older than they are when they arrive."""
    return [
        Event(
            event_id=f"late{n}",
            kind="view_item",
            occurred_at=clock.from_us(clock.to_us(NOW) - minutes * 60_000_000 - n),
            item_id="i1",
            source="till",
        )
        for n in range(events)
    ]


def without(day):
    return [
        e for e in sound() if not (e.kind == "purchase" and at(day) <= e.occurred_at < at(day + 1))
    ]


# check -> (events that trigger it beside the sound shop, how many rows it finds)
FAULTY = {
    "gap_in_days": (lambda: without(30), 1),
    "partial_last_day": (lambda: [*sound(), purchase("new", DAYS, ["i1"], "c9")], 1),
    "volume_change": (
        lambda: [*sound(), *(purchase(f"x{n}", 30.5, [f"i{n % 20}"], f"x{n}") for n in range(60))],
        1,
    ),
    "duplicate_orders": (
        lambda: [*sound(), *(purchase(f"d{n}", 30 + n / 100, ["i1", "i2"], "d") for n in (0, 1))],
        1,
    ),
    "repeated_order_id": (
        lambda: [
            *sound(),
            *(purchase(f"d{n}", 30.5 + n / 9, ["i1"], "d", order_id="same") for n in (0, 1)),
        ],
        1,
    ),
    "future_dates": (
        lambda: [
            *sound(),
            Event(
                event_id="f",
                kind="page_view",
                occurred_at=clock.from_us(clock.to_us(NOW) + 2 * 10**9),
            ),
        ],
        1,
    ),
    "clock_skew": (lambda: [*sound(), *late(25, minutes=30)], 1),
    "negative_money": (lambda: [*sound(), *odd_line(discount_minor=5000)], 1),
    "absurd_price": (lambda: [*sound(), *odd_line(price_minor=104_00)], 1),
    "absurd_quantity": (lambda: [*sound(), *odd_line(quantity=500)], 1),
    "price_jump": (
        lambda: [*sound(), event("p", "price", 9, item_id="i1", price_minor=1010, currency="EUR")],
        1,
    ),
    "no_catalogue_entry": (lambda: [*sound(), *odd_line(item_id="unheard")], 1),
    "missing_title": (lambda: [*sound(), event("t", "item", 9, item_id="i1", brand="b")], 1),
    "no_customer": (lambda: [*sound(), purchase("g", 30.5, ["i1"], None)], 1),
    "mixed_currencies": (lambda: [*sound(), purchase("g", 30.5, ["i1"], "c1", currency="USD")], 1),
    "stock_negative": (
        lambda: [*sound(), event("s", "stock_level", 30, item_id="i1", quantity=1)],
        1,
    ),
    "duplicate_deliveries": (lambda: [*sound(), *arrivals()], 1),
    "unit_change": (
        lambda: [*sound(), *weekly("case", range(5), 100), *weekly("case", range(5, 10), 1200)],
        1,
    ),
    "renamed_sku": (lambda: [*sound(), *renamed()], 1),
}


def arrivals():
    goods = [Line(item_id="i1", quantity=9)]
    facts = {"shipment_id": "s", "purchase_order_id": "po", "lines": goods}
    return [event(f"d{n}", "delivery", 30 + n, **facts) for n in range(2)]


def weekly(item, weeks, price):
    goods = [Line(item_id=item, quantity=1, price_minor=price)]
    return [purchase(f"{item}{week}", 7 * week + 0.5, goods) for week in weeks]


def renamed():
    for item in ("old", "new"):
        yield event(item, "item", 0, item_id=item, title="Blue tea", brand="Leaf")
    for item, days in (("old", range(12)), ("new", range(20, 40))):
        yield from (purchase(f"{item}{day}", day, [item]) for day in days)


@pytest.fixture(scope="module")
def sound_findings(tmp_path_factory):
    from shopkeeper.base import settings

    folder = tmp_path_factory.mktemp("sound")
    with clock.frozen(NOW), open_shop(settings.load(folder / "shop")) as shop:
        shop.append_events(sound())
        return check(shop.warehouse)


@pytest.mark.parametrize("name", checks())
def test_a_check_is_silent_on_a_sound_shop(sound_findings, name):
    assert [finding for finding in sound_findings if finding.name == name] == []


@pytest.mark.parametrize("name", checks())
def test_a_check_finds_what_it_is_named_for(settings, name):
    events, count = FAULTY[name]
    with clock.frozen(NOW), open_shop(settings) as shop:
        assert shop.append_events(events()).rejected == []
        (found,) = check(shop.warehouse, only=[name])
    assert (found.name, found.count) == (name, count)
    assert found.samples
    assert found.hint


def test_an_unknown_check_is_named_with_those_there_are(settings):
    with open_shop(settings) as shop, pytest.raises(BadInput, match="no check 'nope'") as caught:
        check(shop.warehouse, only=["nope"])
    assert "future_dates" in caught.value.allowed


def test_errors_come_before_warnings(settings):
    with clock.frozen(NOW), open_shop(settings) as shop:
        shop.append_events([*odd_line(discount_minor=5000, item_id="unheard")])
        found = check(shop.warehouse)
    assert [finding.severity for finding in found] == sorted(f.severity for f in found)
    assert found[0].name == "negative_money"


def test_every_check_is_documented_and_no_other():
    documented = set(re.findall(r"^\| `(\w+)` \|", DOCS.read_text("utf-8"), re.MULTILINE))
    assert documented == set(checks())


def test_the_moments_of_the_small_shop_are_before_now():
    assert us(DAYS) < clock.to_us(NOW)
