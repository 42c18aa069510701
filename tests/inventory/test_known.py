"""What the tables say of stock becomes a panel, positions and terms."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from shopkeeper.base import clock
from shopkeeper.data.events import Event, Line
from shopkeeper.data.shop import open_shop
from shopkeeper.inventory import known

START = datetime(2026, 1, 5, tzinfo=UTC)
NOW = datetime(2026, 1, 26, 3, tzinfo=UTC)


def made(number, kind, day, **facts):
    return Event(
        event_id=f"e-{number}", kind=kind, occurred_at=START + timedelta(days=day), **facts
    )


def order(number, day, item, quantity):
    lines = [Line(item_id=item, quantity=quantity, price_minor=200)]
    return made(number, "purchase", day, order_id=f"o-{number}", currency="EUR", lines=lines)


@pytest.fixture
def shop(settings):
    with clock.frozen(NOW), open_shop(settings) as opened:
        yield opened


def read(shop):
    return known.read(shop.warehouse, now_us=clock.now_us())


def test_an_empty_shop_knows_nothing(shop):
    assert read(shop) is None


def test_weeks_are_explicit_zeros_up_to_the_last_day_with_data(shop):
    """Three weeks: 2 + 1, nothing, 4; b began in the third, so its first two are not known."""
    shop.append_events(
        [order(1, 0, "a", 2), order(2, 6.9, "a", 1), order(3, 20, "a", 4), order(4, 15, "b", 1)]
    )
    found = read(shop)
    rows = dict(zip(found.panel.skus, found.panel.units.tolist(), strict=True))
    assert rows["a"] == [3.0, 0.0, 4.0]
    assert np.isnan(rows["b"][:2]).all()
    assert rows["b"][2] == 1.0
    assert found.end == date(2026, 1, 26)


def test_a_product_under_a_new_id_goes_on_where_the_old_one_stopped(shop):
    shop.append_events(
        [
            order(1, 0, "old", 5),
            order(2, 15, "new", 7),
            order(3, 20.9, "else", 1),
            made(4, "item", 14, item_id="new", title="Tea", properties={"replaces": "old"}),
        ]
    )
    found = read(shop)
    rows = dict(zip(found.panel.skus, found.panel.units.tolist(), strict=True))
    assert rows["new"] == [5.0, 0.0, 7.0]


def test_positions_terms_and_days_out_of_stock(shop):
    """Ten counted on day 0, all sold on day 14 at midnight: the third week is wholly sold out."""
    goods = [Line(item_id="a", quantity=24, price_minor=90)]
    terms = {"lead_time_days": 5, "minimum_value_minor": 900}
    offer = {"pack_size": 6, "price_breaks": "100:80;oops"}
    shop.append_events(
        [
            made(1, "stock_level", 0, item_id="a", quantity=11),
            order(7, 0, "a", 1),
            order(2, 14, "a", 10),
            order(3, 20.9, "b", 1),
            made(4, "purchase_order", 15, purchase_order_id="p", supplier_id="acme", lines=goods),
            made(5, "supplier", 0, supplier_id="acme", properties=terms),
            made(
                6, "supplier", 0, supplier_id="acme", item_id="a", price_minor=90, properties=offer
            ),
        ]
    )
    found = read(shop)
    row = found.panel.skus.index("a")
    assert (found.positions[row].on_hand, found.positions[row].on_order) == (0.0, 24.0)
    assert found.panel.in_stock_share[row].tolist() == [1.0, 1.0, 0.0]
    [one] = found.terms[row]
    assert (one.pack_size, one.minimum_value_minor, len(one.price_breaks)) == (6.0, 900, 1)
    assert one.lead_time.source == "promise"
    assert found.terms[found.panel.skus.index("b")] == ()
    assert not found.positions[found.panel.skus.index("b")].counted
    assert "censored" in {code for code, _ in found.notes[row]}


def promotion(number, item, starts, ends, told):
    at = [START + timedelta(days=day) for day in (starts, ends)]
    lines = [Line(item_id=item)]
    return made(
        number, "promotion", told, promotion_id=number, lines=lines, starts_at=at[0], ends_at=at[1]
    )


def test_plans_reach_as_far_as_promotions_that_start_after_the_last_day(shop):
    """Told on day 15: b is promoted in the second week after the 26th; until then nobody is."""
    shop.append_events([order(1, 0, "a", 2), order(2, 20, "b", 1)])
    shop.append_events([promotion("p1", "b", 28, 35, told=15)])
    panel = read(shop).panel
    t = panel.units.shape[1]
    assert panel.planned_periods == 2
    plan = dict(zip(panel.skus, panel.known["promotion"][:, t : t + 2].tolist(), strict=True))
    assert plan == {"a": [0, 0], "b": [0, 1]}


def test_a_promotion_that_only_runs_on_is_no_plan_for_the_others(shop):
    shop.append_events([order(1, 0, "a", 2), order(2, 20, "b", 1)])
    shop.append_events([promotion("p1", "b", 18, 24, told=18)])
    panel = read(shop).panel
    t = panel.units.shape[1]
    assert panel.planned_periods == 0
    plan = dict(zip(panel.skus, panel.known["promotion"][:, t].tolist(), strict=True))
    assert plan["b"] > 0
    assert np.isnan(plan["a"])
