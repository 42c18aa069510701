"""Plan a published day again from its middle: done stops stay, the rest is planned as a job.

    submit(shop, decision_id, {"now": "11:30", "broken": ["van-2"], "orders": true})

What is known comes from the log: which stops are done or failed, which orders were cancelled,
which new ones wait. Publishing the job makes a new decision that names the one it replaces.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from shopkeeper.base import clock
from shopkeeper.base.errors import BadInput, NotFound
from shopkeeper.data import supply_reports
from shopkeeper.operate import route_jobs, supply_desk
from shopkeeper.operate.route_moment import OVER
from shopkeeper.supply import day_plan, replan
from shopkeeper.supply.routing_schema import Matrix, RoutePlan

FIELDS = ("now", "seconds", "seed", "broken", "repaired", "retry", "stops", "orders")
SECOND = "~"  # s1~2 is the second try of s1


def submit(shop: Any, decision_id: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Start a job that plans the rest of a published day; returns its state at once.

    ``asked``: ``now`` (HH:MM, else the clock on the plan's day), ``broken`` and ``repaired``
    vehicles, ``retry`` failed stops that get a second try today, new ``stops``, ``orders`` true
    for the orders that have come since. BadInput or NotFound name what is wrong.
    """
    shop.warehouse.refresh()
    value = supply_reports.plan_decision(shop.warehouse, decision_id)
    if value is None:
        raise NotFound(
            f"There is no published route plan '{decision_id[:60]}'.",
            hint="GET /v1/supply/plans lists them.",
            field="decision_id",
            value=decision_id,
        )
    before = day_plan.plan_of(value["plan"])
    rows = supply_reports.stops_of(shop.warehouse, decision_id)
    stands = {row["stop_id"]: row["status"] for row in rows}
    planned = {stop for route in before.routes for stop in route.stop_ids}
    done = {stop: stands[stop] for stop in sorted(planned) if stands.get(stop) in OVER}
    raw = {**value["problem"], "date": value.get("date")}
    raw["seconds"], raw["seed"] = day_plan.search_of({"seconds": 5.0, **asked})
    now_s = _now_s(asked.get("now"), value.get("date"))
    departed = _departed(before, done, now_s)
    again, carried = _second_tries(asked, raw["stops"], done, before, departed)
    kept = _kept(shop, raw["stops"], before, stands, done)
    fresh = [*again, *_list(asked, "stops"), *_orders(shop, asked, raw, stands)]
    raw["stops"] = [*kept, *fresh]
    moment = {
        "replans": decision_id,
        "now_s": now_s,
        "done": done,
        "departed": departed,
        "broken": _broken(asked, value),
        "carried": carried,
        "new": [one["stop_id"] for one in fresh if "stop_id" in one],
    }
    matrix = _matrix(shop.settings.home, value, before, raw["stops"])
    problem = day_plan.problem_of(raw, matrix=matrix)
    replan.check(problem, before, day_plan.moment_of(moment))
    beside = {"moment.json": moment, "before.json": day_plan.plan_json(before)}
    return route_jobs.submit(shop.settings.home, raw, matrix=matrix, beside=beside)


def _now_s(given: Any, date: str | None) -> int:
    if given is not None:
        return day_plan.clock_s(given, "now")
    now = clock.iso(clock.now_us())
    if date != now[:10]:
        raise BadInput(
            f"The plan is of {date or 'no day'}, today is {now[:10]}: say at what time it is.",
            field="now",
            allowed="a time such as 11:30",
        )
    return day_plan.clock_s(now[11:16], "now")


def _departed(before: RoutePlan, done: Mapping[str, str], now_s: int) -> list[str]:
    """Return the vehicles that have left: a stop of theirs is over, or their time has come."""
    return [
        route.vehicle_id
        for route in before.routes
        if route.visits[0].leave_s <= now_s or any(stop in done for stop in route.stop_ids)
    ]


def _broken(asked: Mapping[str, Any], value: Mapping[str, Any]) -> list[str]:
    known = set((value.get("moment") or {}).get("broken", ()))
    known |= set(_texts(asked, "broken"))
    return sorted(known - set(_texts(asked, "repaired")))


def _kept(
    shop: Any,
    stops: Sequence[Mapping[str, Any]],
    before: RoutePlan,
    stands: Mapping[str, str],
    done: Mapping[str, str],
) -> list[Mapping[str, Any]]:
    """Return the stops of the day that are over or still to serve.

    Gone: orders cancelled since, stops that a person skipped, and those done though left out.
    """
    left_out = {one.stop_id for one in before.dropped}
    orders = [str(one.get("order_id") or one["stop_id"]) for one in stops]
    cancelled = supply_reports.cancelled_orders(shop.warehouse, orders)
    kept = []
    for one, order in zip(stops, orders, strict=True):
        stop = one["stop_id"]
        status = stands.get(stop, "planned")
        is_open = status == "planned" or (status == "skipped" and stop in left_out)
        if stop in done or (is_open and order not in cancelled):
            kept.append(one)
    return kept


def _second_tries(
    asked: Mapping[str, Any],
    stops: Sequence[Mapping[str, Any]],
    done: Mapping[str, str],
    before: RoutePlan,
    departed: Sequence[str],
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return failed stops under a new id each, and which vehicle has their goods."""
    known = {one["stop_id"]: one for one in stops}
    holder = {stop: r.vehicle_id for r in before.routes for stop in r.stop_ids}
    again, carried = [], {}
    for stop in _texts(asked, "retry"):
        if done.get(stop) != "failed":
            raise BadInput(
                f"Stop '{stop}' has not failed, so there is nothing to try again.",
                field="retry",
                value=stop,
                allowed=", ".join(s for s, how in done.items() if how == "failed") or "none failed",
            )
        first, _, number = stop.partition(SECOND)
        name = f"{first}{SECOND}{int(number or 1) + 1}"
        # Nobody may be at home in the hours that were missed: the hours of the stop still hold.
        again.append({**known[stop], "stop_id": name, "vehicles": []})
        if holder[stop] in departed:
            carried[name] = holder[stop]
    return again, carried


def _orders(
    shop: Any, asked: Mapping[str, Any], raw: Mapping[str, Any], stands: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return the orders that wait for a van and are not in the plan yet."""
    if asked.get("orders") is not True:
        return []
    depots = [one["depot_id"] for one in raw["depots"]]
    waiting = supply_desk.waiting_stops(shop, depots)
    return [one for one in waiting if one["stop_id"] not in stands]


def _matrix(
    home: Path, value: Mapping[str, Any], before: RoutePlan, stops: Sequence[Mapping[str, Any]]
) -> Matrix | None:
    """Return the distances that the first plan had from elsewhere; None where they are computed."""
    try:
        known = route_jobs.stored_matrix(route_jobs.folder_of(home, value["job_id"]))
    except NotFound:
        known = None
    if known is None:
        return None
    same = {}
    for one in stops:
        name = one.get("stop_id", "")
        place = name if name in known.places else name.partition(SECOND)[0]
        if place not in known.places:
            raise BadInput(
                f"The distances of this plan came from {known.source or 'elsewhere'} and have no "
                f"row for the new stop '{name}'.",
                hint="Plan the whole day anew with --matrix.",
                field="stops",
                value=name,
                code="matrix_lacks_stop",
            )
        if place != name:
            same[name] = place
    return replan.extended(known, same)


def _list(asked: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    found = asked.get(name, [])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise BadInput(f"{name} must be a list of objects.", field=name, value=found)
    return found


def _texts(asked: Mapping[str, Any], name: str) -> list[str]:
    found = asked.get(name, [])
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise BadInput(f"{name} must be a list of texts.", field=name, value=found)
    return found
