"""What to do with stock that will not sell soon: transfer, return, or mark down."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shopkeeper.inventory import newsvendor, spread
from shopkeeper.inventory.schema import FREQUENCIES, Demand, Rules, SupplyTerms

ADVICE = ("transfer", "return", "markdown")
_SURE = 0.9  # stock above this quantile of demand over the cover is too much


def excess(demand: Demand, position: np.ndarray, cover_days: np.ndarray) -> np.ndarray:
    """Return (n,) units above what will nearly surely sell within ``cover_days``."""
    quantiles, _ = spread.over(demand, cover_days / FREQUENCIES[demand.frequency])
    likely = newsvendor.from_quantiles(demand.levels, quantiles, ratio=_SURE)
    found: np.ndarray = np.maximum(position - likely, 0)
    return found


def advice(
    demand: Demand,
    position: np.ndarray,
    quantity: np.ndarray,
    terms: Sequence[SupplyTerms],
    skus: Sequence[str],
    rules: Rules,
) -> list[str | None]:
    """Return what to do with each overstock: transfer where the same product is wanted at another
    location, return where the supplier takes it back, else markdown; None where there is none."""
    days = np.array(
        [min(rules.overstock_cover_days, one.shelf_life_days or np.inf) for one in terms]
    )
    units = excess(demand, position, days)
    wanted = {sku for sku, units in zip(skus, quantity.tolist(), strict=True) if units > 0}
    found: list[str | None] = []
    for row, sku in enumerate(skus):
        # Less than one unit is rounding, not stock.
        if units[row] < 1 or quantity[row] > 0:
            found.append(None)
        elif sku in wanted:
            found.append("transfer")
        else:
            found.append("return" if terms[row].returnable else "markdown")
    return found
