"""From scores to probabilities: a temperature, and how likely nothing in the list is meant."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_softmax, softmax
from sklearn.linear_model import LogisticRegression

N_SIGNALS = 5


def temperature_of(scores: np.ndarray, labels: np.ndarray) -> float:
    """Return the factor on scores whose softmax has the least log loss on held-out rows.

    Source: Guo et al., On Calibration of Modern Neural Networks (2017), section 4.2.
    """

    def loss(log_factor: float) -> float:
        rows = log_softmax(scores * np.exp(log_factor), axis=1)
        return float(-rows[np.arange(len(labels)), labels].mean())

    found = minimize_scalar(loss, bounds=(-6.0, 6.0), method="bounded")
    return float(np.exp(found.x))


def probabilities(scores: np.ndarray, temperature: float, outside: np.ndarray) -> np.ndarray:
    """Return rows that sum to 1 minus the probability of being out of scope."""
    return softmax(scores * temperature, axis=1) * (1 - outside[:, None])


def signals(scores: np.ndarray, temperature: float, nearest: np.ndarray) -> np.ndarray:
    """Return (n, 5): best score, lead over the second, entropy, energy, nearest example.

    ``nearest`` (n, 2): cosine of the nearest example, and the mean of the five nearest.
    """
    ordered = np.sort(scores, axis=1)
    best = ordered[:, -1]
    second = ordered[:, -2] if scores.shape[1] > 1 else np.zeros_like(best)
    rows = softmax(scores * temperature, axis=1)
    entropy = -(rows * np.log(np.maximum(rows, 1e-12))).sum(axis=1)
    return np.column_stack([best, best - second, entropy, nearest])


class Outside:
    """How likely a text is out of scope, from its signals: logistic, or the best score alone."""

    def __init__(self, weights: np.ndarray, bias: float) -> None:
        self.weights, self.bias = weights, bias

    def probability(self, values: np.ndarray) -> np.ndarray:
        """Return (n,) probabilities; 0.5 is the threshold that was chosen on validation."""
        return expit(values @ self.weights + self.bias)

    @classmethod
    def fit(cls, inside: np.ndarray, right: np.ndarray, outside: np.ndarray) -> Outside:
        """Learn from signals of held-out texts in scope and, where there are, out of scope.

        ``right`` says whether a text in scope got its own intent. The threshold makes the sum
        of accuracy in scope and recall out of scope largest. Without examples out of scope the
        weakest 3 % of the texts in scope count as outside.
        """
        if len(outside) < 5:
            best = inside[:, 0]
            edge = float(np.quantile(best, 0.03)) if len(best) else 0.0
            spread = max(float(best.std()) if len(best) else 1.0, 1e-3)
            weights = np.zeros(N_SIGNALS)
            weights[0] = -4.0 / spread
            return cls(weights, 4.0 * edge / spread)
        values = np.vstack([inside, outside])
        labels = np.r_[np.zeros(len(inside)), np.ones(len(outside))]
        mean, scale = values.mean(axis=0), values.std(axis=0) + 1e-9
        model = LogisticRegression(C=1.0, class_weight="balanced", max_iter=500)
        model.fit((values - mean) / scale, labels)
        weights = model.coef_[0] / scale
        bias = float(model.intercept_[0] - (mean / scale) @ model.coef_[0])
        logit_in, logit_out = inside @ weights + bias, outside @ weights + bias
        cut = _threshold(logit_in, right, logit_out)
        return cls(weights, bias - cut)


def _threshold(inside: np.ndarray, right: np.ndarray, outside: np.ndarray) -> float:
    candidates = np.quantile(np.r_[inside, outside], np.linspace(0.01, 0.995, 200))
    gains = [((inside < cut) & right).mean() + (outside >= cut).mean() for cut in candidates]
    best = np.flatnonzero(np.isclose(gains, np.max(gains)))
    return float(candidates[best].mean())
