"""Restore demand under stock-outs on FreshRetailNet, and forecast the days that were in stock.

    python benchmarks/quality/inventory_censored.py --data FOLDER [--save]

One city, 25,811 daily series, the last two windows of 7 days, 28 days of history. In stock: no
stock-out between 6 and 22 o'clock; on other days nobody knows demand, so they judge nobody. How
much is restored is chosen by the package (``censoring.choose``) on days before each window. Every
level is a mean of the history; the trained ladder is not in this comparison.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from shopkeeper.inventory.models import censoring
from shopkeeper.inventory.models.censoring import Blend
from shopkeeper.learn import metrics

RESULT = Path(__file__).parents[1] / "results" / "inventory_censored.json"
HISTORY, WINDOW, SEED = 28, 7, 7
Level = Callable[[np.ndarray, np.ndarray], np.ndarray]  # (units, share) so far -> (n, WINDOW)


def read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return (units, share in stock), (n, days) each."""
    found = duckdb.sql(f"""
        SELECT list(sale_amount ORDER BY dt) AS units,
            list(1 - stockout_hours_6_22 / 16.0 ORDER BY dt) AS share
        FROM '{path}' GROUP BY store_id, product_id ORDER BY store_id, product_id
    """).fetchnumpy()
    units, share = (np.vstack(found[name].tolist()).astype(float) for name in ("units", "share"))
    return units, share


def flat(units: np.ndarray) -> np.ndarray:
    """Return the mean of the last HISTORY days, for each day of the window."""
    return np.repeat(units[:, -HISTORY:].mean(axis=1, keepdims=True), WINDOW, axis=1)


def by_weekday(units: np.ndarray) -> np.ndarray:
    """Return half the flat mean and half the mean of the same weekday."""
    past = units[:, -HISTORY:]
    own = np.stack([past[:, day::7].mean(axis=1) for day in range(WINDOW)], axis=1)
    return (flat(units) + own) / 2


def in_stock_only(units: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Return the mean of days in stock where there are three of them, else of all."""
    past, full = units[:, -HISTORY:], share[:, -HISTORY:] >= censoring.IN_STOCK
    count = full.sum(axis=1)
    mean = np.where(count >= 3, (past * full).sum(axis=1) / np.maximum(count, 1), past.mean(axis=1))
    return np.repeat(mean[:, None], WINDOW, axis=1)


def restored(blend: Blend | None) -> Level:
    """Return the weekday level of restored demand; None: the blend chosen on what is past."""

    def level(units: np.ndarray, share: np.ndarray) -> np.ndarray:
        how = blend or censoring.choose(units, share, "D")
        return by_weekday(censoring.restore(units, share, "D", how))

    return level


LEVELS: dict[str, Level] = {
    "seasonal_naive": lambda units, _: units[:, -WINDOW:],
    "mean": lambda units, _: flat(units),
    "mean_in_stock_days": in_stock_only,
    "mean_weekday": lambda units, _: by_weekday(units),
    "restored_in_full": restored(Blend(partly=1.0, wholly=1.0)),
    "restored_as_chosen": restored(None),
}


def measure(units: np.ndarray, share: np.ndarray) -> dict[str, Any]:
    """Return WAPE and bias on in-stock days per level, with 95 % intervals over series."""
    origins = [units.shape[1] - WINDOW * step for step in (2, 1)]
    found: dict[str, Any] = {}
    for name, level in LEVELS.items():
        n = len(units)
        wrong, signed, total = np.zeros(n), np.zeros(n), np.zeros(n)
        for origin in origins:
            ahead = slice(origin, origin + WINDOW)
            good = share[:, ahead] >= censoring.IN_STOCK
            gap = np.where(good, level(units[:, :origin], share[:, :origin]) - units[:, ahead], 0)
            wrong += np.abs(gap).sum(axis=1)
            signed += gap.sum(axis=1)
            total += np.where(good, units[:, ahead], 0).sum(axis=1)
        found[name] = {}
        for metric, top in (("wape", wrong), ("bias", signed)):
            low, high = metrics.bootstrap_ratio(top, total, np.random.default_rng(SEED))
            found[name][metric] = round(float(top.sum() / total.sum()), 5)
            found[name][f"{metric}_95"] = [round(float(low), 5), round(float(high), 5)]
    chosen = {
        str(origin): vars_of(censoring.choose(units[:, :origin], share[:, :origin], "D"))
        for origin in origins
    }
    return {"series": len(units), "origins": origins, "chosen": chosen, "levels": found}


def vars_of(blend: Blend) -> dict[str, float]:
    """Return a blend as JSON has it."""
    return {"partly": blend.partly, "wholly": blend.wholly, "judged": blend.judged}


def main() -> int:
    """Measure where the data is there; exit 0 also when it was skipped."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--save", action="store_true")
    chosen = parser.parse_args()
    path = chosen.data / "freshretailnet_city0" / "daily.parquet"
    if not path.exists():
        print(f"skipped, {path} is not there")
        return 0
    printed = {
        "command": "python benchmarks/quality/inventory_censored.py --data FOLDER --save",
        **measure(*read(path)),
    }
    for name, one in printed["levels"].items():
        print(name, one)
    print(printed["chosen"])
    if chosen.save:
        RESULT.write_text(json.dumps(printed, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
