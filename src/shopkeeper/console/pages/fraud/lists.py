"""Block and allow lists: add an identifier, approve with a second person, end an entry."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import FormData
from starlette.responses import Response

from shopkeeper.base import clock
from shopkeeper.base.errors import BadInput, ShopError
from shopkeeper.console.view import View
from shopkeeper.fraud.lists import KINDS, LISTS
from shopkeeper.operate import fraud_desk

MOST_SHOWN = 200


def index(view: View, notice: str = "", problem: ShopError | None = None) -> Response:
    """Return the entries, those that wait for somebody on top."""
    return view.page(
        "fraud/lists.html",
        "fraud",
        tab="lists",
        entries=view.part(_entries, view),
        kinds=KINDS,
        names=LISTS,
        problem=problem,
        notice=notice,
    )


def propose(view: View, form: FormData) -> Response:
    """Put an identifier on a list."""
    days = str(form.get("days", "")).strip()
    given = {
        "list": str(form.get("list", "")),
        "kind": str(form.get("kind", "")),
        "value": str(form.get("value", ""))[:400],
        "days": int(days) if days.isascii() and days.isdigit() else (days or None),
        "why": str(form.get("why", ""))[:500],
    }
    try:
        entry = fraud_desk.propose_entry(view.console.shop, given, _user(view))
    except BadInput as problem:
        return index(view, problem=problem)
    return index(view, notice=view.say(f"fraud.entry_{entry.status}"))


def change(view: View, form: FormData) -> Response:
    """Approve a proposed entry, or end one."""
    work = fraud_desk.approve_entry if form.get("to") == "approve" else fraud_desk.end_entry
    try:
        entry = work(view.console.shop, str(form.get("entry", "")), _user(view))
    except ShopError as problem:
        return index(view, problem=problem)
    return index(view, notice=view.say(f"fraud.entry_{entry.status}"))


def _entries(view: View) -> list[dict[str, Any]]:
    now_us = clock.now_us()
    found = [
        fraud_desk.as_plain(entry) | {"ended": now_us >= entry.ends_us}
        for entry in fraud_desk.controls(view.console.shop).lists.all()
    ]
    order = {"proposed": 0, "live": 1, "off": 2}
    return sorted(found, key=lambda one: order.get(one["status"], 3))[:MOST_SHOWN]


def _user(view: View) -> str:
    assert view.session is not None
    return view.session.user
