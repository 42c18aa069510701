"""Every table's SQL means the same on DuckDB and on Spark, or the linter says why not."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from shopkeeper.data import forecasts
from shopkeeper.data.definitions import parse, table, tables
from shopkeeper.data.dialect import FORBIDDEN_FUNCTIONS, faults, to_spark, unknown_to_spark

SOUND = parse(
    "sound",
    """-- sound: a table that breaks no rule.
-- inputs: events
-- grain: one row per event
-- keys: seq
-- partition: dt
-- build: append
SELECT seq, dt, quantity / nullif(value_minor, 0) AS share FROM events
""",
)


@pytest.mark.parametrize("name", tables())
def test_every_table_carries_over(name):
    assert faults(table(name)) == []


@pytest.mark.parametrize("name", tables())
def test_spark_knows_every_function_of_every_table(name):
    assert unknown_to_spark(to_spark(table(name).sql)) == []


@pytest.mark.parametrize("name", tables())
def test_every_table_says_what_it_is(name):
    definition = table(name)
    assert definition.says.endswith((".", "1.")), definition.says
    assert definition.build in ("append", "partition", "key", "whole")
    assert (definition.partition == "none") == (definition.build in ("key", "whole"))


def test_a_sound_table_has_no_faults():
    assert faults(SOUND) == []


@pytest.mark.parametrize(
    ("broken", "named"),
    [
        ("quantile_cont(quantity, 0.5)", "quantile_cont"),
        ("median(quantity)", "median"),
        ("epoch(occurred_at)", "epoch"),
        ("epoch_ms(occurred_at)", "epoch_ms"),
        ("epoch_us(occurred_at)", "epoch_us"),
        ("hash(customer_id)", "hash"),
        ("random()", "random"),
        ("EXTRACT(DOW FROM occurred_at)", "DOW"),
        ("EXTRACT(ISODOW FROM occurred_at)", "ISODOW"),
        ("isodow(occurred_at)", "isodow"),
        ("lines[1:1]", "slice"),
        ("quantity / value_minor", "division by value_minor"),
        ("value_minor // seq", "division by seq"),
        ("seq % 0", "division by 0"),
        ("CAST(value_minor / 2 AS BIGINT)", "round() first"),
        (
            "sum(quantity) OVER (ORDER BY occurred_at RANGE BETWEEN INTERVAL 7 DAYS PRECEDING"
            " AND CURRENT ROW)",
            "RANGE INTERVAL",
        ),
    ],
)
def test_the_linter_catches_what_does_not_carry_over(broken, named):
    twin = replace(SOUND, sql=f"SELECT seq, dt, {broken} AS x FROM events")
    assert any(named in fault for fault in faults(twin)), faults(twin)


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("SELECT seq, dt FROM events ASOF JOIN prices USING (item_id, occurred_us)", "ASOF"),
        ("SELECT seq, dt, * REPLACE (1 AS quantity) FROM events", "REPLACE"),
        ("SELECT seq, dt FROM orders", "inputs says events"),
        ("WITH events AS (SELECT 1 AS seq) SELECT seq, dt FROM events", "CTE hides"),
        ("SELECT dt FROM events", "keys names seq"),
        ("SELECT dt, event_id FROM events", "must return seq"),
        ("SELECT seq FROM events", "must return dt"),
        ("SELECT max(seq) AS seq, dt FROM events GROUP BY dt", "must come from one event"),
        ("SELECT DISTINCT seq, dt FROM events", "must come from one event"),
        ("SELECT seq, dt, lag(seq) OVER (ORDER BY seq) AS x FROM events", "one event"),
    ],
)
def test_the_linter_catches_shapes_and_false_headers(sql, named):
    assert any(named in fault for fault in faults(replace(SOUND, sql=sql)))


def test_a_key_table_may_not_read_events():
    twin = replace(SOUND, build="key", partition="none")
    assert "a key table reads tables, not events" in faults(twin)


def test_every_forbidden_function_has_a_way_out():
    assert all(FORBIDDEN_FUNCTIONS.values())


def test_a_function_that_spark_lacks_is_named():
    assert unknown_to_spark("SELECT LIST_DOT(a, b), COUNT(*) FROM t") == ["list_dot"]


def test_every_table_is_documented_and_no_other():
    page = Path(__file__).parents[2] / "docs" / "reference" / "tables.md"
    documented = set(re.findall(r"^\| `(\w+)` \|", page.read_text("utf-8"), re.MULTILINE))
    assert documented == set(tables()) | set(forecasts.TABLES)
