"""The dispatcher's page: a plan as a map and as the vehicles' day, and the day as it goes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.datastructures import FormData
from starlette.responses import Response

from shopkeeper.base import clock
from shopkeeper.base.errors import BadInput, ShopError
from shopkeeper.console import formats
from shopkeeper.console.pages.supply import drawing
from shopkeeper.console.pages.supply.fields import field, who
from shopkeeper.console.view import View
from shopkeeper.data import supply_reports
from shopkeeper.operate import route_jobs, route_replan, supply_desk
from shopkeeper.operate.route_moment import OVER

MOST_ROWS = 400


def index(view: View) -> Response:
    """Return the dispatcher's page."""
    return view.page(
        "supply.html",
        "supply",
        tab="day",
        plan=view.part(_plan, view),
        jobs=view.part(route_jobs.listing, view.console.shop.settings.home),
        today=view.part(_today, view),
        currency=view.console.shop.settings.currency,
    )


def start(view: View, form: FormData) -> Response:
    """Start planning tomorrow's routes from the orders that wait."""
    raw = supply_desk.day_of(view.console.shop, seconds=10.0)
    job = route_jobs.submit(view.console.shop.settings.home, raw)
    return view.go(view.url("supply") + f"?job={job['job_id']}")


def cancel(view: View, form: FormData) -> Response:
    """Stop a job; its best plan stays."""
    job = field(form, "job")
    route_jobs.cancel(view.console.shop.settings.home, job)
    return view.go(view.url("supply") + f"?job={job}")


def publish(view: View, form: FormData) -> Response:
    """Put a plan on the record."""
    job = field(form, "job")
    supply_desk.publish(view.console.shop, job, who(view))
    return view.go(view.url("supply") + f"?job={job}")


def move(view: View, form: FormData) -> Response:
    """Say what moving a stop would do, or with ``apply`` do it."""
    home, job = view.console.shop.settings.home, field(form, "job")
    stop, vehicle = field(form, "stop"), field(form, "vehicle")
    text = field(form, "position")
    position = int(text) - 1 if text.isascii() and text.isdigit() else 0
    if form.get("apply"):
        route_jobs.apply_move(home, job, stop, vehicle, position)
        return view.go(view.url("supply") + f"?job={job}")
    try:
        change = route_jobs.try_move(home, job, stop, vehicle, position)
    except ShopError as problem:
        return view.page("supply_move.html", change=None, problem=problem.message)
    return view.page(
        "supply_move.html",
        change=change,
        problem="",
        currency=view.console.shop.settings.currency,
        difference=change.cost_after_minor - change.cost_before_minor,
        metres=change.metres_after - change.metres_before,
    )


def mark(view: View, form: FormData) -> Response:
    """Say that a stop is done, failed, skipped or open again: the button names both."""
    shop, plan = view.console.shop, field(form, "plan")
    for status in supply_desk.STOP_STATES:
        if stop := field(form, status):
            supply_desk.mark_stop(shop, plan, stop, status, who(view))
            return view.go(view.url("supply") + f"?job={field(form, 'job')}#today")
    raise BadInput("No stop was named.", field="stop", allowed=", ".join(supply_desk.STOP_STATES))


def replan(view: View, form: FormData) -> Response:
    """Plan the rest of a published day as a job."""
    asked: dict[str, Any] = {
        "broken": [str(one)[:128] for one in form.getlist("broken")],
        "repaired": [str(one)[:128] for one in form.getlist("repaired")],
        "retry": [str(one)[:128] for one in form.getlist("retry")],
        "orders": form.get("orders") == "yes",
    }
    if now := field(form, "now").strip():
        asked["now"] = now
    job = route_replan.submit(view.console.shop, field(form, "plan"), asked)
    route_jobs.wait(view.console.shop.settings.home, job["job_id"], 1.0)
    return view.go(view.url("supply") + f"?job={job['job_id']}")


def _plan(view: View) -> dict[str, Any] | None:
    home = view.console.shop.settings.home
    state = _shown(view)
    if state is None:
        return None
    told: dict[str, Any] = {
        "state": state,
        "running": state["status"] in route_jobs.RUNNING,
        "published": state.get("published"),
        "replans": state.get("replans"),
        "problem": state.get("problem", ""),
    }
    if not state["has_plan"]:
        return told | {"plan": None}
    problem = route_jobs.problem(home, state["job_id"])
    made = route_jobs.plan(home, state["job_id"])
    over = _over(view, state)
    return told | {
        "plan": made,
        "stops": sum(len(route.stop_ids) for route in made.routes),
        "map": drawing.plan_map(problem, made, over),
        "gantt": drawing.gantt(problem, made, over, made.facts.get("now_s")),
        "stop_ids": sorted(stop.stop_id for stop in problem.stops),
        "vehicle_ids": [vehicle.vehicle_id for vehicle in problem.vehicles],
        "dropped": [
            {
                "stop_id": one.stop_id,
                "reason": view.word("drop", one.reason),
                "facts": _facts(view, one.facts),
            }
            for one in made.dropped
        ],
    }


def _facts(view: View, facts: Mapping[str, Any]) -> str:
    """Return the figures of a reason as a person reads them: money, hours, kilometres."""
    said = []
    for name, value in facts.items():
        if name == "alone":  # for the solver's own tests
            continue
        if name.endswith("_minor"):
            told = formats.money(value, view.console.shop.settings.currency, view.language)
        elif name in ("work_s", "allowed_s"):
            told = f"{value / 3600:.1f} h"
        elif name.endswith("_s"):
            told = f"{int(value) // 3600:02d}:{int(value) % 3600 // 60:02d}"
        elif name in ("metres", "allowed_m"):
            told = f"{value / 1000:.1f} km"
        else:
            told = str(value)
        said.append(f"{view.word('drop_fact', name)} {told}")
    return " · ".join(said)


def _today(view: View) -> dict[str, Any] | None:
    """Return how the stops of the shown plan stand, by vehicle; None before it is published."""
    shop = view.console.shop
    state = _shown(view)
    if state is None or not state.get("published"):
        return None
    plan = str(state["published"])
    shop.warehouse.refresh()
    rows = [r for r in supply_reports.stops_of(shop.warehouse, plan) if r["vehicle_id"]]
    value = supply_reports.plan_decision(shop.warehouse, plan) or {}
    vehicles: dict[str, list[dict[str, Any]]] = {}
    for row in rows[:MOST_ROWS]:
        vehicles.setdefault(row["vehicle_id"], []).append(row)
    broken = list((value.get("moment") or {}).get("broken", ()))
    now = clock.iso(clock.now_us())
    return {
        "plan": plan,
        "job": state["job_id"],
        "vehicles": vehicles,
        "counts": {name: sum(r["status"] == name for r in rows) for name in (*OVER, "planned")},
        "stops": len(rows),
        "failed": [r["stop_id"] for r in rows if r["status"] == "failed"],
        "broken": broken,
        "able": [
            one["vehicle_id"]
            for one in value.get("problem", {}).get("vehicles", ())
            if one["vehicle_id"] not in broken
        ],
        "now": now[11:16] if value.get("date") == now[:10] else "",
    }


def _shown(view: View) -> dict[str, Any] | None:
    jobs = route_jobs.listing(view.console.shop.settings.home)
    wanted = view.query("job")
    state = next((j for j in jobs if j["job_id"] == wanted), None)
    return state or next((j for j in jobs if j["has_plan"]), jobs[0] if jobs else None)


def _over(view: View, state: Mapping[str, Any]) -> set[str]:
    """Return the stops of a job's plan that have happened, by the newest word on them."""
    shop = view.console.shop
    plan = state.get("published") or state.get("replans")
    if not plan:
        return set()
    rows = supply_reports.stops_of(shop.warehouse, str(plan))
    return {row["stop_id"] for row in rows if row["status"] in OVER}
