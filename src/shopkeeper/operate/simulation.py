"""The shop's last trial of policies on simulated customers: run it, keep it, read it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from shopkeeper.base import clock
from shopkeeper.base.errors import ArtefactBroken
from shopkeeper.base.settings import Settings
from shopkeeper.recommend.schema import Interactions


def path(settings: Settings) -> Path:
    """Return where the last trial is kept."""
    return settings.home / "simulation.json"


def run(interactions: Interactions, **asked: Any) -> dict[str, Any]:
    """Return a trial with its moment and how long it took."""
    # Here, not above: the server only reads, and learners bring more than it should load.
    from shopkeeper.recommend.simulator.trial import trial

    started = clock.now_us()
    found = trial(interactions, **asked)
    return {
        "capability": "recommend",
        "made_us": started,
        "seconds": round((clock.now_us() - started) / 1e6, 1),
        **found,
    }


def of_shop(shop: Any) -> Interactions:
    """Return what the shop's customers did."""
    from shopkeeper.recommend.training import gather

    shop.warehouse.refresh()
    return gather(shop.warehouse).interactions


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
