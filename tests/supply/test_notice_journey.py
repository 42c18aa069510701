"""A supplier writes: what is read, what it touches, what inventory, promise and support say."""

from __future__ import annotations

import time

import pytest

from shopkeeper.base import clock
from shopkeeper.base.clock import DAY_US
from shopkeeper.base.errors import BadInput, Conflict
from shopkeeper.data import supply_reports
from shopkeeper.operate import (
    notice_changes,
    stock_outlook,
    stock_told,
    supplier_choice,
    supply_reader,
)
from shopkeeper.supply.state import KINDS

LINES = [{"item_id": "mug", "quantity": 20.0}]


def day(days: int) -> str:
    return clock.iso(clock.now_us() + days * DAY_US)[:10]


@pytest.fixture
def acme(depot, monkeypatch):
    """Four mugs, two a day sold; acme brings 20 in three days, beta sells them too."""
    depot.sent = []
    monkeypatch.setattr(
        "shopkeeper.operate.notice_changes.webhooks.send",
        lambda shop, topic, body, key: depot.sent.append({"topic": topic, **body}),
    )
    depot.stock(south={"mug": 4})
    for number in range(1, 57):
        depot.tell(
            "purchase",
            hours_ago=24.0 * number / 2 + 1,
            order_id=f"old-{number}",
            currency="USD",
            lines=[{"item_id": "mug", "quantity": 1.0, "price_minor": 900}],
            location_id="shop",
        )
    for supplier, price in (("acme", 500), ("beta", 520)):
        terms = {"supplier_id": supplier, "item_id": "mug", "price_minor": price}
        facts = {"lead_time_days": 4, "pack_size": 1}
        depot.tell("supplier", currency="USD", properties=facts, **terms)
    depot.tell(
        "purchase_order",
        hours_ago=48,
        purchase_order_id="PO-7",
        supplier_id="acme",
        location_id="south",
        lines=LINES,
        promised_at=clock.from_us(clock.now_us() + 3 * DAY_US),
    )
    return depot


def written(depot, text: str) -> tuple[str, list[dict]]:
    """Return a message's id and the changes read in it."""
    name = depot.tell("message", conversation_id="c", supplier_id="acme", text=text).event_id
    depot.shop.warehouse.refresh()
    notice = supply_reports.notice(depot.shop.warehouse, name)
    read = supply_reader.proposals(depot.shop, notice)
    return name, notice_changes.read_changes(depot.shop, notice, read)


def heard(runtime, depot) -> None:
    last = max(seq for seq, row in depot.shop.store.read(0, 10_000) if row.kind in KINDS)
    end = time.monotonic() + 10
    while runtime.live["supply"].state.seq < last and time.monotonic() < end:
        time.sleep(0.01)


def test_a_late_supplier_moves_the_shelf_the_promise_and_what_support_says(acme):
    runtime = acme.runtime(follow=True)
    ask = {"order_id": "new", "items": [{"item_id": "mug", "quantity": 5}], "reserve": False}
    before = runtime.decide("supply", ask).value
    said = stock_told.answer(runtime, {"items": ["mug"]})["items"]["mug"]
    assert said["arrives_at"][:10] == day(3)
    name, changes = written(acme, "您好，采购单 PO-7 因设备故障将延迟 6 天到货，敬请谅解。")
    [raw] = changes
    assert (raw["kind"], raw["new_day"], raw["missing"]) == ("day", day(9), "")
    change = notice_changes.change_of(acme.shop, "acme", raw)
    found = notice_changes.consequences(acme.shop, change)
    [mug] = found["items"]
    # 4 counted, 2 sold since, 2 a day: out tomorrow; 20 come on the fourth day, or on the tenth.
    assert mug["units_per_day"] == pytest.approx(2.0, abs=0.1)
    assert mug["out_on_before"] == mug["out_on_after"] == day(1)
    assert mug["missed_after"] - mug["missed_before"] == pytest.approx(6 * 2.0, abs=1.0)
    assert [one["supplier_id"] for one in found["others"][0]["suppliers"]] == ["acme", "beta"]
    assert stock_told.answer(runtime, {"items": ["mug"]})["items"]["mug"] == said
    notice_changes.accept(acme.shop, name, [change], "li")
    acme.shop.warehouse.refresh()
    heard(runtime, acme)
    now = stock_told.answer(runtime, {"items": ["mug"]})["items"]["mug"]
    assert now["arrives_at"][:10] == day(9)
    after = runtime.decide("supply", ask).value
    assert after["promise"]["arrive_by"] > before["promise"]["arrive_by"]
    runtime.close()


def test_fewer_units_make_planning_order_more_and_leave_the_last_order_without_a_day(acme):
    runtime = acme.runtime()
    wants = [{"item_id": "mug", "quantity": 18}]
    runtime.decide("supply", {"order_id": "big", "items": wants})
    runtime.close()
    name, changes = written(acme, "PO-7: we can only deliver 12 units of mug.")
    [raw] = changes
    assert (raw["kind"], raw["quantity"]) == ("quantity", 12.0)
    change = notice_changes.change_of(acme.shop, "acme", raw)
    found = notice_changes.consequences(acme.shop, change)
    [mug] = found["items"]
    assert mug["order_after"] >= mug["order_before"] + 7
    assert mug["missed_after"] > mug["missed_before"]
    assert [one["order_id"] for one in found["orders"]] == ["big"]
    notice_changes.accept(acme.shop, name, [change], "li")
    acme.shop.warehouse.refresh()
    [row] = supply_reports.open_purchases(acme.shop.warehouse)
    assert row["outstanding"] == 12.0
    assert acme.sent[0]["would_be"] is None


def test_a_new_price_changes_the_terms_and_who_is_cheapest(acme):
    name, changes = written(acme, "From next order the unit price of mug for PO-7 is USD 5.60.")
    raw = {"kind": "price", "item_id": "mug", "price": 5.6, "currency": "USD"}
    assert [one["kind"] for one in changes] in (["price"], [])
    change = notice_changes.change_of(acme.shop, "acme", raw)
    seen = notice_changes.consequences(acme.shop, change)["others"][0]["suppliers"]
    assert [one["supplier_id"] for one in seen] == ["beta", "acme"]
    notice_changes.accept(acme.shop, name, [change], "li")
    acme.shop.warehouse.refresh()
    [mug] = supplier_choice.choices(acme.shop)
    assert [one["supplier_id"] for one in mug["suppliers"]] == ["beta", "acme"]
    terms = supply_reports.terms_of(acme.shop.warehouse, "acme", "mug")
    assert (terms["price_minor"], terms["lead_time_days"], terms["pack_size"]) == (560, 4.0, 1.0)


def test_an_ended_product_is_bought_elsewhere(acme):
    name, _ = written(acme, "PO-7: mug is discontinued.")
    raw = {"kind": "discontinued", "item_id": "mug"}
    change = notice_changes.change_of(acme.shop, "acme", raw)
    seen = notice_changes.consequences(acme.shop, change)["others"][0]["suppliers"]
    assert [one["supplier_id"] for one in seen] == ["beta"]
    notice_changes.accept(acme.shop, name, [change], "li")
    acme.shop.warehouse.refresh()
    [mug] = supplier_choice.choices(acme.shop, item_id="mug")
    assert [one["supplier_id"] for one in mug["suppliers"]] == ["beta"]


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        ({"kind": "holiday"}, "kind"),
        ({"kind": "day", "purchase_order_id": "PO-7", "new_day": "03/04/05"}, "new_day"),
        ({"kind": "quantity", "purchase_order_id": "PO-7", "quantity": -1}, "quantity"),
        ({"kind": "quantity", "purchase_order_id": "PO-7", "quantity": 1e9}, "quantity"),
        ({"kind": "quantity", "purchase_order_id": "PO-7", "item_id": "cup"}, "item_id"),
        ({"kind": "quantity", "purchase_order_id": "PO-7", "quantity": None}, "quantity"),
        ({"kind": "price", "item_id": "mug", "price": 5, "currency": "EUR"}, "currency"),
        ({"kind": "price", "item_id": "mug", "price": float("nan")}, "price"),
        ({"kind": "discontinued"}, "item_id"),
    ],
)
def test_a_change_that_cannot_be_is_named(acme, raw, field):
    with pytest.raises(BadInput) as refused:
        notice_changes.change_of(acme.shop, "acme", raw)
    assert refused.value.field == field


def test_nobody_speaks_for_anothers_order(acme):
    with pytest.raises(Conflict, match="is an order to acme, but beta wrote"):
        notice_changes.change_of(
            acme.shop, "beta", {"kind": "quantity", "purchase_order_id": "PO-7", "quantity": 1}
        )


def test_certain_takes_days_and_quantities_and_leaves_prices_to_a_person(acme):
    name, _ = written(acme, "Purchase order PO-7: we confirm 15 units of mug.")
    supply_reader.apply_certain(acme.shop, name)
    acme.shop.warehouse.refresh()
    [row] = supply_reports.open_purchases(acme.shop.warehouse)
    assert row["outstanding"] == 15.0
    more, _ = written(acme, "Purchase order PO-7: we confirm 90 units of mug.")
    with pytest.raises(Conflict, match="more than the 15 ordered"):
        supply_reader.apply_certain(acme.shop, more)
    ended, _ = written(acme, "PO-7: mug is discontinued.")
    with pytest.raises(Conflict, match="not certain"):
        supply_reader.apply_certain(acme.shop, ended)


def test_the_path_of_a_shelf_by_hand():
    """10 at 4 a day: 2 left after two days; day 2 misses 2, day 3 misses 4, then 8 come."""
    assert stock_outlook.path(10, 4, [(4, 8)], horizon=6) == (2, 6.0)
