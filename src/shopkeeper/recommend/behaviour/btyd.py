"""Buy till you die: BG/NBD, Pareto/NBD and Gamma-Gamma, vectorised over customers.

A customer is (x, t_x, T): repeat purchases, time of the last one and time observed, both counted
from the first purchase, in one unit (here days). The yardsticks that customer prediction has to
beat, and what answers while a shop is too young for trees.

Sources: Fader, Hardie and Lee, Counting Your Customers the Easy Way, Marketing Science 24 (2005);
Schmittlein, Morrison and Colombo, Management Science 33 (1987), in the form of Fader and Hardie's
notes (2005, 2014); Fader and Hardie, The Gamma-Gamma Model of Monetary Value (2013).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy import optimize, special

NODES = 24  # quantiles of each gamma where an expectation has no closed form
CHUNK = 2000  # customers at a time there
# Gauss-Legendre on (0, 1): nodes, weights.
_LEGENDRE = tuple(
    (values + shift) / 2
    for values, shift in zip(np.polynomial.legendre.leggauss(48), (1.0, 0.0), strict=True)
)
_BOUND = 9.0  # of a parameter's logarithm


@dataclass(frozen=True, slots=True, kw_only=True)
class BgNbd:
    """Purchases at gamma(r, alpha) rates; after each, a beta(a, b) chance to stay away for ever."""

    r: float
    alpha: float
    a: float
    b: float

    @classmethod
    def fit(cls, x: np.ndarray, t_x: np.ndarray, t: np.ndarray) -> Self:
        """Return the maximum-likelihood parameters of some customers, arrays (n,)."""

        def loss(theta: np.ndarray) -> float:
            made = cls(**dict(zip(("r", "alpha", "a", "b"), np.exp(theta), strict=True)))
            return -float(made.log_likelihood(x, t_x, t).mean())

        start = np.log([0.5, float(np.median(t)) / 2 + 1e-3, 0.8, 2.5])
        found = _smallest(loss, start)
        return cls(**dict(zip(("r", "alpha", "a", "b"), found.tolist(), strict=True)))

    def log_likelihood(self, x: np.ndarray, t_x: np.ndarray, t: np.ndarray) -> np.ndarray:
        """Return each customer's log-likelihood (eq. 6 of the 2005 paper)."""
        r, alpha, a, b = self.r, self.alpha, self.a, self.b
        common = special.gammaln(r + x) - special.gammaln(r) + r * np.log(alpha)
        common += special.betaln(a, b + x) - special.betaln(a, b)
        alive = -(r + x) * np.log(alpha + t)
        gone = np.log(a) - np.log(b + np.maximum(x, 1) - 1) - (r + x) * np.log(alpha + t_x)
        both: np.ndarray = common + np.where(x > 0, np.logaddexp(alive, gone), alive)
        return both

    def alive(self, x: np.ndarray, t_x: np.ndarray, t: np.ndarray) -> np.ndarray:
        """Return the chance that each customer has not left; one who never came back has not."""
        ratio = self.a / (self.b + np.maximum(x, 1) - 1)
        power = (self.r + x) * (np.log(self.alpha + t) - np.log(self.alpha + t_x))
        found: np.ndarray = np.where(x > 0, 1 / (1 + ratio * np.exp(np.minimum(power, 700))), 1.0)
        return found

    def expected(self, days: float, x: np.ndarray, t_x: np.ndarray, t: np.ndarray) -> np.ndarray:
        """Return the purchases expected in the next ``days`` (eq. 10)."""
        r, alpha, a, b = self.r, self.alpha, self.a, self.b
        z = days / (alpha + t + days)
        hyper = special.hyp2f1(r + x, b + x, a + b + x - 1, z)
        ratio = np.exp((r + x) * (np.log(alpha + t) - np.log(alpha + t + days)))
        found: np.ndarray = (a + b + x - 1) / (a - 1) * (1 - ratio * hyper)
        return np.maximum(found * self.alive(x, t_x, t), 0.0)

    def chance(self, days: float, x: np.ndarray, t_x: np.ndarray, t: np.ndarray) -> np.ndarray:
        """Return the chance of at least one purchase in the next ``days``.

        A customer leaves only after a purchase, so the first one needs no more than being here.
        """
        at_rest = np.exp((self.r + x) * (np.log(self.alpha + t) - np.log(self.alpha + t + days)))
        found: np.ndarray = self.alive(x, t_x, t) * (1 - at_rest)
        return found

    def expected_of_new(self, days: np.ndarray) -> np.ndarray:
        """Return the repeat purchases expected of a new customer within ``days`` (eq. 9)."""
        r, alpha, a, b = self.r, self.alpha, self.a, self.b
        hyper = special.hyp2f1(r, b, a + b - 1, days / (alpha + days))
        found: np.ndarray = (a + b - 1) / (a - 1) * (1 - (alpha / (alpha + days)) ** r * hyper)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class ParetoNbd:
    """Purchases at gamma(r, alpha) rates until an exponential end at gamma(s, beta) rates."""

    r: float
    alpha: float
    s: float
    beta: float

    @classmethod
    def fit(cls, x: np.ndarray, t_x: np.ndarray, t: np.ndarray) -> Self:
        """Return the maximum-likelihood parameters of some customers, arrays (n,)."""

        def loss(theta: np.ndarray) -> float:
            made = cls(**dict(zip(("r", "alpha", "s", "beta"), np.exp(theta), strict=True)))
            return -float(made.log_likelihood(x, t_x, t).mean())

        middle = float(np.median(t)) / 2 + 1e-3
        found = _smallest(loss, np.log([0.5, middle, 0.6, middle]))
        return cls(**dict(zip(("r", "alpha", "s", "beta"), found.tolist(), strict=True)))

    def _split(
        self, x: np.ndarray, t_x: np.ndarray, t: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the logs of the likelihood's two parts: still here, and left before now."""
        r, alpha, s, beta = self.r, self.alpha, self.s, self.beta
        common = special.gammaln(r + x) - special.gammaln(r) + r * np.log(alpha) + s * np.log(beta)
        here = common - (r + x) * np.log(alpha + t) - s * np.log(beta + t)

        # Left at y: s * integral over (t_x, t) of (alpha + y)^-(r+x) (beta + y)^-(s+1). With
        # v = 1 - ((alpha + t_x) / (alpha + y))^(r+x) it is smooth for a thousand purchases too,
        # where the closed form in hyp2f1 is infinity less infinity.
        k = (r + x)[:, None]
        begin = (alpha + t_x)[:, None]
        end = -np.expm1(k * (np.log(begin) - np.log((alpha + t)[:, None])))
        v = end * _LEGENDRE[0][None, :]
        y = begin * np.exp(-np.log1p(-v) / k) - alpha
        part = np.exp(-np.log1p(-v) / k - (s + 1) * np.log(beta + y))
        area = (part * _LEGENDRE[1][None, :]).sum(axis=1) * end[:, 0]
        tiny = np.finfo(float).tiny
        gone = common + np.log(s) + (1 - k[:, 0]) * np.log(begin[:, 0]) - np.log(k[:, 0])
        return here, gone + np.log(np.maximum(area, tiny))

    def log_likelihood(self, x: np.ndarray, t_x: np.ndarray, t: np.ndarray) -> np.ndarray:
        """Return each customer's log-likelihood."""
        found: np.ndarray = np.logaddexp(*self._split(x, t_x, t))
        return found

    def alive(self, x: np.ndarray, t_x: np.ndarray, t: np.ndarray) -> np.ndarray:
        """Return the chance that each customer has not left."""
        here, gone = self._split(x, t_x, t)
        found: np.ndarray = special.expit(here - gone)
        return found

    def expected(self, days: float, x: np.ndarray, t_x: np.ndarray, t: np.ndarray) -> np.ndarray:
        """Return the purchases expected in the next ``days``."""
        span = self.beta + t
        if abs(self.s - 1) < 1e-9:
            lived = span * np.log1p(days / span)
        else:
            lived = span / (self.s - 1) * -np.expm1((self.s - 1) * np.log(span / (span + days)))
        found: np.ndarray = (self.r + x) / (self.alpha + t) * lived * self.alive(x, t_x, t)
        return found

    def chance(self, days: float, x: np.ndarray, t_x: np.ndarray, t: np.ndarray) -> np.ndarray:
        """Return the chance of at least one purchase in the next ``days``.

        E[rate / (rate + end) (1 - exp(-(rate + end) days))] over both gammas of a customer who is
        here, as a mean over the middles of equally likely slices of each.
        """
        found = np.empty(len(x))
        for first in range(0, len(x), CHUNK):
            rows = slice(first, first + CHUNK)
            rate = _middles(self.r + x[rows], self.alpha + t[rows])[:, :, None]
            end = _middles(np.full(len(x[rows]), self.s), self.beta + t[rows])[:, None, :]
            both = rate + end
            found[rows] = (rate / both * -np.expm1(-both * days)).mean(axis=(1, 2))
        return found * self.alive(x, t_x, t)


@dataclass(frozen=True, slots=True, kw_only=True)
class GammaGamma:
    """Money per purchase is gamma(p, nu); nu differs by customer as gamma(q, scale)."""

    p: float
    q: float
    scale: float

    @classmethod
    def fit(cls, purchases: np.ndarray, mean: np.ndarray) -> Self:
        """Return the maximum-likelihood parameters; ``mean`` (n,) money per purchase, above 0."""
        unit = float(np.median(mean)) or 1.0

        def loss(theta: np.ndarray) -> float:
            p, q, scale = np.exp(theta)
            made = cls(p=p, q=q, scale=scale)
            return -float(made.log_likelihood(purchases, mean / unit).mean())

        p, q, scale = _smallest(loss, np.log([3.0, 4.0, 3.0])).tolist()
        return cls(p=p, q=q, scale=scale * unit)

    def log_likelihood(self, purchases: np.ndarray, mean: np.ndarray) -> np.ndarray:
        """Return each customer's log-likelihood of her mean (eq. 1a)."""
        p, q, scale = self.p, self.q, self.scale
        px = p * purchases
        found: np.ndarray = special.gammaln(px + q) - special.gammaln(px) - special.gammaln(q)
        found += q * np.log(scale) + (px - 1) * np.log(mean) + px * np.log(purchases)
        found -= (px + q) * np.log(scale + purchases * mean)
        return found

    def expected(self, purchases: np.ndarray, mean: np.ndarray) -> np.ndarray:
        """Return each customer's money per purchase, drawn towards everybody's (eq. 5)."""
        p, q, scale = self.p, self.q, self.scale
        found: np.ndarray = p * (scale + purchases * mean) / np.maximum(p * purchases + q - 1, 1e-9)
        return found


def _middles(shape: np.ndarray, rate: np.ndarray) -> np.ndarray:
    """Return (n, NODES) quantiles of gamma(shape, rate) in the middle of equal slices."""
    middle = (np.arange(NODES) + 0.5) / NODES
    values = special.gammaincinv(shape[:, None], middle[None, :]) / rate[:, None]
    return np.maximum(values, 1e-12)


def _smallest(loss: Callable[[np.ndarray], float], start: np.ndarray) -> np.ndarray:
    """Return the parameters (not their logarithms) of the smallest loss."""

    def safe(theta: np.ndarray) -> float:
        with np.errstate(all="ignore"):
            value = loss(theta)
        return value if np.isfinite(value) else 1e6

    options = {"maxiter": 250, "xatol": 1e-3, "fatol": 1e-7}
    rough = optimize.minimize(safe, start, method="Nelder-Mead", options=options)
    bounds = [(-_BOUND, _BOUND)] * len(start)
    near = np.clip(rough.x, -_BOUND, _BOUND)
    fine = optimize.minimize(safe, near, bounds=bounds, options={"maxiter": 40})
    best: np.ndarray = np.exp(fine.x if fine.fun <= rough.fun else rough.x)
    return best
