"""Messages of suppliers: what was read, its places marked, what it would touch, the verdict."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import FormData
from starlette.responses import Response

from shopkeeper.base.errors import BadInput, ShopError
from shopkeeper.console.pages.supply.fields import field, who
from shopkeeper.console.view import View
from shopkeeper.data import supply_reports
from shopkeeper.operate import notice_changes, supply_notices, supply_reader

NOTICES = 20


def index(view: View) -> Response:
    """Return the inbox of suppliers' messages."""
    return view.page(
        "supply_messages.html", "supply", tab="messages", notices=view.part(_notices, view)
    )


def judge(view: View, form: FormData) -> Response:
    """Show what a message's changes would touch, accept those chosen, or reject the message."""
    shop, notice = view.console.shop, field(form, "notice")
    if form.get("reject"):
        supply_notices.reject(shop, notice, who(view))
        return view.go(view.url("supply/messages"))
    if form.get("accept"):
        changes = _chosen(shop, notice, form)
        notice_changes.accept(shop, notice, changes, who(view))
        return view.go(view.url("supply/messages"))
    try:
        found = [notice_changes.consequences(shop, one) for one in _chosen(shop, notice, form)]
    except ShopError as problem:
        return view.page("supply_touched.html", found=[], problem=problem.message, currency="")
    currency = shop.settings.currency
    return view.page("supply_touched.html", found=found, problem="", currency=currency)


def _chosen(shop: Any, notice_id: str, form: FormData) -> list[notice_changes.Change]:
    """Return the changes whose box is ticked, with what a person filled in."""
    notice = supply_notices.open_notice(shop, notice_id)
    found = []
    for box in form.getlist("take"):
        number = str(box)[:4]
        raw: dict[str, Any] = {
            name: field(form, f"{name}.{number}")
            for name in notice_changes.FIELDS
            if form.get(f"{name}.{number}")
        }
        for name in ("quantity", "price"):
            if name in raw:
                raw[name] = _number(name, raw[name])
        found.append(notice_changes.change_of(shop, notice["supplier_id"], raw))
    if not found:
        raise BadInput("Nothing was chosen.", hint="Tick a change.", field="take")
    return found


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError as problem:
        raise BadInput(
            f"{name} must be a number such as 12.5, but is '{text}'.", field=name, value=text
        ) from problem


def _notices(view: View) -> list[dict[str, Any]]:
    """Return messages with what was read in them, the places of it marked in the text."""
    shop = view.console.shop
    found = []
    for row in supply_reports.notices(shop.warehouse, None, NOTICES):
        is_open = row["state"] == "open"
        named = supply_notices.named_orders(shop, row["text"]) if is_open else []
        read = supply_reader.proposals(shop, row) if is_open else []
        changes = notice_changes.read_changes(shop, row, read) if is_open else []
        if is_open and not any(one["kind"] == "day" for one in changes):
            # A person may know the day that no rule could read.
            order = named[0]["purchase_order_id"] if named else ""
            changes.append(
                {
                    "kind": "day",
                    "purchase_order_id": order,
                    "new_day": "",
                    "missing": view.say("supply.day_unread"),
                    "questions": [],
                }
            )
        spans = [(one["start"], one["end"]) for one in named]
        spans += [(s["start"], s["end"]) for one in read for s in one["spans"].values()]
        found.append(
            {
                **row,
                "named": named,
                "read": read,
                "changes": changes,
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
