"""Buy till you die against published values, its own likelihood and made customers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate

from shopkeeper.recommend.behaviour.btyd import BgNbd, GammaGamma, ParetoNbd

# The CDNOW parameters of Fader, Hardie and Lee (2005), weeks.
CDNOW = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)
# Fader and Hardie, A Note on Deriving the Pareto/NBD Model (2005), CDNOW, weeks.
PARETO = ParetoNbd(r=0.5534, alpha=10.5802, s=0.6061, beta=11.6562)


def one(value: float) -> np.ndarray:
    return np.array([value])


def made(n: int, seed: int) -> tuple[np.ndarray, ...]:
    """Return (x, t_x, T, purchases in the next 39 weeks) of customers of a Pareto/NBD shop."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(PARETO.r, 1 / PARETO.alpha, n)
    end = rng.exponential(1 / rng.gamma(PARETO.s, 1 / PARETO.beta, n))
    t = rng.uniform(27, 39, n)
    x, t_x, later = np.zeros(n), np.zeros(n), np.zeros(n)
    for who in range(n):
        at = rng.exponential(1 / rate[who])
        while at < min(end[who], t[who] + 39):
            if at < t[who]:
                x[who], t_x[who] = x[who] + 1, at
            else:
                later[who] += 1
            at += rng.exponential(1 / rate[who])
    return x, t_x, t, later


def test_bg_nbd_has_the_papers_values():
    """The paper's spreadsheet: E[Y(39) | 2, 30.43, 38.86] = 1.226, and a new customer's repeats."""
    assert CDNOW.expected(39, one(2), one(30.43), one(38.86))[0] == pytest.approx(1.226, abs=5e-4)
    days = np.array([0.1429, 1.0, 3.0, 31.8571, 32.0, 78.0])
    told = [0.0078, 0.0532, 0.1506, 1.0405, 1.0437, 1.8576]
    assert CDNOW.expected_of_new(days) == pytest.approx(told, rel=2e-3, abs=5e-5)


def test_pareto_nbd_has_the_published_examples():
    """Two CDNOW customers of the BTYD package's manual: 0.294 alive; 25.46 purchases, 0.998."""
    assert PARETO.alive(one(0), one(0), one(39))[0] == pytest.approx(0.2941, abs=2e-4)
    assert PARETO.expected(52, one(26), one(30.86), one(31))[0] == pytest.approx(25.46, abs=0.01)
    assert PARETO.alive(one(26), one(30.86), one(31))[0] == pytest.approx(0.9979, abs=1e-4)


@pytest.mark.parametrize(("x", "t_x", "t"), [(0, 0.0, 20.0), (3, 12.0, 20.0), (7, 19.9, 20.0)])
def test_the_likelihood_of_pareto_nbd_is_its_definition_integrated(x, t_x, t):
    """L = E over both gammas of rate^x (end / (rate+end) e^-(rate+end)t_x + rate / … e^-…t)."""
    from scipy.stats import gamma

    def inner(rate: float, end: float) -> float:
        both = rate + end
        value = end / both * np.exp(-both * t_x) + rate / both * np.exp(-both * t)
        weight = gamma.pdf(rate, PARETO.r, scale=1 / PARETO.alpha)
        return rate**x * value * weight * gamma.pdf(end, PARETO.s, scale=1 / PARETO.beta)

    # Substituting the fourth power takes the poles at nothing away.
    def smooth(u: float, v: float) -> float:
        return inner(u**4, v**4) * 4 * u**3 * 4 * v**3

    found, _ = integrate.dblquad(smooth, 1e-9, 1.2, 1e-9, 1.2, epsabs=1e-9, epsrel=1e-4)
    told = PARETO.log_likelihood(one(x), one(t_x), one(t))[0]
    assert told == pytest.approx(np.log(found), abs=2e-3)


def test_a_thousand_purchases_are_numbers_still():
    x = np.array([0.0, 600.0, 1000.0, 3000.0])
    t_x, t = np.array([0.0, 364.5, 200.0, 364.9]), np.full(4, 365.0)
    alive = PARETO.alive(x, t_x, t)
    assert np.isfinite(PARETO.log_likelihood(x, t_x, t)).all()
    assert alive[2] < 1e-6 < 0.5 < alive[1] <= 1
    assert alive[3] > 0.99


def test_chances_and_counts_hold_on_made_customers():
    x, t_x, t, later = made(4000, 3)
    assert PARETO.chance(39, x, t_x, t).mean() == pytest.approx((later > 0).mean(), abs=0.02)
    assert PARETO.expected(39, x, t_x, t).mean() == pytest.approx(later.mean(), rel=0.08)


def test_fitting_finds_a_likelihood_no_worse_than_the_truths():
    x, t_x, t, _ = made(1500, 4)
    found = ParetoNbd.fit(x, t_x, t)
    truth = PARETO.log_likelihood(x, t_x, t).sum()
    assert found.log_likelihood(x, t_x, t).sum() >= truth - 1e-6
    assert found.expected(39, x, t_x, t).mean() == pytest.approx(
        PARETO.expected(39, x, t_x, t).mean(), rel=0.15
    )


def test_whoever_buys_more_often_and_later_is_more_surely_here():
    x = np.array([2.0, 2.0, 2.0])
    for model in (CDNOW, PARETO):
        alive = model.alive(x, np.array([10.0, 25.0, 38.0]), np.full(3, 39.0))
        assert (np.diff(alive) > 0).all()
        chance = [model.chance(days, x, x * 10, np.full(3, 39.0))[0] for days in (1, 10, 100)]
        assert chance == sorted(chance)


def test_money_is_drawn_towards_everybodys_and_found_again():
    rng = np.random.default_rng(1)
    n, truth = 4000, GammaGamma(p=6.25, q=3.74, scale=15.44)  # the note's CDNOW parameters
    purchases = rng.integers(1, 12, n).astype(float)
    nu = rng.gamma(truth.q, 1 / truth.scale, n)
    mean = rng.gamma(truth.p * purchases, 1 / (nu * purchases))
    found = GammaGamma.fit(purchases, mean)
    assert found.log_likelihood(purchases, mean).sum() >= (
        truth.log_likelihood(purchases, mean).sum() - 1e-6
    )
    whole = truth.p * truth.scale / (truth.q - 1)
    few, many = truth.expected(one(1), one(100.0))[0], truth.expected(one(50), one(100.0))[0]
    assert whole < few < many < 100
