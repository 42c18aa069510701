"""Measure the dialogue on the published retail tasks with the command that users run.

    python benchmarks/quality/support_tasks.py --data FOLDER

Runs ``shopkeeper evaluate support --tasks FOLDER/tau2_retail`` in process and writes the printed
object to benchmarks/results/support_tasks.json. What is missing is said and skipped.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from shopkeeper.support.evaluate_tasks import evaluate

RESULTS = Path(__file__).parents[1] / "results"


def main() -> None:
    """Run and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    folder = parser.parse_args().data / "tau2_retail"
    if not folder.exists():
        print(f"skipped: {folder} is not there")
        return
    found = evaluate(folder)
    found["command"] = "shopkeeper evaluate support --tasks tau2_retail --json"
    target = RESULTS / "support_tasks.json"
    target.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    for name, model in found["models"].items():
        print(name, model["metrics"])


if __name__ == "__main__":
    main()
