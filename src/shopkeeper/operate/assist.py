"""Help for an operator in a conversation: cited drafts, and tools with one click and a look before.

A tool is previewed first; the preview carries a signed token bound to the conversation, operator,
exact writes, their orders' versions and ten minutes. Carrying it out happens once, on the records
as they are then, under the operator's name, and tells the customer in their language.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import msgspec

from shopkeeper.base import clock, ids
from shopkeeper.base.errors import BadInput, NotAllowed, StoreUnavailable, shorten
from shopkeeper.data.events import Event
from shopkeeper.operate import conversations
from shopkeeper.support import assist, confirm, record
from shopkeeper.support.desk import Desk
from shopkeeper.support.dialogue import Outcome
from shopkeeper.support.features import features_at, plain
from shopkeeper.support.message import Message
from shopkeeper.support.request import MAX_TEXT, Request
from shopkeeper.support.state import Conversation, Write, copy, decode, encode

PURPOSE = "operator"
MINUTES = 10
FIELDS = ("tool", "order_id", "items", "reason")


def suggest(runtime: Any, conversation_id: str) -> dict[str, Any]:
    """Return ``drafts`` (sentences with sources, in the customer's language) and ``tools``."""
    found = conversations.require(runtime.shop, conversation_id)
    live = _live(runtime)
    language = _language(found)
    heard = [one["text"] for one in found["messages"] if one["direction"] == "in"]
    with live.lock:
        desk = _desk(live, found)
        said = [_read(live, desk, text, language) for text in heard[: -assist.MOST_READ - 1 : -1]]
        drafts = assist.drafts(desk, said, language)
        tools = assist.offers(desk)
    return {
        "language": language,
        "drafts": [asdict(one) for one in drafts],
        "tools": [asdict(one) for one in tools],
    }


def preview(
    runtime: Any, conversation_id: str, raw: Mapping[str, Any], *, operator: str, language: str
) -> dict[str, Any]:
    """Return what a tool would do in words, and the token that carries it out, None if it cannot.

    ``raw``: tool, order_id, items (ids; all when empty), reason. Nothing is changed.
    """
    wish = _wish(raw)
    found = conversations.require(runtime.shop, conversation_id)
    live = _live(runtime)
    with live.lock:
        desk = _desk(live, found)
        made = assist.plan(desk, wish["tool"], wish["order_id"], wish["items"], wish["reason"])
        sentences = assist.shown(made, desk, language)
    expires_us = clock.now_us() + MINUTES * 60_000_000
    token = None
    if made.writes:
        facts = {
            "conversation_id": conversation_id,
            "customer_id": found["customer_id"],
            "operator": operator,
            "nonce": ids.new_id("op"),
            "writes": msgspec.to_builtins(made.writes),
            "expires_us": expires_us,
        }
        token = confirm.sign(conversations.secret_of(runtime.shop), PURPOSE, facts)
    return {
        "tool": wish["tool"],
        "order_id": wish["order_id"],
        "sentences": [asdict(one) for one in sentences],
        "confirm": token,
        "expires_at": clock.iso(expires_us) if token else None,
    }


def carry_out(runtime: Any, conversation_id: str, token: str, *, operator: str) -> dict[str, Any]:
    """Do what a preview showed, once; returns what the customer was told.

    Raises
    ------
    NotSignedIn
        If the token is forged, altered or over.
    NotAllowed
        If it is another operator's or conversation's, or nobody has taken the conversation.
    """
    shop = runtime.shop
    facts = confirm.read(conversations.secret_of(shop), PURPOSE, token, clock.now_us())
    found = conversations.require(shop, conversation_id)
    for name, mine in (
        ("operator", operator),
        ("conversation_id", conversation_id),
        ("customer_id", found["customer_id"]),
    ):
        if facts[name] != mine:
            raise NotAllowed(f"This confirmation is of another {name}.", field=name)
    if found["state_name"] != "taken":
        raise NotAllowed(
            "Take the conversation before you act in it.",
            field="state",
            value=found["state_name"],
        )
    live, language = _live(runtime), _language(found)
    writes = msgspec.convert(facts["writes"], list[Write])
    with live.lock:
        desk = _desk(live, found)
        told, done = assist.carry_out(writes, str(facts["nonce"]), desk, language)
        events = _events(live, desk, told, done, facts, found) if done else []
    if events:
        runtime.store(live, *events)
    return {
        "done": bool(done),
        "sentences": [asdict(one) for one in told],
        "events": [one.event_id for one in events],
    }


def _events(
    live: Any,
    desk: Desk,
    told: list[Any],
    done: list[Write],
    facts: Mapping[str, Any],
    found: Mapping[str, Any],
) -> list[Event]:
    """Return the writes and the message that says them; take both into the live state."""
    state, now_us, nonce = desk.state, clock.now_us(), str(facts["nonce"])
    base: dict[str, Any] = {
        "conversation_id": state.conversation_id,
        "customer_id": state.customer_id,
        "language": _language(found),
    }
    outcome = Outcome(state=state, acts=[], address=desk.address)
    operator = str(facts["operator"])
    events = [
        record.write_event(live.state, one, outcome, base, f"{nonce}:{n}", now_us, by=operator)
        for n, one in enumerate(done)
    ]
    message = Event(
        event_id=record.event_id("msg", nonce, "out"),
        kind="message",
        occurred_at=clock.from_us(now_us + 1),
        text="\n".join(one.text for one in told)[:MAX_TEXT],
        source=operator,
        properties={
            "direction": "out",
            "channel": found["channel"],
            "tools": plain([{"tool": w.tool, "ok": True, "args": {}} for w in done]),
            "state": encode(state),
        },
        **base,
    )
    for event in (*events, message):
        live.state.own(event.event_id)
    for write in done:
        live.state.wrote(write, state.customer_id or "")
    live.state.keep(state, desk.address, desk.previous)
    return [*events, message]


def _live(runtime: Any) -> Any:
    live = runtime.live["support"]
    if live.state is None:
        raise StoreUnavailable(f"support cannot help: {live.state_fault}.")
    return live


def _desk(live: Any, found: Mapping[str, Any]) -> Desk:
    """Return the view of the conversation's own customer, on a copy of its state."""
    held = live.state.conversations.get(found["conversation_id"])
    if held is None:
        text = found["state"]
        fresh = Conversation(conversation_id=found["conversation_id"])
        held = decode(text) if text else fresh
    state = copy(held)
    state.customer_id = found["customer_id"]
    live.state.book.now_us = clock.now_us()
    return Desk(
        state=state, book=live.state.book, terms=live.state.terms, now_us=live.state.book.now_us
    )


def _read(live: Any, desk: Desk, text: str, language: str) -> Message:
    request = Request(
        conversation_id=desk.state.conversation_id,
        text=text,
        customer_id=desk.customer_id,
        language=language,
    )
    features = features_at(live.state, request, desk.now_us)
    read = live.model.predict if live.model is not None else live.card.fallback
    found = read(features)
    return Message(text=text, understanding=found.understanding, hits=found.hits)


def _language(found: Mapping[str, Any]) -> str:
    return found["language"] if found["language"] in ("en", "zh") else "en"


def _wish(raw: Mapping[str, Any]) -> dict[str, Any]:
    for name in raw:
        if name not in FIELDS:
            raise _bad(str(name)[:60], raw[name], ", ".join(FIELDS))
    tool = raw.get("tool")
    if tool not in assist.TOOLS:
        raise _bad("tool", tool, ", ".join(assist.TOOLS))
    items = raw.get("items") or []
    if not isinstance(items, list) or not all(isinstance(one, str) for one in items):
        raise _bad("items", items, "a list of item ids")
    found = {"tool": tool, "items": items}
    for name in ("order_id", "reason"):
        value = raw.get(name) or ""
        if not isinstance(value, str) or len(value) > 128:
            raise _bad(name, value, "a text of up to 128 characters")
        found[name] = value
    return found


def _bad(name: str, value: Any, allowed: str) -> BadInput:
    return BadInput(
        f"{name} must be {allowed}, but is {shorten(value)!r}.",
        field=name,
        value=value,
        allowed=allowed,
    )
