"""What kind of demand a series has, and what kind of product it is for the shop.

Demand classes by mean interval between periods with demand (ADI) and squared coefficient of
variation of what is asked then (CV²); ABC by value, XYZ by steadiness.
"""

from __future__ import annotations

import numpy as np

from shopkeeper.inventory.schema import SEGMENTS

ADI_CUT, CV2_CUT = 1.32, 0.49
YOUNG = {"D": 56, "W": 8, "M": 4}  # periods of history below which a product is new
SILENT = {"D": 182, "W": 26, "M": 12}  # periods without any sale after which it has ended
_CODE = {name: code for code, name in enumerate(SEGMENTS)}


def classify(units: np.ndarray, frequency: str) -> np.ndarray:
    """Return (n,) codes into SEGMENTS from history (n, t); NaN is not known.

    Source
    ------
    Syntetos, Boylan and Croston (2005), Journal of the Operational Research Society 56(5):
    cuts 1.32 and 0.49.

    >>> steady = np.full((1, 20), 5.0)
    >>> SEGMENTS[classify(steady, "W")[0]]
    'smooth'
    """
    seen = np.isfinite(units)
    sold = np.where(seen, units, 0.0)
    positive = sold > 0
    count = positive.sum(axis=1)
    adi = seen.sum(axis=1) / np.maximum(count, 1)
    mean = sold.sum(axis=1) / np.maximum(count, 1)
    squares = (sold**2 * positive).sum(axis=1) / np.maximum(count, 1)
    cv2 = np.maximum(squares - mean**2, 0) / np.maximum(mean, 1e-9) ** 2
    gaps, sizes = adi >= ADI_CUT, cv2 >= CV2_CUT
    found = np.select(
        [gaps & sizes, gaps, sizes],
        [_CODE["lumpy"], _CODE["intermittent"], _CODE["erratic"]],
        _CODE["smooth"],
    )
    found[~positive[:, -SILENT[frequency] :].any(axis=1)] = _CODE["ended"]
    found[seen.sum(axis=1) < YOUNG[frequency]] = _CODE["new"]
    return found.astype(np.int8)


def abc(value: np.ndarray, cuts: tuple[float, float] = (0.8, 0.95)) -> np.ndarray:
    """Return (n,) "A", "B" or "C": products that make the first 80 %, the next 15 %, the rest.

    >>> abc(np.array([80.0, 15.0, 5.0])).tolist()
    ['A', 'B', 'C']
    """
    order = np.argsort(-value, kind="stable")
    total = value.sum()
    before = np.concatenate([[0.0], np.cumsum(value[order])[:-1]]) / max(total, 1e-12)
    found = np.full(len(value), "C")
    found[order] = np.select([before < cuts[0] - 1e-12, before < cuts[1] - 1e-12], ["A", "B"], "C")
    found[value <= 0] = "C"
    return found


def xyz(units: np.ndarray, cuts: tuple[float, float] = (0.5, 1.0)) -> np.ndarray:
    """Return (n,) "X", "Y" or "Z" by the coefficient of variation of demand per period.

    >>> xyz(np.array([[5.0, 5, 5, 5], [0, 0, 0, 9]])).tolist()
    ['X', 'Z']
    """
    seen = np.isfinite(units)
    count = np.maximum(seen.sum(axis=1), 1)
    sold = np.where(seen, units, 0.0)
    mean = sold.sum(axis=1) / count
    variance = np.maximum((sold**2).sum(axis=1) / count - mean**2, 0)
    variation = np.where(mean > 0, np.sqrt(variance) / np.maximum(mean, 1e-9), np.inf)
    return np.select([variation < cuts[0], variation < cuts[1]], ["X", "Y"], "Z")
