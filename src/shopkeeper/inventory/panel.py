"""Demand by period out of the tables: orders, ledger, prices and promotions as one DemandPanel.

Days are UTC days. Days without an order are zero from the product's first order on; before it
they are not known. A product that replaces another id (properties.replaces) goes on where that
one stopped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shopkeeper.base.clock import DAY_US
from shopkeeper.data import demand as tables
from shopkeeper.inventory.schema import DemandPanel

PERIODS = {"D": 365, "W": 104}
DAYS = {"D": 1, "W": 7}
AHEAD = {"D": 28, "W": 13}
PROMOTION = "promotion"
_BETWEEN = "\x1f"
_EPOCH = date(1970, 1, 1)
Key = tuple[str, str]


def panel_of(
    warehouse: Any,
    keys: Sequence[Key],
    rows: Sequence[Mapping[str, Any]],
    facts: Mapping[str, Mapping[str, Any]],
    end: date,
    frequency: str,
) -> DemandPanel:
    """Return demand of the keys (item, location) up to ``end``, which is not in it.

    ``rows``: per key ``first_dt``, its first day with an order; ``facts``: item -> category and
    what it replaces.
    """
    step = DAYS[frequency]
    first = min(row["first_dt"] for row in rows)
    periods = max(1, min(PERIODS[frequency], (end - first).days // step))
    start = end - timedelta(days=periods * step)
    place = {key: row for row, key in enumerate(keys)}
    names = _with_replaced(place, facts)
    wanted = sorted({item for item, _ in names})
    n, days = len(keys), periods * step
    shape = (n, periods, step)
    found = tables.demand_days(warehouse, wanted, since=str(start), until=str(end))
    row, day = _places(found, names, start)
    keep = row >= 0
    units, one_off, returned = (np.zeros((n, days)) for _ in range(3))
    np.add.at(units, (row[keep], day[keep]), found["units"].to_numpy()[keep])
    np.add.at(one_off, (row[keep], day[keep]), found["one_off"].to_numpy()[keep])
    np.add.at(returned, (row[keep], day[keep]), found["returned"].to_numpy()[keep])
    price = np.full((n, days), np.nan)
    price[row[keep], day[keep]] = found["price_minor"].to_numpy(zero_copy_only=False)[keep]
    began = np.array([(r["first_dt"] - start).days for r in rows])
    replaced = {place[key] for name, key in _replacing(place, facts) if name != key[0]}
    unknown = np.arange(days)[None, :] < began[:, None]
    unknown[sorted(replaced)] = False
    weekly = units.reshape(shape).sum(axis=2)
    # A period in which the product began counts; one wholly before it is not known.
    weekly[unknown.reshape(shape).all(axis=2)] = np.nan
    starts = np.datetime64(start) + step * np.arange(periods)
    return DemandPanel(
        skus=[item for item, _ in keys],
        locations=[location for _, location in keys],
        frequency=frequency,
        starts=starts,
        units=weekly,
        in_stock_share=_in_stock(warehouse, names, wanted, start, end, shape),
        price_minor=_filled(_mean_price(price.reshape(shape))),
        known={PROMOTION: _promoted(warehouse, place, start, periods, frequency)},
        category=[str(facts.get(item, {}).get("category") or "") for item, _ in keys],
        one_off=one_off.reshape(shape).sum(axis=2),
        returned=returned.reshape(shape).sum(axis=2),
    )


def _replacing(
    place: Mapping[Key, int], facts: Mapping[str, Mapping[str, Any]]
) -> list[tuple[str, Key]]:
    """Return (old item, key) of products that took the place of another id."""
    pairs = []
    for key in place:
        old = facts.get(key[0], {}).get("replaces")
        if old:
            pairs.append((str(old), key))
    return pairs


def _with_replaced(
    place: Mapping[Key, int], facts: Mapping[str, Mapping[str, Any]]
) -> dict[Key, int]:
    """Return the row of every (item, location) whose days count, renamed ones too."""
    names = dict(place)
    for old, key in _replacing(place, facts):
        names.setdefault((old, key[1]), place[key])
        names.setdefault((old, ""), place[key])
    return names


def _places(
    found: pa.Table, names: Mapping[Key, int], start: date
) -> tuple[np.ndarray, np.ndarray]:
    """Return each Arrow row's row (-1: none of ours) and day of the panel."""
    joined = pc.binary_join_element_wise(found["item_id"], found["location_id"], _BETWEEN)
    known = pa.array([_BETWEEN.join(key) for key in names], pa.string())
    index = pc.fill_null(pc.index_in(joined, value_set=known), -1).to_numpy()
    rows = np.array([*names.values(), -1])[index]
    days = found["dt"].to_numpy().astype("datetime64[D]") - np.datetime64(start)
    return rows, days.astype(int)


def _in_stock(
    warehouse: Any,
    names: Mapping[Key, int],
    wanted: Sequence[str],
    start: date,
    end: date,
    shape: tuple[int, int, int],
) -> np.ndarray | None:
    """Return the share of each period in stock; between movements a day is as the one before."""
    ledger = tables.ledger_days(warehouse, wanted, until=str(end))
    if not ledger.num_rows:
        return None
    n, periods, step = shape
    days = periods * step
    row, day = _places(ledger, names, start)
    on_hand = ledger["on_hand"].to_numpy(zero_copy_only=False)
    share = ledger["in_stock_share"].to_numpy(zero_copy_only=False)
    result = np.ones((n, days))
    after = np.full((n, days), np.nan)
    told = np.full((n, days), np.nan)
    before = day < 0
    # The last movement before the panel says how its first day begins.
    opening = np.ones(n)
    for place, stock in zip(row[before].tolist(), on_hand[before].tolist(), strict=True):
        if place >= 0:
            opening[place] = float(stock > 0)
    inside = (row >= 0) & (day >= 0)
    after[row[inside], day[inside]] = on_hand[inside] > 0
    told[row[inside], day[inside]] = share[inside]
    state = opening
    for d in range(days):
        result[:, d] = np.where(np.isnan(told[:, d]), state, told[:, d])
        state = np.where(np.isnan(after[:, d]), state, after[:, d])
    return result.reshape(shape).mean(axis=2)


def _promoted(
    warehouse: Any, place: Mapping[Key, int], start: date, periods: int, frequency: str
) -> np.ndarray:
    """Return the share of days promoted per period, planned ones ahead.

    Plans reach as far as promotions that start after the last day; beyond them NaN, but for the
    rest of promotions that run already: a shop that tells none ahead has not planned to have none.
    """
    step, ahead = DAYS[frequency], AHEAD[frequency]
    days = (periods + ahead) * step
    start_us = (start - _EPOCH).days * DAY_US
    rows_of: dict[str, list[int]] = {}
    for (item, _), row in place.items():
        rows_of.setdefault(item, []).append(row)
    on = np.zeros((len(place), days), dtype=bool)
    last = periods * step
    for one in tables.promoted(warehouse, list(rows_of), start_us):
        first_day = max(0, (one["starts_us"] - start_us) // DAY_US)
        past = min(days, -((start_us - one["ends_us"]) // DAY_US))
        for row in rows_of[one["item_id"]]:
            on[row, first_day:past] = True
        if first_day >= periods * step:
            last = max(last, past)
    share = on.reshape(len(place), periods + ahead, step).mean(axis=2)
    beyond = np.arange(periods + ahead) >= -(-last // step)
    return np.where(beyond[None, :] & (share == 0), np.nan, share)


def _mean_price(price: np.ndarray) -> np.ndarray:
    seen = np.isfinite(price)
    total = np.where(seen, price, 0).sum(axis=2)
    count = seen.sum(axis=2)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


def _filled(values: np.ndarray) -> np.ndarray:
    """Return values carried forward over gaps; NaN before the first."""
    seen = np.isfinite(values)
    place = np.maximum.accumulate(np.where(seen, np.arange(values.shape[1]), 0), axis=1)
    carried: np.ndarray = np.take_along_axis(values, place, axis=1)
    return carried
