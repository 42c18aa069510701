"""How fast the exact best 20 of a million items are, against what the memory allows.

    python benchmarks/speed/topk.py [--items 1000000] [--rounds 100] [--out FILE]

An exact scan must read every vector once. The floor is the faster of two plain reads of the same
array (integer sum, largest value), measured between the queries so that load on the machine meets
both. Writes benchmarks/results/recommend_topk.json with the ratio and prints it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from shopkeeper.base import clock
from shopkeeper.recommend.vectors import top_items

RESULT = Path(__file__).parents[1] / "results" / "recommend_topk.json"
WIDTH, K, SEED = 64, 20, 7
GOAL = 2.0


def spent(work: Callable[[], Any]) -> float:
    """Return the milliseconds of one call."""
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def percentiles(ms: list[float]) -> dict[str, float]:
    """Return p10, p50, p90, p99 in milliseconds."""
    return {f"p{p}": round(float(np.percentile(ms, p)), 2) for p in (10, 50, 90, 99)}


def measure(n_items: int, rounds: int) -> dict[str, Any]:
    """Alternate floor reads and queries on one array; check every answer against a full sort."""
    rng = np.random.default_rng(SEED)
    vectors = rng.standard_normal((n_items, WIDTH), dtype=np.float32)
    queries = rng.standard_normal((32, WIDTH), dtype=np.float32)
    wide = vectors.view(np.int64).ravel()
    reads: dict[str, list[float]] = {"integer_sum": [], "largest": []}
    parts: dict[str, list[float]] = {"top_20": [], "product_only": []}
    for at in range(rounds):
        query = queries[at % len(queries)]
        reads["integer_sum"].append(spent(lambda: int(wide.sum())))
        parts["top_20"].append(spent(lambda q=query: top_items(vectors, q, K)))  # type: ignore[misc]
        reads["largest"].append(spent(vectors.max))
        parts["product_only"].append(spent(lambda q=query: vectors @ q))  # type: ignore[misc]
    wrong = 0
    for query in queries[:8]:
        scores = vectors @ query
        exact = np.lexsort((np.arange(n_items), -scores))[:K]
        wrong += not np.array_equal(exact, top_items(vectors, query, K)[0])
    floor = min(float(np.median(ms)) for ms in reads.values())
    middle = float(np.median(parts["top_20"]))
    return {
        "items": n_items,
        "width": WIDTH,
        "k": K,
        "megabytes": round(vectors.nbytes / 1e6),
        "floor_ms": {name: percentiles(ms) for name, ms in reads.items()},
        "ms": {name: percentiles(ms) for name, ms in parts.items()},
        "memory_gb_per_second": round(vectors.nbytes / floor / 1e6, 1),
        "times_the_floor": round(middle / floor, 2),
        "goal_times_the_floor": GOAL,
        "met": middle <= GOAL * floor,
        "answers_checked": 8,
        "answers_wrong": wrong,
        "rounds": rounds,
    }


def main() -> None:
    """Parse the words, measure with one thread, write and print."""
    words = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    words.add_argument("--items", type=int, default=1_000_000)
    words.add_argument("--rounds", type=int, default=100)
    words.add_argument("--out", type=Path, default=RESULT)
    given = words.parse_args()
    with threadpool_limits(limits=1):
        found = measure(given.items, given.rounds)
    told = {
        "command": f"python benchmarks/speed/topk.py --items {given.items}",
        "at": clock.iso(clock.now_us()),
        "machine": {
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "load_at_end": round(os.getloadavg()[0], 1),
        },
        **found,
    }
    given.out.write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
