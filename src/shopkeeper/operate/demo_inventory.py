"""The demo's inventory: a trained forecast, what it would have said before, and one plan.

Demand is the grocer's real one; stock, suppliers and deliveries are simulated (their events say
``source: simulated``), so what the plan orders is an exercise. Past forecasts are backtests and
say so. Training here is short; the weekly job trains on more.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from shopkeeper.base import clock, progress
from shopkeeper.inventory import known, training
from shopkeeper.inventory.models.cumulative import Settings
from shopkeeper.operate import capabilities
from shopkeeper.operate.demo_stock import WHOLE_HOUSEHOLDS
from shopkeeper.operate.registry import Registry
from shopkeeper.operate.replenish import forecasts, nightly
from shopkeeper.operate.train import train_one

# products trained on, rows of the trees, products looked back on, weeks looked back on, planned
WHOLE = (500, 20_000, 400, 8, 2500)
QUICK = (150, 2_500, 80, 6, 300)


def build_inventory(build: Any, bar: progress.Stage) -> dict[str, Any]:
    """Train, look back, plan; return the counts."""
    shop = build.shop
    quick = build.data.facts.households < WHOLE_HOUSEHOLDS
    products, rows, looked_at, weeks, planned = QUICK if quick else WHOLE
    shop.warehouse.refresh()
    card = capabilities.get("inventory")
    card = replace(card, train=partial(training.train, products=products, most_rows=rows))
    trained = train_one(shop, card, Registry(shop.settings.models_path))
    found = known.read(shop.warehouse, now_us=clock.now_us(), most=looked_at, orders=False)
    trees = Settings(seed=shop.settings.random_seed, most_rows=rows)
    origins = forecasts.backtest(shop, found, origins=weeks, settings=trees) if found else 0
    night = nightly.run(shop, most=planned)
    return {
        "model": trained.version,
        "alias": trained.alias,
        "verdict": trained.verdict.facts[0],
        "backtests": origins,
        "judged": night.judged,
        "proposed": night.planned.proposed,
        "value_minor": night.planned.value_minor,
    }
