"""The inbox: conversations to the left, the talk in the middle, its context to the right.

What an operator does here is an event under their name: taken, said, noted, returned, closed.
"""

from __future__ import annotations

import json
from typing import Any

from starlette.datastructures import FormData
from starlette.responses import Response

from shopkeeper.console import speech
from shopkeeper.console.parts import leaf
from shopkeeper.console.view import View
from shopkeeper.data import listings, support_tables
from shopkeeper.operate import assist, canned, conversations
from shopkeeper.support.state import Conversation, decode

ROWS = 30
VIEWS = ("waiting", "taken", "all")
CANNED = ("look", "sorry", "more", "done")
MOST_ITEMS = 40


def index(view: View) -> Response:
    """Return the inbox with no conversation open."""
    return _page(view, None)


def show(view: View, conversation_id: str) -> Response:
    """Return the inbox with one conversation, or 404 when there is none."""
    warehouse = view.console.shop.warehouse
    found = view.part(support_tables.conversation, warehouse, conversation_id)
    if found.error is None and found.data is None:
        text = view.say("support.no_conversation", id=conversation_id)
        return view.problem(404, "problem.not_found", text)
    return _page(view, found, conversation_id)


def do(view: View, form: FormData) -> Response:
    """Carry out what an operator did, then show the conversation again."""
    assert view.session is not None
    name, doing = str(form.get("conversation_id", "")), str(form.get("doing", ""))
    text, operator = str(form.get("text", "")), view.session.user
    shop = view.console.shop
    if doing == "said":
        conversations.say(shop, name, text, operator=operator)
    else:
        conversations.do(shop, name, doing, operator=operator, text=text)
    return view.go(view.url("support", name))


def carry_out(view: View, form: FormData) -> Response:
    """Carry out a tool that was shown, then show the conversation again."""
    assert view.session is not None
    name, token = str(form.get("conversation_id", "")), str(form.get("confirm", ""))
    assist.carry_out(view.console.runtime, name, token, operator=view.session.user)
    return view.go(view.url("support", name))


def _page(view: View, found: Any, conversation_id: str = "") -> Response:
    data, runtime, tool = found and found.data, view.console.runtime, view.query("tool")
    mine = bool(data) and data["state_name"] == "taken"
    return view.page(
        "support_inbox.html",
        "support",
        listing=view.part(_listing, view),
        totals=view.part(support_tables.totals, view.console.shop.warehouse, 0),
        ratings=view.part(support_tables.ratings, view.console.shop.warehouse),
        views=VIEWS,
        chosen=_chosen(view),
        open_id=conversation_id,
        found=found,
        talk=view.part(_talk, view, found.data) if data else None,
        context=view.part(_context, view, data) if data else None,
        help=view.part(assist.suggest, runtime, conversation_id) if mine and runtime else None,
        plan=view.part(_plan, view, conversation_id) if mine and runtime and tool else None,
    )


def _chosen(view: View) -> str:
    wish = view.query("view")
    return wish if wish in VIEWS else "all"


def _listing(view: View) -> dict[str, Any]:
    offset = view.offset("inbox")
    found = support_tables.inbox(
        view.console.shop.warehouse, view=_chosen(view), offset=offset, most=ROWS + 1
    )
    page = leaf(found, "inbox", offset, ROWS)
    return {name: getattr(page, name) for name in ("rows", "key", "number", "before", "after")}


def _plan(view: View, conversation_id: str) -> dict[str, Any]:
    """Return what the tool in the address would do; looking changes nothing."""
    assert view.session is not None
    wish = {
        "tool": view.query("tool"),
        "order_id": view.query("order"),
        "items": view.request.query_params.getlist("item")[:MOST_ITEMS],
    }
    return assist.preview(
        view.console.runtime,
        conversation_id,
        wish,
        operator=view.session.user,
        language=view.language,
    )


def _talk(view: View, found: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the messages with what was understood, looked up and cited."""
    rows = []
    for one in found["messages"]:
        rows.append(
            one
            | {
                "intents": _open(one["intents"]),
                "tools": _open(one["tools"]),
                "citations": _open(one["citations"]),
                "acts": _open(one["acts"]),
            }
        )
    return rows


def _context(view: View, found: dict[str, Any]) -> dict[str, Any]:
    """Return the state, the customer's orders, and suggestions that an operator may send."""
    state = decode(found["state"]) if found["state"] else Conversation(conversation_id="")
    customer, warehouse = found["customer_id"], view.console.shop.warehouse
    history = listings.history(warehouse, customer, 0, 5)[:5] if customer else []
    # What is sent to the customer is in the customer's language, not in the operator's.
    language = found["language"] if found["language"] in speech.LANGUAGES else view.language
    own = canned.texts(view.console.shop.warehouse, language)
    return {
        "state": state,
        "order_id": state.order_id,
        "history": history,
        "actions": found["actions"],
        "canned": own or [speech.say(language, f"support.canned_{name}") for name in CANNED],
        "open_now": conversations.open_now(view.console.runtime),
        "cited": [citation for one in found["messages"] for citation in _open(one["citations"])],
        "currency": view.console.shop.settings.currency,
    }


def _open(text: str | None) -> list[Any]:
    found = json.loads(text) if text else []
    return found if isinstance(found, list) else []
