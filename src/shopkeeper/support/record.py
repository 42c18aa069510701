"""The events of one turn: the message, the reply with the state after it, and every write.

They go to the log in one transaction with the decision. What identifies a person (a new address)
travels in ``person`` only, where it is hashed and sealed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from msgspec import UNSET

from shopkeeper.base import clock
from shopkeeper.data.events import Event, Line, Person
from shopkeeper.learn.contracts import Choice
from shopkeeper.support.commit import address_of
from shopkeeper.support.desk import Desk
from shopkeeper.support.features import LiveState, plain
from shopkeeper.support.request import Request
from shopkeeper.support.state import Write

LABELS = {
    "return_items": "return_requested",
    "exchange_items": "exchange_requested",
    "change_items": "items_changed",
    "change_address": "address_changed",
    "change_default_address": "default_address_changed",
    "change_payment": "payment_changed",
    "coupon": "coupon_given",
}


def commit(
    live: LiveState, request: Request, choice: Choice, decision_id: str
) -> Sequence[Event] | None:
    """Make a turn hold: take its state and writes, and return the events that record it."""
    held = choice.value.pop("_held")
    if choice.value["asks"]:
        return ()
    outcome = held["outcome"]
    state, value = outcome.state, choice.value
    now_us = clock.now_us()
    base: dict[str, Any] = {
        "conversation_id": state.conversation_id,
        "customer_id": state.customer_id,
        "decision_id": decision_id,
        "language": value["language"],
    }
    turn = f"{state.conversation_id}:{state.turn}"
    events = [
        Event(
            event_id=event_id("msg", turn, "in"),
            kind="message",
            occurred_at=clock.from_us(now_us),
            text=held["masked"] or ("✓" if request.confirm else "★" * request.rating or "–"),
            source="customer",
            rating=float(request.rating) if request.rating else None,
            properties={
                "direction": "in",
                "channel": request.channel,
                "intents": plain(value["intents"]),
                "answered": value["answered"],
            },
            **base,
        ),
        Event(
            event_id=event_id("msg", turn, "out"),
            kind="message",
            occurred_at=clock.from_us(now_us + 1),
            text=value["reply"] or "–",
            source="assistant",
            properties={
                "direction": "out",
                "channel": request.channel,
                "acts": plain(value["acts"]),
                "tools": plain(value["tools"]),
                "citations": plain(value["citations"]),
                "state": value["state"],
            },
            **base,
        ),
    ]
    for place, write in enumerate(outcome.writes):
        events.append(write_event(live, write, outcome, base, f"{turn}:{place}", now_us + 2))
    if value["handover"]:
        events.append(_handover_event(value["handover"], base, turn, now_us + 2))
    if request.rating:
        events.append(_rating_event(request.rating, base, turn, now_us + 2))
    _take_in(live, events, outcome)
    value.pop("state")
    return events


def _take_in(live: LiveState, events: list[Event], outcome: Any) -> None:
    """Let the turn hold at once; the log brings the same events later and they are skipped."""
    for event in events:
        live.own(event.event_id)
    for write in outcome.writes:
        live.wrote(write, outcome.state.customer_id or "")
    live.keep(outcome.state, outcome.address, outcome.previous)


def write_event(
    live: LiveState,
    write: Write,
    outcome: Any,
    base: dict[str, Any],
    key: str,
    at_us: int,
    by: str = "support",
) -> Event:
    """Return a write as the event that the shop's own systems read; ``by`` whom it was made."""
    order_id = write.order_id or None
    amount = abs(int(write.args.get("amount_minor", 0)))
    lines: Any = UNSET
    if write.args.get("item_ids"):
        lines = [Line(item_id=one) for one in write.args["item_ids"]]
    shared: dict[str, Any] = {
        "event_id": event_id("act", key, write.tool),
        "occurred_at": clock.from_us(at_us),
        "order_id": order_id,
        "source": by,
        "lines": lines,
        **base,
    }
    order = live.book.order(base["customer_id"] or "", write.order_id)
    currency = order.currency if order else None
    if write.tool == "cancel_order":
        shared["lines"] = UNSET
        return Event(kind="cancel", reason=write.args.get("reason"), **shared)
    if write.tool == "refund":
        shared["lines"] = UNSET
        return Event(
            kind="refund",
            currency=currency or "USD",
            value_minor=amount,
            reason=write.args.get("reason"),
            **shared,
        )
    return Event(
        kind="action",
        label=LABELS[write.tool],
        status="done",
        person=_person(live, write, outcome, at_us),
        value_minor=amount or None,
        currency=currency if amount else None,
        properties={
            "capability": "support",
            "subject": base["conversation_id"],
            "conversation_id": base["conversation_id"],
            "new_items": plain(write.args.get("new_item_ids", [])),
            "method": write.args.get("method_id", ""),
        },
        **shared,
    )


def _rating_event(stars: int, base: dict[str, Any], turn: str, at_us: int) -> Event:
    """Return the customer's stars as a label of the conversation, for reports and training."""
    return Event(
        event_id=event_id("lab", turn, "csat"),
        kind="label",
        occurred_at=clock.from_us(at_us),
        label="csat",
        score=float(stars),
        source="customer",
        conversation_id=base["conversation_id"],
    )


def _person(live: LiveState, write: Write, outcome: Any, at_us: int) -> Any:
    """Return what a write says of a person, which is hashed and sealed; UNSET for most."""
    if write.tool not in ("change_address", "change_default_address"):
        return UNSET
    desk = Desk(
        state=outcome.state,
        book=live.book,
        terms=live.terms,
        now_us=at_us,
        address=outcome.address,
    )
    address = address_of(write, desk)
    return Person(address=address.one_line()) if address else UNSET


def _handover_event(note: dict[str, Any], base: dict[str, Any], turn: str, at_us: int) -> Event:
    return Event(
        event_id=event_id("act", turn, "handover"),
        kind="action",
        occurred_at=clock.from_us(at_us),
        label="handed_over",
        status="open",
        reason=note["why"],
        text=note["summary"],
        source="support",
        properties={
            "capability": "support",
            "subject": base["conversation_id"],
            "conversation_id": base["conversation_id"],
            "note": plain(note),
        },
        **base,
    )


def event_id(prefix: str, *parts: str) -> str:
    """Return the same id for the same parts, so that what is told twice is one event."""
    digest = hashlib.blake2b("|".join(parts).encode(), digest_size=12).hexdigest()
    return f"{prefix}_{digest}"
