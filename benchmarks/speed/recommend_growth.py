"""Does training grow with the interactions, or faster? Every source at 1 and 10 times as many.

    python benchmarks/speed/recommend_growth.py [--interactions 40000] [--repeats 2] [--save]

Generated histories (seeded): ten times the customers of one catalogue of 2,000 items, the same
habits. Processor seconds of this process alone, the least of the repeats; exponent = log10 of their
ratio, 1 is linear. Sources of the blend, ALS, the graph filter, and the whole blend with frozen
choices.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from shopkeeper.base.clock import DAY_US
from shopkeeper.recommend.models import shelf, study
from shopkeeper.recommend.models.blend import Blend
from shopkeeper.recommend.models.fusion import Study
from shopkeeper.recommend.schema import Interactions, Training

RESULT = Path(__file__).parents[1] / "results" / "recommend_growth.json"
ITEMS, AISLES, DAYS, EACH = 2_000, 40, 360, 40
WORDS = ("green", "blue", "large", "small", "organic", "fresh", "spiced", "plain", "绿茶", "咖啡")


def shop(interactions: int, seed: int = 7) -> Training:
    """Return customers with three aisles and some favourites each, 40 lines a head, 2.5 a visit."""
    rng = np.random.default_rng(seed)
    users = interactions // EACH
    user = np.repeat(np.arange(users), EACH)
    aisle = rng.integers(0, AISLES, (users, 3))[user, rng.integers(0, 3, len(user))]
    wide = ITEMS // AISLES
    inside = np.minimum((wide * rng.random(len(user)) ** 2.5).astype(int), wide - 1)
    favourite = rng.integers(0, wide, (users, 6))[user, rng.integers(0, 6, len(user))]
    item = aisle * wide + np.where(rng.random(len(user)) < 0.5, favourite, inside)
    visits = np.sort(rng.integers(0, DAYS, (users, EACH * 2 // 5)), axis=1)
    day = visits[user, rng.integers(0, visits.shape[1], len(user))]
    order = np.lexsort((user, day))
    user, item, day = user[order], item[order], day[order]
    log = Interactions(
        user=user.astype(np.int32),
        item=item.astype(np.int32),
        at_us=day.astype(np.int64) * DAY_US,
        kind=np.zeros(len(user), dtype=np.int8),
        quantity=np.ones(len(user)),
        basket=user.astype(np.int64) * DAYS + day,
        user_ids=[f"u{n}" for n in range(users)],
        item_ids=[f"i{n}" for n in range(ITEMS)],
    )
    text = [
        f"aisle {n // wide} {WORDS[n % len(WORDS)]} {WORDS[n * 7 // 3 % len(WORDS)]} number {n}"
        for n in range(ITEMS)
    ]
    return Training(interactions=log, as_of_us=DAYS * DAY_US, item_text=text)


def spent(work: Callable[[Training], object], data: Training, repeats: int) -> float:
    """Return the least processor seconds of some runs."""
    found = []
    work(shop(2_000))  # what is loaded once is not training
    for _ in range(repeats):
        started = time.process_time()
        work(data)
        found.append(time.process_time() - started)
    return min(found)


def _fit(name: str, data: Training) -> object:
    return shelf.make(name, {}).fit(data)


def main() -> int:
    """Measure both sizes and print the growth."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--interactions", type=int, default=40_000)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--save", action="store_true")
    chosen = parser.parse_args()
    sizes = (chosen.interactions, 10 * chosen.interactions)
    shops = [shop(size) for size in sizes]
    frozen = Study(settings={}, weights=study.DEFAULT_WEIGHTS, trend={})
    works: dict[str, Callable[[Training], object]] = {
        name: partial(_fit, name) for name in (*study.BLENDED, "als", "graph_filter")
    }
    works["blend"] = lambda data: Blend(frozen).fit(data)
    rows: dict[str, Any] = {}
    for name, work in works.items():
        small, large = (spent(work, data, chosen.repeats) for data in shops)
        exponent = float(np.log10(max(large, 1e-3) / max(small, 1e-3)))
        rows[name] = {
            "cpu_seconds": [round(small, 3), round(large, 3)],
            "exponent": round(exponent, 2),
        }
        print(f"{name:14} {small:8.3f} s {large:8.3f} s   exponent {exponent:5.2f}", flush=True)
    if chosen.save:
        kept = {
            "made_by": "python benchmarks/speed/recommend_growth.py --save",
            "interactions": [len(data.interactions.user) for data in shops],
            "customers": [len(data.interactions.user_ids) for data in shops],
            "items": ITEMS,
            "models": rows,
        }
        RESULT.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
