"""What people do about supply, as events: rules, route plans, stops, and what came of promises.

Each function checks, writes events that are durable on return, and tells other programs. The
state is read from the tables; nothing is edited.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from shopkeeper.base import clock, ids
from shopkeeper.base.clock import DAY_US
from shopkeeper.base.errors import BadInput, Conflict, NotFound
from shopkeeper.data import supply_reads, supply_reports
from shopkeeper.data.events import Event
from shopkeeper.learn.contracts import Decision, Reason
from shopkeeper.operate import route_jobs, route_moment, webhooks
from shopkeeper.operate.runtime import to_event
from shopkeeper.supply import day_plan, tariffs
from shopkeeper.supply.routing_schema import Route, RoutePlan

STOP_STATES = ("planned", "done", "failed", "skipped")
SKIPPED_PENALTY_MINOR = 5_000  # what a parcel that stays behind for a day costs the shop
CAPABILITY = "supply"
_PROBLEM = ("depots", "vehicles", "stops", "road_factor", "speed_kmh")


def put_rule(shop: Any, rule_id: str, text: str, operator: str, *, active: bool = True) -> None:
    """Store a rule of supply: allocation, carrier:NAME or vehicle:NAME; BadInput if it is wrong."""
    tariffs.check_rule(rule_id, text)
    if rule_id.startswith("vehicle:"):
        # One vehicle alone is a plan that must read.
        one = tariffs.vehicle_of(rule_id.removeprefix("vehicle:"), text)
        day_plan.vehicle_of(one)
    event = Event(
        event_id=ids.new_id("rule"),
        kind="rule",
        occurred_at=clock.now(),
        label=rule_id,
        status="active" if active else "off",
        text=text,
        source=operator,
        properties={"capability": CAPABILITY},
    )
    append(shop, [event])


def day_of(shop: Any, date: str | None = None, *, seconds: float = 10.0) -> dict[str, Any]:
    """Return tomorrow's (or a day's) plan to make: orders that wait, vehicles and depots.

    A parcel goes by van when its carrier is one that a vehicle's rule names (``carrier``, else
    ``van``) and its place is known. BadInput where nothing waits or no vehicle is known.
    """
    day = date or clock.iso(clock.now_us() + DAY_US)[:10]
    shop.warehouse.refresh()
    rules = {r["rule_id"]: r for r in supply_reads.supply_rules(shop.warehouse)}
    fleet = [
        tariffs.vehicle_of(name.removeprefix("vehicle:"), rule["text"])
        for name, rule in sorted(rules.items())
        if name.startswith("vehicle:") and rule["status"] == "active"
    ]
    if not fleet:
        raise BadInput(
            "No vehicle is known, so no route can be planned.",
            hint="Set a rule per vehicle: shopkeeper routes vehicle van-1 '{\"capacity\": 40}'",
            field="vehicles",
            value=0,
            code="no_vehicles",
        )
    places = {p["location_id"]: p for p in supply_reads.locations(shop.warehouse)}
    depots = sorted({str(v.get("depot_id") or "") for v in fleet} - {""}) or sorted(places)[:1]
    stops = waiting_stops(shop, depots)
    if not stops:
        others = len(supply_reports.open_stops(shop.warehouse))
        raise BadInput(
            f"No parcel waits for a van; {others} wait for other carriers.",
            hint="Allocate orders first: POST /v1/decisions/supply.",
            field="stops",
            value=0,
            code="no_stops",
        )
    return {
        "date": day,
        "depots": [_depot(places, name) for name in depots],
        "vehicles": fleet,
        "stops": stops[: day_plan.MOST_STOPS],
        "seconds": seconds,
    }


def waiting_stops(shop: Any, depots: Sequence[str]) -> list[dict[str, Any]]:
    """Return the parcels that wait for a van at some depots, as stops of a plan."""
    return [
        _stop(row)
        for row in supply_reports.open_stops(shop.warehouse)
        if row["carrier"] == "van" and row["latitude"] is not None and row["location_id"] in depots
    ]


def publish(shop: Any, job_id: str, operator: str) -> str:
    """Put a job's plan on the record, with every stop; returns the decision's id.

    Publishing the same plan twice is one decision. Conflict while the job still searches.
    """
    home = shop.settings.home
    state = route_jobs.state(home, job_id)
    if state["status"] in route_jobs.RUNNING:
        raise Conflict(f"The job {job_id} is still searching.", hint="Wait, or cancel it.")
    if state.get("published"):
        return str(state["published"])
    plan, raw = route_jobs.plan(home, job_id), route_jobs.request(home, job_id)
    over = route_moment.over_now(shop, job_id, plan)
    decision_id = ids.new_id("dec")
    decision = Decision(
        decision_id=decision_id,
        capability=CAPABILITY,
        subject=f"routes:{raw.get('date') or job_id}",
        as_of_us=clock.now_us(),
        model="pyvrp" if not plan.facts.get("edited") else "pyvrp+hand",
        fallback=False,
        fallback_reason=None,
        arm=None,
        propensity=None,
        value={
            "kind": "routes",
            "job_id": job_id,
            "date": raw.get("date"),
            "operator": operator,
            "problem": {k: raw[k] for k in _PROBLEM if k in raw},
            "plan": day_plan.plan_json(plan),
            **route_moment.told_of(home, job_id),
        },
        reasons=(
            Reason(code="replanned" if state.get("replans") else "published", facts=_facts(plan)),
        ),
        request={"job_id": job_id},
        latency_ms=1000 * plan.seconds,
    )
    append(shop, [to_event(decision), *_stop_events(decision_id, raw, plan, over)])
    folder = route_jobs.folder_of(home, job_id)
    route_jobs.write_json(folder / "state.json", state | {"published": decision_id})
    webhooks.send(
        shop,
        "supply.plan_published",
        {
            "decision_id": decision_id,
            "date": raw.get("date"),
            "replaces": state.get("replans"),
            **_facts(plan),
        },
        decision_id,
    )
    return decision_id


def mark_stop(
    shop: Any, decision_id: str, stop_id: str, status: str, operator: str, reason: str = ""
) -> None:
    """Note that a stop is done, failed or skipped; NotFound where the plan has no such stop."""
    if status not in STOP_STATES:
        raise BadInput(
            f"status must be one of {', '.join(STOP_STATES)}, but is '{status[:40]}'.",
            field="status",
            value=status,
            allowed=", ".join(STOP_STATES),
        )
    shop.warehouse.refresh()
    stops = {row["stop_id"]: row for row in supply_reports.stops_of(shop.warehouse, decision_id)}
    if stop_id not in stops:
        raise NotFound(
            f"The plan {decision_id[:60]} has no stop '{stop_id[:60]}'.",
            hint="GET /v1/supply/plans lists plans and stops.",
            field="stop_id",
            value=stop_id,
        )
    event = Event(
        event_id=ids.new_id("stop"),
        kind="stop",
        occurred_at=clock.now(),
        decision_id=decision_id,
        order_id=stops[stop_id]["order_id"],
        label=stop_id,
        status=status,
        reason=reason[:400] or None,
        source=operator,
    )
    append(shop, [event])


def tell_outcomes(shop: Any) -> int:
    """Write what came of promises whose parcels ended: delivered, late or failed, once each."""
    shop.warehouse.refresh()
    rows = supply_reports.untold_outcomes(shop.warehouse)
    events = [
        Event(
            event_id=f"outcome-{row['shipment_id']}"[:128],
            kind="outcome",
            occurred_at=clock.from_us(row["delivered_us"] or row["shipped_us"]),
            decision_id=row["decision_id"],
            order_id=row["order_id"],
            shipment_id=row["shipment_id"],
            label=row["state"],
            source="shopkeeper",
        )
        for row in rows
    ]
    if events:
        append(shop, events)
    return len(events)


def append(shop: Any, events: Sequence[Event]) -> None:
    """Write events; a refused one is our fault or wrong input, and is told."""
    done = shop.append_events(list(events), source="desk")
    if done.rejected:
        bad = done.rejected[0]
        raise BadInput(bad.message, field=bad.field, value=bad.value)


def _facts(plan: RoutePlan) -> dict[str, Any]:
    return {
        "routes": len(plan.routes),
        "stops": sum(len(route.stop_ids) for route in plan.routes),
        "dropped": len(plan.dropped),
        "cost_minor": plan.cost_minor,
        "distance_km": round(plan.distance_m / 1000, 1),
        "status": plan.status,
    }


def _stop_events(
    decision_id: str, raw: Mapping[str, Any], plan: RoutePlan, over: Mapping[str, str]
) -> list[Event]:
    asked = {one["stop_id"]: one for one in raw["stops"]}
    day_us = _midnight_us(raw.get("date"))
    found = []
    for route in plan.routes:
        for position, stop_id in enumerate(route.stop_ids):
            arrive = _arrival(route, stop_id)
            found.append(
                _stop_event(
                    decision_id,
                    asked[stop_id],
                    over.get(stop_id, "planned"),
                    day_us,
                    route.vehicle_id,
                    position,
                    arrive,
                )
            )
    for one in plan.dropped:
        event = _stop_event(decision_id, asked[one.stop_id], "skipped", day_us, None, None, None)
        event.reason = one.reason
        found.append(event)
    return found


def _stop_event(
    decision_id: str,
    asked: Mapping[str, Any],
    status: str,
    day_us: int,
    vehicle_id: str | None,
    position: int | None,
    arrive_s: int | None,
) -> Event:
    facts = {"latitude": asked["latitude"], "longitude": asked["longitude"]}
    demand = asked.get("demand", 1)
    first = demand[0] if isinstance(demand, list) else demand
    return Event(
        event_id=f"{decision_id}.{asked['stop_id']}"[:128],
        kind="stop",
        occurred_at=clock.now(),
        decision_id=decision_id,
        order_id=asked.get("order_id") or asked["stop_id"],
        location_id=asked.get("depot_id"),
        label=asked["stop_id"],
        status=status,
        position=position,
        quantity=float(first),
        promised_at=None if arrive_s is None else clock.from_us(day_us + arrive_s * 1_000_000),
        source="shopkeeper",
        properties=facts if vehicle_id is None else {**facts, "vehicle_id": vehicle_id},
    )


def _arrival(route: Route, stop_id: str) -> int:
    return next(visit.start_s for visit in route.visits if visit.stop_id == stop_id)


def _midnight_us(date: str | None) -> int:
    if date is None:
        return (clock.now_us() // DAY_US + 1) * DAY_US
    try:
        return clock.to_us(datetime.fromisoformat(date))
    except ValueError as problem:
        raise BadInput(
            f"date must be a day such as 2026-11-25, but is '{date[:40]}'.",
            field="date",
            value=date,
        ) from problem


def _stop(row: Mapping[str, Any]) -> dict[str, Any]:
    found = {
        "stop_id": f"{row['order_id']}@{row['location_id']}"[:128],
        "order_id": row["order_id"],
        "latitude": row["latitude"],
        "longitude": row["longitude"],
        # A van's room is counted in bags of ten units.
        "demand": max(1, round(row["units"] / 10)),
        "depot_id": row["location_id"],
        "service_minutes": 4,
        "penalty_minor": SKIPPED_PENALTY_MINOR,
    }
    if row["starts_us"] is not None and row["ends_us"] is not None:
        found |= {"opens": _hour(row["starts_us"]), "closes": _hour(row["ends_us"])}
    return found


def _hour(at_us: int) -> str:
    minute = at_us % DAY_US // 60_000_000
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _depot(places: Mapping[str, Mapping[str, Any]], name: str) -> dict[str, Any]:
    if name not in places:
        raise BadInput(
            f"A vehicle starts at '{name}', which is no known location.",
            field="depot_id",
            value=name,
            allowed=", ".join(sorted(places)) or "none is known",
        )
    place = places[name]
    return {
        "depot_id": name,
        "title": place["title"] or name,
        "latitude": place["latitude"] or 0.0,
        "longitude": place["longitude"] or 0.0,
        "opens": _minutes(place["opens_minute"] or 0),
        "closes": _minutes(place["closes_minute"] or 1440),
    }


def _minutes(minute: float) -> str:
    return f"{int(minute) // 60:02d}:{int(minute) % 60:02d}"
