"""From a raw score to a probability that means a share: beta calibration or isotonic regression.

Fitted on scores of rows that the model did not learn from, the latest whose labels are mature.
Which of the two serves is decided by log loss on the half that the other half did not see. Both
are kept strictly increasing, so calibration never changes a ranking.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize

LOWEST = 1e-6
FEWEST_POSITIVES = 20  # below, only the level is fitted
_SLIP = 1e-3  # share of the smooth curve in the isotonic one, to keep it strictly increasing


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """raw log-odds -> probability. ``a``, ``b``, ``c`` of the beta curve; knots if isotonic.

    Source: Kull, Silva Filho and Flach, Beta calibration, AISTATS 2017, eq. 9:
    logit p = a ln s - b ln(1 - s) + c with s = sigmoid(raw).
    """

    a: float = 1.0
    b: float = 1.0
    c: float = 0.0
    x: tuple[float, ...] = ()
    y: tuple[float, ...] = ()

    def __call__(self, raw: np.ndarray) -> np.ndarray:
        """Return probabilities of raw scores (n,)."""
        smooth = _beta((self.a, self.b, self.c), raw)
        if not self.x:
            return smooth
        steps = np.interp(raw, self.x, self.y)
        return np.clip((1 - _SLIP) * steps + _SLIP * smooth, LOWEST, 1 - LOWEST)

    def one(self, raw: float) -> float:
        """Return the probability of one raw score, in plain floats: arrays of one are slow."""
        high = max(raw, 0.0) + math.log1p(math.exp(-abs(raw)))
        logit = self.a * (raw - high) + self.b * high + self.c
        smooth = 1 / (1 + math.exp(-logit)) if logit > -700 else 0.0
        smooth = min(max(smooth, LOWEST), 1 - LOWEST)
        if not self.x:
            return smooth
        steps = _between(self.x, self.y, raw)
        return min(max((1 - _SLIP) * steps + _SLIP * smooth, LOWEST), 1 - LOWEST)

    def facts(self) -> dict[str, Any]:
        """Return plain values for the artefact."""
        return {"a": self.a, "b": self.b, "c": self.c, "x": list(self.x), "y": list(self.y)}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Calibration:
        """Return the curve that ``facts`` describes."""
        return cls(
            a=facts["a"], b=facts["b"], c=facts["c"], x=tuple(facts["x"]), y=tuple(facts["y"])
        )


def fit(raw: np.ndarray, label: np.ndarray) -> Calibration:
    """Return the curve for scores (n,) and labels (n,) of 0 and 1."""
    positives = int(label.sum())
    if positives == 0 or positives == len(label):
        return Calibration()
    if positives < FEWEST_POSITIVES:
        return _level(raw, label)
    half = np.arange(len(raw)) % 2 == 0
    losses = {"beta": 0.0, "isotonic": 0.0}
    for mine in (half, ~half):
        losses["beta"] += _loss(_fit_beta(raw[mine], label[mine])(raw[~mine]), label[~mine])
        losses["isotonic"] += _loss(_isotonic(raw[mine], label[mine])(raw[~mine]), label[~mine])
    chosen = _fit_beta if losses["beta"] <= losses["isotonic"] else _isotonic
    return chosen(raw, label)


def error(probability: np.ndarray, label: np.ndarray, bins: int = 15) -> float:
    """Return the expected calibration error over equal-width bins of probability.

    >>> round(error(np.array([0.2, 0.2, 0.2, 0.2, 0.2]), np.array([0, 0, 1, 0, 0])), 3)
    0.0
    """
    place = np.minimum((probability * bins).astype(int), bins - 1)
    gap = np.bincount(place, probability - label, bins)
    return float(np.abs(gap).sum() / max(len(label), 1))


def _between(x: Sequence[float], y: Sequence[float], at: float) -> float:
    """Return what np.interp returns for one value."""
    place = bisect_right(x, at)
    if place == 0:
        return y[0]
    if place == len(x):
        return y[-1]
    low, high = x[place - 1], x[place]
    return y[place - 1] + (y[place] - y[place - 1]) / (high - low) * (at - low)


def _log_sides(raw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return ln s and -ln(1 - s) of s = sigmoid(raw), without overflow."""
    return -np.logaddexp(0, -raw), np.logaddexp(0, raw)


def _beta(parameters: tuple[float, float, float], raw: np.ndarray) -> np.ndarray:
    a, b, c = parameters
    low, high = _log_sides(raw)
    return np.clip(1 / (1 + np.exp(-(a * low + b * high + c))), LOWEST, 1 - LOWEST)


def _fit_beta(raw: np.ndarray, label: np.ndarray) -> Calibration:
    low, high = _log_sides(raw)

    def loss(parameters: np.ndarray) -> float:
        a, b = np.exp(parameters[:2])
        logit = a * low + b * high + parameters[2]
        return float(np.mean(np.logaddexp(0, logit) - label * logit))

    found = minimize(loss, np.zeros(3), method="L-BFGS-B", bounds=[(-4, 3), (-4, 3), (-20, 20)])
    a, b = np.exp(found.x[:2])
    return Calibration(a=float(a), b=float(b), c=float(found.x[2]))


def _level(raw: np.ndarray, label: np.ndarray) -> Calibration:
    """Return the curve that only shifts the level until the mean is right."""
    low, high = -20.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        above = _beta((1.0, 1.0, middle), raw).mean() > label.mean()
        low, high = (low, middle) if above else (middle, high)
    return Calibration(c=middle)


def _isotonic(raw: np.ndarray, label: np.ndarray) -> Calibration:
    from sklearn.isotonic import IsotonicRegression

    base = _fit_beta(raw, label)
    found = IsotonicRegression(out_of_bounds="clip").fit(raw, label)
    x, y = found.X_thresholds_, found.y_thresholds_
    return Calibration(a=base.a, b=base.b, c=base.c, x=tuple(map(float, x)), y=tuple(map(float, y)))


def _loss(probability: np.ndarray, label: np.ndarray) -> float:
    return float(-np.mean(label * np.log(probability) + (1 - label) * np.log(1 - probability)))
