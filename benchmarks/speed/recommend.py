"""How fast recommendations are in process: exact top-20, decide(), event to effect, rebuild.

    python benchmarks/speed/recommend.py --home shop [--rounds 500] [--out FILE]

``--home`` is a shop folder with data, such as the demo shop; it is copied first, since the
benchmark posts events. Writes benchmarks/results/recommend_speed.json and prints it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
from threadpoolctl import threadpool_limits

from shopkeeper.base import clock, ids, log
from shopkeeper.base import settings as settings_file
from shopkeeper.data.events import Event
from shopkeeper.data.shop import open_shop
from shopkeeper.operate.runtime import Runtime
from shopkeeper.recommend.rebuild import rebuild
from shopkeeper.recommend.schema import PLACEMENTS
from shopkeeper.recommend.vectors import top_items

RESULT = Path(__file__).parents[1] / "results" / "recommend_speed.json"
N_ITEMS, WIDTH, K = 100_000, 64, 20


def percentiles(seconds: list[float]) -> dict[str, float]:
    """Return p50, p95, p99 and the worst, in milliseconds."""
    ms = np.array(seconds) * 1000
    told = {f"p{p}": round(float(np.percentile(ms, p)), 3) for p in (50, 95, 99)}
    return {**told, "max": round(float(ms.max()), 3)}


def timed(work: Callable[[int], Any], rounds: int, warm: int = 20) -> list[float]:
    """Return the seconds of each round, after some that do not count."""
    for at in range(warm):
        work(at)
    seconds = []
    for at in range(rounds):
        started = time.perf_counter()
        work(at)
        seconds.append(time.perf_counter() - started)
    return seconds


def exact_top(rounds: int) -> dict[str, Any]:
    """Measure exact top-20 of 100,000 items at d = 64, and the memory floor in the same run."""
    rng = np.random.default_rng(7)
    vectors = rng.standard_normal((N_ITEMS, WIDTH), dtype=np.float32)
    queries = rng.standard_normal((64, WIDTH), dtype=np.float32)
    top = timed(lambda at: top_items(vectors, queries[at % 64], K), rounds)
    # Reading every byte of the vectors once, by a sum, is the least that any exact scan must do.
    wide = vectors.view(np.int64).ravel()
    floor = timed(lambda at: int(wide.sum()), rounds)
    size = vectors.nbytes
    best = float(np.median(floor))
    return {
        "items": N_ITEMS,
        "width": WIDTH,
        "k": K,
        "ms": percentiles(top),
        "memory_floor_ms": percentiles(floor),
        "memory_gb_per_second": round(size / best / 1e9, 1),
    }


def decide(runtime: Runtime, warehouse: Any, rounds: int) -> dict[str, Any]:
    """Measure the whole of decide() per placement, recording included."""
    lines = warehouse.table("order_lines")
    rng = np.random.default_rng(7)
    places = rng.integers(0, lines.num_rows, 256)
    some = lines.take(places).select(["customer_id", "item_id"]).to_pylist()
    told = {}
    for placement in PLACEMENTS:

        def ask(at: int, placement: str = placement) -> None:
            row = some[at % len(some)]
            raw: dict[str, Any] = {"placement": placement, "customer_id": row["customer_id"]}
            if placement in ("product", "bought_together", "cart"):
                raw["items"] = [row["item_id"]]
            runtime.decide("recommend", raw)

        before = dict(runtime.counts)
        told[placement] = percentiles(timed(ask, rounds))
        made = runtime.counts["decisions"] - before["decisions"]
        told[placement]["fallbacks"] = runtime.counts["fallbacks"] - before["fallbacks"]
        told[placement]["decisions"] = made
    return told


def event_to_effect(runtime: Runtime, shop: Any, rounds: int) -> dict[str, Any]:
    """Measure from posting a click, durable commit included, to an answer that differs."""
    lines = shop.warehouse.table("order_lines")
    counts = lines.group_by("item_id").aggregate([("line", "count")])
    order = pc.sort_indices(counts["line_count"], sort_keys=[("", "descending")])
    popular = counts["item_id"].take(order[:200]).to_pylist()
    seconds, changed, asked = [], 0, []
    for at in range(rounds):
        raw = {"placement": "home", "session_id": f"bench-{at}"}
        before = _ids(runtime.decide("recommend", raw))
        event = Event(
            event_id=ids.new_id("bench"),
            kind="view_item",
            occurred_at=clock.now(),
            session_id=raw["session_id"],
            item_id=popular[at % len(popular)],
        )
        started = time.perf_counter()
        shop.record(event).result()
        durable = time.perf_counter()
        after = _ids(runtime.decide("recommend", raw))
        ended = time.perf_counter()
        seconds.append(ended - started)
        asked.append(durable - started)
        changed += after != before
    return {
        "ms": percentiles(seconds),
        "of_which_durable_commit_ms": percentiles(asked),
        "changed": changed,
        "rounds": rounds,
    }


def _ids(decision: Any) -> list[str]:
    return [item["item_id"] for item in decision.value["items"]]


def measure(home: Path, rounds: int) -> dict[str, Any]:
    """Run all parts on a copy of a shop folder."""
    with tempfile.TemporaryDirectory(dir=home.parent) as scratch:
        copy = Path(scratch) / "shop"
        shutil.copytree(home, copy)
        with open_shop(settings_file.load(copy)) as shop:
            shop.warehouse.table("interactions")
            started = time.perf_counter()
            state = rebuild(shop.warehouse)
            first = time.perf_counter() - started
            again = timed(lambda at: rebuild(shop.warehouse), 3, warm=0)
            runtime = Runtime(shop).start()
            shape = {
                "interactions": shop.warehouse.table("interactions").num_rows,
                "items": len(state.catalogue),
                "customers": len(state.customers.index),
                "model": runtime.healthy()["capabilities"]["recommend"]["model"],
            }
            del state
            with threadpool_limits(limits=1):
                told = {
                    "shop": shape,
                    "rebuild_seconds": {
                        "first": round(first, 2),
                        "median": round(float(np.median(again)), 2),
                    },
                    "decide_ms": decide(runtime, shop.warehouse, rounds),
                    "event_to_effect": event_to_effect(runtime, shop, min(rounds, 200)),
                }
            runtime.close()
    return told


def main() -> None:
    """Parse the words, measure, write and print."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--home", type=Path, required=True)
    words.add_argument("--rounds", type=int, default=500)
    words.add_argument("--out", type=Path, default=RESULT)
    given = words.parse_args()
    log.configure("error")
    # One thread: a second one that waits for a busy core costs a whole time slice.
    with threadpool_limits(limits=1):
        nearest = exact_top(given.rounds)
    told = {
        "command": "python benchmarks/speed/recommend.py --home shop",
        "machine": {
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "load_at_start": round(os.getloadavg()[0], 1),
        },
        "exact_top_20": nearest,
        **measure(given.home, given.rounds),
    }
    given.out.write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
