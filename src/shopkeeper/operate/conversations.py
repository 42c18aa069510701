"""Conversations for the entrances: signed sessions, signed confirmations, and operators' doings.

The customer of a turn comes from the session's token and from nowhere else. Operators' doings
are events like everybody's: a message of theirs, and the actions taken, returned, closed, noted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shopkeeper.base import clock, ids
from shopkeeper.base.errors import BadInput, NotAllowed, NotFound, shorten
from shopkeeper.data import support_tables
from shopkeeper.data.events import Event
from shopkeeper.data.privacy import find_card_number
from shopkeeper.learn.contracts import Decision
from shopkeeper.support import confirm
from shopkeeper.support.features import open_now as within_hours

HOUR_US = 3_600_000_000
SESSION_HOURS = 12
DOINGS = ("taken", "returned", "closed", "noted")


def secret_of(shop: Any) -> bytes:
    """Return the key of the shop's chat tokens, made from its master key."""
    return str(shop.keyring.hmac("support token", "1")).encode()


def open_session(
    shop: Any, *, customer_id: str | None, language: str | None = None
) -> dict[str, Any]:
    """Return a new session: its token, its conversation and when it ends."""
    if customer_id is not None:
        if not isinstance(customer_id, str) or not 0 < len(customer_id) <= 128:
            raise BadInput(
                "customer_id must be a text of 1 to 128 characters.",
                field="customer_id",
                value=shorten(customer_id),
            )
        if find_card_number(customer_id):
            raise BadInput(
                "customer_id holds a card number.", field="customer_id", code="card_number"
            )
    if language not in (None, "en", "zh"):
        raise BadInput("language must be en or zh.", field="language", value=language)
    expires_us = clock.now_us() + SESSION_HOURS * HOUR_US
    conversation = ids.new_id("con")
    facts = {
        "conversation_id": conversation,
        "customer_id": customer_id,
        "language": language,
        "expires_us": expires_us,
    }
    token = confirm.sign(secret_of(shop), confirm.SESSION, facts)
    return {"token": token, "conversation_id": conversation, "expires_at": clock.iso(expires_us)}


def session_of(shop: Any, token: str) -> dict[str, Any]:
    """Return who and which conversation a token stands for; NotSignedIn when it is not good."""
    return confirm.read(secret_of(shop), confirm.SESSION, token, clock.now_us())


def take_turn(runtime: Any, session: Mapping[str, Any], said: Mapping[str, Any]) -> Decision:
    """Take one message of a session; ``said``: text, or confirm (a token), rating, cart.

    Raises
    ------
    NotAllowed
        If a confirmation belongs to another conversation or customer.
    """
    for name in said:
        if name not in ("text", "confirm", "rating", "cart", "turn_id", "language"):
            raise BadInput(
                f"There is no field '{name[:60]}'.",
                field=str(name)[:60],
                value=said[name],
                allowed="text, confirm, rating, cart, turn_id, language",
            )
    raw: dict[str, Any] = {
        "conversation_id": session["conversation_id"],
        "text": "",
        **{name: value for name, value in said.items() if name != "confirm"},
    }
    if session.get("customer_id"):
        raw["customer_id"] = session["customer_id"]
    if session.get("language"):
        raw.setdefault("language", session["language"])
    if "confirm" in said:
        raw["confirm"] = _confirmed(runtime.shop, session, said["confirm"])
    decision: Decision = runtime.decide("support", raw)
    return decision


def printed(shop: Any, session: Mapping[str, Any], decision: Decision) -> dict[str, Any]:
    """Return what a chat gets of a turn; a plan carries its signed confirmation."""
    value = decision.value
    body = {
        name: value[name]
        for name in ("conversation_id", "turn", "language", "reply", "sentences", "acts")
    }
    body |= {
        "decision_id": decision.decision_id,
        "citations": value["citations"],
        "choices": value["choices"],
        "confirm": None,
        "handover": bool(value["handover"]),
    }
    plan = value["confirm"]
    if plan:
        facts = {
            "conversation_id": value["conversation_id"],
            "customer_id": session.get("customer_id"),
            "nonce": plan["nonce"],
            "plan": confirm.digest(plan["writes"]),
            "expires_us": plan["expires_us"],
        }
        body["confirm"] = {
            "token": confirm.sign(secret_of(shop), confirm.CONFIRM, facts),
            "expires_at": clock.iso(plan["expires_us"]),
        }
    return body


def do(
    shop: Any,
    conversation_id: str,
    doing: str,
    *,
    operator: str,
    text: str = "",
    reason: str = "",
) -> None:
    """Put an operator's doing on the log: taken, returned, closed, noted."""
    if doing not in DOINGS:
        raise BadInput(
            f"An operator can not do '{doing[:40]}'.",
            field="doing",
            value=doing,
            allowed=", ".join(DOINGS),
        )
    found = require(shop, conversation_id)
    event = Event(
        event_id=ids.new_id("act"),
        kind="action",
        occurred_at=clock.now(),
        label=doing,
        status="done",
        source=operator,
        text=text[:4000] or None,
        reason=reason[:400] or None,
        conversation_id=conversation_id,
        customer_id=found["customer_id"],
        properties={
            "capability": "support",
            "subject": conversation_id,
            "conversation_id": conversation_id,
        },
    )
    shop.record(event).result()
    if doing == "closed" and found["state_name"] in ("taken", "waiting"):
        # What the assistant could not settle alone is a lesson for the next training.
        label = Event(
            event_id=ids.new_id("lab"),
            kind="label",
            occurred_at=clock.now(),
            label="unresolved_by_assistant",
            source=operator,
            conversation_id=conversation_id,
            reason=found["handover_reason"],
        )
        shop.record(label).result()


def open_now(runtime: Any) -> bool | None:
    """Say whether these are business hours by the terms; None while nobody knows."""
    live = runtime.live.get("support") if runtime else None
    if live is None or live.state is None:
        return None
    return within_hours(live.state.terms, clock.now_us())


def say(shop: Any, conversation_id: str, text: str, *, operator: str) -> None:
    """Send an operator's message into a conversation; it must be in an operator's hands."""
    found = require(shop, conversation_id)
    if found["state_name"] != "taken":
        raise NotAllowed(
            "Take the conversation before you write in it.",
            field="state",
            value=found["state_name"],
        )
    if not text.strip():
        raise BadInput("The message is empty.", field="text", value=text)
    event = Event(
        event_id=ids.new_id("msg"),
        kind="message",
        occurred_at=clock.now(),
        conversation_id=conversation_id,
        customer_id=found["customer_id"],
        text=text[:4000],
        language=found["language"],
        source=operator,
        properties={"direction": "out", "channel": found["channel"]},
    )
    shop.record(event).result()


def require(shop: Any, conversation_id: str) -> dict[str, Any]:
    """Return a conversation with its messages as of this moment; NotFound when there is none."""
    # A busy machine lets queries see a second less; what an operator just did must count.
    shop.warehouse.refresh()
    found = support_tables.conversation(shop.warehouse, conversation_id)
    if found is None:
        raise NotFound(
            f"There is no conversation '{conversation_id[:60]}'.",
            field="conversation_id",
            value=conversation_id[:60],
        )
    return found


def _confirmed(shop: Any, session: Mapping[str, Any], token: Any) -> str:
    """Return the nonce of a confirmation that is this session's own."""
    if not isinstance(token, str):
        raise BadInput("confirm must be a token.", field="confirm", value=token)
    facts = confirm.read(secret_of(shop), confirm.CONFIRM, token, clock.now_us())
    for name in ("conversation_id", "customer_id"):
        if facts[name] != session.get(name):
            raise NotAllowed("This confirmation belongs to another conversation.", field="confirm")
    return str(facts["nonce"])
