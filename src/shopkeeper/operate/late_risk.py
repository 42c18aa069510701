"""Which promised orders will probably be late: the chance, given that they have not come yet.

With the model of carriers' days: P(days > promised | days > so far). A parcel that has not
left yet runs the same clock, so for it the chance is the least that is to be feared.
"""

from __future__ import annotations

import json
from typing import Any

from shopkeeper.base import clock
from shopkeeper.base.clock import DAY_US
from shopkeeper.base.errors import ArtefactBroken, NotFound
from shopkeeper.data import supply_reports
from shopkeeper.operate.registry import Registry
from shopkeeper.supply.capability import CAPABILITY
from shopkeeper.supply.models.carrier_times import CarrierTimes, band_of, keys_of, weekday_of
from shopkeeper.supply.schema import LeadTime

AHEAD_DAYS = 7


def at_risk(
    shop: Any, *, days: int = AHEAD_DAYS, least: float = 0.0, most: int = 200
) -> list[dict[str, Any]]:
    """Return undelivered parcels promised within ``days``, likeliest late first.

    ``p_late`` None: no model has learned yet, or the carrier is not known to it.
    """
    now_us = clock.now_us()
    rows = supply_reports.at_risk(shop.warehouse, now_us + days * DAY_US, 5 * most)
    model = model_of(shop)
    found = []
    for row in rows:
        p_late = late_chance(row, model, now_us)
        if p_late is None or p_late >= least:
            row = {k: v for k, v in row.items() if k != "value"}
            found.append({**row, "p_late": p_late, "late": row["promised_us"] < now_us})
    far = -1.0
    found.sort(key=lambda x: (-(far if x["p_late"] is None else x["p_late"]), x["promised_us"]))
    return found[:most]


def model_of(shop: Any) -> CarrierTimes | None:
    """Return the champion that promises, None where there is none that reads."""
    registry = Registry(shop.settings.models_path)
    name = registry.aliases("supply").get("champion")
    if name is None:
        return None
    try:
        found: CarrierTimes = registry.load("supply", name, CAPABILITY.models)
    except (ArtefactBroken, NotFound):
        return None
    return found


def late_chance(row: dict[str, Any], model: CarrierTimes | None, now_us: int) -> float | None:
    """Return the chance that a parcel comes after its promise, to four places."""
    if row["promised_us"] < now_us:
        return 1.0
    if model is None:
        return None
    days = model.distribution(
        keys_of(
            row["location_id"] or "",
            row["carrier"] or "",
            band_of(_km(row)),
            weekday_of(row["ordered_us"]),
        )
    )
    if days is None:
        return None
    return round(given_so_far(days, row["ordered_us"], row["promised_us"], now_us), 4)


def given_so_far(days: LeadTime, ordered_us: int, promised_us: int, now_us: int) -> float:
    """Return P(late | not here by yesterday's end)."""
    start = ordered_us // DAY_US
    promised = promised_us // DAY_US - start
    so_far = now_us // DAY_US - start - 1
    open_yet = days.later_than(so_far) if so_far >= 0 else 1.0
    # Longer on its way than anything seen: nothing known says that it comes in time.
    return 1.0 if open_yet <= 0 else min(1.0, days.later_than(promised) / open_yet)


def _km(row: dict[str, Any]) -> float | None:
    value = json.loads(row["value"]) if row.get("value") else {}
    for parcel in value.get("parcels", ()):
        if parcel["warehouse_id"] == row["location_id"]:
            km = parcel.get("distance_km")
            return None if km is None else float(km)
    return None
