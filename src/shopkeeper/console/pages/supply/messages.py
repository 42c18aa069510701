"""Messages of suppliers: what was read, its places marked, what it would touch, the verdict."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import FormData
from starlette.responses import Response

from shopkeeper.base.errors import ShopError
from shopkeeper.console.pages.supply.fields import field, who
from shopkeeper.console.view import View
from shopkeeper.data import supply_reports
from shopkeeper.operate import supply_notices, supply_reader

NOTICES = 20


def index(view: View) -> Response:
    """Return the inbox of suppliers' messages."""
    return view.page(
        "supply_messages.html", "supply", tab="messages", notices=view.part(_notices, view)
    )


def judge(view: View, form: FormData) -> Response:
    """Show what a message's change would touch, accept it, or reject the message."""
    shop, notice = view.console.shop, field(form, "notice")
    order, day = field(form, "order"), field(form, "day")
    if form.get("reject"):
        supply_notices.reject(shop, notice, who(view))
        return view.go(view.url("supply/messages"))
    if form.get("accept"):
        supply_notices.accept(shop, notice, order, day, who(view))
        return view.go(view.url("supply/messages"))
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
