"""Measure the transformer on two published protocols of next items, beside models without torch.

    python benchmarks/quality/sequence.py --data FOLDER [--only ml1m|beauty] [--runs FOLDER]

MovieLens-1M as gSASRec cut it: its exact 512 validation users, trained on its training lines.
Beauty (2014, five-core): every user's last item, trained on the rest. Every item is ranked, what
was met before left out. Epochs and settings are judged by the last training item of a thousand
users, which then teaches nothing; the judged items are never read before the end. ``--runs`` keeps
checkpoints and TensorBoard curves, and goes on from them. Results: results/sequence_*.json.
Needs the extra ``deep``; what is missing is said and skipped.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from shopkeeper.base.clock import DAY_US
from shopkeeper.learn import report
from shopkeeper.recommend.models import holdout, shelf
from shopkeeper.recommend.models.fusion import Judged
from shopkeeper.recommend.models.lists import rank, score_lists
from shopkeeper.recommend.models.source import Source
from shopkeeper.recommend.schema import Interactions, Training

RESULTS = Path(__file__).parents[1] / "results"
SEED = 7
TRANSFORMER: dict[str, dict[str, Any]] = {
    "ml1m": {"length": 200, "batch": 2560, "epochs": 40, "patience": 10, "half": True},
    "beauty": {"length": 50, "batch": 640, "dropout": 0.5, "epochs": 30, "patience": 6},
}
# Settings of the others, as the first comparison froze them (ML-1M) or its validation chose.
OTHERS: dict[str, dict[str, tuple[str, dict[str, Any]]]] = {
    "ml1m": {
        "popularity": ("popularity", {"days": 1e6}),
        "item-knn": ("item-knn", {"fade": 0.95}),
        "ease": ("ease", {"penalty": 500.0, "fade": 0.95, "neighbours": None}),
        "sequential": ("sequential", {"fade": 0.8}),
    },
    "beauty": {
        "popularity": ("popularity", {"days": 1e6}),
        "item-knn": ("item-knn", {"fade": 0.7}),
        "ease": ("ease", {"penalty": 200.0, "fade": 0.7, "max_items": 13_000}),
        "sequential": ("sequential", {"fade": 0.6}),
    },
}
PUBLISHED = {
    "ml1m": {"SASRec": 0.1428, "gSASRec": 0.1974, "protocol": "the same 512 users, same items"},
    "beauty": {"SASRec": 0.0318, "eSASRec": 0.0523, "protocol": "same file; see the mask's note"},
}


def lines(path: Path) -> list[list[int]]:
    """Return each line's numbers."""
    return [list(map(int, line.split())) for line in path.read_text("ascii").splitlines()]


def training(histories: list[list[int]], n_items: int) -> Training:
    """Return histories as purchases a day apart; items count from 1 in the files."""
    user = np.repeat(np.arange(len(histories)), [len(h) for h in histories])
    item = np.array([i - 1 for history in histories for i in history], dtype=np.int32)
    place = np.concatenate([np.arange(len(h)) for h in histories]).astype(np.int64)
    log = Interactions(
        user=user.astype(np.int32),
        item=item,
        at_us=place * DAY_US,
        kind=np.zeros(len(user), dtype=np.int8),
        quantity=np.ones(len(user)),
        basket=place,
        user_ids=[str(n) for n in range(len(histories))],
        item_ids=[str(n + 1) for n in range(n_items)],
    )
    return Training(interactions=log, as_of_us=int(place.max() + 1) * DAY_US)


def ml1m(folder: Path) -> tuple[Training, Judged, dict[str, Any]]:
    """Return what to learn from, and gSASRec's 512 validation users with their next item."""
    source = folder / "ml1m_gsasrec"
    data = training(lines(source / "train_input.txt"), 3416)
    asked, target = lines(source / "val_input.txt"), lines(source / "val_output.txt")
    judged = _judged(asked, [line[0] for line in target], 3416)
    facts = {"train_rows": len(data.interactions.user), "validation_users": len(asked)}
    return data, judged, facts


def beauty(folder: Path) -> tuple[Training, Judged, dict[str, Any]]:
    """Return everything but last items, and all users with their last item."""
    text = (folder / "amazon2014_seq" / "Beauty_user_sequence.txt").read_text("ascii")
    named = [line.split()[1:] for line in text.splitlines()]
    number = {name: n + 1 for n, name in enumerate(sorted({i for line in named for i in line}))}
    users, n_items = [[number[i] for i in line] for line in named], len(number)
    data = training([line[:-1] for line in users], n_items)
    judged = _judged([line[:-1] for line in users], [line[-1] for line in users], n_items)
    return data, judged, {"train_rows": len(data.interactions.user), "test_users": len(users)}


def _judged(asked: list[list[int]], target: list[int], n_items: int) -> Judged:
    past = holdout.histories.group(training(asked, n_items).interactions, 10**15)
    start = np.arange(len(target) + 1, dtype=np.int64)
    return Judged(asked=past, target_start=start, target_item=np.array(target, dtype=np.int64) - 1)


def main() -> int:
    """Run what is there; exit 0 also when something was skipped."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--only", choices=sorted(TRANSFORMER))
    parser.add_argument("--runs", type=Path, help="checkpoints and TensorBoard curves")
    chosen = parser.parse_args()
    if importlib.util.find_spec("torch") is None:
        print("sequence: skipped, the package torch is not installed")
        return 0
    needs = {"ml1m": "ml1m_gsasrec", "beauty": "amazon2014_seq"}
    for name, reader in (("ml1m", ml1m), ("beauty", beauty)):
        if chosen.only not in (None, name):
            continue
        if not (chosen.data / needs[name]).exists():
            print(f"{name}: skipped, {chosen.data / needs[name]} is not there")
            continue
        kept = measure(name, *reader(chosen.data), chosen.runs)
        path = RESULTS / f"sequence_{name}.json"
        path.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
    return 0


def measure(
    name: str, data: Training, judged: Judged, facts: dict[str, Any], runs: Path | None
) -> dict[str, Any]:
    """Return the kept object: every model fitted and judged, the baselines in the same run."""
    settings = dict(TRANSFORMER[name])
    if runs is not None:
        runs.mkdir(exist_ok=True)
        settings |= {"checkpoint": str(runs / f"{name}.run"), "log_folder": str(runs / name)}
    rows: dict[str, Any] = {}
    values: dict[str, np.ndarray] = {}
    for model, (kind, own) in {**OTHERS[name], "transformer": ("transformer", settings)}.items():
        rows[model], values[model] = _row(shelf.make(kind, own), own, data, judged)
        found = rows[model]["metrics"]
        print(f"{name} {model:12} ndcg@10 {found['ndcg_at_10']:.4f}", flush=True)
    for model, row in rows.items():
        if model != "sequential":
            row["against_baseline"] = report.against(values[model], values["sequential"], SEED)
    return {
        "made_by": f"python benchmarks/quality/sequence.py --data FOLDER --only {name}",
        "data": facts,
        "published_ndcg_at_10": PUBLISHED[name],
        "baseline": "sequential",
        "models": rows,
    }


def _row(
    source: Source, settings: dict[str, Any], data: Training, judged: Judged
) -> tuple[dict[str, Any], np.ndarray]:
    started = time.process_time()
    with report.measured() as cost:
        source.fit(data)
    spent = time.process_time() - started
    n_items = len(data.interactions.item_ids)
    started = time.process_time()
    ranked = rank(source.scores, judged.asked, n_items, "discovery")
    each = (time.process_time() - started) / judged.asked.n_subjects * 1000
    buyers = np.bincount(data.interactions.item, minlength=n_items)
    found = score_lists(ranked, judged, "discovery", buyers, len(data.interactions.user_ids))
    means, intervals = report.summary(found["per_subject"], SEED)
    row = {
        "settings": {k: v for k, v in settings.items() if k not in ("checkpoint", "log_folder")},
        "metrics": means,
        "interval_95": intervals,
        "coverage_at_10": round(found["coverage_at_10"], 4),
        "users": found["users"],
        "fit_cpu_seconds": round(spent, 1),
        "rank_cpu_ms_each": round(each, 3),
        "peak_memory_mb": round(cost.peak_memory_mb),
    }
    if source.name == "transformer":
        curves, best = vars(source)["curves_"], vars(source)["best_epoch_"]
        row |= {"best_epoch": best, "curves": {n: _thin(points) for n, points in curves.items()}}
    return row, found["per_subject"]["ndcg_at_10"]


def _thin(points: list[tuple[float, float]]) -> list[list[float]]:
    return [[epoch, round(value, 4)] for epoch, value in points]


if __name__ == "__main__":
    sys.exit(main())
