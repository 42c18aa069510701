"""Beliefs as rows, and rows beside what came: windows, naive, and days that sold out."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from made_panels import panel

from shopkeeper.inventory import forecast_table
from shopkeeper.inventory.models.ladder import Ladder

LEVELS = (0.1, 0.5, 0.9)


@pytest.fixture(scope="module")
def believed():
    weeks = panel(n=5, t=40, promoted=True)
    model = Ladder(frequency="W", drivers=("promotion",)).fit(weeks)
    return weeks, model.belief(weeks)


def test_rows_hold_every_product_and_horizon(believed):
    weeks, belief = believed
    table = forecast_table.rows_of(belief, weeks, model="ladder@1", kind="live", made_us=5)
    assert table.num_rows == 5 * len(belief.horizons)
    first = table.to_pylist()[1]
    assert (first["item_id"], first["horizon"], first["days"]) == ("sku-000", 2, 14)
    # 40 weeks from Monday 2 January 2023 end on Sunday 8 October.
    assert (first["origin"], first["until"]) == (date(2023, 10, 9), date(2023, 10, 22))
    assert first["mean"] == pytest.approx(belief.mean[0, 1], rel=1e-6)
    assert first["q95"] == pytest.approx(belief.quantiles[0, 1, 11], rel=1e-6)
    assert first["planned_promotion"] == pytest.approx(weeks.known["promotion"][0, 40:42].mean())
    assert first["method"] == belief.model[0]


def daily(weeks, units):
    """Return days around the origin: 14 before it, and after it as many as units say."""
    return replace(
        weeks,
        frequency="D",
        starts=np.datetime64("2023-09-25") + np.arange(units.shape[1]),
        units=units,
        known={},
    )


def test_what_came_is_summed_over_the_very_days_of_the_horizon(believed):
    """One unit a day before the origin, two after it: 14 in a week, 28 in two; naive says 7, 14."""
    weeks, belief = believed
    table = forecast_table.rows_of(belief, weeks, model="m", kind="live", made_us=5)
    units = np.concatenate([np.ones((5, 14)), 2 * np.ones((5, 20))], axis=1)
    found = forecast_table.judged(table, daily(weeks, units), np.full(5, 250.0)).to_pylist()
    # Twenty days after the origin: two weeks are over, three are not.
    assert {row["horizon"] for row in found} == {1, 2}
    two = next(row for row in found if row["horizon"] == 2)
    assert (two["actual"], two["naive"], two["price_minor"]) == (28.0, 14.0, 250.0)
    assert not two["censored"]


def test_a_window_with_a_sold_out_day_is_marked(believed):
    weeks, belief = believed
    table = forecast_table.rows_of(belief, weeks, model="m", kind="live", made_us=5)
    share = np.ones((5, 34))
    share[2, 14 + 9] = 0.25  # the tenth day: in two weeks, not in one
    days = replace(daily(weeks, np.ones((5, 34))), in_stock_share=share)
    found = forecast_table.judged(table, days, np.ones(5)).to_pylist()
    marked = [(row["item_id"], row["horizon"]) for row in found if row["censored"]]
    assert marked == [("sku-002", 2)]
    two = next(row for row in found if row["censored"])
    assert two["in_stock_share"] == pytest.approx(1 - 0.75 / 14)


def test_a_product_that_is_gone_from_the_data_is_left_out(believed):
    weeks, belief = believed
    table = forecast_table.rows_of(belief, weeks, model="m", kind="live", made_us=5)
    some = daily(weeks, np.ones((4, 34)))
    some = replace(some, skus=weeks.skus[:4], locations=weeks.locations[:4])
    found = forecast_table.judged(table, some, np.ones(4))
    assert set(found["item_id"].to_pylist()) == set(weeks.skus[:4])
