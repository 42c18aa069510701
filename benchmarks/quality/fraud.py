"""Fraud on simulated card payments: the development folds, or the published week once at the end.

    python benchmarks/quality/fraud.py --data FOLDER [--part development|chapter3]
        [--models logistic,strange,trees] --save
    python benchmarks/quality/fraud.py --models trees,sequence --save

Reads handbook_sim/transactions.parquet (amounts in cents). Features, settings and the champion
were chosen on the development folds; chapter3 is the Handbook's test week, 2018-08-08 to 14.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from shopkeeper.data.importers.interactions import parse_moment
from shopkeeper.data.importers.payments_file import NEVER_US, PaymentRows
from shopkeeper.fraud import evaluate
from shopkeeper.fraud.models.candidates import DEEP, FITTERS

RESULTS = Path(__file__).parents[1] / "results"
PARTS = {"development": ("2018-06-27", 4), "chapter3": ("2018-07-25", 1)}
PUBLISHED = {
    "chapter3": {
        "random forest": {"auc_roc": 0.867, "average_precision": 0.658, "cp_100": 0.287},
        "logistic regression": {"auc_roc": 0.871, "average_precision": 0.606, "cp_100": 0.291},
        "xgboost": {"auc_roc": 0.862, "average_precision": 0.639, "cp_100": 0.273},
    }
}


def read(path: Path) -> PaymentRows:
    """Return the payments of the file, in order of time."""
    table = pq.read_table(path)
    at = table["TX_DATETIME"].cast("timestamp[us]").to_numpy().astype(np.int64)
    order = np.argsort(at, kind="stable")
    column = {
        name: table[name].to_numpy()[order].astype(np.int64) for name in table.column_names[2:]
    }
    return PaymentRows(
        at_us=at[order],
        amount_minor=column["TX_AMOUNT_CENTS"],
        fraud=column["TX_FRAUD"],
        label_us=np.full(len(at), NEVER_US),
        codes={"customer": column["CUSTOMER_ID"], "terminal": column["TERMINAL_ID"]},
        facts={},
        columns=("timestamp", "customer_id", "terminal_id", "amount", "is_fraud"),
        duplicates=0,
        sha256="",
    )


def main() -> None:
    """Measure, print, and save when asked."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--data", type=Path, default=Path("../shared/data"))
    words.add_argument("--part", choices=sorted(PARTS), default="development")
    words.add_argument("--models", default=",".join(FITTERS), help="measure these only")
    words.add_argument("--save", action="store_true", help="write benchmarks/results")
    given = words.parse_args()
    path = given.data / "handbook_sim" / "transactions.parquet"
    if not path.exists():
        print(f"{path} is missing; skipped.")
        return
    start, folds = PARTS[given.part]
    among = tuple(given.models.split(","))
    if unknown := set(among) - {*FITTERS, *DEEP}:
        known = ", ".join([*FITTERS, *DEEP])
        raise SystemExit(f"--models: {', '.join(sorted(unknown))} is none of {known}")
    setup = evaluate.Setup(start_us=parse_moment(start), folds=folds, among=among)
    printed = evaluate.evaluate(
        read(path), setup, {"file": "handbook_sim"}, tell=lambda text: print(text, file=sys.stderr)
    )
    printed["command"] = f"python benchmarks/quality/fraud.py --part {given.part} "
    printed["command"] += f"--models {given.models} --save"
    printed["machine"] = {"cores": os.cpu_count(), "load_average": round(os.getloadavg()[0], 2)}
    printed["published"] = PUBLISHED.get(given.part, {})
    if given.save:
        network = "".join(f"_{name}" for name in among if name in DEEP)
        target = RESULTS / f"fraud_{given.part}{network}.json"
        target.write_text(json.dumps(printed, indent=1, ensure_ascii=False) + "\n", "utf-8")
    for name, one in printed["models"].items():
        print(f"{name:<16}", {k: round(v, 4) for k, v in one["metrics"].items()})
    print("champion", printed["champion"])


if __name__ == "__main__":
    main()
