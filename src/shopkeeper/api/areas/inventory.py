"""Inventory over HTTP beyond one decision: proposals in bulk, forecasts, what-ifs, rules.

Who acts is the key: its name and id stand on every event.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import Annotated, Any

from fastapi import Body, FastAPI, Path, Query, Request
from starlette.responses import Response

from shopkeeper.api import errors
from shopkeeper.api.asked import only, who
from shopkeeper.api.openapi import guarded_by
from shopkeeper.api.service import Service, in_thread
from shopkeeper.base.errors import BadInput
from shopkeeper.operate.replenish import desk, rules, states

Id = Annotated[str, Path(min_length=1, max_length=128)]
Given = Annotated[dict[str, Any], Body()]
Word = Annotated[str, Query(max_length=128)]
Limit = Annotated[int, Query(ge=1, le=2000)]
_TAGS: dict[str, Any] = {"tags": ["inventory"]}
READ, WRITE = "inventory:read", "inventory:write"


def add(api: FastAPI, service: Service) -> None:
    """Put the routes of inventory on the app."""
    _proposals(api, service)
    _deeds(api, service)
    _rules(api, service)


def _proposals(api: FastAPI, service: Service) -> None:
    shop = service.shop

    @api.get(
        "/v1/inventory/proposals",
        operation_id="list_proposals",
        **_TAGS,
        **guarded_by(READ, "400"),
    )
    async def listing(
        state: Word = "",
        supplier: Word = "",
        cycle: Word = "",
        urgency: Word = "",
        text: Word = "",
        order: Word = "",
        offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
        limit: Limit = 100,
    ) -> Response:
        """Purchase proposals with reasons and numbers, and totals per supplier."""
        asked = desk.wanted(
            state=state, supplier=supplier, cycle=cycle, urgency=urgency, text=text, order=order
        )
        found = await in_thread(partial(desk.rows, offset=offset, limit=limit), shop, asked)
        groups = await in_thread(desk.totals, shop, asked, "supplier_id")
        count = sum(one["n"] for one in groups)
        return errors.JSON({"proposals": found, "count": count, "suppliers": groups})

    @api.get(
        "/v1/inventory/proposals.csv",
        operation_id="export_proposals",
        **_TAGS,
        **guarded_by(READ, "400"),
    )
    async def export(
        state: Word = "", supplier: Word = "", cycle: Word = "", urgency: Word = "", text: Word = ""
    ) -> Response:
        """The same proposals as a CSV file; money in minor units."""
        asked = desk.wanted(state=state, supplier=supplier, cycle=cycle, urgency=urgency, text=text)
        written = await in_thread(desk.export, shop, asked)
        return Response(
            written,
            media_type="text/csv; charset=utf-8",
            headers={"content-disposition": 'attachment; filename="proposals.csv"'},
        )

    @api.get(
        "/v1/inventory/proposals/{decision_id}",
        operation_id="get_proposal",
        **_TAGS,
        **guarded_by(READ, "404"),
    )
    async def look(decision_id: Id) -> Response:
        """One proposal as it stands, with every number that decided it."""
        return errors.JSON(await in_thread(desk.one, shop, decision_id))


def _deeds(api: FastAPI, service: Service) -> None:
    shop = service.shop

    def deed(label: str, says: str) -> None:
        @api.post(
            f"/v1/inventory/proposals/{label}",
            operation_id=f"{label}_proposals",
            summary=says,
            **_TAGS,
            **guarded_by(WRITE, "400", "404", "409"),
        )
        async def done(request: Request, body: Given) -> Response:
            given = only(body, ("proposals", "reason"))
            work = partial(states.act, operator=who(request), reason=_text(given, "reason"))
            found = await in_thread(work, shop, label, _names(given))
            orders = {one["purchase_order_id"] for one in found} - {None}
            return errors.JSON(
                {
                    "proposals": [desk.plain(one) for one in found],
                    "value_minor": sum(one["value_minor"] for one in found),
                    "purchase_orders": sorted(orders),
                }
            )

    deed("approve", "Approve proposals, all of them or none; nothing is ordered until sent.")
    deed("reject", "Reject proposals, all of them or none.")
    deed("send", "Send approved proposals: one purchase order per supplier and location.")

    @api.post(
        "/v1/inventory/proposals/{decision_id}/quantity",
        operation_id="change_proposal",
        **_TAGS,
        **guarded_by(WRITE, "400", "404", "409"),
    )
    async def change(decision_id: Id, request: Request, body: Given) -> Response:
        """Order another quantity than was proposed: `quantity` and `why`; judged later."""
        given = only(body, ("quantity", "why"))
        work = partial(desk.change, operator=who(request), why=_text(given, "why"))
        return errors.JSON(await in_thread(work, shop, decision_id, given.get("quantity")))


def _rules(api: FastAPI, service: Service) -> None:
    shop = service.shop

    @api.get("/v1/inventory/rules", operation_id="inventory_rules", **_TAGS, **guarded_by(READ))
    async def held() -> Response:
        """The ordering rules that hold: targets, costs, limits, automatic approval."""
        return errors.JSON(asdict(await in_thread(rules.rules_of, shop)))

    @api.put(
        "/v1/inventory/rules",
        operation_id="put_inventory_rules",
        **_TAGS,
        **guarded_by(WRITE, "400"),
    )
    async def put(request: Request, body: Given) -> Response:
        """Change the rules that are named, from the next plan on; the others stay."""
        return errors.JSON(asdict(await in_thread(rules.change, shop, body, who(request))))


def _names(given: Mapping[str, Any]) -> list[str]:
    names = given.get("proposals")
    if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
        raise BadInput(
            "proposals must be a list of ids.",
            field="proposals",
            value=names,
            allowed=f"a list of 1 to {states.MOST_AT_ONCE} texts",
        )
    return names


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name, "")
    if not isinstance(value, str):
        raise BadInput(f"{name} must be a text.", field=name, value=value, allowed="a text")
    return value
