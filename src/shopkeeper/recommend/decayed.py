"""Counts that fade: each event weighs ``exp(-age / tau)``, kept without touching old rows.

All values are stored relative to one origin, so time passing costs nothing and the order of
arrival does not matter. The origin moves forward before an exponent could overflow.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from shopkeeper.recommend.index import Column

LATELY_US = 1_000_000  # how old the shares of ``lately`` may be

_FAR = 300.0  # exponents up to e^300; float64 ends at e^709


class Decayed:
    """Decayed sums per row, with the time constant ``tau_us`` in microseconds."""

    def __init__(self, tau_us: float) -> None:
        self.tau_us = tau_us
        self.origin_us: int | None = None
        self._sums = Column(np.float64, 0.0)
        self._lately: tuple[int, np.ndarray] | None = None

    def grow(self, size: int) -> None:
        """Make room for new rows, which start at nothing."""
        self._sums.grow(size)

    def fill(self, row: np.ndarray, at_us: np.ndarray, weight: np.ndarray, size: int) -> None:
        """Load many events at once; arrays (n,)."""
        self.origin_us = int(at_us.max()) if len(at_us) else None
        age = np.zeros(0) if self.origin_us is None else (at_us - self.origin_us) / self.tau_us
        sums = np.bincount(row, weights=weight * np.exp(age), minlength=size)
        self._sums = Column(np.float64, 0.0, sums)
        self._lately = None

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
        return np.asarray(self.at(as_of_us))

    def at(self, as_of_us: int) -> Faded:
        """Return the same, each sum computed where it is asked for."""
        if self.origin_us is None:
            return Faded(self, self._sums.values, 0.0)
        steps = (self.origin_us - as_of_us) / self.tau_us
        return Faded(self, self._sums.values, math.exp(min(max(steps, -700), 700)))

    def lately(self, as_of_us: int) -> np.ndarray:
        """Return each row's share of the largest sum, (n_rows,) float32, up to a second old.

        Time takes the same part from every sum, so shares change by events alone.
        """
        held = self._lately
        fresh = held is not None and 0 <= as_of_us - held[0] < LATELY_US
        if held is None or not fresh or len(held[1]) != self._sums.size:
            sums = np.maximum(self._sums.values, 0.0)
            sums /= float(sums.max(initial=0)) or 1.0
            held = self._lately = (as_of_us, sums.astype(np.float32))
        return held[1]


class Faded:
    """Sums as of a moment, read like an array: most requests look at ten of 92,000."""

    __slots__ = ("_factor", "_of", "_sums")

    def __init__(self, of: Decayed, sums: np.ndarray, factor: float) -> None:
        self._of, self._sums, self._factor = of, sums, factor

    def __len__(self) -> int:
        return len(self._sums)

    def __getitem__(self, rows: Any) -> Any:
        return np.maximum(self._sums[rows], 0.0) * self._factor

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        sums: np.ndarray = np.maximum(self._sums, 0.0) * self._factor
        return sums if dtype is None else sums.astype(dtype, copy=False)

    def lately(self, as_of_us: int) -> np.ndarray:
        """Return shares of the largest sum, up to a second old."""
        return self._of.lately(as_of_us)
