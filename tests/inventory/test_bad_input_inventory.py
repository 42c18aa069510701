"""Each odd input of a real shop has a named answer: through events, tables and one decision."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from shopkeeper.base import clock
from shopkeeper.base.errors import BadInput, NotFound
from shopkeeper.data import quality
from shopkeeper.data.events import Event, Line
from shopkeeper.data.shop import open_shop
from shopkeeper.inventory import known, telling
from shopkeeper.inventory.capability import CAPABILITY
from shopkeeper.operate.replenish import rules
from shopkeeper.operate.replenish.cycle import plan
from shopkeeper.operate.runtime import Runtime

NOW = datetime(2026, 1, 26, 12, tzinfo=UTC)  # a Monday
WEEKS = 30


def made(name, kind, days_ago, **facts):
    at = NOW - timedelta(days=days_ago)
    return Event(event_id=name, kind=kind, occurred_at=at, **facts)


def order(name, days_ago, item, quantity, price=300):
    goods = [Line(item_id=item, quantity=quantity, price_minor=price)]
    return made(name, "purchase", days_ago, order_id=name, currency="EUR", lines=goods)


def usual(skip=()):
    """Four products that sell every week, in stock, with a supplier, except in weeks skipped."""
    rng = np.random.default_rng(5)
    for week in range(WEEKS):
        for item in range(4):
            if week not in skip:
                units = int(rng.poisson(4 + item)) + 1
                yield order(f"o{week}-{item}", 7 * week + 1.5, f"i{item}", units)
    for item in range(4):
        yield made(f"c{item}", "item", 220, item_id=f"i{item}", title=f"Item {item}", category="a")
        yield made(f"s{item}", "stock_level", 0.6, item_id=f"i{item}", quantity=3)
        yield offer(f"t{item}", f"i{item}")


def offer(name, item, price=90, **properties):
    facts = {"lead_time_days": 5} | properties
    facts = {key: value for key, value in facts.items() if value is not None}
    return made(
        name, "supplier", 200, supplier_id="acme", item_id=item, price_minor=price, properties=facts
    )


@pytest.fixture
def shop(settings):
    with clock.frozen(NOW), open_shop(settings) as opened:
        yield opened


def decided(shop, sku, **more):
    """Return (value, code -> facts) of the answer for one product."""
    runtime = Runtime(shop, capabilities=[CAPABILITY]).start(follow=False)
    made = runtime.decide("inventory", {"sku": sku, **more})
    codes = {reason.code: dict(reason.facts) for reason in made.reasons}
    assert set(codes) <= telling.REASONS.keys()
    return made.value, codes


def test_no_history_is_believed_in_by_its_neighbours(shop):
    item = made("n", "item", 3, item_id="new", title="Item new", category="a", price_minor=300)
    shop.append_events([*usual(), item])
    value, codes = decided(shop, "new")
    assert {"no_history", "launch"} <= set(codes)
    assert value["quantity"] > 0
    with pytest.raises(NotFound, match="Nothing is known of 'nobody'"):
        decided(shop, "nobody")


def test_one_week_of_history_is_said_and_leans_on_neighbours(shop):
    shop.append_events([*usual(), order("w", 2, "young", 2)])
    value, codes = decided(shop, "young")
    assert codes["short_history"] == {"periods": 1}
    assert "launch" in codes
    assert 0 < value["numbers"]["demand_daily"] < 2


def test_a_shop_of_one_week_says_what_training_needs(shop):
    shop.append_events([order("w", 2, "only", 2)])
    with pytest.raises(BadInput, match="needs 20 weeks of orders, but the log has 1"):
        CAPABILITY.train(shop.warehouse, shop.settings)
    assert decided(shop, "only")[1]["short_history"] == {"periods": 1}


def test_all_zeros_is_no_demand_and_not_a_launch(shop):
    """In stock for 25 weeks and never sold: nothing is ordered, and neighbours do not speak."""
    dead = [
        made("d", "item", 180, item_id="dead", title="Item dead", category="a", price_minor=300),
        made("ds", "stock_level", 180, item_id="dead", quantity=1),
        offer("dt", "dead"),
    ]
    shop.append_events([*usual(), *dead])
    value, codes = decided(shop, "dead")
    assert codes["all_zero"]["periods"] >= 24
    assert "launch" not in codes
    assert value["quantity"] == 0


def test_a_gap_of_months_is_bridged_and_said(shop):
    """Weeks 2 to 13 ago are missing: what sold before stands in, so nobody orders too little."""
    shop.append_events(list(usual(skip=range(2, 14))))
    value, codes = decided(shop, "i2")
    assert codes["gap"]["periods"] == 12
    assert value["numbers"]["demand_daily"] > 0.6  # about seven a week; zeros would say a third
    found = known.read(shop.warehouse, now_us=clock.now_us())
    row = found.panel.skus.index("i2")
    assert found.panel.units[row, -14:-2].min() > 4
    # The record of one product that did not sell is no gap of the shop.
    assert "gap" not in dict(decided_of_pause(shop))


def decided_of_pause(shop):
    shop.append_events([order(f"back{w}", 7 * w + 1.5, "i0", 5) for w in range(2, 14)])
    return decided(shop, "i3")[1]


def test_returns_above_sales_are_said_and_do_not_lower_demand(shop):
    """Last week's order of i1 comes back, and more than was in it: it was wanted all the same."""
    shop.append_events(list(usual()))
    before, _ = decided(shop, "i1")
    goods = [Line(item_id="i1", quantity=50)]
    back = made("b1", "refund", 1, order_id="o0-1", currency="EUR", lines=goods)
    assert shop.append_events([back]).accepted == 1
    after, codes = decided(shop, "i1")
    found = known.read(shop.warehouse, now_us=clock.now_us())
    row = found.panel.skus.index("i1")
    assert codes["negative_sales"] == {"periods": 1, "returned": found.panel.units[row, -1]}
    assert after["numbers"]["demand_daily"] == before["numbers"]["demand_daily"]
    negative = order("neg", 1, "i1", 1)
    negative.lines[0].quantity = -3
    [refused] = shop.append_events([negative]).rejected
    assert refused.field == "lines[0].quantity"


def test_a_unit_change_is_found_said_and_never_approved_without_a_planner(shop):
    """Six weeks ago the case of twelve took the piece's place: twelve times the price."""
    events = [order(f"u{w}", 7 * w + 1.5, "tea", 12, 100) for w in range(6, WEEKS)]
    events += [order(f"u{w}", 7 * w + 1.5, "tea", 1, 1200) for w in range(6)]
    shop.append_events([*usual(), *events, offer("ut", "tea")])
    codes = decided(shop, "tea")[1]
    change = codes["unit_change"]
    assert change["price_before_minor"] == 100
    assert change["price_after_minor"] >= 4 * change["price_before_minor"]
    rules.change(shop, {"auto_approve_value_minor": 10**9, "auto_approve_cover_days": 365}, "li")
    plan(shop)
    states = {
        row["item_id"]: row["state"]
        for row in shop.warehouse.sql("SELECT item_id, state FROM proposals").to_pylist()
    }
    assert states.get("tea", "proposed") == "proposed"
    assert "approved" in states.values()


def test_a_renamed_sku_goes_on_and_says_from_where(shop):
    events = [order(f"old{w}", 7 * w + 1.5, "old", 6) for w in range(4, WEEKS)]
    events += [order(f"new{w}", 7 * w + 1.5, "new", 6) for w in range(4)]
    named = {"title": "Green tea", "category": "a"}
    shop.append_events(
        [
            *usual(),
            *events,
            made("io", "item", 200, item_id="old", **named),
            made("in", "item", 30, item_id="new", **named),
        ]
    )
    # Without being told, the quality check asks.
    [asks] = quality.check(shop.warehouse, only=["renamed_sku"])
    assert asks.samples[0]["new_item_id"] == "new"
    told = made("in2", "item", 1, item_id="new", properties={"replaces": "old"}, **named)
    shop.append_events([told])
    value, codes = decided(shop, "new")
    assert codes["renamed"] == {"from": "old"}
    assert "launch" not in codes
    assert value["numbers"]["demand_daily"] == pytest.approx(6 / 7, rel=0.15)


def test_a_supplier_without_lead_time_gets_the_shops_default(shop):
    none = [offer("x", "i9", lead_time_days=None), order("o", 9, "i9", 3), order("p", 2, "i9", 3)]
    shop.append_events([*usual(), *none])
    value, codes = decided(shop, "i9")
    assert codes["default_lead_time"] == {"days": 7.0}
    assert value["numbers"]["lead_time_source"] == "default"


def test_a_minimum_above_the_budget_is_left_out_and_said(shop):
    shop.append_events([*usual(), offer("big", "i3", minimum_quantity=500)])
    value, codes = decided(shop, "i3", budget_minor=5_000)
    assert value["quantity"] == 0
    assert "minimum_above_budget" in codes


@pytest.mark.parametrize(("days", "said"), [(0, False), (400, True)])
def test_lead_times_from_zero_to_400_days_are_planned_for(shop, days, said):
    shop.append_events([*usual(), offer("t3b", "i3", lead_time_days=days)])
    value, codes = decided(shop, "i3")
    assert ("long_lead_time" in codes) == said
    assert value["numbers"]["protection_days"] >= 7
    if days == 0:
        assert value["expected_receipt"] == value["order_by"]
    else:
        # More than a year of demand at about seven a week.
        assert value["numbers"]["order_up_to"] > 350


def test_a_lead_time_of_401_days_is_refused_by_name(shop):
    shop.append_events(list(usual()))
    with pytest.raises(BadInput, match="lead_time_days must be a number from 0 to 400"):
        decided(shop, "i3", lead_time_days=401)


def test_stock_below_zero_is_owed_and_said(shop):
    """Three counted twelve hours ago, ten ordered since: seven are owed."""
    shop.append_events([*usual(), order("more", 0.1, "i3", 10)])
    value, codes = decided(shop, "i3")
    assert codes["negative_stock"] == {"on_hand": -7.0}
    assert value["numbers"]["position"] == -7.0
    [found] = quality.check(shop.warehouse, only=["stock_negative"])
    assert found.count == 1


def test_a_delivery_told_twice_counts_once_and_is_said(shop):
    goods = [Line(item_id="i3", quantity=20)]
    facts = {"shipment_id": "s1", "purchase_order_id": "p1", "lines": goods}
    bought = made("p", "purchase_order", 6, purchase_order_id="p1", supplier_id="acme", lines=goods)
    shop.append_events([*usual(), bought])
    shop.append_events([made("d1", "delivery", 0.4, **facts), made("d2", "delivery", 0.3, **facts)])
    value, codes = decided(shop, "i3")
    assert codes["repeated_delivery"] == {"count": 1}
    assert value["numbers"]["on_hand"] == 23.0
    assert value["numbers"]["on_order"] == 0.0


def test_a_promotion_without_dates_is_refused_by_field(shop):
    shop.append_events(list(usual()))
    bad = made("bad", "promotion", 1, promotion_id="p", lines=[Line(item_id="i3")])
    receipt = shop.append_events([bad])
    [refused] = receipt.rejected
    assert refused.field == "starts_at"
    half = made("half", "promotion", 1, promotion_id="p", lines=[Line(item_id="i3")], starts_at=NOW)
    assert shop.append_events([half]).rejected[0].field == "ends_at"
    assert "promotion" not in decided(shop, "i3")[1]
    good = made(
        "good",
        "promotion",
        1,
        promotion_id="p",
        lines=[Line(item_id="i3")],
        starts_at=NOW + timedelta(days=1),
        ends_at=NOW + timedelta(days=8),
    )
    shop.append_events([good])
    assert "promotion" in decided(shop, "i3")[1]


def test_orders_that_stopped_arriving_are_said(shop):
    shop.append_events([event for event in usual() if event.occurred_at < NOW - timedelta(days=5)])
    codes = decided(shop, "i3")[1]
    assert codes["stale_demand"]["days"] > 2


def test_every_one_of_them_can_be_planned_in_one_night(shop):
    """All oddities together: the plan neither fails nor orders a number that is none."""
    shop.append_events(
        [
            *usual(skip=range(8, 14)),
            order("w", 2, "young", 2),
            order("neg", 0.2, "i1", 30),
            made("b", "refund", 2, order_id="o3-2", lines=[Line(item_id="i2", quantity=99)]),
            offer("z", "i0", lead_time_days=0),
            offer("y", "i1", lead_time_days=400),
            offer("x", "i2", minimum_quantity=5000),
        ]
    )
    done = plan(shop)
    assert done.products == 5
    rows = shop.warehouse.sql("SELECT quantity, p_stockout_now FROM proposals").to_pylist()
    assert rows
    assert all(np.isfinite(row["quantity"]) and row["quantity"] > 0 for row in rows)
