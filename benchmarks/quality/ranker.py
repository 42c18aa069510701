"""Measure the ranker over the blend on the two shops, everything else frozen.

    python benchmarks/quality/ranker.py --data FOLDER [--only NAME]

Settings and weights are those that validation chose in benchmarks/results/recommend_<name>.json;
the ranker learns on the two periods before the test. Same files, split, full ranking and metric as
recommend.py. Writes benchmarks/results/recommend_ranker_<name>.json.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from recommend import RESULTS, SETS, DataSet, _setup
from shopkeeper.learn import report
from shopkeeper.recommend.models import from_file, fusion, holdout, learn_rank
from shopkeeper.recommend.models.blend import Blend
from shopkeeper.recommend.models.fusion import Study
from shopkeeper.recommend.models.lists import rank, score_lists

SHOPS = ("complete_journey", "online_retail_ii")
METRIC = "ndcg_at_10"
SEED = 7


def frozen(name: str) -> Study:
    """Return the choices of the committed result."""
    found = json.loads((RESULTS / f"recommend_{name}.json").read_text("utf-8"))["chosen"]
    return Study(settings=found["settings"], weights=found["weights"], trend=found["trend"])


def measure(data: DataSet, path: Path) -> dict[str, Any]:
    """Return NDCG@10 of blend and ranked per task, with the paired difference."""
    whole, facts = from_file.training(path)
    cut = _setup(data.words).at_us
    assert cut is not None
    train, target = holdout.cut_at(whole, cut)
    judged = holdout.judge(train, target)
    chosen = frozen(data.name)
    started = time.process_time()
    ranker = learn_rank.learn(chosen, train, seed=SEED)
    spent = time.process_time() - started
    blend = Blend(chosen).fit(train)
    ranked = Blend(chosen, ranker=ranker).fit(train, blend.sources_)
    log = train.interactions
    n_items = len(log.item_ids)
    pairs = np.unique(log.user.astype(np.int64) * n_items + log.item) % n_items
    buyers = np.bincount(pairs, minlength=n_items)
    tasks: dict[str, Any] = {}
    for task in fusion.TASKS:
        values = {}
        for name, model in (("blend", blend), ("ranked", ranked)):
            lists = rank(partial(_scored, model, task), judged.asked, n_items, task)
            told = score_lists(lists, judged, task, buyers, len(log.user_ids))
            values[name] = told["per_subject"][METRIC]
        means, spans = report.summary(values, SEED)
        tasks[task] = {
            METRIC: means,
            "interval_95": spans,
            "difference": report.against(values["ranked"], values["blend"], SEED),
            "users": len(values["blend"]),
            "trees": ranker.has(task),
        }
        print(data.name, task, means, "trees" if ranker.has(task) else "blend", flush=True)
    return {
        "file": facts,
        "protocol": "time split, full ranking, as in recommend.py; choices frozen from its result",
        "tasks": tasks,
        "ranker": ranker.validation_,
        "learn_processor_seconds": round(spent, 1),
    }


def _scored(model: Blend, task: str, asked: Any) -> np.ndarray:
    return model.scores(asked, task)


def main() -> int:
    """Run what is there; exit 0 also when a shop was skipped."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--only", choices=SHOPS)
    given = parser.parse_args()
    for data in SETS:
        if data.name not in SHOPS or given.only not in (None, data.name):
            continue
        with tempfile.TemporaryDirectory() as temporary:
            target = Path(temporary) / f"{data.name}.parquet"
            missing = data.write(given.data, target)
            if missing:
                print(f"{data.name}: skipped, {missing}")
                continue
            found = measure(data, target)
        made_by = f"python benchmarks/quality/ranker.py --data FOLDER --only {data.name}"
        kept = {"made_by": made_by, **found}
        path = RESULTS / f"recommend_ranker_{data.name}.json"
        path.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
