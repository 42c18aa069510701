"""Measure the content map and two towers on products that training never saw.

    python benchmarks/quality/content.py --data FOLDER [--only NAME]

Amazon Office Products and Industrial and Scientific (folder amazon_office_industrial_text): one
sequence per customer, the last item the target. A fifth of the items, drawn by seed, is taken out
of every history: they are the new shelf. Judged are the customers whose last item stands on it:
all of the shelf is ranked, by what they took of the other items. Settings come from another fifth,
taken out in the same way before. Results: benchmarks/results/content_<name>.json. These files have
no prices and no categories, so those two features are not measured. What is missing is said
and skipped; the two towers need PyTorch. ``content`` is what is served: the map beside wording;
``map`` is the map alone; ``towers+content`` half of each.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from shopkeeper.language.embedder import sentence_embedder
from shopkeeper.learn import metrics, report
from shopkeeper.recommend.models import histories, holdout
from shopkeeper.recommend.models.content import Content
from shopkeeper.recommend.models.entries import Entries, of_training
from shopkeeper.recommend.models.histories import Histories
from shopkeeper.recommend.models.text import Text
from shopkeeper.recommend.models.towers import Towers
from shopkeeper.recommend.schema import Interactions, Training

RESULTS = Path(__file__).parents[1] / "results"
NAMES = {"office": "Office_Products", "industrial": "Industrial_and_Scientific"}
NEW_SHARE, SEED, K = 0.2, 7, 10
GRID: list[dict[str, Any]] = [
    {"dimensions": d, "penalty": p, "share": s}
    for d in (64, 128)
    for p in (0.3, 1.0, 3.0)
    for s in (0.3, 0.5, 0.7, 1.0)
]
TOWER_GRID: list[dict[str, Any]] = [
    {"epochs": epochs, "temperature": temperature}
    for epochs in (10, 20)
    for temperature in (0.1, 0.15, 0.2)
]


def read(folder: Path, name: str) -> tuple[Training, np.ndarray]:
    """Return all but each customer's last item as Training, and those last items."""
    items, rows = (_lines(folder / f"{name}.{part}.jsonl.gz") for part in ("items", "test"))
    number = {int(item["item_id"]): at for at, item in enumerate(items)}
    longest: dict[str, tuple[list[int], int]] = {}
    for row in rows:
        if len(row["history"]) > len(longest.get(row["user_id"], ([], 0))[0]):
            longest[row["user_id"]] = row["history"], row["target"]
    user_ids = sorted(longest)
    lengths = [len(longest[user][0]) for user in user_ids]
    user = np.repeat(np.arange(len(user_ids)), lengths).astype(np.int32)
    at = np.concatenate([np.arange(n) for n in lengths]).astype(np.int64)
    item = np.array([number[i] for u in user_ids for i in longest[u][0]], dtype=np.int32)
    log = Interactions(
        user=user,
        item=item,
        at_us=at,
        kind=np.zeros(len(user), dtype=np.int8),
        quantity=np.ones(len(user)),
        basket=np.arange(len(user)),
        user_ids=user_ids,
        item_ids=[str(item["item_id"]) for item in items],
    )
    said = ("title", "brand", "categories", "description")
    data = Training(
        interactions=log,
        as_of_us=int(at.max()) + 1,
        item_text=[" ".join(str(entry.get(k) or "") for k in said)[:2000] for entry in items],
        item_category=[_path(entry.get("categories")) for entry in items],
        item_brand=[str(entry.get("brand") or "") for entry in items],
    )
    return data, np.array([number[longest[u][1]] for u in user_ids])


def _lines(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def _path(said: Any) -> str:
    return said if isinstance(said, str) else " > ".join(map(str, said or []))


def without(data: Training, new: np.ndarray) -> Training:
    """Return the data with the new items taken out of every history."""
    rows = ~new[data.interactions.item]
    return replace(data, interactions=holdout.take(data.interactions, rows))


def shelf_of(scores: np.ndarray, new: np.ndarray, target: np.ndarray) -> dict[str, np.ndarray]:
    """Return NDCG and recall at 10 per customer among the new items; ties count as half-way."""
    shelf = scores[:, new]
    mine = scores[np.arange(len(target)), target][:, None]
    rank = (shelf > mine).sum(1) + ((shelf == mine).sum(1) - 1) / 2
    place = np.floor(rank).astype(int)
    hits = np.zeros((len(target), K), dtype=bool)
    inside = place < K
    hits[inside, place[inside]] = True
    one = np.ones(len(target), dtype=int)
    found = {"ndcg_at_10": metrics.ndcg_at(hits, one, K)}
    return {**found, "recall_at_10": metrics.recall_at(hits, one, K)}


def asked_of(data: Training, subjects: np.ndarray) -> Histories:
    return holdout.pick(histories.group(data.interactions, data.as_of_us), subjects)


def judged_of(data: Training, last: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Return the customers whose last item is new and who took something else before."""
    known = np.bincount(data.interactions.user, minlength=len(last)) > 0
    return np.flatnonzero(new[last] & known)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A shop without its new shelf: what may teach, who is judged, and what they took of it."""

    data: Training
    shelf: np.ndarray  # (n_items,) bool
    asked: Histories
    wanted: np.ndarray

    def value(self, scores: np.ndarray) -> float:
        """Return mean NDCG@10 among the shelf."""
        return float(shelf_of(scores, self.shelf, self.wanted)["ndcg_at_10"].mean())


def cuts(data: Training, last: np.ndarray) -> tuple[Cut, Cut]:
    """Return the cut that chooses and the cut that judges; they hide different fifths."""
    n_items = len(data.interactions.item_ids)
    drawn = np.random.default_rng(SEED).permutation(n_items)
    size = int(NEW_SHARE * n_items)
    new, tune = np.zeros(n_items, dtype=bool), np.zeros(n_items, dtype=bool)
    new[drawn[:size]], tune[drawn[size : 2 * size]] = True, True
    past = without(data, new)
    # Validation: each customer's last known item, where that is one of the tuned fifth.
    inner, target = holdout.last_out(past)
    before = np.full(len(last), -1)
    before[target.user] = target.item
    inner = without(inner, tune)
    made = []
    for some, final, shelf in ((inner, before, tune), (past, last, new)):
        subjects = judged_of(some, final, np.append(shelf, False))
        asked = asked_of(some, subjects)
        made.append(Cut(data=some, shelf=shelf, asked=asked, wanted=final[subjects]))
    return made[0], made[1]


def tried(cut: Cut, entries: Entries) -> list[dict[str, Any]]:
    """Return NDCG@10 of every setting of the map on the cut that chooses."""
    found = []
    for settings in GRID:
        scores = Content(entries=entries, **settings).fit(cut.data).scores(cut.asked)
        found.append({**settings, "ndcg_at_10": round(cut.value(scores), 5)})
    return found


def towered(cut: Cut, entries: Entries, features: np.ndarray) -> list[dict[str, Any]]:
    """Return NDCG@10 of every setting of the two towers on the cut that chooses."""
    found = []
    for settings in TOWER_GRID:
        made = Towers(entries=entries, **settings).fit(cut.data, features)
        found.append({**settings, "ndcg_at_10": round(cut.value(made.scores(cut.asked)), 5)})
    return found


def both(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the mean of two models, each as a part of the customer's own best."""
    parts = [s / np.maximum(s.max(axis=1, keepdims=True), 1e-9) for s in (a, b)]
    mean: np.ndarray = (parts[0] + parts[1]) / 2
    return mean


def scored(
    cut: Cut, chosen: dict[str, dict[str, Any]], entries: Entries, features: np.ndarray
) -> dict[str, np.ndarray]:
    """Return every model's scores of the judged customers on a cut, by chosen settings."""
    found = {"text": Text().fit(cut.data).scores(cut.asked)}
    for name in ("map", "content"):
        settings = {key: chosen[name][key] for key in GRID[0]}
        found[name] = Content(entries=entries, **settings).fit(cut.data).scores(cut.asked)
    if "towers" in chosen:
        settings = {key: v for key, v in chosen["towers"].items() if key != "ndcg_at_10"}
        made = Towers(entries=entries, **settings).fit(cut.data, features)
        found["towers"] = made.scores(cut.asked)
        found["towers+content"] = both(found["towers"], found["content"])
    return found


def measure(data: Training, last: np.ndarray) -> dict[str, Any]:
    """Choose on one fifth of the items, judge on another."""
    choose, judge = cuts(data, last)
    entries = Entries().fit(choose.data)
    features, _ = entries.describe(of_training(data))
    values = tried(choose, entries)
    chosen = {
        "map": max((t for t in values if t["share"] == 1.0), key=lambda t: t["ndcg_at_10"]),
        "content": max(values, key=lambda t: t["ndcg_at_10"]),
    }
    if importlib.util.find_spec("torch"):
        tried_towers = towered(choose, entries, features)
        chosen["towers"] = max(tried_towers, key=lambda t: t["ndcg_at_10"])
    else:
        print("two towers: skipped, torch is not installed (pip install 'shopkeeper[deep]')")
    of_choice = scored(choose, chosen, entries, features)
    validation = {name: choose.value(scores) for name, scores in of_choice.items()}
    scores = scored(judge, chosen, entries, features)
    found = {name: shelf_of(s, judge.shelf, judge.wanted) for name, s in scores.items()}
    models: dict[str, Any] = {}
    for name, each in found.items():
        means, intervals = report.summary(each, SEED)
        models[name] = {
            "metrics": means,
            "interval_95": intervals,
            "validation_ndcg_at_10": round(validation[name], 5),
        }
        if name != "text":
            models[name]["against_baseline"] = report.against(
                each["ndcg_at_10"], found["text"]["ndcg_at_10"], SEED
            )
    size = int(judge.shelf.sum())
    return {
        "data": {
            "items": len(judge.shelf),
            "new_items": size,
            "rows": len(judge.data.interactions.user),
            "judged": len(judge.wanted),
            "validated": len(choose.wanted),
        },
        "protocol": {"new_share": NEW_SHARE, "ranked": "the new items", "seed": SEED},
        "encoder": sentence_embedder().name,
        "chance_recall_at_10": round(K / size, 5),
        "models": models,
        "champion": max(validation, key=validation.__getitem__),
        "baseline": "text",
        "chosen": chosen,
    }


def main() -> int:
    """Run what is there; exit 0 also when skipped."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--only", choices=sorted(NAMES))
    chosen = parser.parse_args()
    folder = chosen.data / "amazon_office_industrial_text"
    for short, name in NAMES.items():
        if chosen.only not in (None, short):
            continue
        if not (folder / f"{name}.test.jsonl.gz").exists():
            print(f"{short}: skipped, {folder} is not there")
            continue
        printed = measure(*read(folder, name))
        made_by = f"python benchmarks/quality/content.py --data FOLDER --only {short}"
        path = RESULTS / f"content_{short}.json"
        path.write_text(json.dumps({"made_by": made_by, **printed}, indent=1) + "\n", "utf-8")
        print(short, json.dumps(printed["models"], indent=1), printed["chosen"], flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
