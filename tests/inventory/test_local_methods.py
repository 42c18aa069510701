"""Local methods: worked examples and the distribution around them."""

from __future__ import annotations

import numpy as np
import pytest
from made_panels import panel
from scipy import stats

from shopkeeper.inventory.features import Prepared
from shopkeeper.inventory.models import local


def test_counting_gives_the_librarys_quantiles():
    rng = np.random.default_rng(4)
    mean = rng.gamma(1, 8, 200).clip(0.05, 49)
    spread = mean * (1.01 + rng.gamma(1, 3, 200))
    levels = np.array([0.1, 0.5, 0.9, 0.99])
    found = local.negative_binomial(mean, spread, levels)
    chance = (mean / spread)[:, None]
    whole = stats.nbinom.ppf(levels[None, :], mean[:, None] * chance / (1 - chance), chance)
    # Smoothed inside the step of the whole quantile.
    assert (found <= whole + 1e-6).all()
    assert (found >= np.maximum(whole - 1, 0) - 1e-6).all()


@pytest.mark.parametrize("name", local.methods("W"))
def test_every_method_is_finite_not_negative_and_near_a_steady_level(name):
    prepared = Prepared(panel(n=30, t=110, mean=12.0))
    quantiles, mean = local.belief(name, prepared, 110, 4)
    assert np.isfinite(quantiles).all()
    assert (quantiles >= 0).all()
    assert (np.diff(quantiles, axis=1) >= -1e-9).all()
    assert mean.mean() == pytest.approx(48, rel=0.15)


def test_tsb_fades_when_sales_stop_and_croston_does_not():
    made = panel(n=1, t=80, mean=5.0)
    made.units[0, 40:] = 0
    prepared = Prepared(made)
    assert local.tsb(prepared, 80, 1)[0] < 0.1
    assert local.croston(prepared, 80, 1)[0] > 3


def test_croston_by_hand():
    """Sizes 2 then 4, intervals 1 then 3, alpha 0.5: size 3, interval 2; without the factor 1.5."""
    made = panel(n=1, t=4)
    made.units[0] = [2, 0, 0, 4]
    found = local.croston(Prepared(made), 4, 1, alpha=0.5, debias=False)
    assert found[0] == pytest.approx(3 / 2)
