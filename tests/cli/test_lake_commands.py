"""`shopkeeper compact` and `shopkeeper check`: what they print and how they end."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from shopkeeper.cli.main import main
from shopkeeper.data.events import Event, Line
from shopkeeper.data.shop import open_shop


@pytest.fixture
def shop(settings):
    line = Line(item_id="a", quantity=1, price_minor=100, discount_minor=300)
    order = Event(
        event_id="e",
        kind="purchase",
        occurred_at=datetime(2026, 1, 5, tzinfo=UTC),
        order_id="o",
        customer_id="c",
        currency="EUR",
        lines=[line],
    )
    with open_shop(settings) as opened:
        opened.append_events([order])
    return settings


def run(shop, capsys, *words):
    status = main(["--home", str(shop.home), *words])
    return status, capsys.readouterr()


def test_compact_says_what_it_moved_and_then_that_nothing_is_left(shop, capsys):
    status, said = run(shop, capsys, "compact")
    assert status == 0
    assert "moved 1 events into 1 files" in said.out
    status, said = run(shop, capsys, "compact", "--json")
    assert json.loads(said.out) == {
        "events": 0,
        "parts": 0,
        "bytes": 0,
        "table_files": 0,
        "repaired": [],
    }


def test_a_half_written_lake_file_is_named_with_the_repair_and_repaired(shop, capsys):
    run(shop, capsys, "compact")
    (path,) = (shop.lake_path / "events").rglob("*.parquet")
    path.write_bytes(path.read_bytes()[:50])
    status, said = run(shop, capsys, "check")
    assert status == 1
    assert path.name in said.err
    assert "shopkeeper compact --repair" in said.err
    status, said = run(shop, capsys, "compact", "--repair")
    assert status == 0
    assert "repaired events/dt=2026-01-05/part-1-1.parquet, 1 events from the log" in said.out
    assert run(shop, capsys, "check")[0] == 0


def test_check_prints_a_table_and_ends_well(shop, capsys):
    status, said = run(shop, capsys, "check")
    assert status == 0
    assert "negative_money" in said.out
    assert "what to do" in said.out


def test_check_strict_ends_with_2_on_an_error_and_0_on_warnings(shop, capsys):
    assert run(shop, capsys, "check", "--strict")[0] == 2
    assert run(shop, capsys, "check", "--strict", "--only", "no_catalogue_entry")[0] == 0


def test_check_as_json_is_one_object(shop, capsys):
    _, said = run(shop, capsys, "check", "--json", "--only", "negative_money")
    body = json.loads(said.out)
    assert body["checks"] == 1
    assert body["findings"][0]["samples"][0]["net_minor"] == -200


def test_check_names_an_unknown_check(shop, capsys):
    status, said = run(shop, capsys, "check", "--only", "nope")
    assert status == 2
    assert "no check 'nope'" in said.err
