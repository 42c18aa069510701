"""How each supplier delivers: on time or not, how long, how late the next order may be.

What is known at the start of day ``as_of`` counts; a later receipt does not. An order still open
after its promised day is late; one whose day is still to come is neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from shopkeeper.base.errors import BadInput
from shopkeeper.supply import lead_time, lead_time_committee
from shopkeeper.supply.lead_time import Deliveries, Learned, Settings
from shopkeeper.supply.schema import LeadTime, Scorecard

Z_95 = 1.959964
_FEWEST_LANES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Past orders, a row per purchase order and product; units and price NaN where not told."""

    deliveries: Deliveries
    ordered_units: np.ndarray
    received_units: np.ndarray
    price_minor: np.ndarray


def scorecards(history: History, as_of: int, settings: Settings | None = None) -> list[Scorecard]:
    """Return a scorecard per supplier by id; none where nothing was ordered before ``as_of``.

    ``settings``: how lead times are learned; default a committee per supplier, shrunk to all.
    """
    data = history.deliveries
    _check(history)
    known = data.ordered < as_of
    if not known.any():
        return []
    promised = known & np.isfinite(data.promised)
    lead = _fit(data, settings, as_of, lateness=False)
    late = _fit(data, settings, as_of, lateness=True) if promised.any() else None
    lanes = _by_lane(data, known, as_of)
    suppliers = data.keys["supplier"]
    return [
        _one(history, known & (suppliers == name), str(name), as_of, lead, late, lanes)
        for name in np.unique(suppliers[known])
    ]


def wilson(good: int, of: int) -> tuple[float, float]:
    """Return the 95 % interval of a share; (0, 1) of none.

    Source: Wilson, Probable inference, the law of succession, and statistical inference,
    JASA 22 (1927).

    >>> [round(v, 3) for v in wilson(8, 10)]
    [0.49, 0.943]
    """
    if of == 0:
        return 0.0, 1.0
    share, z2 = good / of, Z_95**2
    middle = (share + z2 / (2 * of)) / (1 + z2 / of)
    half = Z_95 / (1 + z2 / of) * np.sqrt(share * (1 - share) / of + z2 / (4 * of**2))
    return float(max(0.0, middle - half)), float(min(1.0, middle + half))


def _by_lane(data: Deliveries, known: np.ndarray, as_of: int) -> dict[str, dict[str, LeadTime]]:
    """Return supplier -> lane -> lead time, where goods go to more than one place."""
    if "lane" not in data.keys or len(np.unique(data.keys["lane"][known])) < _FEWEST_LANES:
        return {}
    members = lead_time_committee.members_for((("lane",), ("supplier",), ("supplier", "lane")))
    learned = lead_time_committee.fit(data, members, as_of)
    pairs = zip(data.keys["supplier"][known], data.keys["lane"][known], strict=True)
    found: dict[str, dict[str, LeadTime]] = {}
    for name, lane in sorted({(str(name), str(lane)) for name, lane in pairs}):
        key = {"supplier": name, "lane": lane}
        found.setdefault(name, {})[lane] = lead_time.lead_time(learned, key)
    return found


def _one(
    history: History,
    mine: np.ndarray,
    name: str,
    as_of: int,
    lead: Learned,
    late: Learned | None,
    lanes: Mapping[str, Mapping[str, LeadTime]],
) -> Scorecard:
    data = history.deliveries
    came = mine & (data.received < as_of)
    is_open = mine & ~came
    # An open order whose day has passed is late, by so many days at least.
    until = np.where(came, data.received, as_of)
    judged = mine & np.isfinite(data.promised) & (came | (data.promised < as_of))
    days_late = np.maximum(0.0, until - data.promised)[judged]
    on_time, count = int((days_late == 0).sum()), int(judged.sum())
    key = {"supplier": name}
    return Scorecard(
        supplier_id=name,
        delivered=int(came.sum()),
        open_orders=int(is_open.sum()),
        on_time_share=on_time / count if count else float("nan"),
        on_time_interval=wilson(on_time, count),
        late_days_mean=float(days_late.mean()) if count else float("nan"),
        lead_time=lead_time.lead_time(lead, key),
        p_late_next=float("nan") if late is None else 1 - late.curve(key).below(0)[1],
        fill_rate=_fill_rate(history, judged | came),
        price_change=_price_change(history, mine),
        facts={
            "judged": count,
            "overdue": int((is_open & judged).sum()),
            "lanes": lanes.get(name, {}),
        },
    )


def _fill_rate(history: History, due: np.ndarray) -> float | None:
    """Return received over ordered units of orders that came or should have."""
    both = due & np.isfinite(history.ordered_units) & np.isfinite(history.received_units)
    ordered = history.ordered_units[both].sum()
    if ordered <= 0:
        return None
    received = np.minimum(history.received_units, history.ordered_units)[both].sum()
    return float(received / ordered)


def _price_change(history: History, mine: np.ndarray) -> float | None:
    """Return the median over products of the last price against the first."""
    items = history.deliveries.keys.get("item")
    rows = np.flatnonzero(mine & np.isfinite(history.price_minor) & (history.price_minor > 0))
    if items is None or not len(rows):
        return None
    rows = rows[np.argsort(history.deliveries.ordered[rows], kind="stable")]
    first: dict[str, tuple[int, float]] = {}
    change: dict[str, float] = {}
    for row in rows.tolist():
        item, price = str(items[row]), float(history.price_minor[row])
        day = int(history.deliveries.ordered[row])
        start = first.setdefault(item, (day, price))
        if day > start[0]:
            change[item] = price / start[1] - 1
    return float(np.median(list(change.values()))) if change else None


def _fit(data: Deliveries, settings: Settings | None, as_of: int, *, lateness: bool) -> Learned:
    if settings is not None:
        return lead_time.fit(data, replace(settings, lateness=lateness), as_of)
    members = lead_time_committee.members_for((("supplier",),), lateness=lateness)
    return lead_time_committee.fit(data, members, as_of)


def _check(history: History) -> None:
    data = history.deliveries
    columns: Mapping[str, np.ndarray] = {
        "ordered_units": history.ordered_units,
        "received_units": history.received_units,
        "price_minor": history.price_minor,
    }
    for name, values in columns.items():
        if len(values) != len(data):
            raise BadInput(
                f"{name} has {len(values)} rows, the deliveries {len(data)}.",
                field=name,
                value=len(values),
                allowed=str(len(data)),
            )
        if (values < 0).any():
            raise BadInput(f"{name} has a value below 0.", field=name, allowed="0 or more")
