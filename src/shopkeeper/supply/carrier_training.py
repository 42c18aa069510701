"""Train the promise: days from order to door, measured on later parcels before it is trusted.

The last parcels by order time are the test, those before them the validation on which settings
are chosen. What had not arrived by the day of the cut counts as on its way for who learns
before it, as it would have been then.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from shopkeeper.base import clock
from shopkeeper.base.clock import DAY_US
from shopkeeper.base.errors import BadInput
from shopkeeper.data import supply_reads
from shopkeeper.learn import report
from shopkeeper.learn.contracts import Trained
from shopkeeper.supply.models.carrier_times import CarrierTimes, Parcels, band_of, weekday_of

MIN_PARCELS = 50
SHARES = (0.7, 0.85)  # of the parcels: up to here training, up to here validation
CHOICES = tuple((shrink, depth) for depth in (2, 3, 4) for shrink in (5.0, 20.0, 60.0))
LEVELS = (0.5, 0.9)


def gather(warehouse: Any, now_us: int) -> tuple[Parcels, np.ndarray]:
    """Return the shop's parcels, and the moment each one's outcome was known."""
    rows = supply_reads.parcels(warehouse).to_pylist()
    rows = [row for row in rows if row["state"] != "failed"]
    ordered = np.array([row["ordered_us"] for row in rows], dtype=np.int64)
    ended = np.array([row["delivered_us"] or now_us for row in rows], dtype=np.int64)
    waiting = np.array([row["delivered_us"] is None for row in rows], dtype=bool)
    parcels = Parcels(
        warehouse=[row["location_id"] or "" for row in rows],
        carrier=[row["carrier"] or "" for row in rows],
        band=np.array([band_of(row["distance_km"]) for row in rows], dtype=np.int64),
        weekday=np.array([weekday_of(int(at)) for at in ordered], dtype=np.int64),
        days=ended // DAY_US - ordered // DAY_US,
        on_its_way=waiting,
        ordered_us=ordered,
    )
    return parcels, ended


def as_known(parcels: Parcels, ended_us: np.ndarray, cut_us: int) -> Parcels:
    """Return the parcels ordered before a cut as they stood then."""
    rows = parcels.ordered_us < cut_us
    past = parcels.take(rows)
    late = ended_us[rows] >= cut_us
    so_far = cut_us // DAY_US - past.ordered_us // DAY_US
    return Parcels(
        warehouse=past.warehouse,
        carrier=past.carrier,
        band=past.band,
        weekday=past.weekday,
        days=np.where(late, so_far, past.days),
        on_its_way=past.on_its_way | late,
        ordered_us=past.ordered_us,
    )


def train(warehouse: Any, settings: Any) -> Trained:
    """Return the model fitted on all parcels, measured on the last ones; BadInput without."""
    now_us = clock.now_us()
    parcels, ended_us = gather(warehouse, now_us)
    came = int((~parcels.on_its_way).sum()) if len(parcels) else 0
    if came < MIN_PARCELS:
        raise BadInput(
            f"Training supply needs {MIN_PARCELS} delivered parcels, but the shop has {came}.",
            hint="Send shipment and delivery events; until then carriers' own days are promised.",
            field="parcels",
            value=came,
        )
    seed = settings.random_seed
    cuts = [int(parcels.ordered_us[int(share * len(parcels))]) for share in SHARES]
    past, chosen_on = as_known(parcels, ended_us, cuts[0]), _between(parcels, cuts[0], cuts[1])
    chosen = min(CHOICES, key=lambda c: _validated(past, chosen_on, *c))
    past, test = as_known(parcels, ended_us, cuts[1]), _between(parcels, cuts[1], 2**62)
    rivals: dict[str, CarrierTimes] = {
        "carrier-quantiles": CarrierTimes(shrink=0.0, depth=1),
        "carrier-times": CarrierTimes(shrink=chosen[0], depth=chosen[1]),
    }
    models: dict[str, Any] = {}
    for name, model in rivals.items():
        with report.measured() as cost:
            model.fit(past)
        means, intervals = report.summary(measure(model, test), seed)
        models[name] = {
            "metrics": means,
            "interval_95": intervals,
            "fit_seconds": round(cost.seconds, 3),
            "peak_memory_mb": round(cost.peak_memory_mb),
        }
    served = CarrierTimes(shrink=chosen[0], depth=chosen[1])
    served.fit(as_known(parcels, ended_us, now_us))
    return Trained(
        model=served,
        report={
            "capability": "supply",
            "protocol": {"split": "time", "at": clock.iso(cuts[1]), "levels": list(LEVELS)},
            "models": models,
            "champion": "carrier-times",
            "baseline": "carrier-quantiles",
            "chosen": {"shrink": chosen[0], "depth": chosen[1]},
        },
        data={"parcels": len(parcels), "delivered": came, "test": len(test)},
        self_test=_self_test(warehouse),
    )


def measure(model: CarrierTimes, test: Parcels) -> Mapping[str, np.ndarray]:
    """Return per parcel: pinball losses in days, kept at 0.9, and the error of the middle.

    ``promise_kept`` is 1 where the parcel came by the day promised at 0.9.
    """
    quantiles = np.array([_quantiles(model, test, row) for row in range(len(test))]).reshape(-1, 2)
    days = test.days.astype(float)
    found = {}
    for column, level in enumerate(LEVELS):
        gap = days - quantiles[:, column]
        found[f"pinball_{round(level * 100)}"] = np.maximum(level * gap, (level - 1) * gap)
    found["promise_kept"] = (days <= quantiles[:, 1]).astype(float)
    found["mae_days"] = np.abs(days - quantiles[:, 0])
    return found


def _quantiles(model: CarrierTimes, test: Parcels, row: int) -> tuple[float, float]:
    known = model.distribution(test.keys(row))
    if known is None:
        return 0.0, 0.0
    return known.at(LEVELS[0]), known.at(LEVELS[1])


def _validated(past: Parcels, chosen_on: Parcels, shrink: float, depth: int) -> float:
    model = CarrierTimes(shrink=shrink, depth=depth).fit(past)
    found = measure(model, chosen_on)
    return float(np.mean([found[f"pinball_{round(level * 100)}"].mean() for level in LEVELS]))


def _between(parcels: Parcels, start_us: int, end_us: int) -> Parcels:
    """Return parcels that came, ordered in a span; those on their way judge nobody."""
    inside = (parcels.ordered_us >= start_us) & (parcels.ordered_us < end_us)
    return parcels.take(inside & ~parcels.on_its_way)


def _self_test(warehouse: Any) -> dict[str, Any]:
    item = supply_reads.some_stocked_item(warehouse) or "self-test"
    return {"order_id": "self-test", "items": [{"item_id": item}], "reserve": False}
