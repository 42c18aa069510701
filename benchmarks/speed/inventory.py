"""How long a night's forecast and proposals take, and how cost grows with products.

    python benchmarks/speed/inventory.py [--products 2500,5000,10000] [--frequency W|D] [--save]

Two years of seeded daily demand per product (slow and fast, weekdays, promotions told four weeks
ahead), as weeks, which is what the shop plans in, or as days. Measured from the daily numbers in
memory to proposals: choosing and fitting the ladder, beliefs at every horizon, orders with reasons.
Each size is a process of its own; processor seconds count, since a busy machine stretches a clock.
Reading the shop's tables is not in it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from shopkeeper.inventory import policy
from shopkeeper.inventory.models.ladder import forecast
from shopkeeper.inventory.schema import DemandPanel, LeadTime, Position, Rules, SupplyTerms

RESULT = Path(__file__).parents[1] / "results" / "inventory_speed.json"
DAYS, AHEAD = 728, 28
STEP = {"D": 1, "W": 7}


def panel(n: int, frequency: str, seed: int = 7) -> DemandPanel:
    """Return demand of n products: most of them slow, some with many units a day."""
    rng = np.random.default_rng(seed)
    level = rng.gamma(0.4, 5.0, n) + 0.02
    weekday = 1 + 0.4 * np.sin(2 * np.pi * np.arange(DAYS) / 7)
    promoted = np.repeat(rng.random((n, (DAYS + AHEAD) // 7)) < 0.08, 7, axis=1)
    lift = 1 + 1.5 * promoted[:, :DAYS]
    units = rng.poisson(level[:, None] * weekday[None, :] * lift).astype(float)
    step = STEP[frequency]
    return DemandPanel(
        skus=[f"sku-{i:05d}" for i in range(n)],
        locations=[""] * n,
        frequency=frequency,
        starts=np.datetime64("2024-01-01") + step * np.arange(DAYS // step),
        units=units.reshape(n, -1, step).sum(axis=2),
        known={"promotion": promoted.reshape(n, -1, step).mean(axis=2)},
        category=[f"c{i % 40}" for i in range(n)],
    )


def night(n: int, frequency: str) -> dict[str, Any]:
    """Return the cost of one night for n products, measured in this process."""
    made = panel(n, frequency)
    days = LeadTime(days=np.array([7.0, 10.0, 14.0]), probability=np.array([0.5, 0.3, 0.2]))
    terms = [
        (SupplyTerms(supplier_id=f"s{i % 30}", unit_cost_minor=500, lead_time=days),)
        for i in range(n)
    ]
    before = time.process_time(), time.perf_counter()
    belief = forecast(made)
    half = time.process_time()
    proposals = policy.propose_many(
        belief,
        skus=made.skus,
        locations=made.locations,
        positions=[Position(on_hand=float(row)) for row in made.units[:, -1]],
        terms=terms,
        prices_minor=np.full(n, 900.0),
        rules=Rules(),
        today=date(2026, 1, 5),
    )
    done = time.process_time(), time.perf_counter()
    return {
        "products": n,
        "frequency": frequency,
        "periods": made.units.shape[1],
        "forecast_cpu_s": round(half - before[0], 1),
        "propose_cpu_s": round(done[0] - half, 1),
        "cpu_s": round(done[0] - before[0], 1),
        "wall_s": round(done[1] - before[1], 1),
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "orders": sum(one.quantity > 0 for one in proposals),
    }


def main() -> int:
    """Measure each size in a process of its own; print and, if asked, save."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--products", default="2500,5000,10000")
    parser.add_argument("--frequency", choices=STEP, default="W")
    parser.add_argument("--save", action="store_true")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    sizes = [int(size) for size in chosen.products.split(",")]
    if chosen.one:
        print(json.dumps(night(sizes[0], chosen.frequency)))
        return 0
    runs = []
    for size in sizes:
        words = ["--one", "--products", str(size), "--frequency", chosen.frequency]
        done = subprocess.run(
            [sys.executable, __file__, *words], check=True, stdout=subprocess.PIPE, text=True
        )
        runs.append(json.loads(done.stdout))
        print(runs[-1], flush=True)
    # 1: cost grows in proportion to products.
    found = np.polyfit(np.log([r["products"] for r in runs]), np.log([r["cpu_s"] for r in runs]), 1)
    printed = {
        "command": f"python benchmarks/speed/inventory.py --frequency {chosen.frequency}",
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version()},
        "load_1min": round(os.getloadavg()[0], 1),
        "runs": runs,
        "growth_exponent": round(float(found[0]), 2) if len(runs) > 1 else None,
    }
    if chosen.save:
        name = RESULT if chosen.frequency == "W" else RESULT.with_stem("inventory_speed_days")
        name.write_text(json.dumps(printed, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
