"""What one product's order must yield to: the money and room of all, and a supplier's minimum.

Works on wanted quantities of many products at once and tells which were cut, raised or put off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from shopkeeper.inventory import budget, spread
from shopkeeper.inventory.levels import Cover
from shopkeeper.inventory.schema import Rules, SupplyTerms

Told = tuple[str, Mapping[str, Any]]
URGENT = 0.5  # probability of a stock-out above which a supplier's minimum is filled up at once


def within_caps(
    quantity: np.ndarray,
    unit_cost: np.ndarray,
    position: np.ndarray,
    protection: Cover,
    terms: Sequence[SupplyTerms],
    margin: np.ndarray,
    rules: Rules,
) -> tuple[np.ndarray, dict[int, Told]]:
    """Return (quantities within the budget and volume caps, row -> why it was cut)."""
    told: dict[int, Told] = {}
    if rules.budget_minor is None and rules.volume_cap is None:
        return quantity, told
    rows = np.flatnonzero(quantity > 0)
    draws = spread.draws(protection.levels, protection.quantiles[rows], 200)
    orders = [
        budget.lots(
            float(quantity[row]),
            smallest=max(terms[row].minimum_quantity, terms[row].pack_size),
            pack=terms[row].pack_size,
            unit_cost=float(unit_cost[row]),
            volume=terms[row].volume_per_unit,
            position=float(position[row]),
            draws=draws[place],
            margin=float(margin[row]),
        )
        for place, row in enumerate(rows.tolist())
    ]
    taken = budget.allocate(orders, budget=rules.budget_minor, volume=rules.volume_cap)
    found = quantity.copy()
    for place, row in enumerate(rows.tolist()):
        if taken[place] >= quantity[row] - 1e-9:
            continue
        first = orders[place]
        alone = rules.budget_minor is not None and first.money[0] > rules.budget_minor
        code = "minimum_above_budget" if alone else "budget" if rules.budget_minor else "volume"
        facts = {"wanted": round(float(quantity[row]), 1), "budget_minor": rules.budget_minor}
        if alone:
            facts["smallest_lot_minor"] = round(float(first.money[0]))
        told[row] = (code, facts)
        found[row] = taken[place]
    return found, told


def supplier_minimum(
    quantity: np.ndarray,
    unit_cost: np.ndarray,
    p_now: np.ndarray,
    terms: Sequence[SupplyTerms],
    most: np.ndarray,
) -> tuple[np.ndarray, dict[int, Told]]:
    """Fill a supplier's order up to its minimum value where one product is urgent, else wait.

    Filling adds packs in turn to the products most likely to run out, up to their ``most``.
    """
    found = quantity.copy()
    told: dict[int, Told] = {}
    by_supplier: dict[str, list[int]] = {}
    for row in np.flatnonzero(quantity > 0).tolist():
        if terms[row].minimum_value_minor > 0:
            by_supplier.setdefault(terms[row].supplier_id, []).append(row)
    for supplier, rows in by_supplier.items():
        least = max(terms[row].minimum_value_minor for row in rows)
        value = float((found[rows] * unit_cost[rows]).sum())
        if value >= least:
            continue
        facts: dict[str, Any] = {
            "supplier": supplier,
            "minimum_minor": least,
            "value_minor": round(value),
        }
        if p_now[rows].max() < URGENT:
            for row in rows:
                found[row], told[row] = 0.0, ("supplier_minimum_wait", facts)
            continue
        _fill_up(found, rows, unit_cost, p_now, terms, most, least)
        reached = float((found[rows] * unit_cost[rows]).sum()) >= least
        code = "supplier_minimum_filled" if reached else "supplier_minimum_missed"
        for row in rows:
            if found[row] != quantity[row] or not reached:
                told[row] = (code, facts)
    return found, told


def _fill_up(
    found: np.ndarray,
    rows: list[int],
    unit_cost: np.ndarray,
    p_now: np.ndarray,
    terms: Sequence[SupplyTerms],
    most: np.ndarray,
    least: float,
) -> None:
    order = sorted(rows, key=lambda row: -p_now[row])
    value = float((found[rows] * unit_cost[rows]).sum())
    moved = True
    while value < least and moved:
        moved = False
        for row in order:
            pack = terms[row].pack_size
            if value < least and found[row] + pack <= most[row]:
                found[row] += pack
                value += pack * float(unit_cost[row])
                moved = True
