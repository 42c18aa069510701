"""Write what was believed, and later what came of it: two tables of the lake, by origin.

``keep`` writes the plan's own belief; ``judge`` puts past beliefs beside what was ordered since,
for every origin whose horizons end day by day; ``backtest`` makes up for origins at which nobody
planned, from what was known then, and says so in ``kind``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow.compute as pc

from shopkeeper.base import clock, log
from shopkeeper.data.forecasts import Entry, OriginShelf
from shopkeeper.inventory import forecast_table, known
from shopkeeper.inventory.known import Known
from shopkeeper.inventory.models.cumulative import Settings
from shopkeeper.inventory.models.ladder import Ladder
from shopkeeper.inventory.protocol import cut, middle_price
from shopkeeper.inventory.schema import Demand, DemandPanel

FORECAST, ACCURACY = "demand_forecast", "forecast_accuracy"
LIVE, BACKTEST = "live", "backtest"
LATE_DAYS = 14  # after a window's end, until which cancellations may still change it


def shelf(shop: Any, name: str) -> OriginShelf:
    """Return one of the two tables' files."""
    return OriginShelf(shop.settings.lake_path, name)


def keep(shop: Any, belief: Demand, panel: DemandPanel, *, model: str, kind: str = LIVE) -> Entry:
    """Write a belief at a panel's end as the rows of that origin."""
    rows = forecast_table.rows_of(belief, panel, model=model, kind=kind, made_us=clock.now_us())
    return shelf(shop, FORECAST).write(
        forecast_table.origin_of(panel), rows, model=model, kind=kind
    )


def judge(shop: Any, tell: Callable[[float | None, str], None]) -> int:
    """Write the accuracy of every origin with a horizon that is over and not yet final.

    Returns how many origins were written. An origin is final when its longest horizon has been
    over for LATE_DAYS.
    """
    forecasts, accuracy = shelf(shop, FORECAST), shelf(shop, ACCURACY)
    held = {one.origin: one for one in accuracy.entries()}
    days: Known | None = None
    written = 0
    entries = forecasts.entries()
    for number, entry in enumerate(entries):
        tell(number / len(entries), f"accuracy of {entry.origin}")
        if _final(held.get(entry.origin), entry):
            continue
        rows = forecasts.read(entry)
        days = days or _days(shop, forecasts, entries)
        if days is None:
            break
        found = forecast_table.judged(rows, days.panel, days.prices_minor)
        if not found.num_rows:
            continue
        origin = date.fromisoformat(entry.origin)
        accuracy.write(origin, found, model=entry.model, kind=entry.kind)
        written += 1
    log.info("forecasts.judged", origins=written)
    return written


def backtest(shop: Any, found: Known, *, origins: int, settings: Settings) -> int:
    """Write beliefs at the ends of past weeks, with one model that knew none of them.

    The model is chosen, calibrated and fitted on what lies before the first of the origins.
    Returns how many origins were written; those that hold a live forecast keep it.
    """
    panel = found.panel
    t = panel.units.shape[1]
    first = t - origins
    past = cut(panel, first, 0)
    seen = tuple(sorted(panel.known))  # without plans: nobody knows when they were told
    model = Ladder(frequency=panel.frequency, observed=seen, settings=settings)
    model.fit(past, price=middle_price(past))
    live = {one.origin for one in shelf(shop, FORECAST).entries() if one.kind == LIVE}
    written = 0
    for origin in range(first, t):
        then = _sold(cut(panel, origin, panel.known["promotion"].shape[1] - t))
        if str(forecast_table.origin_of(then)) in live:
            continue
        name = f"ladder before {forecast_table.origin_of(past)}"
        keep(shop, model.belief(then), then, model=name, kind=BACKTEST)
        written += 1
    return written


def _sold(panel: DemandPanel) -> DemandPanel:
    """Return the panel of those series that had begun by its end."""
    begun = np.isfinite(panel.units).any(axis=1)
    rows = np.flatnonzero(begun).tolist()

    def some(values: Any) -> Any:
        return None if values is None else values[rows]

    return replace(
        panel,
        skus=[panel.skus[row] for row in rows],
        locations=[panel.locations[row] for row in rows],
        units=panel.units[rows],
        in_stock_share=some(panel.in_stock_share),
        price_minor=some(panel.price_minor),
        known={name: values[rows] for name, values in panel.known.items()},
        category=[panel.category[row] for row in rows] if len(panel.category) else (),
    )


def _final(judged: Entry | None, forecast: Entry) -> bool:
    """Return whether an origin was judged when nothing of it could change any more."""
    if judged is None or judged.made_us < forecast.made_us:
        return False
    over = date.fromisoformat(forecast.origin) + timedelta(days=7 * 13 + LATE_DAYS)
    return clock.from_us(judged.made_us).date() > over


def _days(shop: Any, forecasts: OriginShelf, entries: list[Entry]) -> Known | None:
    """Return the daily panel of everything that was ever forecast and is kept."""
    items: set[str] = set()
    for entry in entries:
        items.update(pc.unique(forecasts.read(entry)["item_id"]).to_pylist())
    return known.read(
        shop.warehouse,
        now_us=clock.now_us(),
        frequency="D",
        most=max(1, 4 * len(items)),
        items=sorted(items),
        orders=False,
    )
