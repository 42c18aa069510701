"""What the shared jobs do; each is (Task) -> facts, and running it again doubles nothing."""

from __future__ import annotations

from typing import Any

from shopkeeper.learn.contracts import Task


def compact(task: Task) -> dict[str, Any]:
    """Move the log's tail into the lake and write the tables' files."""
    task.tell(0.0, "lake")
    done = task.shop.lake.compact()
    task.tell(0.5, "tables")
    return {"events": done.events, "table_files": task.shop.warehouse.materialise()}


def train(task: Task) -> dict[str, Any]:
    """Train the capability that declared the job; what is worse stays beside the champion."""
    from shopkeeper.operate.train import train as train_some

    task.tell(None, "training")
    [done] = train_some(task.shop, [task.capability])
    return {
        "version": done.version,
        "live": done.alias == "champion",
        "verdict": done.verdict.facts[0],
    }


def plan(task: Task) -> dict[str, Any]:
    """Make this review cycle's purchase proposals, write the forecast, judge past ones."""
    from dataclasses import asdict

    from shopkeeper.operate.replenish import nightly

    night = nightly.run(task.shop, tell=task.tell)
    return asdict(night.planned) | {"judged_origins": night.judged, "outcomes": night.outcomes}
