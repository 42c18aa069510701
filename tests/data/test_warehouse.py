"""The warehouse: tables are right whatever the order of arrival, live, and as of a moment."""

from __future__ import annotations

import threading
from random import Random

import duckdb
import pytest
from shopfloor import NOW, event, mixed, purchase, us

from shopkeeper.base import clock
from shopkeeper.base import settings as settings_file
from shopkeeper.base.errors import NotFound
from shopkeeper.data.definitions import tables
from shopkeeper.data.events import Line
from shopkeeper.data.shop import open_shop


@pytest.fixture
def shop(settings):
    with clock.frozen(NOW), open_shop(settings) as opened:
        yield opened


def contents(warehouse, name, as_of_us=None, without=()):
    rows = warehouse.table(name, as_of_us=as_of_us).to_pylist()
    return sorted(
        (tuple((k, v) for k, v in sorted(row.items()) if k not in without) for row in rows),
        key=repr,
    )


def first(warehouse, text, params=None, as_of_us=None):
    return warehouse.sql(text, params, as_of_us=as_of_us).to_pylist()[0]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_incremental_equals_built_from_scratch(shop, tmp_path, seed):
    """Random arrival, late events, reads and compactions in between: the tables are the same."""
    random = Random(seed)
    events = mixed(random)
    start = 0
    while start < len(events):
        chunk = random.randrange(1, 60)
        shop.append_events(events[start : start + chunk])
        start += chunk
        for name in random.sample(list(tables()), 5):
            shop.warehouse.table(name)
        if random.random() < 0.5:
            shop.lake.compact()
        if random.random() < 0.3:
            shop.warehouse.materialise()
    shop.lake.compact()
    with open_shop(settings_file.load(tmp_path / "scratch")) as scratch:
        scratch.append_events(mixed(Random(seed)))
        for name in ("events", *tables()):
            if name != "item_cooccurrence":
                assert contents(shop.warehouse, name) == contents(scratch.warehouse, name), name
        scratch.lake.compact()
        for name in ("events", *tables()):
            assert contents(shop.warehouse, name) == contents(scratch.warehouse, name), name


@pytest.mark.parametrize("compacted", [False, True])
def test_as_of_a_moment_is_the_shop_that_had_only_seen_so_much(shop, tmp_path, compacted):
    events, moment = mixed(Random(5)), us(40)
    shop.append_events(events)
    if compacted:
        shop.lake.compact()
    with open_shop(settings_file.load(tmp_path / "then")) as then:
        then.append_events(e for e in mixed(Random(5)) if clock.to_us(e.occurred_at) <= moment)
        for name in ("events", *tables()):
            if name in ("labels", "item_cooccurrence"):
                continue
            now_rows = contents(shop.warehouse, name, as_of_us=moment, without=("seq",))
            assert now_rows == contents(then.warehouse, name, without=("seq",)), name
            assert len(now_rows) <= len(contents(shop.warehouse, name))


def test_a_label_counts_only_from_when_it_was_known(shop):
    """It is about day 3, but reached us at NOW; an imported one was known when it happened."""
    shop.append_events(
        [
            event(1, "label", 3, label="fraud", order_id="o"),
            event(2, "label", 3, label="fraud", order_id="p", source="import"),
        ]
    )
    known = "SELECT order_id FROM labels ORDER BY order_id"
    assert shop.warehouse.sql(known, as_of_us=us(10)).to_pylist() == [{"order_id": "p"}]
    assert shop.warehouse.sql(known, as_of_us=clock.to_us(NOW)).num_rows == 2


def test_a_new_event_is_in_the_next_answer(shop):
    shop.append_events([purchase(1, 1, ["a"])])
    assert first(shop.warehouse, "SELECT count(*) AS n FROM orders")["n"] == 1
    shop.append_events([purchase(2, 2, ["a"])])
    assert first(shop.warehouse, "SELECT count(*) AS n FROM orders")["n"] == 2
    assert first(shop.warehouse, "SELECT orders FROM customers")["orders"] == 2


def test_orders_know_refunds_cancels_and_pages_loaded_twice(shop):
    two = [Line(item_id="a", quantity=2, price_minor=500, discount_minor=100)]
    shop.append_events(
        [
            purchase(1, 1, two),
            purchase("1-again", 1.001, two, order_id="o-1"),
            purchase(2, 1, two),
            purchase(3, 1, two),
            purchase(4, 1, two),
            event(5, "refund", 2, order_id="o-2", currency="EUR", value_minor=300),
            event(6, "refund", 2, order_id="o-3", currency="EUR"),
            event(7, "cancel", 2, order_id="o-4"),
        ]
    )
    found = shop.warehouse.sql(
        "SELECT order_id, lines, units, net_minor, status, refunded_minor FROM orders ORDER BY 1"
    )
    assert [tuple(row.values()) for row in found.to_pylist()] == [
        ("o-1", 1, 2.0, 900, "placed", 0),
        ("o-2", 1, 2.0, 900, "partly_refunded", 300),
        ("o-3", 1, 2.0, 900, "refunded", 900),
        ("o-4", 1, 2.0, 900, "cancelled", 0),
    ]


def test_items_are_the_latest_entry_and_those_only_seen_in_orders(shop):
    shop.append_events(
        [
            event(1, "item", 1, item_id="a", title="Old", price_minor=10, currency="EUR"),
            event(2, "item", 3, item_id="a", title="New", price_minor=20, currency="EUR"),
            event(3, "price", 4, item_id="a", price_minor=25, currency="EUR"),
            event(4, "item", 1, item_id="gone", title="Gone"),
            event(5, "item_removed", 2, item_id="gone"),
            purchase(6, 5, ["unknown"]),
        ]
    )
    found = shop.warehouse.sql(
        "SELECT item_id, title, price_minor, available, hidden, in_catalogue FROM items ORDER BY 1"
    )
    assert [tuple(row.values()) for row in found.to_pylist()] == [
        ("a", "New", 25, True, False, True),
        ("gone", None, None, False, True, False),
        ("unknown", None, None, True, False, False),
    ]


def test_sessions_end_after_thirty_minutes_of_silence(shop):
    minute = 1 / 1440
    shop.append_events(
        event(n, "view_item", 1 + at_minute * minute, item_id="a", customer_id="c")
        for n, at_minute in enumerate([0, 29, 58, 89])
    )
    found = shop.warehouse.sql("SELECT events, views FROM sessions ORDER BY started_us")
    assert found.to_pylist() == [{"events": 3, "views": 3}, {"events": 1, "views": 1}]


def test_cooccurrence_lift_is_the_shrunk_ratio(shop):
    """a and b in 6 of 12 baskets together, each in 6: (6 + 10) / (6 * 6 / 12 + 10) = 16 / 13.

    The 13th basket stands on the lake's newest day, which goes on growing and is left out.
    """
    shop.append_events(purchase(n, n, ["a", "b"] if n < 6 else ["c", f"d{n}"]) for n in range(13))
    shop.lake.compact()
    found = shop.warehouse.sql("SELECT * FROM item_cooccurrence ORDER BY item_id").to_pylist()
    assert [(r["item_id"], r["other_item_id"], r["together"]) for r in found] == [
        ("a", "b", 6),
        ("b", "a", 6),
    ]
    assert found[0]["lift"] == pytest.approx(16 / 13)


def test_decisions_and_outcomes_meet_by_decision_id(shop):
    facts = {"capability": "recommend", "fallback": False, "latency_ms": 1.5, "reasons": "[]"}
    shop.append_events(
        [
            event("d", "decision", 1, decision_id="d", placement="home", properties=facts),
            event(1, "select_item", 2, decision_id="d", item_id="a"),
            purchase(2, 3, ["a", "b"], decision_id="d"),
        ]
    )
    row = first(shop.warehouse, "SELECT * FROM decisions")
    assert (row["capability"], row["fallback"], row["latency_ms"]) == ("recommend", False, 1.5)
    came = shop.warehouse.sql("SELECT label, item_id FROM outcomes ORDER BY occurred_us, line")
    assert [tuple(r.values()) for r in came.to_pylist()] == [
        ("select_item", "a"),
        ("purchase", "a"),
        ("purchase", "b"),
    ]


def test_files_of_tables_are_kept_only_while_they_are_true(shop):
    shop.append_events(mixed(Random(6)))
    shop.lake.compact()
    assert shop.warehouse.materialise() > 0
    assert shop.warehouse.materialise() == 0
    folder = shop.lake.folder / "tables" / "order_lines"
    before = {path.name for path in folder.iterdir()}
    shop.append_events([purchase("late", 0.5, ["a"])])
    shop.lake.compact()
    shop.warehouse.materialise()
    after = {path.name for path in folder.iterdir()}
    assert len(after) == len(before)
    assert {name[:7] for name in after - before} == {"2026-01"}


def test_files_of_earlier_states_do_not_pile_up_while_serving(shop):
    """A server compacts every few minutes and never materialises by itself."""
    shop.append_events(mixed(Random(6)))
    counts = []
    for number in range(4):
        shop.append_events([purchase(f"n{number}", 69.9, ["a"])])
        shop.lake.compact()
        for name in tables():
            shop.warehouse.table(name)
        counts.append(len(list((shop.lake.folder / "tables").rglob("*.parquet"))))
    assert len(set(counts)) == 1


def test_a_damaged_file_of_a_table_is_made_again(shop):
    shop.append_events(mixed(Random(6)))
    shop.lake.compact()
    whole = contents(shop.warehouse, "orders")
    (path,) = (shop.lake.folder / "tables" / "orders").iterdir()
    path.write_bytes(path.read_bytes()[:30])
    assert contents(shop.warehouse, "orders") == whole


def test_a_second_process_sees_what_the_first_compacted(shop, settings):
    shop.append_events(mixed(Random(7)))
    assert shop.warehouse.table("orders").num_rows > 0
    with open_shop(settings) as other:
        other.lake.compact()
        other.warehouse.materialise()
        other.append_events([purchase("x", 1, ["a"])])
        assert contents(other.warehouse, "orders") == contents(shop.warehouse, "orders")
        assert contents(other.warehouse, "activity") == contents(shop.warehouse, "activity")


def test_threads_may_share_a_warehouse(shop):
    shop.append_events(mixed(Random(8)))
    problems: list[BaseException] = []

    def read(number):
        try:
            for name in list(tables())[number:] + list(tables())[:number]:
                shop.warehouse.table(name)
        except BaseException as problem:
            problems.append(problem)
            raise

    threads = [threading.Thread(target=read, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for number in range(10):
        shop.append_events([purchase(f"t{number}", number, ["a"])])
    shop.lake.compact()
    for thread in threads:
        thread.join()
    assert problems == []
    assert shop.warehouse.table("events").num_rows == 310


def test_an_empty_shop_has_every_table_empty(shop):
    for name in ("events", *tables()):
        assert shop.warehouse.table(name).num_rows == 0
    assert shop.lake.compact().events == 0


def test_an_unknown_table_is_named_with_those_there_are(shop):
    with pytest.raises(NotFound, match="no table 'nope'") as caught:
        shop.warehouse.table("nope")
    assert "order_lines" in caught.value.allowed


def test_the_engine_fetches_no_extension_and_reads_no_python_variable(shop):
    orders_of_mine = [1]
    with pytest.raises(duckdb.CatalogException):
        shop.warehouse.sql("SELECT * FROM orders_of_mine")
    assert orders_of_mine
    with pytest.raises(duckdb.Error):
        shop.warehouse.sql("SELECT * FROM sqlite_scan('x', 'y')")
