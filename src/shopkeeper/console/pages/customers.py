"""Customers: the list, and one customer's facts, history, live recommendations and decisions."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from shopkeeper.base.errors import ShopError, StoreUnavailable
from shopkeeper.console.area import Area
from shopkeeper.console.pages.slates import preview
from shopkeeper.console.parts import Fault, leaf
from shopkeeper.console.view import View
from shopkeeper.data import listings

ROWS = 25
GROUPS = 10
DECISIONS = 10
# Placements shown for a customer, and whether they stand beside the product last bought or seen.
PLACEMENTS = (
    ("home", False),
    ("buy_again", False),
    ("trending", False),
    ("product", True),
    ("bought_together", True),
)
SLATE = 8
SHOWN_DAYS = (7, 28, 84)


def index(view: View) -> Response:
    """Return the list of customers."""
    return view.page("customers.html", "customers", listing=view.part(_listing, view))


def show(view: View, customer_id: str) -> Response:
    """Return one customer's page, or 404 when no event names the id."""
    facts = view.part(listings.customer, view.console.shop.warehouse, customer_id)
    if facts.error is None and facts.data is None:
        text = view.say("problem.no_customer", id=customer_id)
        return view.problem(404, "problem.not_found", text, view.say("problem.id_hint"))
    return view.page(
        "customer.html",
        "customers",
        customer_id=customer_id,
        currency=view.console.shop.settings.currency,
        facts=view.part(_facts, facts.data) if facts.data else facts,
        outlook=view.part(_outlook, view, customer_id),
        visit=view.part(_visit, view, customer_id),
        now=view.part(_now, view, customer_id),
        history=view.part(_history, view, customer_id),
        decisions=view.part(_decisions, view, customer_id),
    )


def _listing(view: View) -> dict[str, Any]:
    shop, offset = view.console.shop, view.offset("list")
    page = leaf(listings.customers(shop.warehouse, offset, ROWS), "list", offset, ROWS)
    return as_dict(page) | {"currency": shop.settings.currency}


def _facts(found: dict[str, Any]) -> dict[str, Any]:
    orders = found["orders"]
    return found | {
        "basket_minor": found["net_minor"] // orders if orders else None,
        "properties": sorted(found["properties"].items()),
    }


def _outlook(view: View, customer_id: str) -> dict[str, Any]:
    """Return what is foretold of her: chances, the next order, the risk of losing her, money."""
    runtime = view.console.runtime
    if runtime is None:
        raise StoreUnavailable(view.say("fault.no_runtime"), hint=view.say("fault.no_runtime_hint"))
    live = runtime.live["behaviour"]
    answer = live.answer(live.card.parse({"customer_id": customer_id}))
    told = answer.choice.value
    key = "text_zh" if view.language == "zh" else "text"
    reasons = [
        {"text": one[key], "share": one["share"] or 0.0} for one in told["reasons"] if one[key]
    ]
    return told | {
        "why": reasons,
        "model": answer.model,
        "fallback": answer.fallback_reason is not None,
        "kept": [one for one in told.get("chances", []) if one["days"] in SHOWN_DAYS],
    }


def _visit(view: View, customer_id: str) -> dict[str, Any] | None:
    """Return the visit under way and the chance that it ends in an order; None: she is not here."""
    runtime = view.console.runtime
    if runtime is None or "session" not in runtime.live:
        return None
    live = runtime.live["session"]
    answer = live.answer(live.card.parse({"customer_id": customer_id}))
    told = answer.choice.value
    if not told["visiting"]:
        return None
    key = "text_zh" if view.language == "zh" else "text"
    return told | {
        "why": [{"text": one[key], "share": one["share"] or 0.0} for one in told["reasons"]],
        "model": answer.model,
        "fallback": answer.fallback_reason is not None,
    }


def _now(view: View, customer_id: str) -> list[dict[str, Any]]:
    warehouse = view.console.shop.warehouse
    latest = listings.history(warehouse, customer_id, 0, 1)
    lines = latest[0]["lines"] if latest else []
    context = lines[0] if lines else None
    shown = []
    for placement, beside in PLACEMENTS:
        if beside and context is None:
            continue
        request: dict[str, Any] = {
            "placement": placement,
            "customer_id": customer_id,
            "limit": SLATE,
        }
        if beside and context:
            request["items"] = [context["item_id"]]
        slate = {"placement": placement, "context": context if beside else None, "error": None}
        # One placement that cannot answer does not hide the others.
        try:
            slate |= preview(view, "recommend", request)
        except ShopError as problem:
            slate |= {"error": Fault(message=problem.message, hint=problem.hint)}
        shown.append(slate)
    return shown


def _history(view: View, customer_id: str) -> dict[str, Any]:
    offset = view.offset("history")
    found = listings.history(view.console.shop.warehouse, customer_id, offset, GROUPS)
    page = as_dict(leaf(found, "history", offset, GROUPS))
    return page | {"groups": page["rows"]}


def _decisions(view: View, customer_id: str) -> list[dict[str, Any]]:
    return listings.decisions(view.console.shop.warehouse, 0, DECISIONS, customer_id)[:DECISIONS]


def as_dict(page: Any) -> dict[str, Any]:
    """Return a Leaf's fields, to be joined with others."""
    return {name: getattr(page, name) for name in ("rows", "key", "number", "before", "after")}


AREA = Area(name="customers", pages=(("/customers", index), ("/customers/{subject:path}", show)))
