"""Calibration: the level to ask for, so that the level wanted is covered."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_panels import panel
from scipy import stats

from shopkeeper.inventory import spread
from shopkeeper.inventory.models import calibrate
from shopkeeper.inventory.models.cumulative import Settings
from shopkeeper.inventory.models.ladder import Ladder, forecast

LEVELS = spread.standard_levels()


def too_sure(n: int, seed: int):
    """Return (demand, quantiles): normal demand whose forecast has half of its spread."""
    rng = np.random.default_rng(seed)
    mean = rng.uniform(20, 80, n)
    quantiles = mean[:, None] + 5 * stats.norm.ppf(LEVELS)[None, :]
    return rng.normal(mean, 10), quantiles


def test_a_forecast_that_is_too_sure_covers_what_it_says_afterwards():
    actual, quantiles = too_sure(4000, seed=1)
    segment = np.zeros(4000, dtype=int)
    asked = calibrate.asked_levels(actual, quantiles, segment, LEVELS, 2)
    fresh, raw = too_sure(4000, seed=2)
    at_95 = int(np.abs(LEVELS - 0.95).argmin())
    before = calibrate.coverage(fresh, raw)[at_95]
    after = calibrate.coverage(fresh, calibrate.apply(raw, segment, asked, LEVELS))[at_95]
    assert before < 0.85
    assert after == pytest.approx(0.95, abs=0.015)


def test_segments_are_calibrated_apart_and_small_ones_borrow():
    actual, quantiles = too_sure(3000, seed=3)
    segment = np.repeat([0, 1, 2], [1450, 1450, 100])
    actual[segment == 0] = quantiles[segment == 0, 4]
    asked = calibrate.asked_levels(actual, quantiles, segment, LEVELS, 3)
    assert asked[1, 11] > LEVELS[11] > asked[0, 11]
    assert asked[0, 11] < asked[2, 11] <= asked[1, 11]


def test_without_demands_every_level_is_taken_at_its_word():
    nothing = calibrate.asked_levels(
        np.zeros(0), np.zeros((0, len(LEVELS))), np.zeros(0, dtype=int), LEVELS, 3
    )
    np.testing.assert_array_equal(nothing, np.tile(LEVELS, (3, 1)))


@given(seed=st.integers(0, 500), shift=st.floats(-30, 30))
def test_calibrated_quantiles_never_cross_and_are_never_negative(seed, shift):
    rng = np.random.default_rng(seed)
    quantiles = np.sort(rng.gamma(0.5, 6, (60, len(LEVELS))), axis=1)
    actual = np.maximum(rng.gamma(0.5, 6, 60) + shift, 0)
    segment = rng.integers(0, 3, 60)
    asked = calibrate.asked_levels(actual, quantiles, segment, LEVELS, 3)
    found = calibrate.apply(quantiles, segment, asked, LEVELS)
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    assert (np.diff(found, axis=1) >= -1e-9).all()


@pytest.mark.parametrize("frequency", ["D", "W", "M"])
def test_what_is_believed_never_crosses_and_is_whole_where_units_are(frequency):
    made = panel(n=40, t=80, frequency=frequency, mean=1.3)
    belief = forecast(made, (1, 2, 3), settings=Settings(rounds=8, leaf_rows=20))
    assert (belief.quantiles >= 0).all()
    assert (np.diff(belief.quantiles, axis=2) >= 0).all()
    assert (np.diff(belief.quantiles, axis=1) >= 0).all()
    np.testing.assert_array_equal(belief.quantiles, np.round(belief.quantiles))
    made.units[:] *= 0.37  # sold by weight
    weighed = forecast(made, (1, 2, 3), settings=Settings(rounds=8, leaf_rows=20))
    assert (weighed.quantiles != np.round(weighed.quantiles)).any()


def test_ninety_five_covers_ninety_five_of_slow_demand():
    """Two thirds of the periods are 0: the quantiles of whole demand are whole."""
    made = panel(n=400, t=60, mean=0.4, seed=9)
    past = panel(n=400, t=59, mean=0.4, seed=9)
    past.units[:] = made.units[:, :59]
    model = Ladder(horizons=(1,), judge_at=1, settings=Settings(rounds=15)).fit(past)
    high = model.belief(past).quantiles[:, 0, int(np.abs(LEVELS - 0.95).argmin())]
    assert 0.92 <= (made.units[:, 59] <= high).mean() <= 0.99
