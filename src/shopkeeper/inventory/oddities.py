"""What is odd about a product's data, said by name beside the numbers; codes of telling.REASONS.

A gap of the whole shop (weeks without any order between weeks with orders) is a record that
broke off, not weeks without demand: it is bridged by each product's eight periods before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import numpy as np

from shopkeeper.inventory import segments
from shopkeeper.inventory.panel import DAYS, PROMOTION
from shopkeeper.inventory.schema import DemandPanel

Told = tuple[str, Mapping[str, Any]]
STALE_DAYS = 2
GAP_DAYS = 28
BRIDGE = 8  # periods before a gap whose mean bridges it
RECENT = 4
SOLD_OUT_BELOW = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What the quality checks found, by item: prices that jumped, deliveries told twice."""

    unit_changes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    repeated: Mapping[str, int] = field(default_factory=dict)


def gap_of(units: np.ndarray, frequency: str) -> tuple[int, int] | None:
    """Return (first, past) of the longest run of periods in which nothing at all was ordered.

    Only between periods with orders, and of four weeks or more; None: there is none.

    >>> shop = np.array([[3.0, 2, 0, 0, 0, 0, 4]])
    >>> gap_of(shop, "W")
    (2, 6)
    """
    sold = np.flatnonzero(np.nansum(units, axis=0) > 0)
    if len(sold) < 2:
        return None
    runs = np.diff(sold) - 1
    place = int(runs.argmax())
    if runs[place] * DAYS[frequency] < GAP_DAYS:
        return None
    return int(sold[place]) + 1, int(sold[place + 1])


def bridged(panel: DemandPanel) -> DemandPanel:
    """Return the panel with a gap of the whole shop filled by what sold before it."""
    gap = gap_of(panel.units, panel.frequency)
    if gap is None:
        return panel
    first, past = gap
    before = panel.units[:, max(0, first - BRIDGE) : first]
    seen = np.isfinite(before)
    mean = np.where(seen, before, 0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
    units = panel.units.copy()
    known = np.isfinite(units[:, first:past])
    units[:, first:past] = np.where(known, mean[:, None], np.nan)
    return replace(panel, units=units)


def notes(
    panel: DemandPanel,
    raw: np.ndarray,
    facts: Mapping[str, Mapping[str, Any]],
    faults: Faults,
    *,
    today: date,
    end: date,
) -> tuple[tuple[Told, ...], ...]:
    """Return per row what the data says, the most serious first.

    raw
        (n, t) units before a gap was bridged.
    """
    shop: list[Told] = []
    if (today - end).days >= STALE_DAYS:
        until = str(end - timedelta(days=1))
        shop.append(("stale_demand", {"days": (today - end).days, "until": until}))
    gap = gap_of(raw, panel.frequency)
    if gap is not None:
        starts = panel.starts[gap[0]].astype("datetime64[D]")
        shop.append(("gap", {"from": str(starts), "periods": gap[1] - gap[0]}))
    return tuple(
        (*shop, *_of_row(panel, row, facts.get(sku, {}), faults))
        for row, sku in enumerate(panel.skus)
    )


def of_faults(sku: str, faults: Faults) -> list[Told]:
    """Return what the quality checks say of one product."""
    told: list[Told] = []
    if sku in faults.unit_changes:
        change = faults.unit_changes[sku]
        told.append(
            (
                "unit_change",
                {
                    "week": str(change["week"]),
                    "price_before_minor": change["price_before_minor"],
                    "price_after_minor": change["price_after_minor"],
                },
            )
        )
    if sku in faults.repeated:
        told.append(("repeated_delivery", {"count": faults.repeated[sku]}))
    return told


def _of_row(panel: DemandPanel, row: int, facts: Mapping[str, Any], faults: Faults) -> list[Told]:
    sku, t = panel.skus[row], panel.units.shape[1]
    units = panel.units[row]
    recent = slice(max(0, t - RECENT), t)
    lived = int(np.isfinite(units).sum())
    told: list[Told] = []
    if lived == 0:
        told.append(("no_history", {}))
    elif not np.nansum(units) > 0:
        told.append(("all_zero", {"periods": lived}))
    elif lived < segments.YOUNG[panel.frequency]:
        told.append(("short_history", {"periods": lived}))
    if facts.get("replaces"):
        told.append(("renamed", {"from": str(facts["replaces"])}))
    if panel.returned is not None:
        back = panel.returned[row, recent] >= np.maximum(np.nan_to_num(units[recent]), 1)
        if back.any():
            units_back = float(panel.returned[row, recent][back].sum())
            told.append(("negative_sales", {"periods": int(back.sum()), "returned": units_back}))
    return told + of_faults(sku, faults) + _of_weeks(panel, row, recent)


def _of_weeks(panel: DemandPanel, row: int, recent: slice) -> list[Told]:
    t = panel.units.shape[1]
    told: list[Told] = []
    share = panel.in_stock_share
    if share is not None and float(share[row, recent].mean()) < SOLD_OUT_BELOW:
        out = round(100 * (1 - float(share[row, recent].mean())))
        told.append(("censored", {"percent": out}))
    if panel.one_off is not None and panel.one_off[row, recent].sum() > 0:
        told.append(("one_off", {"units": float(panel.one_off[row, recent].sum())}))
    plan = panel.known[PROMOTION][row, t : t + RECENT] if PROMOTION in panel.known else np.zeros(0)
    if np.isfinite(plan).any() and np.nanmax(plan) > 0:
        told.append(("promotion", {"periods": int((plan > 0).sum())}))
    return told
