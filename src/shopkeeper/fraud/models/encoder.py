"""An autoencoder's error in numpy: what it cannot rebuild is strange. Trained in deep.py.

Columns pass as signed logarithms in standard deviations, so that a heavy tail does not drown the
others, while what almost never happens stays far out (a rank would hide it).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

KNOTS = 100
MOST = 5.0  # standard deviations


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoder:
    """``mean``, ``scale`` (width,) of logarithms; two dense layers down, two up, tanh between."""

    mean: np.ndarray
    scale: np.ndarray
    w1: np.ndarray
    b1: np.ndarray
    w2: np.ndarray
    b2: np.ndarray
    w3: np.ndarray
    b3: np.ndarray
    w4: np.ndarray
    b4: np.ndarray

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the fields as arrays for the artefact."""
        return {name: getattr(self, name) for name in Encoder.__dataclass_fields__}

    def error_many(self, rows: np.ndarray) -> np.ndarray:
        """Return the mean squared error of rebuilding rows (n, width), which hold no NaN."""
        x = scaled(self.mean, self.scale, rows)
        hidden = np.tanh(x @ self.w1 + self.b1)
        code = np.tanh(hidden @ self.w2 + self.b2)
        hidden = np.tanh(code @ self.w3 + self.b3)
        out = hidden @ self.w4 + self.b4
        return np.asarray(((out - x) ** 2).mean(axis=1))


def spread_of(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation (width,) of each column's logarithms, never 0."""
    found = logs(rows)
    scale = found.std(axis=0)
    scale[scale == 0] = 1.0
    return found.mean(axis=0), scale


def scaled(mean: np.ndarray, scale: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return logarithms in standard deviations, at most MOST from the mean."""
    return np.clip((logs(rows) - mean) / scale, -MOST, MOST)


def logs(rows: np.ndarray) -> np.ndarray:
    """Return signed logarithms, so that money and counts stay in reach."""
    return np.asarray(np.sign(rows) * np.log1p(np.abs(rows)))


def knots_of(rows: np.ndarray) -> np.ndarray:
    """Return (width, KNOTS) quantiles of each column of rows without NaN."""
    return np.quantile(rows, np.linspace(0, 1, KNOTS), axis=0).T.copy()


def ranked(knots: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return each column's rank among its knots, -1 below all of them to 1 above."""
    if len(rows) == 1:  # one comparison for all columns; the same numbers
        return np.asarray(((knots <= rows[0][:, None]).sum(axis=1) / knots.shape[1] * 2 - 1)[None])
    found = np.empty(rows.shape)
    for column in range(rows.shape[1]):
        grid = knots[column]
        found[:, column] = np.searchsorted(grid, rows[:, column], side="right") / len(grid) * 2 - 1
    return found
