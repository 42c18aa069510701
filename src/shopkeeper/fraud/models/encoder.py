"""An autoencoder's error in numpy: what it cannot rebuild is strange. Trained in deep.py.

Columns pass through their ranks first, so a heavy tail does not drown the others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

KNOTS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoder:
    """``knots`` (width, q) quantiles; two dense layers down and two up, tanh between."""

    knots: np.ndarray
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

    def ranked(self, rows: np.ndarray) -> np.ndarray:
        """Return rows (n, width) as centred ranks."""
        return ranked(self.knots, rows)

    def error_many(self, rows: np.ndarray) -> np.ndarray:
        """Return the mean squared error of rebuilding rows (n, width), which hold no NaN."""
        x = self.ranked(rows)
        hidden = np.tanh(x @ self.w1 + self.b1)
        code = np.tanh(hidden @ self.w2 + self.b2)
        hidden = np.tanh(code @ self.w3 + self.b3)
        out = hidden @ self.w4 + self.b4
        return np.asarray(((out - x) ** 2).mean(axis=1))


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
