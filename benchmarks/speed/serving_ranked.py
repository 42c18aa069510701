"""The whole request with ranker and rules over HTTP: p99 at 200/s on two cores.

    SHOPKEEPER_HOME=shop python benchmarks/speed/serving_ranked.py [--rate 200] [--save]

Works on a copy of a built shop (``--keep FOLDER`` keeps it, and takes it up again). There the model
is trained once more with trees for everything and for repeats, whether or not they beat the blend:
what is measured is what they cost, not what they are worth. Seven merchandising rules are live:
two boosts, a bury, a filter, a share of the places, variety and a pin. Then as serving.py: two
processes, open loop, a usual mix of placements, decisions on the record, the named peer in the
same run; and processor time per request, which other work on the machine changes little.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from serving import measure

from shopkeeper.base import settings
from shopkeeper.data.shop import open_shop
from shopkeeper.operate import capabilities, merchandising
from shopkeeper.operate.registry import Registry
from shopkeeper.recommend import training
from shopkeeper.recommend.models import learn_rank, ranker
from shopkeeper.recommend.models.ranker import Group, Ranker

RESULT = Path(__file__).parents[1] / "results" / "http_ranked.json"
GOAL = "whole request with ranker and rules p99 below 15 ms at 200 requests/s on two cores"


class Always(Ranker):
    """A ranker whose trees serve whether or not they proved better."""

    def _learn(self, task: str, past: list[Group], last: list[Group], slates: Any = ()) -> None:
        shape, rounds = ranker.SHAPES[1], ranker.ROUNDS[-1]
        rows = np.concatenate([group.rows for group in last])
        label = np.concatenate([group.label for group in last])
        raw = np.asarray(self._trees(past, shape, rounds).predict(rows, raw_score=True))
        self.validation_[task] = {"forced": True, "rounds": rounds, **shape}
        self.trees_[task] = self._trees([*past, *last], shape, rounds)
        self.calibration_[task] = ranker.calibrate(raw, rows[:, self._habits()], label)


def ranked(shop: Any) -> str:
    """Train the shop's model with trees that serve in any case; return the live version."""
    registry = Registry(shop.settings.models_path)
    kept = learn_rank.Ranker, training._holds, learn_rank.ENOUGH_GROUPS, ranker.ENOUGH_GROUPS
    learn_rank.Ranker, training._holds = Always, lambda models: True  # type: ignore[misc]
    learn_rank.ENOUGH_GROUPS = ranker.ENOUGH_GROUPS = 30
    try:
        trained = training.train(shop.warehouse, shop.settings)
    finally:
        learn_rank.Ranker, training._holds = kept[:2]  # type: ignore[misc]
        learn_rank.ENOUGH_GROUPS, ranker.ENOUGH_GROUPS = kept[2:]
    trees: Ranker = trained.model.ranker_
    if not (trees.has("all") and trees.has("repeat")):
        raise SystemExit("The shop has too few customers for a ranker; build a larger demo.")
    version = registry.register(capabilities.get("recommend").name, trained)
    registry.promote("recommend", version)
    return version


def rules(shop: Any) -> list[str]:
    """Put seven rules live over the shop's largest categories and brands; return their ids."""
    found = shop.warehouse.sql(
        "SELECT category, brand FROM items WHERE category IS NOT NULL AND in_catalogue"
    )
    (shelf, often), (brand, made) = (
        np.unique(found[name].drop_null().to_pylist(), return_counts=True)
        for name in found.column_names
    )
    shelves = [str(one) for one in shelf[np.argsort(-often, kind="stable")[:5]]]
    brands = [str(one) for one in brand[np.argsort(-made, kind="stable")[:2]]]
    best = shop.warehouse.sql(
        "SELECT item_id FROM order_lines GROUP BY item_id ORDER BY count(*) DESC, item_id LIMIT 40"
    )["item_id"].to_pylist()
    wanted: dict[str, dict[str, Any]] = {
        "boost-shelf": {"action": "boost", "factor": 1.4, "items": {"category": shelves[0]}},
        "boost-brand": {"action": "boost", "factor": 1.2, "items": {"brand": brands[-1]}},
        "bury-shelf": {"action": "bury", "factor": 0.6, "items": {"category": shelves[1]}},
        "filter-shelf": {"action": "filter", "items": {"category": shelves[2]}},
        "share-shelf": {"action": "share", "share": 0.2, "items": {"category": shelves[3]}},
        "variety": {"action": "diversify", "strength": 0.3, "items": {}},
        "pin": {"action": "pin", "position": 2, "items": {"item_ids": [best[-1]]}},
    }
    for name, body in wanted.items():
        merchandising.save(shop, name, "live", body, operator="benchmark")
    return list(wanted)


def prepared(home: Path) -> dict[str, Any]:
    """Give a copy of the shop a ranked champion and live rules, once."""
    told = home / "ranked.json"
    if not told.exists():
        with open_shop(settings.load(home)) as shop:
            shop.warehouse.refresh()
            found = {"model": ranked(shop), "rules": rules(shop)}
        told.write_text(json.dumps(found), "utf-8")
    kept: dict[str, Any] = json.loads(told.read_text("utf-8"))
    return kept


def main() -> None:
    """Copy, prepare, measure and print."""
    words = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    words.add_argument("--rate", type=float, default=200)
    words.add_argument("--seconds", type=float, default=20)
    words.add_argument("--keep", type=Path, help="where the copy lies, and stays")
    words.add_argument("--save", action="store_true", help=f"write {RESULT.name}")
    given = words.parse_args()
    source = Path(os.environ.get("SHOPKEEPER_HOME", "shop"))
    with tempfile.TemporaryDirectory() as temporary:
        home = given.keep or Path(temporary) / "shop"
        if not home.exists():
            shutil.copytree(source, home)
        made = prepared(home)
        result = measure(str(home), given.rate, given.seconds)
    command = "SHOPKEEPER_HOME=… python benchmarks/speed/serving_ranked.py"
    result |= {"benchmark": "http_ranked", "goal": GOAL, "rules": made["rules"]}
    result["command"] = f"{command} --rate {given.rate:g} --seconds {given.seconds:g}"
    if given.save:
        RESULT.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", "utf-8")
    for name, one in result["latency"].items():
        spent = one.get("processor_ms_per_request", "-")
        print(
            f"{name:<20}p50 {one['p50_ms']:.2f} ms, p99 {one['p99_ms']:.2f} ms, "
            f"processor {spent} ms a request, {one['statuses']}"
        )
    load = result["load_average_after"]
    print(f"model {result['model']}, {len(made['rules'])} rules, load average {load}")


if __name__ == "__main__":
    main()
