"""One row through a LightGBM model in microseconds: its C fast path, bit-identical.

``Booster.predict`` spends most of its time preparing; the C library has a way to prepare once per
thread (LGBM_BoosterPredictForMatSingleRowFast). Where that way is missing, predict does the work.
Contributions of small trees are looked up (contributions.py).
A model at rest is its text, never pickle.
"""

from __future__ import annotations

import ctypes
import threading
from functools import cache, cached_property
from typing import Any

import lightgbm
import numpy as np

from shopkeeper.fraud.models.contributions import Tables

_RAW, _CONTRIBUTIONS = 1, 3
_FLOAT64 = 1
_PARAMETERS = b"num_threads=1"


class FastBooster:
    """A fitted booster that scores rows; ``text`` brings it back exactly."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.booster = lightgbm.Booster(model_str=text)
        self.width = self.booster.num_feature()
        self._local = threading.local()
        self.fast = _library() is not None

    def raw(self, row: np.ndarray) -> float:
        """Return the raw score of one row (width,) float64."""
        if not self.fast:
            return float(self.raw_many(row[None, :])[0])
        return self._call(row, _RAW, 1)[0]

    def contributions(self, row: np.ndarray) -> np.ndarray:
        """Return exact additive contributions (width + 1,); the last is the bias (TreeSHAP)."""
        if self.tables is not None:
            return self.tables(row)
        if not self.fast:
            found = self.booster.predict(row[None, :], pred_contrib=True, num_threads=1)
            return np.asarray(found)[0]
        return np.array(self._call(row, _CONTRIBUTIONS, self.width + 1))

    @cached_property
    def tables(self) -> Tables | None:
        """The contributions computed beforehand, where the trees are small; 0.2 s once."""
        return Tables.of(self.text, self.width)

    def raw_many(self, rows: np.ndarray) -> np.ndarray:
        """Return raw scores of many rows (n, width)."""
        return np.asarray(self.booster.predict(rows, raw_score=True, num_threads=1))

    def _call(self, row: np.ndarray, kind: int, size: int) -> Any:
        held = getattr(self._local, "held", None)
        if held is None:
            held = self._local.held = {}
        if kind not in held:
            held[kind] = _Prepared(self.booster, self.width, kind, size)
        return held[kind](row)


class _Prepared:
    """One thread's configuration of the C fast path and its buffers."""

    def __init__(self, booster: Any, width: int, kind: int, size: int) -> None:
        library = _library()
        assert library is not None
        self._library = library
        self._booster = booster  # keeps the handle alive
        self._config = ctypes.c_void_p()
        handle = booster._handle
        _check(
            library,
            library.LGBM_BoosterPredictForMatSingleRowFastInit(
                handle,
                ctypes.c_int(kind),
                ctypes.c_int(0),
                ctypes.c_int(-1),
                ctypes.c_int(_FLOAT64),
                ctypes.c_int32(width),
                ctypes.c_char_p(_PARAMETERS),
                ctypes.byref(self._config),
            ),
        )
        self._row = np.zeros(width)
        self._out = (ctypes.c_double * size)()
        self._length = ctypes.c_int64()
        self._arguments = (
            self._config,
            self._row.ctypes.data_as(ctypes.c_void_p),
            ctypes.byref(self._length),
            self._out,
        )

    def __call__(self, row: np.ndarray) -> Any:
        self._row[:] = row
        _check(
            self._library,
            self._library.LGBM_BoosterPredictForMatSingleRowFast(*self._arguments),
        )
        return self._out

    def __del__(self) -> None:
        self._library.LGBM_FastConfigFree(self._config)


@cache
def _library() -> Any:
    """Return LightGBM's C library, None where it lacks the fast path.

    Loaded as PyDLL: a call of some microseconds must not let go of the interpreter lock, because
    getting it back from the log's thread takes as long as that likes to keep it.
    """
    library = getattr(lightgbm.basic, "_LIB", None)
    if library is None or not hasattr(library, "LGBM_BoosterPredictForMatSingleRowFast"):
        return None
    return ctypes.PyDLL(library._name)


def _check(library: Any, code: int) -> None:
    if code != 0:
        library.LGBM_GetLastError.restype = ctypes.c_char_p
        raise RuntimeError(f"LightGBM: {library.LGBM_GetLastError().decode()}")
