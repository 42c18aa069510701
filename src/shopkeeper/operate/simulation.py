"""The shop's last trial of policies on simulated customers: run it, keep it, read it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from shopkeeper.base import clock
from shopkeeper.base.errors import ArtefactBroken, NotFound
from shopkeeper.base.settings import Settings
from shopkeeper.data.job_log import Run
from shopkeeper.learn.contracts import Task
from shopkeeper.recommend.schema import Interactions

NAME = "recommend.simulate"
OWN = ("click", "purchase")  # rewards by which the shop's own slates are judged
JOB: dict[str, Any] = {"items": 100, "visits": 600, "seeds": 5}


def path(settings: Settings) -> Path:
    """Return where the last trial is kept."""
    return settings.home / "simulation.json"


def run(interactions: Interactions, *, shop: Any = None, **asked: Any) -> dict[str, Any]:
    """Return a trial with its moment and how long it took; a shop adds what impressions say."""
    # Here, not above: the server only reads, and learners bring more than it should load.
    from shopkeeper.recommend.offpolicy.evaluate import of_shop
    from shopkeeper.recommend.simulator import looking
    from shopkeeper.recommend.simulator.trial import trial

    started = clock.now_us()
    if shop is not None:
        asked["looking"] = looking.of_shop(shop.warehouse, started)
    own = {} if shop is None else {name: of_shop(shop.warehouse, reward=name) for name in OWN}
    found = trial(interactions, **asked)
    return {
        "capability": "recommend",
        "made_us": started,
        "seconds": round((clock.now_us() - started) / 1e6, 1),
        **found,
        "own_slates": own,
    }


def customers(shop: Any) -> Interactions:
    """Return what the shop's customers did."""
    from shopkeeper.recommend.training import gather

    shop.warehouse.refresh()
    return gather(shop.warehouse).interactions


def job(task: Task) -> dict[str, Any]:
    """Try the policies on customers fitted to the log as it is now, and keep what came of it."""
    task.tell(None, "simulating")
    found = run(customers(task.shop), shop=task.shop, **JOB)
    keep(task.shop.settings, found)
    best = max(found["policies"], key=lambda n: float(found["policies"][n]["reward"]["mean"]))
    return {
        "best": best,
        "reward": found["policies"][best]["reward"]["mean"],
        "greedy": found["policies"]["greedy"]["reward"]["mean"],
        "oracle": found["oracle"]["reward"]["mean"],
        "visits": found["protocol"]["visits"],
    }


def start(shop: Any, operator: str) -> dict[str, Any]:
    """Ask the server for a trial as soon as it can; one that waits already is the same wish."""
    from shopkeeper.operate.jobs import scheduler

    return told(scheduler.ask(shop, NAME, operator))


def runs(shop: Any) -> list[dict[str, Any]]:
    """Return the trials on record, newest first: state, progress, and in few figures what came."""
    return [told(one) for one in shop.jobs.of_job(NAME, 200)]


def get(shop: Any, simulation_id: str) -> dict[str, Any]:
    """Return one trial; NotFound where no run of the job has that id."""
    found = next((one for one in runs(shop) if one["simulation_id"] == simulation_id), None)
    if found is None:
        raise NotFound(
            f"There is no simulation '{simulation_id}'.",
            hint="GET /v1/simulations lists them.",
            field="simulation_id",
            value=simulation_id,
        )
    return found


def told(one: Run) -> dict[str, Any]:
    """Return a run of the job as plain values."""
    return {
        "simulation_id": one.run_id,
        "state": one.state,
        "asked_by": one.asked_by,
        "started_at": None if one.started_us is None else clock.iso(one.started_us),
        "ended_at": None if one.ended_us is None else clock.iso(one.ended_us),
        "outcome": dict(one.outcome),
        "problem": one.problem,
    }


def keep(settings: Settings, found: dict[str, Any]) -> None:
    """Write the trial down; a reader sees the old one or the new one, whole."""
    target = path(settings)
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_suffix(".tmp")
    fresh.write_text(json.dumps(found), encoding="utf-8")
    os.replace(fresh, target)


def last(settings: Settings) -> dict[str, Any] | None:
    """Return the trial kept last, or None."""
    kept = path(settings)
    if not kept.exists():
        return None
    try:
        found: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
    except ValueError as problem:
        raise ArtefactBroken(
            f"{kept.name} cannot be read: {problem}.", hint="Run shopkeeper simulate again."
        ) from problem
    return found
