"""The lake: compaction is all or nothing, repeatable to the byte, and damage has a name."""

from __future__ import annotations

from random import Random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from shopfloor import NOW, at, event, mixed, purchase

from shopkeeper.base import clock
from shopkeeper.base.errors import ArtefactBroken, ShopLocked, StoreUnavailable
from shopkeeper.data import columns
from shopkeeper.data.events import Event, Line
from shopkeeper.data.lake import MERGE_ABOVE, Compacted, Lake
from shopkeeper.data.shop import open_shop


@pytest.fixture
def shop(settings):
    with clock.frozen(NOW), open_shop(settings) as opened:
        yield opened


def files(lake: Lake) -> dict[str, bytes]:
    return {
        path.relative_to(lake.folder).as_posix(): path.read_bytes()
        for path in (lake.folder / "events").rglob("*")
        if path.is_file()
    }


def test_compaction_writes_one_part_per_day_and_lists_it(shop):
    shop.append_events([purchase(1, 0, ["a"]), purchase(2, 0.5, ["b"]), purchase(3, 3, ["a"])])
    done = shop.lake.compact()
    assert (done.events, done.parts) == (3, 2)
    assert [(part.path, part.rows) for part in shop.lake.parts()] == [
        ("events/dt=2026-01-05/part-1-2.parquet", 2),
        ("events/dt=2026-01-08/part-3-3.parquet", 1),
    ]
    assert shop.lake.watermark() == 3
    assert sorted(files(shop.lake)) == [part.path for part in shop.lake.parts()]


def test_a_second_compaction_changes_nothing(shop):
    shop.append_events(mixed(Random(1)))
    shop.lake.compact()
    before, parts = files(shop.lake), shop.lake.parts()
    assert shop.lake.compact() == Compacted(events=0, parts=0, bytes=0)
    assert files(shop.lake) == before
    assert shop.lake.parts() == parts


def test_the_same_log_gives_the_same_bytes(shop, tmp_path):
    from shopkeeper.base import settings as settings_file

    events = mixed(Random(2))
    shop.append_events(events)
    shop.lake.compact()
    with open_shop(settings_file.load(tmp_path / "other")) as other:
        other.append_events(mixed(Random(2)))
        other.lake.compact()
        assert files(other.lake) == files(shop.lake)


def test_killed_before_the_manifest_leaves_orphans_that_the_next_run_removes(shop, monkeypatch):
    shop.append_events(mixed(Random(3)))
    with monkeypatch.context() as patch:
        patch.setattr(shop.lake.manifest, "commit", _die)
        with pytest.raises(KeyboardInterrupt):
            shop.lake.compact()
    assert files(shop.lake)
    assert shop.lake.parts() == []
    assert shop.warehouse.sql("SELECT count(*) AS n FROM events")["n"].to_pylist() == [300]
    stray = shop.lake.folder / "events" / "dt=2026-01-05" / "part-7-9.parquet.tmp1"
    stray.parent.mkdir(parents=True, exist_ok=True)
    stray.write_bytes(b"PAR1 half")
    shop.lake.compact()
    assert sorted(files(shop.lake)) == [part.path for part in shop.lake.parts()]
    assert sum(part.rows for part in shop.lake.parts()) == 300
    assert shop.warehouse.sql("SELECT count(*) AS n FROM events")["n"].to_pylist() == [300]


def _die(**_):
    raise KeyboardInterrupt


@pytest.mark.parametrize("damage", ["cut", "gone", "flipped"])
def test_a_damaged_part_is_named_and_made_again_from_the_log(shop, damage):
    shop.append_events(mixed(Random(4)))
    shop.lake.compact()
    part = shop.lake.parts()[3]
    path = shop.lake.folder / part.path
    whole = path.read_bytes()
    if damage == "cut":
        path.write_bytes(whole[: len(whole) // 2])
    elif damage == "gone":
        path.unlink()
    else:
        path.write_bytes(whole[:100] + bytes([whole[100] ^ 1]) + whole[101:])
    with pytest.raises(ArtefactBroken, match=path.name) as caught:
        shop.lake.require_whole(deep=True)
    assert "shopkeeper compact --repair" in caught.value.hint
    assert [fixed.path for fixed in shop.lake.repair()] == [part.path]
    assert path.read_bytes() == whole
    assert shop.lake.check(deep=True) == []


def test_the_warehouse_names_a_half_written_part(shop):
    shop.append_events(mixed(Random(4)))
    shop.lake.compact()
    path = shop.lake.folder / shop.lake.parts()[0].path
    assert shop.warehouse.table("events").num_rows == 300
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(ArtefactBroken, match=path.name):
        shop.warehouse.table("events")
    shop.lake.repair()
    assert shop.warehouse.table("events").num_rows == 300


def test_repair_refuses_when_the_log_lost_the_events(shop):
    shop.append_events(mixed(Random(4)))
    shop.lake.compact()
    with shop.store.writing() as connection:
        connection.exec_driver_sql("DELETE FROM events WHERE seq < 200")
    (shop.lake.folder / shop.lake.parts()[0].path).unlink()
    with pytest.raises(ArtefactBroken, match="The log has"):
        shop.lake.repair()


def test_days_with_many_parts_become_one(shop):
    for number in range(MERGE_ABOVE + 1):
        shop.append_events([purchase(number, 0.1 + number / 100, ["a"])])
        shop.lake.compact()
    parts = shop.lake.parts()
    assert [(part.from_seq, part.to_seq, part.rows) for part in parts] == [
        (1, MERGE_ABOVE + 1, MERGE_ABOVE + 1)
    ]
    shop.lake.compact()
    assert sorted(files(shop.lake)) == [parts[0].path]
    assert shop.warehouse.table("events").num_rows == MERGE_ABOVE + 1


def test_two_compactions_at_once_are_refused(shop):
    with shop.lake._alone(), pytest.raises(ShopLocked, match="Another process compacts"):
        shop.lake.compact()


def test_a_full_disk_says_so_and_keeps_the_old_state(shop, monkeypatch):
    shop.append_events([purchase(1, 0, ["a"])])

    def full(_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(StoreUnavailable, match="No space left on device"):
            shop.lake.compact()
    assert shop.lake.parts() == []
    assert shop.lake.compact().events == 1


def test_columns_keep_every_field_of_an_event(shop):
    rich = Event(
        event_id="rich",
        kind="promotion",
        occurred_at=at(1),
        promotion_id="p",
        starts_at=at(1),
        ends_at=at(8),
        lines=[Line(item_id="a", quantity=2.5, price_minor=7, discount_minor=1, position=3)],
        properties={"b": 1, "a": "ü", "c": None, "d": 1.5, "e": True},
        available=False,
        rating=4.5,
    )
    shop.append_events([rich, event(2, "page_view", 1)])
    shop.lake.compact()
    row, bare = pq.read_table(
        shop.lake.folder / shop.lake.parts()[0].path, partitioning=None
    ).to_pylist()
    assert row["lines"] == [
        {
            "item_id": "a",
            "quantity": 2.5,
            "price_minor": 7,
            "discount_minor": 1,
            "position": 3,
            "line": 0,
        }
    ]
    assert row["properties"] == '{"a":"ü","b":1,"c":null,"d":1.5,"e":true}'
    assert (row["starts_us"], row["ends_us"]) == (clock.to_us(at(1)), clock.to_us(at(8)))
    assert row["occurred_at"] == at(1)
    assert (row["available"], row["rating"], row["hidden"]) == (False, 4.5, None)
    assert bare["lines"] is None
    assert bare["properties"] is None


def test_every_event_field_has_a_column():
    apart = {"occurred_at", "starts_at", "ends_at", "promised_at", "person"}
    missing = set(Event.__struct_fields__) - apart - set(columns.SCHEMA.names)
    assert missing == set()
    assert {"person_keys", "person_sealed", "starts_us"} <= set(columns.SCHEMA.names)


def test_no_rows_make_an_empty_table_of_the_same_shape():
    table = columns.to_arrow([])
    assert isinstance(table, pa.Table)
    assert table.schema == columns.SCHEMA
