"""The batch of waiting orders: what pays moves at once, promises hold, prices reach checkout."""

from __future__ import annotations

import pytest

from shopkeeper.base import clock
from shopkeeper.data import supply_reads
from shopkeeper.data.reservations import Hold
from shopkeeper.operate import reallocate
from shopkeeper.supply import reallocation

NEAR_SOUTH = {"latitude": 39.2, "longitude": -84.1}


def buy(runtime, depot, order: str, *items: tuple[str, float]):
    """Check out and pay: the order waits for its picker."""
    lines = [{"item_id": item, "quantity": quantity} for item, quantity in items]
    made = runtime.decide("supply", {"order_id": order, "items": lines, "to": NEAR_SOUTH})
    depot.tell("purchase", hours_ago=0, order_id=order, lines=lines, currency="USD")
    return made


def holds(depot, order: str) -> dict[tuple[str, str], float]:
    return {
        (row["location_id"], row["item_id"]): row["quantity"]
        for row in depot.shop.reservations.of_order(order)
        if row["gone_seq"] is None
    }


def two_orders(depot):
    """o1 takes the south's only mug; o2 wants a mug and a cup, which only the south has."""
    depot.stock(north={"mug": 1}, south={"mug": 1, "cup": 1})
    runtime = depot.runtime()
    first = buy(runtime, depot, "o1", ("mug", 1))
    second = buy(runtime, depot, "o2", ("mug", 1), ("cup", 1))
    runtime.close()
    assert [p["warehouse_id"] for p in first.value["parcels"]] == ["south"]
    assert len(second.value["parcels"]) == 2
    return first, second


def told(depot) -> list[dict]:
    """Return the promise_changed messages that wait to be sent."""
    return depot.promises


@pytest.fixture(autouse=True)
def promises(depot, monkeypatch):
    """Keep what is told to other programs."""
    depot.promises = []
    monkeypatch.setattr(
        "shopkeeper.operate.reallocate.webhooks.send",
        lambda shop, topic, body, key: depot.promises.append({"topic": topic, **body}),
    )


def test_two_orders_swap_shelves_when_one_parcel_is_saved(depot):
    first, second = two_orders(depot)
    done = reallocate.run(depot.shop)
    assert (done["moved"], done["status"], done["later"]) == (2, "optimal", 0)
    # One parcel of 500 less, and a way of about 268 km (at 1 a km) more.
    assert 150 <= done["saved_minor"] <= 600
    assert holds(depot, "o1") == {("north", "mug"): 1.0}
    assert holds(depot, "o2") == {("south", "mug"): 1.0, ("south", "cup"): 1.0}
    assert told(depot) == []
    depot.shop.warehouse.refresh()
    rows = depot.shop.warehouse.sql(
        "SELECT order_id, location_id, state, promised_us FROM allocations ORDER BY order_id"
    ).to_pylist()
    assert [(r["order_id"], r["location_id"]) for r in rows] == [("o1", "north"), ("o2", "south")]
    assert {r["state"] for r in rows} == {"waiting"}
    promised = {clock.iso(r["promised_us"]) for r in rows}
    assert promised == {first.value["promise"]["arrive_by"], second.value["promise"]["arrive_by"]}
    again = reallocate.run(depot.shop)
    assert (again["moved"], again["saved_minor"]) == (0, 0)
    # A server that starts now, and one that was running, sell no unit twice.
    runtime = depot.runtime()
    lines = [{"item_id": "mug", "quantity": 1}]
    late = runtime.decide("supply", {"order_id": "o3", "items": lines, "to": NEAR_SOUTH})
    assert not late.value["complete"]
    told_of = runtime.explain(
        depot.shop.warehouse.sql(
            "SELECT decision_id FROM decisions WHERE model = 'batch-milp' ORDER BY subject"
        )["decision_id"][0].as_py()
    )
    assert told_of["reasons"][0]["code"] == "reallocated"
    runtime.close()


def test_a_look_moves_nothing(depot):
    two_orders(depot)
    seen = reallocate.run(depot.shop, dry=True)
    assert {one["order_id"] for one in seen["would_move"]} == {"o1", "o2"}
    assert holds(depot, "o1") == {("south", "mug"): 1.0}


def test_a_saving_below_the_least_moves_nothing(depot):
    two_orders(depot)
    assert reallocate.run(depot.shop, least_minor=2000)["moved"] == 0


def test_no_order_moves_to_a_later_day_to_save_money(depot):
    depot.rule("carrier:slow", parcel_minor=500, km_minor=1, days=2, km_per_day=40)
    two_orders(depot)
    done = reallocate.run(depot.shop)
    # From the north it would take seven days more than promised.
    assert done["moved"] == 0
    assert holds(depot, "o1") == {("south", "mug"): 1.0}


def test_an_order_whose_units_are_gone_ships_otherwise_and_its_new_day_is_told(depot):
    depot.rule("carrier:slow", parcel_minor=500, km_minor=1, days=2, km_per_day=40)
    depot.stock(north={"mug": 1}, south={"mug": 1})
    runtime = depot.runtime()
    made = buy(runtime, depot, "o1", ("mug", 1))
    runtime.close()
    depot.tell("stock_level", hours_ago=0, location_id="south", item_id="mug", quantity=0.0)
    done = reallocate.run(depot.shop)
    assert (done["moved"], done["later"]) == (1, 1)
    assert holds(depot, "o1") == {("north", "mug"): 1.0}
    [message] = told(depot)
    assert message["topic"] == "supply.promise_changed"
    assert message["reason"] == "stock_gone"
    assert message["would_be"] > message["promised"] == made.value["promise"]["arrive_by"]


def test_a_unit_that_came_in_serves_an_order_that_waited(depot):
    depot.stock(south={"mug": 0, "cup": 1})
    runtime = depot.runtime()
    made = buy(runtime, depot, "o1", ("mug", 1), ("cup", 1))
    runtime.close()
    assert not made.value["complete"]
    depot.tell("stock_level", hours_ago=0, location_id="south", item_id="mug", quantity=1.0)
    assert reallocate.run(depot.shop)["moved"] == 1
    assert holds(depot, "o1") == {("south", "cup"): 1.0, ("south", "mug"): 1.0}
    [message] = told(depot)
    assert message["promised"] is None


def test_what_is_picked_shipped_or_on_a_drivers_list_stays(depot):
    two_orders(depot)
    depot.tell(
        "shipment",
        hours_ago=0,
        shipment_id="s1",
        order_id="o1",
        location_id="south",
        lines=[{"item_id": "mug", "quantity": 1.0}],
    )
    depot.tell("stop", hours_ago=0, decision_id="plan", order_id="o2", label="o2", status="planned")
    assert reallocate.run(depot.shop)["orders"] == 0


def test_a_unit_taken_meanwhile_stops_the_whole_batch(depot, monkeypatch):
    two_orders(depot)
    improve = reallocation.improve

    def slow(*given, **named):
        found = improve(*given, **named)
        # Another server counts a unit that this one does not know is gone.
        rival = Hold(
            order_id="rival",
            location_id="north",
            item_id="mug",
            quantity=1.0,
            decision_id="d",
            made_us=clock.now_us(),
            expires_us=clock.now_us() + 60_000_000,
        )
        with depot.shop.reservations._writing() as connection:
            from shopkeeper.data import reservations

            row = {name: getattr(rival, name) for name in Hold.__slots__}
            connection.execute(
                reservations._holds.update()
                .where(reservations._holds.c.order_id == "o2")
                .where(reservations._holds.c.item_id == "mug")
                .values(gone_seq=0, gone_why="test")
            )
            connection.execute(reservations._holds.insert(), [row])
        return found

    monkeypatch.setattr("shopkeeper.operate.reallocate.reallocation.improve", slow)
    done = reallocate.run(depot.shop)
    assert (done["status"], done["moved"]) == ("overtaken", 0)
    assert holds(depot, "o1") == {("south", "mug"): 1.0}


def test_the_batchs_prices_steer_the_next_checkout_for_an_hour(depot, monkeypatch):
    """A mug in the south is worth 900 to others; from the north it costs about 270 more."""
    depot.stock(north={"mug": 5}, south={"mug": 5})
    depot.shop.reservations.put_prices({("south", "mug"): 900.0}, ["mug"], made_us=clock.now_us())
    runtime = depot.runtime()
    live = runtime.live["supply"]
    from shopkeeper.supply.models.carrier_times import CarrierTimes

    live.model, live.version = CarrierTimes(), "test"
    lines = [{"item_id": "mug", "quantity": 1}]
    ask = {"items": lines, "to": NEAR_SOUTH, "reserve": False}
    priced = runtime.decide("supply", {"order_id": "o1", **ask})
    assert priced.value["parcels"][0]["warehouse_id"] == "north"
    depot.shop.reservations.put_prices(
        {("south", "mug"): 900.0}, ["mug"], made_us=clock.now_us() - 2 * 3_600_000_000
    )
    stale = runtime.decide("supply", {"order_id": "o2", **ask})
    assert stale.value["parcels"][0]["warehouse_id"] == "south"
    runtime.close()


def test_a_batch_leaves_prices_of_scarce_shelves(depot):
    two_orders(depot)
    depot.stock(south={"mug": 1})
    reallocate.run(depot.shop)
    prices, items = depot.shop.reservations.prices(None, since_us=0)
    assert items == {"mug", "cup"}
    assert prices[("south", "mug")] > 0
    assert supply_reads.some_stocked_item(depot.shop.warehouse)


def test_an_order_that_nobody_can_serve_any_more_holds_nothing_and_is_told(depot):
    depot.stock(south={"mug": 1})
    runtime = depot.runtime()
    buy(runtime, depot, "o1", ("mug", 1))
    runtime.close()
    depot.tell("stock_level", hours_ago=0, location_id="south", item_id="mug", quantity=0.0)
    assert reallocate.run(depot.shop)["later"] == 1
    assert holds(depot, "o1") == {}
    assert told(depot)[0]["would_be"] is None
    # It still waits, and the first unit that comes in is its own.
    depot.tell("stock_level", hours_ago=0, location_id="south", item_id="mug", quantity=1.0)
    assert reallocate.run(depot.shop)["moved"] == 1
    assert holds(depot, "o1") == {("south", "mug"): 1.0}


def test_an_order_cancelled_is_left_alone(depot):
    two_orders(depot)
    depot.tell("cancel", hours_ago=0, order_id="o2")
    done = reallocate.run(depot.shop)
    assert (done["orders"], done["moved"]) == (1, 0)
