"""How long a supplier takes: a distribution per supplier and item from deliveries, shrunk.

Open orders say "at least so long" and are censored, not left out: leaving them out would call a
supplier fast because the late half has not come yet. An item's own deliveries are blended with
its supplier's, and the supplier's with everybody's, by how many there are.

Source: Kaplan and Meier (1958); shrinkage weight n / (n + k) as in empirical Bayes means.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from shopkeeper.base.errors import BadInput
from shopkeeper.inventory.schema import LeadTime

MOST_DAYS = 400
POINTS = 8
ITEM_WEIGHT, SUPPLIER_WEIGHT = 8.0, 8.0
# Without any delivery: around the word of the supplier, or the default, with this spread.
_GUESS = ((0.8, 0.2), (1.0, 0.5), (1.3, 0.2), (1.8, 0.1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliveries:
    """Orders and how long they took. ``days`` (n,): to receipt, or so far where ``open``."""

    supplier: Sequence[str]
    sku: Sequence[str]
    days: np.ndarray
    open: np.ndarray


def estimate(
    deliveries: Deliveries, skus: Collection[str] | None = None
) -> dict[tuple[str, str], LeadTime]:
    """Return the lead time of every (supplier, sku) seen, and of (supplier, "") for the rest.

    ``skus``: those that are asked for; None: all.

    Raises
    ------
    BadInput
        If a number of days is negative or not finite; names the row.
    """
    days = np.asarray(deliveries.days, dtype=float)
    bad = np.flatnonzero(~np.isfinite(days) | (days < 0))
    if len(bad):
        row = int(bad[0])
        raise BadInput(
            f"days must be 0 or more, but is {days[row]} for supplier "
            f"'{deliveries.supplier[row]}' in row {row + 1}.",
            hint="A delivery before its order is usually two rows swapped.",
            field="days",
            value=float(days[row]),
        )
    whole = np.minimum(np.rint(days).astype(int), MOST_DAYS)
    open_ = np.asarray(deliveries.open, dtype=bool)
    everybody = _curve(whole, open_)
    found: dict[tuple[str, str], LeadTime] = {}
    supplier, sku = np.asarray(deliveries.supplier, str), np.asarray(deliveries.sku, str)
    if everybody is None:
        return found
    for name, rows in _groups(supplier, np.arange(len(supplier))):
        arrived = int((~open_[rows]).sum())
        own = _curve(whole[rows], open_[rows])
        pooled = _blend(own, everybody, arrived, SUPPLIER_WEIGHT)
        found[name, ""] = _thin(pooled, "supplier", arrived)
        for item, mine in _groups(sku[rows], rows):
            if skus is not None and item not in skus:
                continue
            count = int((~open_[mine]).sum())
            if item and count:
                curve = _curve(whole[mine], open_[mine])
                both = _blend(curve, pooled, count, ITEM_WEIGHT)
                found[name, item] = _thin(both, "item", count)
    return found


def lookup(
    found: Mapping[tuple[str, str], LeadTime], supplier: str, sku: str, *, promised: float | None
) -> LeadTime | None:
    """Return the item's lead time, else the supplier's, else one around its word; or None."""
    known = found.get((supplier, sku)) or found.get((supplier, ""))
    if known is not None:
        return known
    return around(promised, source="promise") if promised is not None else None


def around(days: float, *, source: str) -> LeadTime:
    """Return a spread around one number of days that somebody said, mostly kept, seldom early.

    >>> lead = around(10, source="promise")
    >>> lead.days.tolist(), round(lead.mean_days, 1)
    ([8.0, 10.0, 13.0, 18.0], 11.0)
    """
    if not np.isfinite(days) or days < 0 or days > MOST_DAYS:
        raise BadInput(
            f"lead_time_days must be 0 to {MOST_DAYS}, but is {days}.",
            field="lead_time_days",
            value=days,
            allowed=f"0 to {MOST_DAYS}",
        )
    values = np.rint(np.array([factor * days for factor, _ in _GUESS]))
    chances = np.array([chance for _, chance in _GUESS])
    unique, place = np.unique(values, return_inverse=True)
    return LeadTime(days=unique, probability=np.bincount(place, weights=chances), source=source)


def certain(days: float, *, source: str = "request") -> LeadTime:
    """Return a lead time without spread, as a request may ask for."""
    return LeadTime(days=np.array([float(days)]), probability=np.array([1.0]), source=source)


def _groups(labels: np.ndarray, rows: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Yield each label with its rows, by one sort instead of a comparison per label."""
    names, start = np.unique(np.sort(labels), return_index=True)
    order = np.argsort(labels, kind="stable")
    yield from zip(names.tolist(), np.split(rows[order], start[1:]), strict=True)


def _curve(days: np.ndarray, open_: np.ndarray) -> np.ndarray | None:
    """Return (MOST_DAYS + 1,) probability of each number of days; None without any arrival.

    What the last open orders leave over lies on the longest day seen, plus a quarter.
    """
    if not (~open_).any():
        return None
    arrived = np.bincount(days[~open_], minlength=MOST_DAYS + 1).astype(float)
    left = np.bincount(days, minlength=MOST_DAYS + 1)[::-1].cumsum()[::-1]
    hazard = np.divide(arrived, left, out=np.zeros(MOST_DAYS + 1), where=left > 0)
    survive = np.cumprod(1 - hazard)
    chance = np.concatenate([[1.0], survive[:-1]]) * hazard
    rest = float(survive[-1])
    if rest > 1e-9:
        chance[min(MOST_DAYS, int(np.ceil(1.25 * days.max())))] += rest
    return chance


def _blend(own: np.ndarray | None, prior: np.ndarray, count: int, weight: float) -> np.ndarray:
    if own is None:
        return prior
    share = count / (count + weight)
    return share * own + (1 - share) * prior


def _thin(chance: np.ndarray, source: str, count: int) -> LeadTime:
    """Return at most POINTS days: the means of equal shares of probability, tail kept apart."""
    days = np.arange(len(chance))
    if (chance > 0).sum() <= POINTS:
        kept = chance > 0
        return LeadTime(
            days=days[kept].astype(float), probability=chance[kept], source=source, observed=count
        )
    edges = np.array([0.0, 0.15, 0.35, 0.55, 0.75, 0.87, 0.95, 1.0])
    end = np.cumsum(chance)
    values, weights = [], []
    for low, high in pairwise(edges.tolist()):
        inside = np.minimum(end, high) - np.maximum(end - chance, low)
        part = np.maximum(inside, 0)
        if part.sum() > 1e-12:
            values.append(float(days @ part / part.sum()))
            weights.append(float(part.sum()))
    merged: dict[float, float] = {}
    for value, share in zip(np.rint(values).tolist(), weights, strict=True):
        merged[value] = merged.get(value, 0.0) + share
    total = sum(merged.values())
    return LeadTime(
        days=np.array(list(merged)),
        probability=np.array(list(merged.values())) / total,
        source=source,
        observed=count,
    )
