"""Checkouts through the one path: promises, holds, fallback, reasons, and what later events do."""

from __future__ import annotations

import time
from datetime import timedelta

import msgspec
import numpy as np
import pytest

from shopkeeper.base import clock
from shopkeeper.base.errors import BadInput
from shopkeeper.operate.registry import Registry
from shopkeeper.supply.rebuild import rebuild
from shopkeeper.supply.state import KINDS, LiveState

NEAR_SOUTH = {"latitude": 39.2, "longitude": -84.1}


def ask(runtime, order: str, *items: tuple[str, float], **more):
    lines = [{"item_id": item, "quantity": quantity} for item, quantity in items]
    return runtime.decide("supply", {"order_id": order, "items": lines, "to": NEAR_SOUTH, **more})


def settled(runtime, depot) -> None:
    """Wait until the state follows the log."""
    heard = [seq for seq, row in depot.shop.store.read(0, 10_000) if row.kind in KINDS]
    last = max(heard)
    end = time.monotonic() + 10
    while runtime.live["supply"].state.seq < last and time.monotonic() < end:
        time.sleep(0.01)
    assert runtime.live["supply"].state.seq >= last


def test_without_a_model_the_nearest_complete_warehouse_ships_and_it_says_so(depot):
    depot.stock(north={"mug": 5, "cup": 5}, south={"mug": 5})
    runtime = depot.runtime()
    alone = ask(runtime, "o1", ("mug", 1))
    both = ask(runtime, "o2", ("mug", 1), ("cup", 1))
    assert alone.fallback
    assert alone.fallback_reason == "no_model"
    assert alone.value["parcels"][0]["warehouse_id"] == "south"
    assert both.value["parcels"][0]["warehouse_id"] == "north"
    assert alone.reasons[0].code == "nearest"
    told = runtime.explain(both.decision_id, item="south")
    assert told["why_not"]["code"] == "incomplete"
    assert {w["warehouse_id"] for w in told["warehouses"]} == {"north", "south"}
    runtime.close()


def test_units_held_are_not_promised_again_and_a_cancel_frees_them(depot):
    depot.stock(south={"mug": 2})
    runtime = depot.runtime(follow=True)
    assert ask(runtime, "o1", ("mug", 2)).value["complete"]
    refused = ask(runtime, "o2", ("mug", 1))
    assert not refused.value["complete"]
    assert refused.value["promise"] is None
    depot.tell("cancel", order_id="o1")
    settled(runtime, depot)
    assert ask(runtime, "o3", ("mug", 2)).value["complete"]
    runtime.close()


def test_a_preview_promises_and_holds_nothing(depot):
    depot.stock(south={"mug": 1})
    runtime = depot.runtime()
    assert ask(runtime, "o1", ("mug", 1), reserve=False).value["promise"]
    assert ask(runtime, "o2", ("mug", 1)).value["complete"]
    runtime.close()


def test_goods_that_left_are_neither_held_nor_on_hand(depot):
    depot.stock(south={"mug": 3})
    runtime = depot.runtime(follow=True)
    ask(runtime, "o1", ("mug", 2))
    lines = [{"item_id": "mug", "quantity": 2.0}]
    depot.tell("purchase", order_id="o1", lines=lines, currency="USD")
    depot.tell("shipment", shipment_id="s1", order_id="o1", location_id="south", lines=lines)
    settled(runtime, depot)
    assert not ask(runtime, "o2", ("mug", 2)).value["complete"]
    assert ask(runtime, "o3", ("mug", 1)).value["complete"]
    runtime.close()
    again = depot.runtime()
    assert not ask(again, "o4", ("mug", 1)).value["complete"]
    again.close()


def test_a_hold_outlives_a_restart_once_the_order_came(depot):
    depot.stock(south={"mug": 1})
    runtime = depot.runtime(follow=True)
    ask(runtime, "o1", ("mug", 1), hold_minutes=1)
    depot.tell("purchase", order_id="o1", lines=[{"item_id": "mug"}], currency="USD")
    runtime.close()
    later = clock.now() + timedelta(minutes=5)
    with clock.frozen(later):
        again = depot.runtime()
        assert not ask(again, "o2", ("mug", 1)).value["complete"]
        again.close()


def test_what_waits_for_a_supplier_is_promised_by_its_purchase_order(depot):
    depot.stock(south={"mug": 0})
    due = clock.now() + timedelta(days=6)
    order = {"purchase_order_id": "po-1", "supplier_id": "s-1", "location_id": "south"}
    lines = [{"item_id": "mug", "quantity": 10.0}]
    depot.tell("purchase_order", **order, lines=lines, promised_at=due)
    runtime = depot.runtime(follow=True)
    first = ask(runtime, "o1", ("mug", 2))
    assert first.reasons[0].code == "waits_for_supplier"
    assert first.value["promise"]["arrive_by"] > clock.iso(clock.to_us(due))
    depot.tell("purchase_order", hours_ago=0, **order, promised_at=due + timedelta(days=5))
    settled(runtime, depot)
    later = ask(runtime, "o1", ("mug", 2))
    moved = np.datetime64(later.value["promise"]["arrive_by"][:-1]) - np.datetime64(
        first.value["promise"]["arrive_by"][:-1]
    )
    assert moved == np.timedelta64(5, "D")
    depot.tell("delivery", hours_ago=0, shipment_id="in-1", **order, lines=lines)
    settled(runtime, depot)
    assert ask(runtime, "o1", ("mug", 2)).value["complete"]
    runtime.close()


def test_a_product_that_nobody_stocks_and_a_shop_without_warehouses_have_names(depot):
    with pytest.raises(BadInput) as caught:
        ask(depot.runtime(), "o1", ("mug", 1))
    assert caught.value.code == "no_warehouse"
    depot.stock(south={"mug": 1, "cup": 0})
    runtime = depot.runtime()
    codes = [r.code for r in ask(runtime, "o1", ("ghost", 1), ("cup", 1), ("mug", 3)).reasons]
    assert codes == ["not_stocked", "sold_out", "too_few"]
    with pytest.raises(BadInput) as caught:
        runtime.decide(
            "supply",
            {
                "order_id": "o2",
                "items": [{"item_id": "mug"}],
                "to": {"latitude": -84.0, "longitude": 39.0},
            },
        )
    assert caught.value.code == "coordinates_swapped"
    runtime.close()


def test_a_tariff_of_the_shop_counts_and_how_far_it_goes(depot):
    depot.stock(south={"mug": 5})
    depot.rule("carrier:van", parcel_minor=100, km_minor=0, most_km=10)
    runtime = depot.runtime()
    far = ask(runtime, "o1", ("mug", 1))
    assert far.reasons[0].code == "unreachable"
    depot.rule("carrier:post", parcel_minor=700, km_minor=0)
    runtime = depot.runtime()
    assert ask(runtime, "o1", ("mug", 1)).value["parcels"][0]["parcel_minor"] == 700
    runtime.close()


def test_following_the_log_equals_building_from_the_tables(depot):
    """The same events in any order give the same free units."""
    depot.stock(north={"mug": 9, "cup": 4}, south={"mug": 3})
    order = {"purchase_order_id": "po-1", "supplier_id": "s-1", "location_id": "south"}
    depot.tell("purchase_order", **order, lines=[{"item_id": "mug", "quantity": 6.0}])
    goods = {"lines": [{"item_id": "mug", "quantity": 6.0}]}
    depot.tell("delivery", hours_ago=3, shipment_id="in-1", **order, **goods)
    depot.tell("delivery", hours_ago=2, shipment_id="in-1", **order, **goods)  # told twice
    sold = {"lines": [{"item_id": "cup"}, {"item_id": "cup"}], "currency": "USD"}
    depot.tell("purchase", hours_ago=5, order_id="shop-1", location_id="north", **sold)
    depot.tell("purchase", hours_ago=5, order_id="shop-2", location_id="north", **sold)
    depot.tell("cancel", order_id="shop-2")
    depot.tell("shipment", shipment_id="out-1", order_id="x", location_id="north", **goods)
    depot.tell("stock_level", hours_ago=4, location_id="north", item_id="mug", quantity=8.0)
    built = rebuild(depot.shop.warehouse)
    facts = []
    for seq, row in depot.shop.store.read(0, 1000):
        fact = msgspec.json.decode(row.body)
        facts.append({**fact, "occurred_us": row.occurred_us, "order": seq})
    rng = np.random.default_rng(3)
    for _ in range(5):
        state = LiveState()
        places = [f for f in facts if f["kind"] in ("location", "stock_level")]
        others = [f for f in facts if f["kind"] not in ("location", "stock_level")]
        for place in [*places, *(others[i] for i in rng.permutation(len(others)))]:
            state.apply(place)
        items = ["mug", "cup"]
        assert state.on_hand(items) == built.on_hand(items)
        assert state.purchases.of("mug") == built.purchases.of("mug") == []
    assert built.on_hand(["mug", "cup"]) == {
        ("north", "mug"): 2.0,
        ("north", "cup"): 2.0,
        ("south", "mug"): 9.0,
    }


def test_the_exact_place_of_a_customer_is_not_recorded(depot):
    depot.stock(south={"mug": 5})
    runtime = depot.runtime()
    place = {"latitude": 39.2123456, "longitude": -84.1123456}
    made = runtime.decide("supply", {"order_id": "o1", "items": [{"item_id": "mug"}], "to": place})
    assert made.request["to"] == {"latitude": 39.212, "longitude": -84.112}
    runtime.close()


def test_a_trained_model_learns_the_carrier_and_is_measured_on_later_parcels(depot, settings):
    rng = np.random.default_rng(1)
    depot.stock(south={"mug": 500}, north={"mug": 500})
    depot.rule("carrier:slow", parcel_minor=300, km_minor=0)
    depot.rule("carrier:fast", parcel_minor=310, km_minor=0)
    depot.rule("allocation", late_day_minor=50)
    for n in range(240):
        carrier, days = ("slow", 4) if n % 2 else ("fast", 1)
        ordered = 24.0 * (60 - n / 4)
        took = 24.0 * (days + float(rng.random() < 0.15))
        line = {"lines": [{"item_id": "mug"}]}
        depot.tell("purchase", hours_ago=ordered, order_id=f"p{n}", currency="USD", **line)
        depot.tell(
            "shipment",
            hours_ago=ordered - 1,
            shipment_id=f"s{n}",
            order_id=f"p{n}",
            location_id="south",
            label=carrier,
            properties={"distance_km": 30.0},
            **line,
        )
        if ordered > took:
            depot.tell("delivery", hours_ago=ordered - took, shipment_id=f"s{n}", order_id=f"p{n}")
    from shopkeeper.operate.train import train_one
    from shopkeeper.supply.capability import CAPABILITY

    registry = Registry(settings.models_path)
    done = train_one(depot.shop, CAPABILITY, registry)
    assert done.alias == "champion", done.verdict
    metrics = done.report["models"]["carrier-times"]["metrics"]
    assert metrics["promise_kept"] >= 0.8
    runtime = depot.runtime()
    made = ask(runtime, "o1", ("mug", 1))
    assert not made.fallback
    assert made.model.startswith("carrier-times@")
    assert made.value["parcels"][0]["carrier"] == "fast"  # 10 cents dearer, three days sooner
    assert made.value["promise"]["observed"] > 20
    runtime.close()
