"""The exchange curve against a replay of the same demand, its laws, and a projection by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from shopkeeper.inventory import exchange, lead_time, levels, simulate
from shopkeeper.inventory.schema import LEVELS, Demand, Rules


def poisson_demand(rates: list[float]) -> Demand:
    horizons = np.arange(1, 9)
    mean = np.array(rates)[:, None] * horizons
    quantiles = stats.poisson.ppf(np.array(LEVELS), mean[:, :, None])
    return Demand(
        horizons=horizons,
        levels=np.array(LEVELS),
        quantiles=quantiles,
        mean=mean,
        path=np.repeat(np.array(rates)[:, None], 8, axis=1),
        frequency="W",
    )


def curve_of(demand: Demand, rules: Rules, lead_days: float = 7.0) -> exchange.Curve:
    n = len(demand.mean)
    return exchange.curve(
        demand,
        [lead_time.certain(lead_days)] * n,
        prices_minor=np.full(n, 200.0),
        costs_minor=np.full(n, 100.0),
        rules=rules,
    )


def test_the_curve_agrees_with_a_replay_of_poisson_demand():
    """Review and lead time a week: S covers two. The curve owes what a replay loses: less fill."""
    demand = poisson_demand([20.0] * 40)
    found = curve_of(demand, Rules(review_period_days=7))
    seen = np.random.default_rng(5).poisson(20, size=(40, 320)).astype(float)
    late = levels.cover(demand, [lead_time.certain(7)] * 40, 7)
    setup = simulate.Setup(first=10, lead_time=1, review=1, warm_up=10)
    for service in (0.8, 0.95):
        point = next(p for p in found.points if p.service_level == service)
        run = simulate.replenishment(seen, lambda t, s=service: late.at(s), setup)
        served = run.fill(np.ones(40))
        assert served - 0.015 < point.fill < served + 0.002
        # The replay counts stock at the end of a week, the curve its mean: half a week more.
        middle = float(run.on_hand.mean()) / run.periods + 10
        assert point.stock_minor / 100 / 40 == pytest.approx(middle, rel=0.05)


def test_more_service_costs_more_stock_and_serves_more():
    found = curve_of(poisson_demand([0.4, 3.0, 30.0]), Rules())
    fills, stock = ([getattr(p, n) for p in found.points] for n in ("fill", "stock_minor"))
    assert fills == sorted(fills)
    assert stock == sorted(stock)
    assert all(0 <= fill <= 1 for fill in fills)


def test_the_present_policy_lies_on_the_curve_by_cycle_service_and_near_its_fill_by_fill_rate():
    demand = poisson_demand([20.0] * 5)
    held = curve_of(demand, Rules(service_level=0.95))
    assert held.present == next(p for p in held.points if p.service_level == 0.95)
    fill = curve_of(demand, Rules(service_level=0.95, target="fill_rate"))
    assert fill.present.fill == pytest.approx(0.95, abs=0.01)
    assert fill.present.stock_minor < held.present.stock_minor


def test_a_longer_lead_time_costs_stock():
    demand = poisson_demand([5.0] * 3)
    short, long = (curve_of(demand, Rules(), days).present for days in (3, 21))
    assert long.stock_minor > short.stock_minor


def test_projected_stock_loses_what_is_short_and_keeps_what_arrives():
    """A sure 7 a week, 10 on hand: 10, 3, then 14 arrive in week 3: 0, 7, 0; short is not owed."""
    horizons = np.array([1, 4])
    sure = np.repeat((horizons * 7.0)[None, :, None], len(LEVELS), axis=2)
    demand = Demand(
        horizons=horizons,
        levels=np.array(LEVELS),
        quantiles=sure,
        mean=horizons[None] * 7.0,
        path=np.full((1, 4), 7.0),
        frequency="W",
    )
    days = np.array([0, 7, 14, 21, 28])
    arriving = np.array([0.0, 0, 0, 14, 14])
    found = exchange.projection(demand, days, on_hand=10, arriving=arriving)
    wanted = np.repeat([[10.0], [3.0], [0.0], [7.0], [0.0]], 3, axis=1)
    np.testing.assert_allclose(found, wanted, atol=1e-9)
