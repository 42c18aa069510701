"""Anybody's demand file: what is refused by name, what is read how, and an honest comparison."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner

from shopkeeper.base.errors import BadInput, MissingColumns
from shopkeeper.cli.evaluate.inventory import as_text, command
from shopkeeper.inventory import evaluate, from_file
from shopkeeper.inventory.models.cumulative import Settings


def write(tmp_path, rows, head="sku,date,units"):
    path = tmp_path / "demand.csv"
    path.write_text("\n".join([head, *rows]) + "\n", "utf-8")
    return path


def weeks(count, sku="mug", units=3):
    days = np.datetime64("2023-01-02") + 7 * np.arange(count)
    return [f"{sku},{day},{units}" for day in days]


def made(tmp_path, n=40, t=60, promoted=True):
    rng = np.random.default_rng(5)
    rows = []
    for i in range(n):
        plan = rng.random(t) < 0.2 if promoted else np.zeros(t, bool)
        demand = rng.poisson((2 + i % 9) * (1 + 2 * plan))
        day = np.datetime64("2023-01-02") + 7 * np.arange(t)
        rows += [f"sku{i},{d},{u},{int(p)}" for d, u, p in zip(day, demand, plan, strict=True)]
    return write(tmp_path, rows, "sku,date,units,promotion")


def test_gaps_are_zeros_returns_are_kept_and_duplicates_are_summed(tmp_path):
    rows = ["mug,2023-01-02,3", "mug,2023-01-03,2", "mug,2023-01-23,4", "cup,2023-01-16,-1"]
    panel, facts = from_file.panel(write(tmp_path, rows), "W")
    assert panel.skus == ["cup", "mug"]
    np.testing.assert_array_equal(panel.units[1], [5, 0, 0, 4])
    np.testing.assert_array_equal(panel.units[0], [np.nan, np.nan, -1, 0])
    assert facts["negative_periods"] == 1


def test_locations_are_series_of_their_own_and_a_plan_reaches_beyond_demand(tmp_path):
    rows = [f"mug,{place},2023-{month:02}-01,5,0" for month in range(1, 6) for place in "ns"]
    rows += ["mug,n,2023-06-01,,1"]
    head = "sku,location,date,units,promotion"
    panel, _ = from_file.panel(write(tmp_path, rows, head), "M", known=("promotion",))
    assert list(zip(panel.skus, panel.locations, strict=True)) == [("mug", "n"), ("mug", "s")]
    assert panel.units.shape == (2, 5)
    np.testing.assert_array_equal(panel.known["promotion"][0], [0, 0, 0, 0, 0, 1])


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (["mug,2023-01-02,3", "mug,yesterday,3"], "row 2: column 'date' is no date: 'yesterday'"),
        (["mug,2023-01-02,3", "mug,2023-01-09,many"], "row 2: column 'units' is no number: 'many'"),
        (["mug,2023-01-02,inf"], "row 1: column 'units' is not finite"),
        ([",2023-01-02,3"], "row 1: column 'sku' is empty"),
        (["mug,,3"], "row 1: column 'date' is empty"),
        (["mug,2023-01-02,3"], "spans 1 periods of 'W', but at least 4 are needed"),
        (weeks(20, units=0), "no period has demand above 0"),
        ([], "has no rows"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path, rows, told):
    with pytest.raises(BadInput, match=told):
        from_file.panel(write(tmp_path, rows), "W")


def test_missing_columns_are_named_with_those_that_are_there(tmp_path):
    path = write(tmp_path, ["a,2023-01-02,3"], "product,day,qty")
    with pytest.raises(MissingColumns, match="lacks sku, date, units; it has product, day, qty"):
        from_file.panel(path, "W")
    with pytest.raises(MissingColumns, match="lacks promo"):
        from_file.panel(write(tmp_path, weeks(5)), "W", known=("promo",))


def test_too_short_a_history_for_the_horizon_is_said(tmp_path):
    panel, facts = from_file.panel(write(tmp_path, weeks(6)), "W")
    with pytest.raises(BadInput, match="2 origins of 4 periods need more than the 6"):
        evaluate.evaluate(panel, evaluate.Setup(horizon=4), facts)


def test_a_few_weeks_of_one_product_are_judged_without_trees(tmp_path):
    panel, facts = from_file.panel(write(tmp_path, weeks(12)), "W")
    printed = evaluate.evaluate(panel, evaluate.Setup(horizon=2), facts)
    assert printed["models"]["ladder"]["metrics"]["wape"] == pytest.approx(0, abs=1e-3)
    assert printed["champion"] in printed["models"]


def test_the_ladder_beats_the_baseline_where_promotions_are_planned(tmp_path):
    panel, facts = from_file.panel(made(tmp_path), "W", known=("promotion",))
    setup = evaluate.Setup(
        horizon=2, known=("promotion",), lead_time=1, settings=Settings(rounds=40, leaf_rows=20)
    )
    printed = evaluate.evaluate(panel, setup, facts)
    ladder, base = (printed["models"][name]["metrics"] for name in ("ladder", "ma8"))
    assert ladder["pinball"] < 0.9 * base["pinball"]
    assert printed["models"]["ladder"]["against_baseline"]["verdict"] == "better"
    assert set(ladder) == set(evaluate.METRICS)
    fills = [point[1] for point in printed["simulation"]["policies"]["ladder"]["curve"]]
    assert fills == sorted(fills)
    assert "supply at 95 %" in as_text(printed)
    json.dumps(printed, allow_nan=False)


def test_the_test_periods_do_not_touch_the_choice(tmp_path):
    """The broken twin: with other demand after the first origin, choices stay the same."""
    panel, facts = from_file.panel(made(tmp_path, promoted=False), "W")
    setup = evaluate.Setup(horizon=4, origins=1, settings=Settings(rounds=10))
    first = evaluate.evaluate(panel, setup, facts)
    panel.units[:, -4:] *= 7
    second = evaluate.evaluate(panel, setup, facts)
    assert first["chosen"] == second["chosen"]
    assert first["models"]["ladder"]["metrics"] != second["models"]["ladder"]["metrics"]


def test_wape_is_the_arithmetic_a_reader_can_check():
    rows = evaluate._Rows(
        actual=np.array([4.0, 6.0, 10.0]),
        mean=np.array([5.0, 6.0, 7.0]),
        quantiles=np.array([[1.0, 5, 9, 10]] * 3),
        scale=np.array([4.0, 4.0, 9.0]),
        series=np.array([0, 0, 1]),
        window=np.array([8, 8, 8]),
    )
    found = evaluate._entry(rows, 1)["metrics"]
    assert found["wape"] == pytest.approx((1 + 0 + 3) / 20)
    assert found["bias"] == pytest.approx((1 + 0 - 3) / 20)
    assert found["total_wape"] == pytest.approx((1 + 3) / 20)
    assert found["coverage_95"] == pytest.approx(1)
    assert found["coverage_80"] == pytest.approx(2 / 3, abs=1e-4)
    # Series 0: mse 0.5 over 4; series 1: 9 over 9.
    assert found["rmsse"] == pytest.approx((np.sqrt(0.5 / 4) + 1) / 2, abs=1e-4)


def test_the_command_prints_one_json_object(tmp_path):
    path = write(tmp_path, weeks(12))
    done = CliRunner().invoke(
        command, ["--demand", str(path), "--horizon", "2", "--json"], obj=None
    )
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["capability"] == "inventory"
