"""From a wanted quantity to one that can be bought: packs, minimum, price breaks, shelf life.

Each change is told with the numbers that made it, in the order in which it happened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, sqrt
from typing import Any

import numpy as np

from shopkeeper.inventory.schema import Rules, SupplyTerms

Told = tuple[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """A quantity that the supplier sells, its unit cost, and why it is not what was wanted."""

    quantity: float
    unit_cost_minor: int
    reasons: tuple[Told, ...]


def wanted(
    position: np.ndarray,
    level: np.ndarray,
    daily: np.ndarray,
    terms: Sequence[SupplyTerms],
    rules: Rules,
) -> np.ndarray:
    """Return (n,) units missing by the policy's form; ``daily`` is expected demand a day.

    R,S orders up to the level at each review. s,S and s,Q wait until the position is below the
    level, then order the economic quantity beyond it (s,S), or whole multiples of it (s,Q).
    """
    missing: np.ndarray = np.maximum(level - position, 0)
    if rules.policy == "R,S":
        return missing
    lot = np.zeros(len(position))
    for row, (one, rate) in enumerate(zip(terms, daily.tolist(), strict=True)):
        holding = rules.holding_rate * one.unit_cost_minor / 365
        if one.order_cost_minor and holding > 0 and rate > 0:
            lot[row] = sqrt(2 * one.order_cost_minor * rate / holding)
    if rules.policy == "s,Q":
        times = np.ceil(missing / np.maximum(lot, 1e-9))
        return np.where(lot > 0, times * lot, missing)
    return np.where(missing > 0, missing + lot, 0)


def most(
    position: np.ndarray, daily: np.ndarray, terms: Sequence[SupplyTerms], rules: Rules
) -> np.ndarray:
    """Return (n,) the most to buy: cover and shelf life, counted from the position."""
    days = np.array([min(rules.max_cover_days, one.shelf_life_days or np.inf) for one in terms])
    # A lead time longer than the cover would cap every order to nothing.
    days = np.maximum(
        days,
        [
            0.0
            if one.shelf_life_days or not one.lead_time
            else 1.5 * (one.lead_time.mean_days + rules.review_period_days)
            for one in terms
        ],
    )
    room: np.ndarray = np.maximum(days * daily - position, 0)
    return room


def buyable(
    wanted: float,
    terms: SupplyTerms,
    *,
    daily_demand: float,
    holding_rate: float,
    most: float = float("inf"),
) -> Lot:
    """Return the quantity to buy when ``wanted`` units are missing.

    ``most``: never exceed it (cover or shelf life), except that the smallest lot the supplier
    sells is offered where something is missing at all; then the reason says so.

    >>> terms = SupplyTerms(supplier_id="s", unit_cost_minor=100, pack_size=12, minimum_quantity=24)
    >>> buyable(30, terms, daily_demand=3, holding_rate=0.25).quantity
    36.0
    """
    if wanted <= 1e-9:
        return Lot(quantity=0.0, unit_cost_minor=terms.unit_cost_minor, reasons=())
    reasons: list[Told] = []
    pack = max(terms.pack_size, 1e-9)
    smallest = ceil(max(terms.minimum_quantity, pack) / pack - 1e-9) * pack
    quantity = min(wanted, most)
    if quantity < wanted - 1e-9:
        reasons.append(("capped", {"wanted": round(wanted, 1), "most": round(most, 1)}))
    if quantity < smallest:
        quantity = smallest
        if terms.minimum_quantity > max(wanted, pack):
            reasons.append(("minimum_quantity", {"minimum": terms.minimum_quantity}))
    packed = ceil(quantity / pack - 1e-9) * pack
    if packed > most and floor(most / pack + 1e-9) * pack >= smallest:
        packed = floor(most / pack + 1e-9) * pack
    elif packed > most:
        reasons.append(("smallest_lot_above_cap", {"lot": packed, "most": round(most, 1)}))
    if packed != quantity and pack > 1:
        reasons.append(("pack_size", {"pack_size": pack, "wanted": round(wanted, 1)}))
    packed, cost, told = _with_breaks(packed, terms, daily_demand, holding_rate, most)
    return Lot(quantity=float(packed), unit_cost_minor=cost, reasons=(*reasons, *told))


def all_buyable(
    wanted: np.ndarray,
    most: np.ndarray,
    daily: np.ndarray,
    terms: Sequence[SupplyTerms],
    rules: Rules,
) -> list[Lot]:
    """Return ``buyable`` of every product, in order."""
    asked = zip(wanted.tolist(), most.tolist(), daily.tolist(), terms, strict=True)
    return [
        buyable(units, one, daily_demand=rate, holding_rate=rules.holding_rate, most=cap)
        for units, cap, rate, one in asked
    ]


def unit_cost(terms: SupplyTerms, quantity: float) -> int:
    """Return what a unit costs at a quantity: the deepest break that it reaches."""
    cost = terms.unit_cost_minor
    for step in sorted(terms.price_breaks, key=lambda s: s.quantity):
        if quantity >= step.quantity:
            cost = step.unit_cost_minor
    return cost


def _with_breaks(
    quantity: float, terms: SupplyTerms, daily_demand: float, holding_rate: float, most: float
) -> tuple[float, int, list[Told]]:
    """Raise to a price break where what is saved exceeds what the further units cost to hold.

    Compared per year of demand: price, plus holding of half a lot, plus order cost per lot.
    """
    pack = max(terms.pack_size, 1e-9)
    yearly = max(daily_demand, 0) * 365

    def per_year(lot: float, cost: int) -> float:
        orders = yearly / lot
        return cost * yearly + terms.order_cost_minor * orders + holding_rate * cost * lot / 2

    best, cost = quantity, unit_cost(terms, quantity)
    least = per_year(best, cost) if yearly else float("inf")
    told: list[Told] = []
    for step in terms.price_breaks:
        lot = ceil(step.quantity / pack - 1e-9) * pack
        if lot <= quantity or lot > most or not yearly:
            continue
        price = unit_cost(terms, lot)
        if per_year(lot, price) < least - 1e-9:
            best, cost, least = lot, price, per_year(lot, price)
            told = [
                ("price_break", {"from": step.quantity, "unit_cost_minor": price, "was": quantity})
            ]
    return best, cost, told
