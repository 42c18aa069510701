"""What a model may know of every series at an origin: one matrix, for training and for serving.

An origin k means that periods before k are known. ``Prepared`` holds running sums of a panel so
that the features of any origin cost one pass over the series and none over their history; the
same function builds the rows that train and the rows that are asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace

import numpy as np

from shopkeeper.inventory.schema import DemandPanel

SCALE_ALPHA = 0.2  # the level that targets are divided by
ALPHAS = (0.05, 0.1, SCALE_ALPHA, 0.3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """Which lags and window lengths, in periods, a frequency looks back on."""

    lags: tuple[int, ...]
    means: tuple[int, ...]
    spread: int  # window of spread, maximum, share of periods with demand
    season: int  # periods in a year
    cycle: int  # periods in a short cycle (a week of days), 1 without


WINDOWS = {
    "D": Windows(lags=(1, 2, 3, 7, 14), means=(7, 14, 28, 56, 112), spread=56, season=365, cycle=7),
    "W": Windows(lags=(1, 2, 3, 4, 8, 12), means=(3, 4, 8, 13, 26), spread=13, season=52, cycle=1),
    "M": Windows(lags=(1, 2, 3, 12), means=(3, 6, 12, 24), spread=12, season=12, cycle=1),
}


class Prepared:
    """A panel with what features need of it, computed once: arrays (n, t + 1) of running sums."""

    def __init__(self, panel: DemandPanel) -> None:
        self.panel = panel
        seen = np.isfinite(panel.units)
        # Whole units have whole quantiles; restored demand is told of the panel it came from.
        self.whole = is_whole(panel.units)
        self.units = np.where(seen, panel.units, 0.0).astype(np.float32)
        self.first = np.where(seen.any(axis=1), seen.argmax(axis=1), panel.units.shape[1])
        self.sum = _running(self.units)
        self.sum_squares = _running(self.units.astype(np.float64) ** 2)
        self.sum_seen = _running(seen)
        self.sum_positive = _running(self.units > 0)
        self.ewma = {alpha: _ewma(self.units, self.first, alpha) for alpha in ALPHAS}
        self.group, self.group_sum, self.group_ewma = _groups(panel, self.units)
        self.known = {name: np.nan_to_num(values) for name, values in panel.known.items()}
        self.known_sum = {name: _running(values) for name, values in self.known.items()}
        # What local methods answered at an origin, by what they were asked.
        self.beliefs: dict[tuple[str, int, int, int], tuple[np.ndarray, np.ndarray]] = {}
        t = panel.units.shape[1]
        # Units of periods with and without the driver, for its past effect.
        self.driven = {
            name: (_running(self.units * (v[:, :t] > 0)), _running(v[:, :t] > 0))
            for name, v in self.known.items()
        }

    def only(self, rows: np.ndarray) -> Prepared:
        """Return the same with some series; what groups are doing stays that of all of them."""
        part = copy(self)
        part.panel = _only(self.panel, rows)
        for name in ("units", "first", "sum", "sum_squares", "sum_seen", "sum_positive", "group"):
            setattr(part, name, getattr(self, name)[rows])
        part.ewma = {alpha: level[rows] for alpha, level in self.ewma.items()}
        part.known = {name: values[rows] for name, values in self.known.items()}
        part.known_sum = {name: values[rows] for name, values in self.known_sum.items()}
        part.driven = {name: (a[rows], b[rows]) for name, (a, b) in self.driven.items()}
        part.beliefs = {}
        return part

    @property
    def periods(self) -> int:
        """Periods of history."""
        return int(self.units.shape[1])

    def scale(self, origin: int) -> np.ndarray:
        """Return (n,) the smoothed level at an origin that targets are divided by."""
        level: np.ndarray = self.ewma[SCALE_ALPHA][:, origin]
        return level

    def future(self, origin: int, horizon: int, offset: int = 0) -> np.ndarray:
        """Return (n,) demand of ``horizon`` periods, ``offset`` after an origin; NaN: unknown."""
        start, end = origin + offset, origin + offset + horizon
        total = self.sum[:, end] - self.sum[:, start]
        seen = self.sum_seen[:, end] - self.sum_seen[:, start]
        result: np.ndarray = np.where(seen == horizon, total, np.nan)
        return result


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What the matrix is made of. ``ahead``: periods for which plans of ``drivers`` are known; 0:
    none. ``observed``: drivers of which only the past is known."""

    frequency: str
    drivers: tuple[str, ...] = ()
    observed: tuple[str, ...] = ()
    ahead: int = 0
    steps: int = 3  # plan of so many single periods, beside its mean and maximum


def names(spec: Spec) -> list[str]:
    """Return the columns of ``matrix`` in order."""
    windows = WINDOWS[spec.frequency]
    found = ["horizon", "offset", "scale", "age", "since_sale", "season_sin", "season_cos"]
    found += [f"lag_{lag}" for lag in windows.lags]
    found += [f"mean_{width}" for width in windows.means]
    found += [f"ewma_{alpha}" for alpha in ALPHAS]
    found += ["spread", "largest", "positive_share", "sum_median", "sum_high", "last_year"]
    found += ["cycle_ratio", "category_trend", "all_trend", "category_share", "price_change"]
    for name in (*spec.drivers, *spec.observed):
        found += [f"{name}_last", f"{name}_mean4", f"{name}_mean13", f"{name}_effect"]
        if spec.ahead and name in spec.drivers:
            found += [f"{name}_plan_mean", f"{name}_plan_most", f"{name}_plan_change"]
            found += [f"{name}_plan_{step}" for step in range(spec.steps)]
    return found


def matrix(
    prepared: Prepared, spec: Spec, origin: int, horizon: int, offset: int = 0
) -> np.ndarray:
    """Return (n, f) float32 features at an origin for the sum of ``horizon`` periods; NaN: unknown.

    ``offset``: periods between the origin and the first of them; 0 for a cumulative horizon.

    Units are divided by the scale of the series, so that one tree serves every size.
    """
    windows = WINDOWS[spec.frequency]
    n, k = len(prepared.units), origin
    scale = prepared.scale(k) + 0.5 / horizon
    columns: list[np.ndarray] = [np.full(n, float(horizon)), np.full(n, float(offset))]
    columns += [np.log(scale)]
    columns += [np.minimum(k - prepared.first, 2 * windows.season), _since_sale(prepared, k)]
    columns += _season(prepared.panel, windows, k + offset, horizon)
    lagged = [_lag(prepared, k, lag) for lag in windows.lags]
    means = [_mean(prepared, k, width) for width in windows.means]
    smooth = [prepared.ewma[alpha][:, k] for alpha in ALPHAS]
    columns += [values / scale for values in (*lagged, *means, *smooth)]
    columns += _spread(prepared, windows, k, horizon, scale)
    columns += [_last_year(prepared, windows, k, horizon, offset) / scale]
    columns += [cycle_ratio(prepared, k, horizon, offset)]
    columns += _around(prepared, k, scale)
    columns += [_price_change(prepared.panel, k)]
    for name in (*spec.drivers, *spec.observed):
        columns += _driver(prepared, spec, name, k, horizon, scale, offset)
    return np.column_stack([np.asarray(c, dtype=np.float32) for c in columns])


def _only(panel: DemandPanel, rows: np.ndarray) -> DemandPanel:
    def some(values: np.ndarray | None) -> np.ndarray | None:
        return None if values is None else values[rows]

    def named(values: Sequence[str]) -> Sequence[str]:
        return [values[row] for row in rows.tolist()] if len(values) else ()

    return replace(
        panel,
        skus=named(panel.skus),
        locations=named(panel.locations),
        units=panel.units[rows],
        in_stock_share=some(panel.in_stock_share),
        price_minor=some(panel.price_minor),
        known={name: values[rows] for name, values in panel.known.items()},
        category=named(panel.category),
        titles=named(panel.titles),
        one_off=some(panel.one_off),
    )


def is_whole(units: np.ndarray) -> bool:
    """Return whether every known period has a whole number of units."""
    known = units[np.isfinite(units)]
    return bool((known == np.round(known)).all())


def _running(values: np.ndarray) -> np.ndarray:
    """Return (n, t + 1) sums of everything before each column."""
    total = np.zeros((values.shape[0], values.shape[1] + 1))
    np.cumsum(values, axis=1, dtype=np.float64, out=total[:, 1:])
    return total


def _ewma(units: np.ndarray, first: np.ndarray, alpha: float) -> np.ndarray:
    """Return (n, t + 1) smoothed level before each period.

    Weights are divided by their own sum, so a young series is not pulled towards 0.
    """
    t = units.shape[1]
    top = np.empty((t, len(units)))
    level_now = np.zeros(len(units))
    # A loop over periods is as fast as the filter of scipy.signal, whose import takes a second.
    for period, sold in enumerate(np.asarray(units, dtype=float).T):
        level_now = top[period] = alpha * sold + (1 - alpha) * level_now
    age = np.maximum(np.arange(1, t + 1)[None, :] - first[:, None], 0)
    weight = 1 - (1 - alpha) ** age
    level = np.zeros((len(units), t + 1))
    np.divide(top.T, weight, out=level[:, 1:], where=weight > 0)
    return level


def _groups(
    panel: DemandPanel, units: np.ndarray
) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Return (group of each series, running sums per group, fast and slow levels per group)."""
    labels = panel.category if len(panel.category) else [""] * len(units)
    _, group = np.unique(np.asarray(labels, dtype=str), return_inverse=True)
    size = int(group.max(initial=-1)) + 2  # the last one is everything together
    total = np.zeros((size, units.shape[1]))
    np.add.at(total, group, units)
    total[-1] = units.sum(axis=0)
    start = np.zeros(size, dtype=int)
    return group, _running(total), (_ewma(total, start, 0.3), _ewma(total, start, 0.05))


def _lag(prepared: Prepared, k: int, lag: int) -> np.ndarray:
    if lag > k:
        return np.full(len(prepared.units), np.nan)
    return np.where(prepared.first <= k - lag, prepared.units[:, k - lag], np.nan)


def _mean(prepared: Prepared, k: int, width: int) -> np.ndarray:
    start = max(0, k - width)
    seen = prepared.sum_seen[:, k] - prepared.sum_seen[:, start]
    return (prepared.sum[:, k] - prepared.sum[:, start]) / np.maximum(seen, 1)


def _since_sale(prepared: Prepared, k: int) -> np.ndarray:
    recent = prepared.units[:, max(0, k - 400) : k][:, ::-1] > 0
    if not recent.shape[1]:
        return np.zeros(len(prepared.units))
    return np.where(recent.any(axis=1), recent.argmax(axis=1), recent.shape[1])


def _season(panel: DemandPanel, windows: Windows, k: int, horizon: int) -> list[np.ndarray]:
    """Return the middle of the horizon on the circle of the year, once there is more than one."""
    n, t = panel.units.shape
    if t < 1.5 * windows.season:
        return [np.full(n, np.nan), np.full(n, np.nan)]
    day = panel.starts[0] + np.timedelta64(int((k + horizon / 2) * panel.period_days), "D")
    of_year = (day - day.astype("datetime64[Y]")).astype(int) / 365.25 * 2 * np.pi
    return [np.full(n, np.sin(of_year)), np.full(n, np.cos(of_year))]


def _spread(
    prepared: Prepared, windows: Windows, k: int, horizon: int, scale: np.ndarray
) -> list[np.ndarray]:
    start = max(0, k - windows.spread)
    seen = np.maximum(prepared.sum_seen[:, k] - prepared.sum_seen[:, start], 1)
    mean = (prepared.sum[:, k] - prepared.sum[:, start]) / seen
    squares = (prepared.sum_squares[:, k] - prepared.sum_squares[:, start]) / seen
    std = np.sqrt(np.maximum(squares - mean**2, 0))
    window = prepared.units[:, start:k]
    largest = window.max(axis=1) if k > start else np.zeros(len(scale))
    positive = (prepared.sum_positive[:, k] - prepared.sum_positive[:, start]) / seen
    sums = prepared.sum[:, horizon : k + 1] - prepared.sum[:, : max(k + 1 - horizon, 0)]
    # Up to 16 sums over the last two spread windows, evenly spaced: enough for two quantiles.
    lately = sums[:, -2 * windows.spread :]
    lately = lately[:, :: max(1, lately.shape[1] // 16)] if lately.shape[1] else lately
    if lately.shape[1] < 3:
        middle = high = np.full(len(scale), np.nan)
    else:
        middle, high = np.quantile(lately, [0.5, 0.9], axis=1) / (horizon * scale)
    return [std / scale, largest / scale, positive, middle, high]


def _last_year(
    prepared: Prepared, windows: Windows, k: int, horizon: int, offset: int
) -> np.ndarray:
    start = k + offset - windows.season
    end = min(start + horizon, k)
    if start < 0 or end <= start:
        return np.full(len(prepared.units), np.nan)
    seen = prepared.sum_seen[:, end] - prepared.sum_seen[:, start]
    mean = (prepared.sum[:, end] - prepared.sum[:, start]) / np.maximum(seen, 1)
    return np.where(seen > 0, mean, np.nan)


def cycle_ratio(prepared: Prepared, k: int, horizon: int, offset: int = 0) -> np.ndarray:
    """Return how heavy the asked part of the short cycle is: 1 where it is whole weeks.

    From the last eight cycles, each day shrunk by half a unit towards the mean.
    """
    cycle = WINDOWS[prepared.panel.frequency].cycle
    rest = horizon % cycle
    weeks = min(8, k // cycle)
    if cycle == 1 or rest == 0 or weeks == 0:
        return np.ones(len(prepared.units))
    starts = k - cycle * np.arange(1, weeks + 1)
    part = np.zeros(len(prepared.units))
    for day in range(offset, offset + rest):
        for start in starts + day % cycle:
            part += prepared.sum[:, start + 1] - prepared.sum[:, start]
    whole = prepared.sum[:, k] - prepared.sum[:, k - cycle * weeks]
    heavy = (part + 0.5 * rest) / (whole * rest / cycle + 0.5 * rest)
    # Whole weeks of a longer horizon weigh one each.
    ratio: np.ndarray = (heavy * rest + (horizon - rest)) / horizon
    return ratio


def _around(prepared: Prepared, k: int, scale: np.ndarray) -> list[np.ndarray]:
    """Return the trend of the category and of everything, and the weight in the category."""
    fast, slow = prepared.group_ewma
    trend = fast[:, k] / np.maximum(slow[:, k], 1e-9)
    group = prepared.group
    return [trend[group], np.full(len(scale), trend[-1]), scale / np.maximum(slow[group, k], 1e-9)]


def _price_change(panel: DemandPanel, k: int) -> np.ndarray:
    if panel.price_minor is None or k == 0:
        return np.full(panel.units.shape[0], np.nan)
    last = panel.price_minor[:, k - 1]
    usual = panel.price_minor[:, max(0, k - 13) : k]
    with np.errstate(all="ignore"):
        ratio: np.ndarray = last / np.maximum(_nanmean(usual), 1e-9)
    return ratio


def _nanmean(values: np.ndarray) -> np.ndarray:
    seen = np.isfinite(values)
    total = np.where(seen, values, 0).sum(axis=1)
    return np.where(seen.any(axis=1), total / np.maximum(seen.sum(axis=1), 1), np.nan)


def _driver(
    prepared: Prepared,
    spec: Spec,
    name: str,
    k: int,
    horizon: int,
    scale: np.ndarray,
    offset: int,
) -> Sequence[np.ndarray]:
    """Return a driver's recent past, its past effect on demand, and its plan over the horizon."""
    values, sums = prepared.known[name], prepared.known_sum[name]
    past = [(sums[:, k] - sums[:, max(0, k - w)]) / max(1, min(w, k)) for w in (4, 13)]
    with_units, with_periods = (s[:, k] for s in prepared.driven[name])
    rest_periods = np.maximum(k - prepared.first, 0) - with_periods
    # A promotion before a series began is none of its own.
    rest = (prepared.sum[:, k] - with_units + scale) / (np.maximum(rest_periods, 0) + 1)
    effect = (with_units + 2 * rest) / ((with_periods + 2) * np.maximum(rest, 1e-9))
    last = values[:, k - 1] if k else np.zeros(len(values))
    found = [last, *past, np.log(np.maximum(effect, 1e-3))]
    if spec.ahead and name in spec.drivers:
        start = k + offset
        end = min(start + horizon, k + spec.ahead, values.shape[1])
        plan = values[:, start:end]
        if plan.shape[1]:
            mean, most = plan.mean(axis=1), plan.max(axis=1)
        else:
            mean = most = np.full(len(values), np.nan)
        steps = [
            values[:, start + s] if start + s < end else np.full(len(values), np.nan)
            for s in range(spec.steps)
        ]
        found += [mean, most, mean - past[0], *steps]
    return found
