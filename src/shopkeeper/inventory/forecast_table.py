"""A belief as rows of ``demand_forecast``, and past beliefs beside what came.

Rows are per product, location and horizon; demand is cumulative from the origin on. What came
is ordered units; a window in which the product was sold out for a part is marked, since its
sales are not its demand. This file reads no data and knows no model.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from shopkeeper.data.forecasts import QUANTILES
from shopkeeper.inventory.panel import DAYS, PROMOTION
from shopkeeper.inventory.schema import LEVELS, Demand, DemandPanel

SERVED = 0.999  # share of a window in stock from which its sales are its demand
KEPT_LEVELS = {"q10": 0.1, "q50": 0.5, "q90": 0.9, "q95": 0.95}


def rows_of(demand: Demand, panel: DemandPanel, *, model: str, kind: str, made_us: int) -> pa.Table:
    """Return a belief at a panel's end as rows of ``demand_forecast``."""
    assert tuple(demand.levels) == LEVELS, "a belief carries the standard levels"
    n, h = demand.mean.shape
    step = DAYS[panel.frequency]
    origin = origin_of(panel)
    days = demand.horizons * step
    until = np.datetime64(origin) + days - 1
    flat = demand.quantiles.reshape(n * h, -1).astype(np.float32)
    columns: dict[str, pa.Array] = {
        "item_id": _repeated(panel.skus, h),
        "location_id": _repeated(panel.locations, h),
        "origin": pa.array(np.full(n * h, np.datetime64(origin))),
        "frequency": _repeated([panel.frequency] * n, h),
        "horizon": pa.array(np.tile(demand.horizons, n).astype(np.int32)),
        "days": pa.array(np.tile(days, n).astype(np.int32)),
        "until": pa.array(np.tile(until, n)),
        "mean": pa.array(demand.mean.reshape(-1).astype(np.float32)),
        **{name: pa.array(flat[:, place]) for place, name in enumerate(QUANTILES)},
        "planned_promotion": pa.array(_planned(panel, demand.horizons).reshape(-1)),
        "method": _repeated(demand.model, h),
        "segment": _repeated(demand.segment, h),
        "model": _repeated([model] * n, h),
        "kind": _repeated([kind] * n, h),
        "made_us": pa.array(np.full(n * h, made_us)),
    }
    return pa.table(columns)


def origin_of(panel: DemandPanel) -> date:
    """Return the first day after a panel's end."""
    last: date = panel.starts[-1].astype("datetime64[D]").item()
    return last + timedelta(days=DAYS[panel.frequency])


def judged(forecast: pa.Table, days: DemandPanel, prices_minor: np.ndarray) -> pa.Table:
    """Return the forecasts of one origin whose horizon is over, beside what came.

    days
        A daily panel that holds every product of the forecast, up to yesterday.
    """
    row = _row_in(forecast, days)
    start = int(days.starts[0].astype("datetime64[D]").astype(int))
    begin = forecast["origin"].cast(pa.int32()).to_numpy() - start
    end = begin + forecast["days"].to_numpy()
    period = np.array([DAYS[one] for one in forecast["frequency"].to_pylist()], dtype=int)
    over = (row >= 0) & (begin - period >= 0) & (end <= days.units.shape[1])
    some = np.flatnonzero(over)
    row, begin, end, period = row[some], begin[some], end[some], period[some]
    units = _running(np.maximum(np.nan_to_num(days.units), 0))
    length = np.maximum(end - begin, 1)
    share = np.ones(len(some))
    if days.in_stock_share is not None:
        served = _running(days.in_stock_share)
        share = (served[row, end] - served[row, begin]) / length
    last = units[row, begin] - units[row, begin - period]
    price = np.nan_to_num(np.asarray(prices_minor, dtype=float))[row]
    found = forecast.take(pa.array(some))
    for name, values in {
        "actual": units[row, end] - units[row, begin],
        "in_stock_share": share,
        "censored": share < SERVED,
        "naive": last * length / period,
        "price_minor": price,
    }.items():
        kept = values if values.dtype == bool else values.astype(np.float32)
        found = found.append_column(name, pa.array(kept))
    return found


def _row_in(forecast: pa.Table, days: DemandPanel) -> np.ndarray:
    place = {key: row for row, key in enumerate(zip(days.skus, days.locations, strict=True))}
    keys = zip(forecast["item_id"].to_pylist(), forecast["location_id"].to_pylist(), strict=True)
    return np.array([place.get(key, -1) for key in keys], dtype=int)


def _running(values: np.ndarray) -> np.ndarray:
    start = np.zeros((len(values), 1))
    return np.concatenate([start, np.cumsum(values, axis=1, dtype=float)], axis=1)


def _planned(panel: DemandPanel, horizons: np.ndarray) -> np.ndarray:
    """Return (n, h) the promoted share of the coming periods; 0 where nothing is planned."""
    t = panel.units.shape[1]
    known = panel.known.get(PROMOTION)
    if known is None:
        return np.zeros((len(panel.skus), len(horizons)), dtype=np.float32)
    ahead = np.nan_to_num(known[:, t:])
    short = int(horizons[-1]) - ahead.shape[1]
    if short > 0:
        ahead = np.pad(ahead, ((0, 0), (0, short)))
    total = _running(ahead)[:, horizons]
    return np.asarray(total / horizons, dtype=np.float32)


def _repeated(values: Sequence[str], times: int) -> pa.Array:
    return pa.array([one for one in values for _ in range(times)], pa.string())
