"""What would have been asked for where the shelf was empty: demand restored from sales.

To what a period sold, a part of what its missing hours would usually have sold is added. The
whole part over-corrects: a shelf sells out on days of high demand, so what was sold before it was
empty is already more than usual. A period that was empty throughout says nothing about its
demand, so it has a part of its own. Both parts are chosen on past in-stock periods, the only
ones whose demand is known.

Source: the blend of raw and exposure-corrected levels; with one part for all periods the mean of
what is restored equals (1 - part) x raw mean + part x (sales / exposure).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

IN_STOCK = 0.999  # share of a period from which its sales are its demand
EMPTY = 0.05  # share below which a period sold nothing for want of stock
FLOOR = 0.5  # an exposure below it would make a guess of a few sales into a large number
SHRINK = 2.0  # days of the usual level that a weekday's own level is shrunk by
CYCLE = {"D": 7, "W": 1, "M": 1}
HISTORY = {"D": 28, "W": 13, "M": 12}  # periods that a level is taken from while choosing
WINDOW = {"D": 7, "W": 3, "M": 1}  # periods that it is judged on
ORIGINS = 4
LEAST_JUDGED = 200  # in-stock periods of series that were sold out before; fewer choose nothing
MOST_BIAS = 0.01
PARTLY = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.85, 1.0)
WHOLLY = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Blend:
    """How much of the usual demand of missing hours is added; the defaults await data.

    partly   in periods that were in stock for a part
    wholly   in periods that were empty throughout
    judged   in-stock periods that chose it; 0: nothing did
    """

    partly: float = 0.4
    wholly: float = 1.0
    judged: int = 0


def restore(
    units: np.ndarray, in_stock_share: np.ndarray, frequency: str, blend: Blend
) -> np.ndarray:
    """Return (n, t) units with sold-out periods raised; others, and NaN, stay as they are."""
    partly, wholly = _missing(units, in_stock_share, CYCLE[frequency])
    found: np.ndarray = units + blend.partly * partly + blend.wholly * wholly
    return found


def choose(units: np.ndarray, in_stock_share: np.ndarray, frequency: str) -> Blend:
    """Return the parts whose levels come closest to past in-stock periods, unbiased first.

    Each of the last windows is predicted by the mean of what is restored before it (for days:
    half of it the weekday's own). Series never sold out do not judge: nothing changes for them.
    """
    cycle, width = CYCLE[frequency], WINDOW[frequency]
    t = units.shape[1]
    origins = [t - width * step for step in range(1, ORIGINS + 1)]
    parts = [
        one
        for origin in origins
        if origin >= HISTORY[frequency]
        for one in _levels(units, in_stock_share, origin, HISTORY[frequency], width, cycle)
    ]
    if sum(len(actual) for _, actual in parts) < LEAST_JUDGED:
        return Blend()
    levels = np.concatenate([level for level, _ in parts])
    actual = np.concatenate([one for _, one in parts])
    total = max(float(actual.sum()), 1e-9)

    def loss(partly: float, wholly: float) -> float:
        gap = levels @ np.array([1.0, partly, wholly]) - actual
        # Bias beyond the tolerance counts ten times: unbiased first, then sharp.
        bias = abs(float(gap.sum())) / total
        return float(np.abs(gap).sum()) / total + 10 * max(0.0, bias - MOST_BIAS)

    best = min(((p, w) for p in PARTLY for w in WHOLLY), key=lambda pair: loss(*pair))
    return Blend(partly=best[0], wholly=best[1], judged=len(actual))


def _missing(
    units: np.ndarray, in_stock_share: np.ndarray, cycle: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return usual demand of the missing hours, (n, t) each: partly and wholly empty periods."""
    share = np.clip(in_stock_share, 0, 1)
    seen = np.isfinite(units)
    sold = np.where(seen, units, 0.0)
    open_for = np.where(seen, share, 0.0)
    usual = sold.sum(axis=1) / np.maximum(open_for.sum(axis=1), FLOOR)
    level = np.broadcast_to(usual[:, None], units.shape)
    if cycle > 1:
        own = np.empty(units.shape)
        for day in range(cycle):
            top = sold[:, day::cycle].sum(axis=1) + SHRINK * usual
            own[:, day::cycle] = (top / (open_for[:, day::cycle].sum(axis=1) + SHRINK))[:, None]
        level = own
    missing = np.where(seen & (share < IN_STOCK), (1 - share) * level, 0.0)
    empty = share < EMPTY
    return np.where(empty, 0.0, missing), np.where(empty, missing, 0.0)


def _levels(
    units: np.ndarray, share: np.ndarray, origin: int, history: int, width: int, cycle: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return (levels (r, 3): sold, partly, wholly; actual (r,)) per period after an origin."""
    past = slice(origin - history, origin)
    sold = np.nan_to_num(units[:, past])
    seen = np.isfinite(units[:, past])
    three = np.stack([sold, *_missing(units[:, past], share[:, past], cycle)], axis=2)
    count = np.maximum(seen.sum(axis=1), 1)[:, None]
    flat = three.sum(axis=1) / count
    touched = (seen & (share[:, past] < IN_STOCK)).any(axis=1)
    found = []
    for step in range(width):
        at = origin + step
        level = flat
        if cycle > 1:
            # ``history`` is whole cycles, so the same day of the cycle is every cycle-th.
            same = slice((at - past.start) % cycle, None, cycle)
            days = np.maximum(seen[:, same].sum(axis=1), 1)[:, None]
            level = (flat + three[:, same].sum(axis=1) / days) / 2
        good = touched & np.isfinite(units[:, at]) & (share[:, at] >= IN_STOCK)
        found.append((level[good], np.maximum(units[good, at], 0)))
    return found
