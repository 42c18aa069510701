"""Forecasts at rest: what the manifest lists is the table, whatever else lies beside it."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest

from shopkeeper.base import clock
from shopkeeper.base.errors import ArtefactBroken
from shopkeeper.data.forecasts import MANIFEST, TABLES, OriginShelf, kept_origins
from shopkeeper.data.shop import open_shop

NOW = datetime(2026, 1, 26, 3, tzinfo=UTC)


def rows(origin, item="a", mean=7.0):
    schema = TABLES["demand_forecast"][1]
    facts = {
        "item_id": item,
        "location_id": "",
        "origin": origin,
        "frequency": "W",
        "horizon": 1,
        "days": 7,
        "until": origin + timedelta(days=6),
        "mean": mean,
    }
    return pa.Table.from_pylist([{**dict.fromkeys(schema.names), **facts}], schema=schema)


@pytest.fixture
def shop(settings):
    with clock.frozen(NOW), open_shop(settings) as opened:
        yield opened


def shelf(shop):
    return OriginShelf(shop.settings.lake_path, "demand_forecast")


def means(shop, as_of_us=None):
    found = shop.warehouse.sql("SELECT mean FROM demand_forecast ORDER BY mean", None, as_of_us)
    return found["mean"].to_pylist()


def test_an_empty_table_has_its_columns(shop):
    for name, (_, schema) in TABLES.items():
        assert shop.warehouse.table(name).schema.names == schema.names
        assert shop.warehouse.table(name).schema.types == schema.types


def test_an_origin_written_again_takes_the_place_of_the_earlier_one(shop):
    day = date(2026, 1, 26)
    shelf(shop).write(day, rows(day), model="m@1", kind="live")
    shelf(shop).write(day, rows(day, mean=9.0), model="m@2", kind="live")
    other = day - timedelta(days=7)
    shelf(shop).write(other, rows(other, mean=3.0), model="m@1", kind="backtest")
    assert means(shop) == [3.0, 9.0]
    # The file of the first is gone, since the last write found it unlisted.
    assert len(list(shelf(shop).folder.glob("*.parquet"))) == 2


def test_what_a_dead_writer_left_does_not_exist(shop):
    day = date(2026, 1, 26)
    entry = shelf(shop).write(day, rows(day), model="m@1", kind="live")
    (shelf(shop).folder / "2026-01-19-dead.parquet").write_bytes(b"half")
    (shelf(shop).folder / f"{MANIFEST}.tmp99").write_text("{")
    assert means(shop) == [7.0]
    assert shelf(shop).entries() == [entry]


def test_as_of_a_moment_shows_what_was_written_by_then(shop):
    day = date(2026, 1, 26)
    shelf(shop).write(day, rows(day), model="m@1", kind="live")
    with clock.frozen(NOW + timedelta(days=1)):
        after = day + timedelta(days=1)
        shelf(shop).write(after, rows(after, mean=8.0), model="m@1", kind="live")
    assert means(shop, clock.to_us(NOW)) == [7.0]
    assert means(shop) == [7.0, 8.0]


def test_all_origins_of_five_weeks_are_kept_then_one_a_week_for_two_years():
    first = date(2024, 1, 1)
    days = [str(first + timedelta(days=n)) for n in range(1000)]
    kept = [date.fromisoformat(one) for one in kept_origins(days, days[-1])]
    last = first + timedelta(days=999)
    ages = [(last - one).days for one in kept]
    assert [age for age in ages if age <= 35] == list(range(35, -1, -1))
    older = [one for one in kept if (last - one).days > 35]
    assert max(ages) <= 728
    gaps = {(b - a).days for a, b in itertools.pairwise(older)}
    assert gaps == {7}
    # Going through the nights one by one ends at the same set.
    held = []
    for day in days:
        held = kept_origins([*held, day], day)
    assert held == [str(one) for one in kept]


def test_a_manifest_that_cannot_be_read_is_named(shop):
    shelf(shop).folder.mkdir(parents=True)
    (shelf(shop).folder / MANIFEST).write_text("{")
    with pytest.raises(ArtefactBroken, match=r"manifest\.json cannot be read"):
        shelf(shop).entries()
