"""What a job that plans a day again knew, as publishing it reads it: what is over by now."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from shopkeeper.base.errors import Conflict
from shopkeeper.data import supply_reports
from shopkeeper.operate import route_jobs
from shopkeeper.supply.routing_schema import RoutePlan

OVER = ("done", "failed")


def over_now(shop: Any, job_id: str, plan: RoutePlan) -> dict[str, str]:
    """Return how the stops that are over ended, those marked while it was searched included.

    Conflict where a stop that has been marked since went to another vehicle in the new plan.
    """
    moment = _moment(shop.settings.home, job_id)
    if not moment:
        return {}
    shop.warehouse.refresh()
    rows = supply_reports.stops_of(shop.warehouse, moment["replans"])
    over = {row["stop_id"]: row["status"] for row in rows if row["status"] in OVER}
    was = {row["stop_id"]: row["vehicle_id"] for row in rows}
    for route in plan.routes:
        for stop in route.stop_ids:
            if stop in over and stop not in moment["done"] and was[stop] != route.vehicle_id:
                raise Conflict(
                    f"Stop '{stop}' was marked {over[stop]} since, but the new plan gives it to "
                    f"{route.vehicle_id}.",
                    hint="Plan the day again from now.",
                    field="stop_id",
                    value=stop,
                )
    return over


def told_of(home: Path, job_id: str) -> dict[str, Any]:
    """Return what the decision says of the plan it replaces; empty for a day's first plan."""
    moment = _moment(home, job_id)
    if not moment:
        return {}
    return {"replaces": moment["replans"], "moment": {k: moment[k] for k in moment if k != "done"}}


def _moment(home: Path, job_id: str) -> dict[str, Any]:
    path = route_jobs.folder_of(home, job_id) / "moment.json"
    found: dict[str, Any] = route_jobs.read_json(path) if path.exists() else {}
    return found
