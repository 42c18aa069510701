"""Decisions: the list, and one decision with why, why not, its request and its outcomes."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import Response

from shopkeeper.base.errors import NotFound, StoreUnavailable
from shopkeeper.console.area import Area
from shopkeeper.console.pages.customers import as_dict
from shopkeeper.console.pages.slates import ranked
from shopkeeper.console.parts import leaf
from shopkeeper.console.view import View
from shopkeeper.data import listings, reports

ROWS = 25


def index(view: View) -> Response:
    """Return the list of decisions."""
    return view.page("decisions.html", "decisions", listing=view.part(_listing, view))


def show(view: View, decision_id: str) -> Response:
    """Return one decision's page, or 404."""
    warehouse = view.console.shop.warehouse
    try:
        found = reports.decision(warehouse, decision_id)
    except NotFound:
        text = view.say("problem.no_decision", id=decision_id)
        return view.problem(404, "problem.not_found", text, view.say("problem.id_hint"))
    return view.page(
        "decision.html",
        "decisions",
        decision_id=decision_id,
        currency=view.console.shop.settings.currency,
        facts=view.part(dict, found),
        chosen=view.part(_chosen, view, found),
        why_not=view.part(_why_not, view, found),
        asked=view.part(_asked, view, decision_id, found),
        outcomes=view.part(_outcomes, view, found),
        request_part=view.part(_request, found),
    )


def _listing(view: View) -> dict[str, Any]:
    offset = view.offset("list")
    found = listings.decisions(view.console.shop.warehouse, offset, ROWS)
    return as_dict(leaf(found, "list", offset, ROWS))


def _chosen(view: View, found: dict[str, Any]) -> list[dict[str, Any]]:
    return ranked(view, (found["value"] or {}).get("items", []))


def _why_not(view: View, found: dict[str, Any]) -> list[dict[str, Any]]:
    """Return strong candidates that a rule took out, from the trace the decision recorded."""
    trace = (found["value"] or {}).get("trace", {})
    out = [(i, code) for code, ids in trace.get("removed", {}).items() for i in ids]
    out += [(item_id, "capped") for item_id in trace.get("capped", [])]
    titles = listings.titles(view.console.shop.warehouse, [i for i, _ in out])
    return [
        {"item_id": i, "title": titles.get(i), "reason": view.word("why_not", code)}
        for i, code in out
    ]


def _asked(view: View, decision_id: str, found: dict[str, Any]) -> dict[str, Any]:
    """Return the way of the product that ``?item=`` asks about, through every step, as of now."""
    item = view.query("item", 128)
    if found["capability"] != "recommend" or not item:
        return {"item": item, "offered": found["capability"] == "recommend", "path": None}
    runtime = view.console.runtime
    if runtime is None:
        raise StoreUnavailable(view.say("fault.no_runtime"), hint=view.say("fault.no_runtime_hint"))
    told = runtime.explain(decision_id, item=item)["why_not"]
    path = told.get("path")
    return {
        "item": item,
        "offered": True,
        "text": view.word("why_not", told["code"]),
        "path": path,
        "filters": [view.word("why_not", n) for n, out in path["filters"].items() if out]
        if path
        else [],
        "title": listings.titles(view.console.shop.warehouse, [item]).get(item),
    }


def _outcomes(view: View, found: dict[str, Any]) -> list[dict[str, Any]]:
    named = [row["item_id"] for row in found["outcomes"] if row["item_id"]]
    titles = listings.titles(view.console.shop.warehouse, named)
    return [row | {"title": titles.get(row["item_id"] or "")} for row in found["outcomes"]]


def _request(found: dict[str, Any]) -> str:
    return json.dumps(found["request"], ensure_ascii=False, indent=2)


AREA = Area(name="decisions", pages=(("/decisions", index), ("/decisions/{subject:path}", show)))
