"""Measure item-to-item filters on Gowalla's check-ins, LightGCN's split, recall@20.

    python benchmarks/quality/gowalla.py --data FOLDER [--users N]

Settings of the graph filter are chosen on the shared validation part, one at a time from a fixed
start, with the training part alone, and after them how much ALS is added to it; then every model
is fitted on both (the published training part) and judged once on the published test part, every
item ranked, what was met before left out. No order is known, so models of order stand aside; so
does the filter's second term, which costs minutes here and at the chosen powers won nothing on
validation while this was written.
Writes benchmarks/results/gowalla.json.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from shopkeeper.learn import metrics, report
from shopkeeper.recommend.models import holdout, shelf
from shopkeeper.recommend.models.fusion import Judged, scaled
from shopkeeper.recommend.models.histories import Histories
from shopkeeper.recommend.models.lists import DEPTH, rank
from shopkeeper.recommend.models.source import Source
from shopkeeper.recommend.schema import Interactions, Training

RESULT = Path(__file__).parents[1] / "results" / "gowalla.json"
USERS, ITEMS, SEED = 29_858, 40_981, 7
PUBLISHED = {
    "LightGCN (He et al., 2020)": 0.1830,
    "LightGCN-PyTorch": 0.1824,
    "GF-CF (Shen et al., 2021)": 0.1849,
}
# GF-CF's own numbers: where the search starts, and a row of the table.
GF_CF = {"user_power": 1.0, "from_power": 0.5, "to_power": 0.5, "neighbours": 400}
SEARCH: tuple[tuple[str, tuple[float, ...]], ...] = (
    ("neighbours", (2_000,)),
    ("to_power", (0.3, 0.2, 0.4)),
    ("from_power", (0.6, 0.7, 0.8)),
    ("user_power", (0.8, 0.6, 0.5)),
)
WEIGHTS = (0.05, 0.1, 0.2, 0.4)  # of ALS beside the filter, 0 without


class Sum:
    """The blend's formula for two sources: each scaled to the user's best, the second weighed."""

    def __init__(self, first: Source, second: Source, weight: float) -> None:
        self.first, self.second, self.weight = first, second, np.float32(weight)

    def scores(self, asked: Histories) -> np.ndarray:
        """Return (n_subjects, n_items)."""
        first, second = self.first.scores(asked), self.second.scores(asked)
        summed: np.ndarray = first / scaled(first) + self.weight * (second / scaled(second))
        return summed


def read(folder: Path, *names: str) -> tuple[np.ndarray, np.ndarray]:
    """Return (user, item) of the files' lines, ``user item item …``."""
    user: list[int] = []
    item: list[int] = []
    for name in names:
        for line in (folder / f"{name}.txt").read_text("ascii").splitlines():
            who, *which = map(int, line.split())
            user += [who] * len(which)
            item += which
    return np.array(user, dtype=np.int32), np.array(item, dtype=np.int32)


def training(user: np.ndarray, item: np.ndarray) -> Training:
    """Return the pairs as purchases of one moment."""
    nothing = np.zeros(len(user), dtype=np.int64)
    log = Interactions(
        user=user,
        item=item,
        at_us=nothing,
        kind=nothing.astype(np.int8),
        quantity=np.ones(len(user)),
        basket=nothing,
        user_ids=[str(n) for n in range(USERS)],
        item_ids=[str(n) for n in range(ITEMS)],
    )
    return Training(interactions=log, as_of_us=1)


def worth(source: Source | Sum, judged: Judged) -> dict[str, np.ndarray]:
    """Return recall@20 and NDCG@20 of each judged user."""
    lists = rank(source.scores, judged.asked, ITEMS, "discovery")
    counts = np.diff(judged.target_start)
    hits = np.zeros((len(lists), DEPTH), dtype=bool)
    for row, line in enumerate(lists):
        mine = judged.target_item[judged.target_start[row] : judged.target_start[row + 1]]
        hits[row] = np.isin(line, mine)
    return {
        "recall_at_20": metrics.recall_at(hits, counts, 20),
        "ndcg_at_20": metrics.ndcg_at(hits, counts, 20),
    }


def choose(folder: Path, users: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the best settings on the validation part, and all that was tried there."""
    train = training(*read(folder, "train"))
    judged = _judged(train, read(folder, "valid"), users)
    tried: list[dict[str, Any]] = []

    def value(settings: dict[str, Any]) -> float:
        source = shelf.make("graph_filter", settings).fit(train)
        found = float(worth(source, judged)["recall_at_20"].mean())
        tried.append({**settings, "recall_at_20": round(found, 5)})
        print(f"  valid {found:.4f}  {settings}", flush=True)
        return found

    best = dict(GF_CF)
    top = value(best)
    for name, values in SEARCH:
        start = best
        for setting in values:
            now = {**start, name: setting}
            if now in [{k: t[k] for k in now} for t in tried]:
                continue
            found = value(now)
            if found > top:
                best, top = now, found
    return best, tried


def weigh(folder: Path, users: int, settings: dict[str, Any]) -> dict[str, float]:
    """Return weight of ALS -> recall@20 on the validation part, weight 0 included."""
    train = training(*read(folder, "train"))
    judged = _judged(train, read(folder, "valid"), users)
    first, second = (
        shelf.make("graph_filter", settings).fit(train),
        shelf.make("als", {}).fit(train),
    )
    found = {"0": float(worth(first, judged)["recall_at_20"].mean())}
    for weight in WEIGHTS:
        both = Sum(first, second, weight)
        found[str(weight)] = float(worth(both, judged)["recall_at_20"].mean())
    for name, value in found.items():
        print(f"  valid {value:.4f}  ALS weighs {name}", flush=True)
    return {name: round(value, 5) for name, value in found.items()}


def _judged(train: Training, target: tuple[np.ndarray, np.ndarray], limit: int | None) -> Judged:
    return holdout.judge(
        train, holdout.Target(user=target[0], item=target[1]), limit=limit, seed=SEED
    )


def main() -> int:
    """Run if the data are there; exit 0 also when skipped."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--users", type=int, default=1500, help="validation users of the search")
    chosen = parser.parse_args()
    folder = chosen.data / "gowalla_lightgcn"
    if not folder.exists():
        print(f"gowalla: skipped, {folder} is not there")
        return 0
    best, tried = choose(folder, chosen.users)
    weights = weigh(folder, chosen.users, best)
    weight = float(max(weights, key=weights.__getitem__))
    train, test = training(*read(folder, "train", "valid")), read(folder, "test")
    judged = _judged(train, test, None)
    # A test item that training never saw cannot be found; it counts among a user's targets.
    unseen = len(test[0]) - len(judged.target_item)
    fits: dict[str, Callable[[], Source | Sum]] = {
        "item-knn": lambda: shelf.make("item-knn", {}).fit(train),
        "als": lambda: shelf.make("als", {}).fit(train),
        "graph filter at GF-CF's powers": lambda: shelf.make("graph_filter", GF_CF).fit(train),
        "graph filter": lambda: shelf.make("graph_filter", best).fit(train),
    }
    if weight:
        fits["graph filter + als"] = lambda: Sum(
            shelf.make("graph_filter", best).fit(train), shelf.make("als", {}).fit(train), weight
        )
    rows: dict[str, Any] = {}
    values: dict[str, np.ndarray] = {}
    for name, fit in fits.items():
        rows[name], values[name] = _row(fit, judged)
        if name != "item-knn":
            rows[name]["against_baseline"] = report.against(values[name], values["item-knn"], SEED)
        kept = {
            "made_by": "python benchmarks/quality/gowalla.py --data FOLDER",
            "protocol": "LightGCN's split: fitted on train + valid, judged on test, seen items "
            "left out, recall over all targets; settings chosen on valid with train alone",
            "data": {"train_rows": len(train.interactions.user), "test_rows": len(test[0])},
            "unseen_test_rows": unseen,
            "published_recall_at_20": PUBLISHED,
            "baseline": "item-knn",
            "chosen": {**best, "weight_of_als": weight},
            "tried_weights_of_als": weights,
            "tried": tried,
            "models": rows,
        }
        RESULT.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
    for name, row in rows.items():
        low, high = row["interval_95"]["recall_at_20"]
        found = row["metrics"]
        print(
            f"{name:45} recall@20 {found['recall_at_20']:.4f} ({low:.4f} - {high:.4f})  "
            f"ndcg@20 {found['ndcg_at_20']:.4f}  fit {row['fit_cpu_seconds']:.0f} s"
        )
    return 0


def _row(fit: Callable[[], Source | Sum], judged: Judged) -> tuple[dict[str, Any], np.ndarray]:
    started = time.process_time()
    with report.measured() as cost:
        source = fit()
    spent = time.process_time() - started
    values = worth(source, judged)
    means, intervals = report.summary(values, SEED)
    row = {
        "metrics": means,
        "interval_95": intervals,
        "fit_cpu_seconds": round(spent, 1),
        "peak_memory_mb": round(cost.peak_memory_mb),
        "users": judged.asked.n_subjects,
    }
    return row, values["recall_at_20"]


if __name__ == "__main__":
    sys.exit(main())
