"""Demand restored where the shelf was empty: the arithmetic, the choice, the served panel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_panels import panel

from shopkeeper.inventory.models import censoring
from shopkeeper.inventory.models.censoring import Blend
from shopkeeper.inventory.models.cumulative import Settings
from shopkeeper.inventory.models.ladder import Ladder, chosen_blend, prepare


def test_missing_hours_are_filled_by_the_usual_level_by_hand():
    """12 units in 2.4 open weeks are 5 a week; 0.6 of a week missing is 3, half of it 1.5."""
    units = np.array([[5.0, 5.0, 2.0]])
    share = np.array([[1.0, 1.0, 0.4]])
    found = censoring.restore(units, share, "W", Blend(partly=0.5))
    assert found[0].tolist() == pytest.approx([5, 5, 3.5])


def test_an_empty_week_takes_the_level_of_the_others():
    units, share = np.array([[4.0, 6.0, 0.0]]), np.array([[1.0, 1.0, 0.0]])
    assert censoring.restore(units, share, "W", Blend())[0].tolist() == pytest.approx([4, 6, 5])


def test_the_mean_restored_is_the_blend_of_raw_and_corrected_levels():
    rng = np.random.default_rng(3)
    share = rng.uniform(0.3, 1, (20, 30))
    units = rng.poisson(8, (20, 30)) * share
    found = censoring.restore(units, share, "W", Blend(partly=0.3)).mean(axis=1)
    corrected = units.sum(axis=1) / share.sum(axis=1)
    np.testing.assert_allclose(found, 0.7 * units.mean(axis=1) + 0.3 * corrected, rtol=1e-4)


@given(partly=st.floats(0, 1), wholly=st.floats(0, 1), seed=st.integers(0, 99), days=st.booleans())
def test_restoring_never_lowers_and_never_touches_periods_in_stock(partly, wholly, seed, days):
    rng = np.random.default_rng(seed)
    units = rng.poisson(3, (5, 28)).astype(float)
    units[0, :9] = np.nan
    share = np.where(rng.random((5, 28)) < 0.3, rng.random((5, 28)), 1.0)
    blend = Blend(partly=partly, wholly=wholly)
    found = censoring.restore(units, share, "D" if days else "W", blend)
    assert np.array_equal(np.isnan(found), np.isnan(units))
    assert (found >= units - 1e-9)[~np.isnan(units)].all()
    assert np.array_equal(found[share >= 0.999], units[share >= 0.999], equal_nan=True)


def sold_out(*, by_demand: bool, n: int = 120, t: int = 70, seed: int = 5):
    """Return (units, share): shelves empty at random hours, or because demand was high."""
    rng = np.random.default_rng(seed)
    asked = rng.poisson(20, (n, t)).astype(float)
    if by_demand:
        stock = 22.0
        share = np.minimum(1, stock / np.maximum(asked, 1))
        return np.minimum(asked, stock), share
    share = np.where(rng.random((n, t)) < 0.3, rng.uniform(0.2, 0.8, (n, t)), 1.0)
    return rng.binomial(asked.astype(int), share).astype(float), share


def test_random_stockouts_are_corrected_in_full_and_those_of_high_demand_less():
    """The truth is known: 20 a period. Dividing by exposure is right only where chance empties."""
    whole = censoring.choose(*sold_out(by_demand=False), "W")
    less = censoring.choose(*sold_out(by_demand=True), "W")
    assert whole.partly >= 0.85
    assert less.partly < whole.partly
    assert whole.judged > censoring.LEAST_JUDGED
    units, share = sold_out(by_demand=False)
    assert censoring.restore(units, share, "W", whole).mean() == pytest.approx(20, rel=0.02)
    assert units.mean() < 0.9 * 20


def test_too_little_to_judge_keeps_the_default():
    units, share = sold_out(by_demand=False, n=3)
    assert censoring.choose(units, share, "W") == Blend()
    assert censoring.choose(units[:, :6], share[:, :6], "W") == Blend()


def test_the_future_does_not_choose():
    units, share = sold_out(by_demand=False)
    one = replace(panel(n=120, t=70), units=units, in_stock_share=share)
    cut = replace(one, units=units[:, :60], in_stock_share=share[:, :60], starts=one.starts[:60])
    chosen = chosen_blend(cut)
    units[:, 60:] *= 50
    assert chosen_blend(cut) == chosen


def test_the_served_ladder_restores_as_chosen_and_keeps_it_when_saved():
    units, share = sold_out(by_demand=False)
    one = replace(panel(n=120, t=70), units=units, in_stock_share=share)
    model = Ladder(settings=Settings(rounds=15, leaf_rows=20)).fit(one)
    assert model.blend_ == chosen_blend(one)
    mean = model.belief(one).mean[:, 0].mean()
    assert mean == pytest.approx(20, rel=0.05)
    # The broken twin: a ladder that takes sales for demand orders too little.
    raw = Ladder(settings=Settings(rounds=15, leaf_rows=20)).fit(replace(one, in_stock_share=None))
    assert raw.belief(replace(one, in_stock_share=None)).mean[:, 0].mean() < 0.92 * 20
    again = Ladder.from_artefact(model.to_artefact())
    assert again.blend_ == model.blend_
    np.testing.assert_allclose(again.belief(one).quantiles, model.belief(one).quantiles)
    assert prepare(one, model.blend_).units.sum() > np.nansum(units)
