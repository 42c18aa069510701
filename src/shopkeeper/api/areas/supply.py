"""Supply over HTTP beyond the checkout: route jobs, published plans, stops, rules, notices.

A route plan takes minutes, so it is a job: submit, look, cancel, move by hand, publish. Who acts
is the key: its name and id stand on every event.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

from fastapi import Body, FastAPI, Path, Query, Request
from starlette.responses import Response

from shopkeeper.api import errors
from shopkeeper.api.asked import only, text, who
from shopkeeper.api.openapi import guarded_by
from shopkeeper.api.service import Service, in_thread
from shopkeeper.base.errors import BadInput
from shopkeeper.data import lookups, supply_reads, supply_reports
from shopkeeper.operate import (
    late_risk,
    notice_changes,
    route_jobs,
    route_replan,
    supplier_cards,
    supplier_choice,
    supply_desk,
    supply_notices,
    supply_reader,
)
from shopkeeper.supply import day_plan

Id = Annotated[str, Path(min_length=1, max_length=128)]
Given = Annotated[dict[str, Any], Body()]
_TAGS: dict[str, Any] = {"tags": ["supply"]}
READ, WRITE = "supply:read", "supply:write"
RISK_DAYS = 1


def add(api: FastAPI, service: Service) -> None:
    """Put the routes of supply on the app."""
    _jobs(api, service)
    _moves(api, service)
    _plans(api, service)
    _known(api, service)
    _notices(api, service)


def _jobs(api: FastAPI, service: Service) -> None:
    home = service.shop.settings.home

    @api.post(
        "/v1/supply/routes",
        operation_id="submit_routes",
        **_TAGS,
        **guarded_by(WRITE, "400", "413", "429"),
    )
    async def submit(body: Given) -> Response:
        """Start planning a day: the body is the day, or {"date", "seconds"} for waiting orders."""
        raw = body
        if "stops" not in body:
            given = only(body, ("date", "seconds"))
            seconds = day_plan.search_of(given)[0]
            ask = partial(supply_desk.day_of, service.shop, given.get("date"), seconds=seconds)
            raw = await in_thread(ask)
        return errors.JSON(await in_thread(route_jobs.submit, home, raw), status_code=202)

    @api.get("/v1/supply/routes", operation_id="list_routes", **_TAGS, **guarded_by(READ))
    async def listing() -> Response:
        """The route jobs, newest first."""
        return errors.JSON({"jobs": await in_thread(route_jobs.listing, home)})

    @api.get(
        "/v1/supply/routes/{job_id}",
        operation_id="get_routes",
        **_TAGS,
        **guarded_by(READ, "404"),
    )
    async def look(job_id: Id) -> Response:
        """How a job stands, with its plan: the best so far while it runs."""
        state = await in_thread(route_jobs.state, home, job_id)
        if state["has_plan"]:
            made = await in_thread(route_jobs.plan, home, job_id)
            state["plan"] = day_plan.plan_json(made)
        return errors.JSON(state)

    @api.post(
        "/v1/supply/routes/{job_id}/cancel",
        operation_id="cancel_routes",
        **_TAGS,
        **guarded_by(WRITE, "404"),
    )
    async def cancel(job_id: Id) -> Response:
        """Stop a job; it keeps its best plan so far."""
        return errors.JSON(await in_thread(route_jobs.cancel, home, job_id))


def _moves(api: FastAPI, service: Service) -> None:
    home = service.shop.settings.home

    @api.post(
        "/v1/supply/routes/{job_id}/moves",
        operation_id="move_stop",
        **_TAGS,
        **guarded_by(WRITE, "400", "404", "409"),
    )
    async def move(job_id: Id, body: Given) -> Response:
        """Move a stop by hand; ``apply`` false only says whether it fits and what it costs."""
        given = only(body, ("stop_id", "vehicle_id", "position", "apply"))
        stop, vehicle = text(given, "stop_id"), text(given, "vehicle_id")
        position = given.get("position", 0)
        if not isinstance(position, int) or isinstance(position, bool):
            raise BadInput("position must be a whole number.", field="position", value=position)
        if given.get("apply") is True:
            change, _ = await in_thread(
                route_jobs.apply_move, home, job_id, stop, vehicle, position
            )
        else:
            change = await in_thread(route_jobs.try_move, home, job_id, stop, vehicle, position)
        return errors.JSON(move_json(change))

    @api.post(
        "/v1/supply/routes/{job_id}/publish",
        operation_id="publish_routes",
        **_TAGS,
        **guarded_by(WRITE, "404", "409"),
    )
    async def publish(job_id: Id, request: Request) -> Response:
        """Put a job's plan on the record as a decision, and tell other programs."""
        made = await in_thread(supply_desk.publish, service.shop, job_id, who(request))
        return errors.JSON({"decision_id": made})


def _plans(api: FastAPI, service: Service) -> None:
    shop = service.shop

    @api.get("/v1/supply/plans", operation_id="list_plans", **_TAGS, **guarded_by(READ, "503"))
    async def plans() -> Response:
        """The published plans, newest first, with how their stops stand."""
        rows = await in_thread(supply_reports.plans, shop.warehouse)
        told = [lookups.plain({k: v for k, v in row.items() if k != "value"}) for row in rows]
        return errors.JSON({"plans": told})

    @api.get(
        "/v1/supply/plans/{decision_id}/stops",
        operation_id="list_stops",
        **_TAGS,
        **guarded_by(READ, "503"),
    )
    async def stops(decision_id: Id) -> Response:
        """A plan's stops as they stand."""
        rows = await in_thread(supply_reports.stops_of, shop.warehouse, decision_id)
        return errors.JSON({"stops": [_plain(row) for row in rows]})

    @api.post(
        "/v1/supply/plans/{decision_id}/stops/{stop_id}",
        operation_id="mark_stop",
        **_TAGS,
        **guarded_by(WRITE, "400", "404"),
    )
    async def mark(decision_id: Id, stop_id: Id, request: Request, body: Given) -> Response:
        """Say that a stop is done, failed or skipped."""
        given = only(body, ("status", "reason"))
        status, reason = text(given, "status"), str(given.get("reason") or "")
        actor = who(request)
        await in_thread(supply_desk.mark_stop, shop, decision_id, stop_id, status, actor, reason)
        return errors.JSON({"stop_id": stop_id, "status": status})

    @api.post(
        "/v1/supply/plans/{decision_id}/replan",
        operation_id="replan_routes",
        **_TAGS,
        **guarded_by(WRITE, "400", "404", "429"),
    )
    async def replan(decision_id: Id, body: Given) -> Response:
        """Plan the rest of a day that has begun, as a job: what is done stays as it was."""
        given = only(body, route_replan.FIELDS)
        made = await in_thread(route_replan.submit, shop, decision_id, given)
        return errors.JSON(made, status_code=202)

    @api.get("/v1/supply/at-risk", operation_id="orders_at_risk", **_TAGS, **guarded_by(READ))
    async def risk(
        days: Annotated[int, Query(ge=0, le=60)] = RISK_DAYS,
        least: Annotated[float, Query(ge=0, le=1)] = 0.0,
    ) -> Response:
        """Orders that have not come and are promised within some days, likeliest late first."""
        rows = await in_thread(partial(late_risk.at_risk, shop, days=days, least=least))
        return errors.JSON({"orders": [_plain(row) for row in rows]})


def _known(api: FastAPI, service: Service) -> None:
    shop = service.shop

    @api.get("/v1/supply/suppliers", operation_id="list_suppliers", **_TAGS, **guarded_by(READ))
    async def suppliers() -> Response:
        """Scorecards: on time, lead time, chance of being late next, fill rate, price change."""
        return errors.JSON({"suppliers": await in_thread(supplier_cards.cards, service.shop)})

    @api.get("/v1/supply/sourcing", operation_id="list_sourcing", **_TAGS, **guarded_by(READ))
    async def sourcing(
        item_id: Annotated[str | None, Query(max_length=128)] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
        offset: Annotated[int, Query(ge=0)] = 0,
    ) -> Response:
        """Products with their suppliers ranked: price, what uncertainty costs, days, risk."""
        ask = partial(supplier_choice.choices, shop, item_id=item_id, most=limit, offset=offset)
        return errors.JSON({"products": await in_thread(ask)})

    @api.get("/v1/supply/locations", operation_id="list_locations", **_TAGS, **guarded_by(READ))
    async def locations() -> Response:
        """Warehouses, shops and depots as they stand."""
        rows = await in_thread(supply_reads.locations, shop.warehouse)
        return errors.JSON({"locations": [_plain(row) for row in rows]})

    @api.put(
        "/v1/supply/rules/{rule_id}",
        operation_id="put_supply_rule",
        **_TAGS,
        **guarded_by(WRITE, "400"),
    )
    async def rule(rule_id: Id, request: Request, body: Given) -> Response:
        """Set a rule: allocation, carrier:NAME or vehicle:NAME; ``text`` is its JSON."""
        given = only(body, ("text", "active"))
        active = given.get("active", True) is True
        work = partial(supply_desk.put_rule, active=active)
        await in_thread(work, shop, rule_id, text(given, "text", 10_000), who(request))
        return errors.JSON({"rule_id": rule_id, "active": active})


def _notices(api: FastAPI, service: Service) -> None:
    shop = service.shop

    @api.get("/v1/supply/notices", operation_id="list_notices", **_TAGS, **guarded_by(READ))
    async def notices() -> Response:
        """Messages of suppliers, newest first: how they were judged, what open ones say."""
        return errors.JSON({"notices": await in_thread(_read_notices, shop)})

    @api.post(
        "/v1/supply/notices/{notice_id}",
        operation_id="judge_notice",
        **_TAGS,
        **guarded_by(WRITE, "400", "404", "409"),
    )
    async def judge(notice_id: Id, request: Request, body: Given) -> Response:
        """Judge: ``verdict`` look, accept (``changes``, or an order and day), reject, certain …"""
        allowed = ("verdict", "changes", "purchase_order_id", "new_day")
        given = only(body, allowed)
        verdict = text(given, "verdict")
        if verdict == "reject":
            await in_thread(supply_notices.reject, shop, notice_id, who(request))
            return errors.JSON({"verdict": verdict})
        if verdict == "reread":
            read = await in_thread(supply_reader.reread, shop, notice_id)
            return errors.JSON({"verdict": verdict, "read": read})
        if verdict == "certain":
            found = await in_thread(supply_reader.apply_certain, shop, notice_id)
        elif verdict in ("accept", "look"):
            actor = who(request) if verdict == "accept" else None
            found = await in_thread(_judged, shop, notice_id, given, actor)
        else:
            raise BadInput(
                "The verdict is unknown.",
                field="verdict",
                value=verdict,
                allowed="look, accept, reject, certain, reread",
            )
        told = [_touched(one) for one in found]
        # One change stands at the top as well, for who asks about one day.
        return errors.JSON({"verdict": verdict, **(told[0] if told else {}), "changes": told})


def _judged(
    shop: Any, notice_id: str, given: Mapping[str, Any], operator: str | None
) -> list[dict[str, Any]]:
    """Return what changes touch; with an operator, carry them out."""
    shop.warehouse.refresh()
    notice = supply_notices.open_notice(shop, notice_id)
    raw = given.get("changes")
    if raw is None:
        order, day = text(given, "purchase_order_id"), text(given, "new_day")
        raw = [{"kind": "day", "purchase_order_id": order, "new_day": day}]
    if not isinstance(raw, list) or not all(isinstance(one, dict) for one in raw):
        raise BadInput("changes must be a list of objects.", field="changes", value=raw)
    for one in raw:
        only(one, notice_changes.FIELDS)
    changes = [notice_changes.change_of(shop, notice["supplier_id"], one) for one in raw]
    if operator is None:
        return [notice_changes.consequences(shop, one) for one in changes]
    return notice_changes.accept(shop, notice_id, changes, operator)


def _touched(found: dict[str, Any]) -> dict[str, Any]:
    return {**found, "items": [lookups.plain(item) for item in found["items"]]}


def _read_notices(shop: Any) -> list[dict[str, Any]]:
    told = []
    for row in supply_reports.notices(shop.warehouse):
        read = supply_reader.proposals(shop, row) if row["state"] == "open" else []
        changes = notice_changes.read_changes(shop, row, read) if read else []
        told.append({**_plain(row), "read": read, "changes": changes})
    return told


def move_json(change: day_plan.Move) -> dict[str, Any]:
    """Return what a move does as plain JSON values."""
    return {
        "stop_id": change.stop_id,
        "vehicle_id": change.vehicle_id,
        "position": change.position,
        "feasible": change.feasible,
        "broken": [{"reason": reason, "facts": dict(facts)} for reason, facts in change.broken],
        "cost_change_minor": change.cost_after_minor - change.cost_before_minor,
        "metres_change": change.metres_after - change.metres_before,
    }


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return lookups.plain({k: v for k, v in row.items() if k not in ("dt", "seq", "event_id")})
