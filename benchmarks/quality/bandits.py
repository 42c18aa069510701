"""Policies on simulated customers of a real shop, and what places say of looking.

    python benchmarks/quality/bandits.py --data FOLDER [--visits 2000] [--seeds 5] [--save]

Customers are fitted to two periods of Online Retail II (a log of purchases: looking and the effect
of being seen are assumed, hence three settings of eta and lift). Open Bandit Data, where a random
policy placed the products, says how much places differ there. What is missing is skipped.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from shopkeeper.cli.simulate import as_text
from shopkeeper.operate import simulation
from shopkeeper.recommend.models.from_file import training
from shopkeeper.recommend.simulator.validity import examination

RESULT = Path(__file__).parents[1] / "results" / "bandits.json"
SETTINGS = {"main": (1.0, 0.0), "flat_looking": (0.2, 0.0), "seen_is_wanted": (1.0, 0.7)}


def main() -> int:
    """Run what is there; exit 0 also when something was skipped."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--visits", type=int, default=2000)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--save", action="store_true")
    chosen = parser.parse_args()
    found: dict[str, Any] = {
        "made_by": "python benchmarks/quality/bandits.py --data FOLDER "
        f"--visits {chosen.visits} --seeds {chosen.seeds} --save",
        "capability": "recommend",
    }
    logged = chosen.data / "open_bandit" / "random_all.parquet"
    if logged.exists():
        found["examination_open_bandit"] = _places(chosen.data / "open_bandit")
        print(json.dumps(found["examination_open_bandit"]))
    else:
        print(f"open_bandit: skipped, {logged} is not there")
    shop = chosen.data / "online_retail_ii" / "transactions.parquet"
    if not shop.exists():
        print(f"online_retail_ii: skipped, {shop} is not there")
        return 0
    with tempfile.TemporaryDirectory() as temporary:
        target = Path(temporary) / "purchases.parquet"
        duckdb.sql(f"""
            COPY (
                SELECT "Customer ID" AS user_id, StockCode AS item_id, InvoiceDate AS timestamp
                FROM '{shop}'
                WHERE Quantity > 0 AND NOT starts_with(Invoice, 'C') AND "Customer ID" IS NOT NULL
            ) TO '{target}' (FORMAT parquet)
        """)
        data = training(target)[0].interactions
    found["online_retail_ii"] = {}
    for name, (eta, lift) in SETTINGS.items():
        # The main one in full; the others tell whether its order holds.
        part = 1 if name == "main" else 2
        one = simulation.run(
            data, visits=chosen.visits // part, seeds=chosen.seeds, eta=eta, lift=lift
        )
        one.pop("made_us")
        found["online_retail_ii"][name] = one
        print(f"{name}\n{as_text(one)}\n", flush=True)
        if chosen.save:
            RESULT.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    return 0


def _places(folder: Path) -> dict[str, Any]:
    """Return what the three campaigns of the random policy say of places, in order of time."""
    rows = duckdb.sql(f"""
        SELECT position, click FROM read_parquet('{folder}/random_*.parquet') ORDER BY timestamp
    """).fetchnumpy()
    return examination(
        np.asarray(rows["position"], np.int64), np.asarray(rows["click"], np.float64)
    )


if __name__ == "__main__":
    sys.exit(main())
