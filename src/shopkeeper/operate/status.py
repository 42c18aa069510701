"""What is live, from the folder alone: models, their metrics, how fresh the data is, alerts."""

from __future__ import annotations

from typing import Any

import pyarrow.compute as pc

from shopkeeper.base import clock
from shopkeeper.base.clock import DAY_US
from shopkeeper.base.errors import ArtefactBroken
from shopkeeper.data.job_log import FAILED, LOST
from shopkeeper.operate import capabilities
from shopkeeper.operate.gate import champion_of
from shopkeeper.operate.registry import Registry
from shopkeeper.operate.replenish.health import health

STALE_MODEL_DAYS = 7
STALE_DATA_HOURS = 48
HOUR_US = DAY_US // 24
JOB_RUNS = 300  # newest runs among which each job's last one is looked for


def status(shop: Any, registry: Registry | None = None) -> dict[str, Any]:
    """Return models per capability, data freshness and alerts, in plain JSON values."""
    registry = registry or Registry(shop.settings.models_path)
    now_us = clock.now_us()
    alerts: list[str] = []
    data = _data(shop, now_us, alerts)
    jobs = _jobs(shop, alerts)
    inventory = _inventory(shop, alerts)
    models = {name: _model(registry, name, now_us, alerts) for name in capabilities.MODULES}
    return {
        "as_of": clock.iso(now_us),
        "data": data,
        "models": models,
        "jobs": jobs,
        "inventory": inventory,
        "alerts": alerts,
    }


def _inventory(shop: Any, alerts: list[str]) -> dict[str, Any]:
    """Return how forecasts and proposals did lately; nothing of an empty shop."""
    if not shop.store.last_seq():
        return {"forecast": None, "cycle": None}
    found = health(shop)
    alerts += found.pop("alerts")
    return found


def _jobs(shop: Any, alerts: list[str]) -> dict[str, Any]:
    """Return each job's newest run; one that failed is an alert."""
    found: dict[str, Any] = {}
    for run in shop.jobs.latest(JOB_RUNS):
        if run.job in found:
            continue
        at = run.ended_us or run.started_us or run.due_us
        found[run.job] = {"state": run.state, "at": clock.iso(at), "problem": run.problem}
        if run.state in (FAILED, LOST):
            alerts.append(f"Job {run.job} {run.state} at {clock.iso(at)}: {run.problem}")
    return found


def _data(shop: Any, now_us: int, alerts: list[str]) -> dict[str, Any]:
    events = shop.store.last_seq()
    if not events:
        alerts.append("The log is empty: run `shopkeeper import` or `shopkeeper demo`.")
        return {"events": 0, "last_event_at": None, "age_hours": None}
    shop.warehouse.refresh()
    last_us = pc.max(shop.warehouse.table("activity")["last_occurred_us"]).as_py() or 0
    hours = round((now_us - last_us) / HOUR_US, 1)
    if hours > STALE_DATA_HOURS:
        alerts.append(f"No event is younger than {hours:.0f} hours.")
    return {"events": events, "last_event_at": clock.iso(last_us), "age_hours": hours}


def _model(registry: Registry, name: str, now_us: int, alerts: list[str]) -> dict[str, Any]:
    try:
        held = registry.aliases(name)
    except ArtefactBroken as problem:
        alerts.append(problem.message)
        held = {}
    champion = held.get("champion")
    if champion is None:
        alerts.append(f"{name} has no trained model and answers with its baseline.")
        return {"champion": None, "versions": len(registry.versions(name))}
    version = registry.version(name, champion)
    age_days = round((now_us - version.created_us) / DAY_US, 1)
    if version.broken:
        alerts.append(f"{name}: {champion} cannot be read: {version.broken}")
    elif age_days > STALE_MODEL_DAYS:
        alerts.append(f"{name}: {champion} was trained {age_days:.0f} days ago.")
    return {
        "champion": champion,
        "challenger": held.get("challenger"),
        "challenger_share": registry.share(name),
        "shadow": held.get("shadow"),
        "previous": held.get("previous"),
        "age_days": age_days,
        "metrics": dict(champion_of(version.report).get("metrics", {})),
        "data": dict(version.data),
        "versions": len(registry.versions(name)),
    }
