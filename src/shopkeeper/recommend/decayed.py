"""Counts that fade: each event weighs ``exp(-age / tau)``, kept without touching old rows.

All values are stored relative to one origin, so time passing costs nothing and the order of
arrival does not matter. The origin moves forward before an exponent could overflow.
"""

from __future__ import annotations

import math

import numpy as np

from shopkeeper.recommend.index import Column

_FAR = 300.0  # exponents up to e^300; float64 ends at e^709


class Decayed:
    """Decayed sums per row, with the time constant ``tau_us`` in microseconds."""

    def __init__(self, tau_us: float) -> None:
        self.tau_us = tau_us
        self.origin_us: int | None = None
        self._sums = Column(np.float64, 0.0)

    def grow(self, size: int) -> None:
        """Make room for new rows, which start at nothing."""
        self._sums.grow(size)

    def fill(self, row: np.ndarray, at_us: np.ndarray, weight: np.ndarray, size: int) -> None:
        """Load many events at once; arrays (n,)."""
        self.origin_us = int(at_us.max()) if len(at_us) else None
        age = np.zeros(0) if self.origin_us is None else (at_us - self.origin_us) / self.tau_us
        sums = np.bincount(row, weights=weight * np.exp(age), minlength=size)
        self._sums = Column(np.float64, 0.0, sums)

    def add(self, row: int, at_us: int, weight: float) -> None:
        """Add one event; a negative weight takes one back."""
        if self.origin_us is None:
            self.origin_us = at_us
        steps = (at_us - self.origin_us) / self.tau_us
        if steps > _FAR:
            self._sums.values[:] *= math.exp(-min(steps, 700.0))
            self.origin_us, steps = at_us, 0.0
        if steps > -700.0:  # beyond that it is too small for a number
            self._sums[row] += weight * math.exp(steps)

    def read(self, as_of_us: int) -> np.ndarray:
        """Return the sums as of a moment: (n_rows,) float64."""
        if self.origin_us is None:
            return np.zeros(self._sums.size)
        steps = (self.origin_us - as_of_us) / self.tau_us
        sums: np.ndarray = np.maximum(self._sums.values, 0.0) * math.exp(min(max(steps, -700), 700))
        return sums
