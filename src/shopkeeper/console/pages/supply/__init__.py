"""The dispatcher's area: the plan as a map and as the vehicles' day, orders at risk, messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.datastructures import FormData
from starlette.responses import Response

from shopkeeper.base import clock
from shopkeeper.base.errors import ShopError
from shopkeeper.console import charts, formats
from shopkeeper.console.area import Area
from shopkeeper.console.pages.supply import drawing
from shopkeeper.console.view import View
from shopkeeper.data import supply_reports
from shopkeeper.operate import route_jobs, supply_desk, supply_notices, supply_reader

RISK_DAYS = 1
RISK_ROWS = 25
NOTICES = 10
WEEK_US = 7 * clock.DAY_US


def index(view: View) -> Response:
    """Return the dispatcher's page."""
    return view.page(
        "supply.html",
        "supply",
        plan=view.part(_plan, view),
        jobs=view.part(route_jobs.listing, view.console.shop.settings.home),
        risk=view.part(_risk, view),
        kept=view.part(_kept, view),
        notices=view.part(_notices, view),
        currency=view.console.shop.settings.currency,
    )


def start(view: View, form: FormData) -> Response:
    """Start planning tomorrow's routes from the orders that wait."""
    raw = supply_desk.day_of(view.console.shop, seconds=10.0)
    job = route_jobs.submit(view.console.shop.settings.home, raw)
    return view.go(view.url("supply") + f"?job={job['job_id']}")


def cancel(view: View, form: FormData) -> Response:
    """Stop a job; its best plan stays."""
    job = _field(form, "job")
    route_jobs.cancel(view.console.shop.settings.home, job)
    return view.go(view.url("supply") + f"?job={job}")


def publish(view: View, form: FormData) -> Response:
    """Put a plan on the record."""
    job = _field(form, "job")
    supply_desk.publish(view.console.shop, job, _who(view))
    return view.go(view.url("supply") + f"?job={job}")


def move(view: View, form: FormData) -> Response:
    """Say what moving a stop would do, or with ``apply`` do it."""
    home, job = view.console.shop.settings.home, _field(form, "job")
    stop, vehicle = _field(form, "stop"), _field(form, "vehicle")
    text = _field(form, "position")
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


def judge(view: View, form: FormData) -> Response:
    """Show what a message's change would touch, accept it, or reject the message."""
    shop, notice = view.console.shop, _field(form, "notice")
    order, day = _field(form, "order"), _field(form, "day")
    if form.get("reject"):
        supply_notices.reject(shop, notice, _who(view))
        return view.go(view.url("supply") + "#notices")
    if form.get("accept"):
        supply_notices.accept(shop, notice, order, day, _who(view))
        return view.go(view.url("supply") + "#notices")
    try:
        found = supply_notices.consequences(shop, order, day)
    except ShopError as problem:
        return view.page("supply_touched.html", touched=None, problem=problem.message)
    return view.page("supply_touched.html", touched=found, problem="")


def _notices(view: View) -> list[dict[str, Any]]:
    """Return messages with what was read in them, the places of it marked in the text."""
    shop = view.console.shop
    found = []
    for row in supply_reports.notices(shop.warehouse, None, NOTICES):
        is_open = row["state"] == "open"
        named = supply_notices.named_orders(shop, row["text"]) if is_open else []
        read = supply_reader.proposals(shop, row) if is_open else []
        moved = [one for one in read if one["new_day"] and one["purchase_order_id"]]
        spans = [(one["start"], one["end"]) for one in named]
        spans += [(s["start"], s["end"]) for one in read for s in one["spans"].values()]
        found.append(
            {
                **row,
                "named": named,
                "read": read,
                "order": moved[0]["purchase_order_id"] if moved else "",
                "day": moved[0]["new_day"] if moved else "",
                "pieces": _pieces(row["text"], spans),
            }
        )
    return found


def _pieces(text: str, spans: list[tuple[int, int]]) -> list[tuple[str, bool]]:
    pieces, at = [], 0
    for start, end in sorted(spans):
        if end > at:
            first = max(start, at)
            pieces += [(text[at:first], False), (text[first:end], True)]
            at = end
    return [*pieces, (text[at:], False)]


def _plan(view: View) -> dict[str, Any] | None:
    home = view.console.shop.settings.home
    jobs = route_jobs.listing(home)
    wanted = view.query("job")
    state = next((j for j in jobs if j["job_id"] == wanted), None)
    state = state or next((j for j in jobs if j["has_plan"]), jobs[0] if jobs else None)
    if state is None:
        return None
    told: dict[str, Any] = {
        "state": state,
        "running": state["status"] in route_jobs.RUNNING,
        "published": state.get("published"),
        "problem": state.get("problem", ""),
    }
    if not state["has_plan"]:
        return told | {"plan": None}
    problem = route_jobs.problem(home, state["job_id"])
    made = route_jobs.plan(home, state["job_id"])
    return told | {
        "plan": made,
        "stops": sum(len(route.stop_ids) for route in made.routes),
        "map": drawing.plan_map(problem, made),
        "gantt": drawing.gantt(problem, made),
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


def _risk(view: View) -> list[dict[str, Any]]:
    until = clock.now_us() + RISK_DAYS * clock.DAY_US
    now_us = clock.now_us()
    rows = supply_reports.at_risk(view.console.shop.warehouse, until, RISK_ROWS)
    return [row | {"late": row["promised_us"] < now_us} for row in rows]


def _kept(view: View) -> dict[str, Any] | None:
    rows = supply_reports.promises_kept(view.console.shop.warehouse)
    if not rows:
        return None
    # Weeks since 1970 begin on a Thursday; the label is their first day.
    labels = [clock.iso(row["week"] * WEEK_US)[:10] for row in rows]
    shares = [round(100 * row["kept"] / row["parcels"], 1) for row in rows]
    kept, all_of = sum(r["kept"] for r in rows), sum(r["parcels"] for r in rows)
    return {
        "chart": charts.days(labels, (view.say("supply.kept_percent"), shares)),
        "share": formats.percent(kept / all_of),
        "parcels": all_of,
    }


def _field(form: FormData, name: str) -> str:
    return str(form.get(name, ""))[:128]


def _who(view: View) -> str:
    return view.session.user if view.session else "console"


AREA = Area(
    name="supply",
    pages=(("/supply", index),),
    forms=(
        ("/supply/plan", start),
        ("/supply/cancel", cancel),
        ("/supply/publish", publish),
        ("/supply/move", move),
        ("/supply/notice", judge),
    ),
)
