"""What off-policy estimates say of a policy whose true worth is known: Open Bandit Data.

    python benchmarks/quality/offpolicy.py [--data ../shared/data] [--save]

A Japanese fashion shop ran two policies side by side: a random one and Thompson sampling, 10,000
places each for three campaigns. From the random policy's rows alone we estimate what Thompson
sampling earns, and hold it against what it did earn. Its probabilities are the shares of each item
per position in its own rows (the pipeline that comes with the data simulates them from the
priors instead); the reward model is each item's mean in other folds. 10,000 rows hold about 40
clicks: enough to check formulas, too little for verdicts, and the verdict says so.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from shopkeeper.learn.offpolicy import Logged, compare, fold_means

CAMPAIGNS = ("all", "men", "women")
RESULT = Path(__file__).parents[1] / "results" / "offpolicy.json"
SEED = 7


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--save", action="store_true")
    args = parser.parse_args()
    folder = args.data / "open_bandit"
    if not folder.exists():
        raise SystemExit(f"There is no {folder}; say where the data is with --data.")
    found = {
        "made_by": "python benchmarks/quality/offpolicy.py --save",
        "capability": "recommend",
        "protocol": {
            "name": "open_bandit",
            "logged": "random policy, 10,000 places",
            "asked": "Thompson sampling, its shares per position",
            "seed": SEED,
        },
        "campaigns": {name: measure(folder, name) for name in CAMPAIGNS},
    }
    for name, one in found["campaigns"].items():
        print(f"{name}: truth {one['truth']:.4f}, effective {one['effective']:.0f} rows")
        for estimate in one["estimates"].values():
            low, high = estimate["interval_95"]
            value, inside = estimate["value"], low <= one["truth"] <= high
            print(
                f"  {estimate['name']:<10}{value:.4f}  [{low:.4f}, {high:.4f}]"
                f"  {'covers' if inside else 'misses'} the truth"
            )
        print(f"  verdict: {one['verdict']} {'; '.join(one['why'])}")
    if args.save:
        RESULT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def measure(folder: Path, campaign: str) -> dict[str, Any]:
    """Return the comparison for one campaign and the truth it is held against."""
    ran, asked = (_rows(folder / f"{name}_{campaign}.parquet") for name in ("random", "bts"))
    items = 1 + max(int(ran["item_id"].max()), int(asked["item_id"].max()))
    places = int(asked["position"].max())
    shares = np.zeros((places, items))
    np.add.at(shares, (asked["position"] - 1, asked["item_id"]), 1)
    shares /= shares.sum(axis=1, keepdims=True)
    rng = np.random.default_rng(SEED)
    clicks = ran["click"].astype(np.float64)
    logged = Logged(
        reward=clicks,
        action=ran["item_id"],
        propensity=ran["propensity_score"],
        policy=shares[ran["position"] - 1],
        predicted=fold_means(clicks, ran["item_id"], items, rng),
    )
    return {**asdict(compare(logged, rng)), "truth": float(asked["click"].mean())}


def _rows(path: Path) -> dict[str, np.ndarray]:
    columns = ["item_id", "position", "click", "propensity_score"]
    table = pq.read_table(path, columns=columns)
    return {name: table[name].to_numpy() for name in columns}


if __name__ == "__main__":
    main()
