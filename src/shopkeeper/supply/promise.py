"""When an order arrives: from the lead times of its parcels to a day that most such orders meet.

Days are whole UTC days after the day of the order. A promise at level 0.9 is the first day by
whose end all parcels have come with probability 0.9 or more, parcels taken as independent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shopkeeper.base.clock import DAY_US
from shopkeeper.supply.incoming import Incoming
from shopkeeper.supply.schema import LeadTime, Promise

LanePair = tuple[str, str]  # (warehouse_id, carrier)
RESTOCK_DAYS = 1  # from the supplier's delivery to the shelf
LONGEST_DAYS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """How long each lane takes from the order to the door, in whole days.

    ``mean_days`` (n,) of the lanes, so that a model gone wrong shows as NaN.
    """

    lead_times: Mapping[LanePair, LeadTime]
    mean_days: np.ndarray
    learned: bool


def stated(days: float, km: float | None, km_per_day: float) -> LeadTime:
    """Return what a carrier says of itself, with a day or two of grace: 80, 15 and 5 %.

    >>> stated(1, 900, 500).days.tolist()
    [3.0, 4.0, 5.0]
    """
    way = 0.0 if km is None or km_per_day <= 0 else km / km_per_day
    first = float(math.ceil(days + way))
    return LeadTime(
        days=np.array([first, first + 1, first + 2]),
        probability=np.array([0.8, 0.15, 0.05]),
        source="carrier's word",
    )


def all_by(lead_times: Sequence[LeadTime], level: float) -> int:
    """Return the first whole day by which all have come with probability ``level``.

    >>> two = LeadTime(days=np.array([1.0, 2.0]), probability=np.array([0.9, 0.1]))
    >>> all_by([two], 0.9), all_by([two, two], 0.9)
    (1, 2)
    """
    for day in range(LONGEST_DAYS):
        chance = 1.0
        for one in lead_times:
            chance *= 1.0 - one.later_than(day)
        if chance >= level - 1e-9:
            return day
    return LONGEST_DAYS


def promise(
    order_id: str,
    as_of_us: int,
    lead_times: Sequence[LeadTime],
    level: float,
    waits_for: Sequence[Incoming] = (),
) -> Promise | None:
    """Return the promise of an order, None where a part of it has no day at all.

    ``waits_for``: what must come from suppliers first; the way to the customer begins then.
    """
    starts_us = as_of_us
    for one in waits_for:
        if one.expected_us is None:
            return None
        starts_us = max(starts_us, one.expected_us + RESTOCK_DAYS * DAY_US)
    if not lead_times:
        return None
    learned_from = min(lead_times, key=lambda one: one.observed)
    return Promise(
        order_id=order_id,
        arrive_by_us=_end_of_day(starts_us, all_by(lead_times, level)),
        likely_us=_end_of_day(starts_us, all_by(lead_times, 0.5)),
        level=level,
        source="purchase order" if waits_for else learned_from.source,
        observed=learned_from.observed,
    )


def _end_of_day(at_us: int, days: int) -> int:
    return (at_us // DAY_US + days + 1) * DAY_US - 1_000_000
