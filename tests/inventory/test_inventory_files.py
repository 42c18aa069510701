"""Demand files of many shapes become the panels that evaluate.md promises; nobody sees ahead."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made_panels import panel as made

from shopkeeper.base.errors import BadInput
from shopkeeper.cli.main import main
from shopkeeper.inventory import evaluate, from_file
from shopkeeper.inventory.evaluate_stock import simulation
from shopkeeper.inventory.models.cumulative import Settings
from shopkeeper.inventory.protocol import Setup, cut

QUICK = Settings(rounds=20)


def write(path, rows, head="sku,date,units"):
    path.write_text("\n".join([head, *(",".join(str(v) for v in row) for row in rows)]), "utf-8")
    return path


def days(n, start="2024-01-01"):
    return [str(np.datetime64(start) + k) for k in range(n)]


@pytest.fixture
def weekly(tmp_path):
    rng = np.random.default_rng(4)
    rows = [
        (f"s{i}", str(np.datetime64("2023-01-02") + 7 * k), rng.poisson(2 + i % 5), k % 9 == 0)
        for i in range(12)
        for k in range(60)
    ]
    rows = [(sku, day, units, int(promoted)) for sku, day, units, promoted in rows]
    return write(tmp_path / "d.csv", rows, "sku,date,units,promotion")


def test_the_command_prints_models_baselines_champion_and_simulation(weekly, capsys):
    words = ["evaluate", "inventory", "--demand", str(weekly), "--horizon", "2"]
    assert main([*words, "--known", "promotion", "--lead-time", "1", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["champion"] in printed["models"]
    assert {"ladder", "naive", "ma8", "ses20", "tsb"} <= set(printed["models"])
    for one in printed["models"].values():
        assert set(one["metrics"]) == set(evaluate.METRICS)
        assert {"fit_seconds", "predict_ms_per_row", "peak_memory_mb"} <= set(one)
        low, high = one["interval_95"]["pinball"]
        assert low <= one["metrics"]["pinball"] <= high
    assert len(printed["data"]["sha256"]) == 64
    policies = printed["simulation"]["policies"]
    assert {"ladder", "ewma_z", "velocity"} == set(policies)
    fills = [point[1] for point in policies["ladder"]["curve"]]
    assert fills == sorted(fills)
    assert 0 < fills[0] < fills[-1] <= 1
    assert main(words) == 0
    assert "champion" in capsys.readouterr().out


def test_one_week_and_all_zeros_are_named(tmp_path):
    short = write(tmp_path / "a.csv", [("a", day, 3) for day in days(7)])
    with pytest.raises(BadInput, match="spans 7 periods of 'D'"):
        from_file.panel(short, "D")
    zeros = write(tmp_path / "b.csv", [("a", day, 0) for day in days(40)])
    with pytest.raises(BadInput, match="no period has demand above 0"):
        from_file.panel(zeros, "D")
    with pytest.raises(BadInput, match="knows no column 'colour'"):
        from_file.panel(short, "D", names={"colour": "x"})


def test_rows_are_summed_gaps_are_zeros_and_locations_apart(tmp_path):
    rows = [("a", day, 1, "n") for day in days(20)] + [("a", "2024-01-01", 4, "n")]
    rows += [("a", "2024-01-05", 2, "s"), ("a", "2024-01-20", 2, "s")]
    found, facts = from_file.panel(write(tmp_path / "d.csv", rows, "sku,date,units,location"), "D")
    assert found.locations == ["n", "s"]
    assert found.units[0].tolist() == [5.0] + [1.0] * 19
    assert np.isnan(found.units[1, :4]).all()
    assert found.units[1, 4:].tolist() == [2.0] + [0.0] * 14 + [2.0]
    assert facts["rows"] == 23


def test_returns_above_sales_are_counted_and_forecast_as_zero(tmp_path):
    rows = [("a", day, -2 if k % 5 == 0 else 3) for k, day in enumerate(days(90))]
    found, facts = from_file.panel(write(tmp_path / "d.csv", rows), "D")
    assert facts["negative_periods"] == 18
    printed = evaluate.evaluate(found, Setup(horizon=3, settings=QUICK), facts)
    assert all(m["metrics"]["wape"] >= 0 for m in printed["models"].values())


def test_a_last_week_or_month_that_is_not_over_is_left_out(tmp_path):
    daily = write(tmp_path / "d.csv", [("a", day, 1) for day in days(59)])  # to 28 February 2024
    assert from_file.panel(daily, "W")[0].units.tolist() == [[7.0] * 8]
    months = write(tmp_path / "m.csv", [("a", day, 1) for day in days(140)])  # to 19 May
    assert from_file.panel(months, "M")[0].units.tolist() == [[31.0, 29.0, 31.0, 30.0]]
    whole = write(tmp_path / "w.csv", [("a", day, 1) for day in days(121)])  # to 30 April
    assert from_file.panel(whole, "M")[0].units.shape == (1, 4)


def test_parquet_gzip_and_renamed_columns_give_the_same_panel(tmp_path):
    rows = [("a", day, k % 4) for k, day in enumerate(days(30))]
    plain = write(tmp_path / "d.csv", rows)
    packed = tmp_path / "d.csv.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    table = pa.table(
        {
            "item": [row[0] for row in rows],
            "day": pa.array([np.datetime64(row[1]).item() for row in rows]),
            "n": [row[2] for row in rows],
        }
    )
    pq.write_table(table, tmp_path / "d.parquet")
    names = {"sku": "item", "date": "day", "units": "n"}
    for other in (
        from_file.panel(packed, "D")[0],
        from_file.panel(tmp_path / "d.parquet", "D", names=names)[0],
    ):
        assert np.array_equal(other.units, from_file.panel(plain, "D")[0].units)


def test_what_comes_after_an_origin_changes_no_forecast_made_at_it():
    one = made(n=60, t=50, promoted=True)
    share = np.ones((60, 50))
    share[::3, 5::7] = 0.4
    one = replace(one, in_stock_share=share)
    other = replace(one, units=one.units.copy())
    other.units[:, -4:] += 100
    setup = Setup(horizon=4, origins=1, settings=QUICK)
    kept, changed = (cut(p, 46, 4) for p in (one, other))
    assert np.array_equal(kept.units, changed.units)
    before, after = (evaluate.evaluate(p, setup, {}) for p in (one, other))
    assert before["chosen"] == after["chosen"]
    # Demand that rose by 100 everywhere is missed by about all of it: nobody saw it coming.
    assert after["models"]["ladder"]["metrics"]["bias"] < -0.7


def test_sold_out_periods_judge_nobody():
    one = made(n=20, t=50)
    share = np.ones((20, 50))
    share[:10, -4:] = 0.0
    printed = evaluate.evaluate(
        replace(one, in_stock_share=share), Setup(horizon=4, origins=1, settings=QUICK), {}
    )
    assert printed["data"]["judged_rows"] == 40
    share[:, -4:] = 0.0
    with pytest.raises(BadInput, match="no demand of a series"):
        evaluate.evaluate(
            replace(one, in_stock_share=share), Setup(horizon=4, origins=1, settings=QUICK), {}
        )


def test_too_many_origins_and_too_short_a_simulation_are_named():
    one = made(n=10, t=12)
    with pytest.raises(BadInput, match="4 origins of 3 periods"):
        evaluate.evaluate(one, Setup(horizon=3, origins=4), {})
    with pytest.raises(BadInput, match="simulation needs"):
        simulation(one, Setup(horizon=1, lead_time=2))


def test_one_series_is_enough_for_a_report():
    printed = evaluate.evaluate(made(n=1, t=40, mean=4.0), Setup(horizon=2), {})
    assert printed["champion"] in printed["models"]
