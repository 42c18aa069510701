"""What would have been asked for where the shelf was empty: demand restored from sales.

Sales of a period that was partly sold out are divided by the share of usual demand that falls
into the hours in stock. Dividing alone over-corrects, since a shelf sells out on days of high
demand; so restored and raw levels are blended, and the weight is chosen on past in-stock periods.

Source: the blend of the design brief, measured on FreshRetailNet-50K.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FLOOR = 0.5  # an exposure below it would make a guess of a few sales into a large number


@dataclass(frozen=True, slots=True, kw_only=True)
class Blend:
    """How levels are restored; chosen by ``choose`` on past periods only.

    corrected   weight of sales over exposure against plain sales
    weekday     weight of the weekday's own level (days only)
    """

    corrected: float = 0.4
    weekday: float = 0.5
    shrink: float = 2.0


def restore(
    units: np.ndarray, in_stock_share: np.ndarray, blend: Blend | None = None
) -> np.ndarray:
    """Return (n, t) units with sold-out periods raised; others, and NaN, stay as they are.

    A raised period takes the blend of what it sold and of what its exposure implies, where a
    period wholly out of stock takes the level of the series' other periods.
    """
    chosen = blend or Blend()
    share = np.clip(in_stock_share, 0, 1)
    censored = (share < 0.999) & np.isfinite(units)
    sold = np.where(np.isfinite(units), units, 0.0)
    seen = np.isfinite(units)
    level = (sold * seen).sum(axis=1) / np.maximum((share * seen).sum(axis=1), FLOOR)
    implied = np.maximum(sold + (1 - share) * level[:, None], sold)
    direct = np.maximum(sold / np.maximum(share, FLOOR), sold)
    # Where nothing was on the shelf its own sales say nothing.
    lifted = np.where(
        share < FLOOR, implied, chosen.corrected * direct + (1 - chosen.corrected) * implied
    )
    return np.where(censored, lifted, units)


def daily_level(
    units: np.ndarray,
    exposure: np.ndarray,
    weekday: np.ndarray,
    target_weekday: np.ndarray,
    blend: Blend,
) -> np.ndarray:
    """Return (n, h) expected in-stock demand of days whose weekdays are ``target_weekday`` (h,).

    units, exposure (n, t) of the history; weekday (t,) 0 Monday. Exposure is the share of usual
    demand in the hours that were in stock.
    """
    raw = units.mean(axis=1)
    corrected = units.sum(axis=1) / np.maximum(exposure.sum(axis=1), FLOOR)
    flat = (1 - blend.corrected) * raw + blend.corrected * corrected
    found = np.empty((len(units), len(target_weekday)))
    for place, day in enumerate(target_weekday.tolist()):
        same = weekday == day
        mean = units[:, same].mean(axis=1) if same.any() else raw
        top = units[:, same].sum(axis=1) + blend.shrink * corrected
        own = (1 - blend.corrected) * mean + blend.corrected * top / (
            exposure[:, same].sum(axis=1) + blend.shrink
        )
        found[:, place] = (1 - blend.weekday) * flat + blend.weekday * own
    return found


def exposure_of(in_stock_hours: np.ndarray, profile: np.ndarray) -> np.ndarray:
    """Return (…,) the share of usual demand that falls into the hours in stock.

    in_stock_hours (…, hours) 1 where in stock; profile (hours,) share of demand per hour, taken
    from days that were in stock throughout.
    """
    return np.asarray(in_stock_hours @ (profile / profile.sum()))


def choose(
    units: np.ndarray,
    exposure: np.ndarray,
    full: np.ndarray,
    weekday: np.ndarray,
    *,
    history: int,
    window: int,
    origins: tuple[int, ...],
    most_bias: float = 0.01,
) -> Blend:
    """Return the blend with the least WAPE on past in-stock periods among those with small bias.

    full (n, t): in stock throughout, the only periods where sales are demand. Each origin
    predicts the ``window`` periods after it from the ``history`` before it.
    """
    best, least = Blend(), np.inf
    for corrected in (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7):
        for share in (0.0, 0.25, 0.5, 0.75, 1.0):
            blend = Blend(corrected=corrected, weekday=share)
            error = total = signed = 0.0
            for origin in origins:
                past = slice(origin - history, origin)
                ahead = slice(origin, origin + window)
                level = daily_level(
                    units[:, past], exposure[:, past], weekday[past], weekday[ahead], blend
                )
                gap = (level - units[:, ahead])[full[:, ahead]]
                error += float(np.abs(gap).sum())
                signed += float(gap.sum())
                total += float(units[:, ahead][full[:, ahead]].sum())
            # Bias beyond the tolerance counts ten times: unbiased first, then sharp.
            loss = error / total + 10 * max(0.0, abs(signed / total) - most_bias)
            if loss < least:
                best, least = blend, loss
    return best
