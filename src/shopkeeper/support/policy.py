"""One turn as a choice: what to say, with sources, and what to do, with reasons.

The dialogue decides; here its outcome becomes plain values for the record and the caller. A
conversation that an operator has gets no answer of ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from shopkeeper.language.detect import detect_language
from shopkeeper.learn.contracts import Choice, Reason
from shopkeeper.support.commit import entry
from shopkeeper.support.desk import Desk
from shopkeeper.support.dialogue import Message, Outcome, step
from shopkeeper.support.features import Features, open_now
from shopkeeper.support.grammar import Sentence, render
from shopkeeper.support.handover import note
from shopkeeper.support.request import Request
from shopkeeper.support.state import copy, encode
from shopkeeper.support.wording import NAME, request_for, reworded

TONES = {"chat": "warm", "email": "polite", "webhook": "polite", "console": "neutral"}


def choose(request: Request, features: Features, prediction: Any) -> Choice:
    """Return the reply and the writes of one turn; ``value["asks"]`` names what it needs first."""
    understanding = prediction.understanding
    # A fault of a model asks twice: each time from the conversation as it was.
    features = replace(features, state=copy(features.state))
    state = features.state
    state.language = _language(request, understanding.language, state.language)
    if features.taken:
        return _quiet(request, features, understanding)
    desk = Desk(
        state=state,
        book=features.book,
        terms=features.terms,
        now_us=features.as_of_us,
        given={**request.given, "open": open_now(features.terms, features.as_of_us)},
        address=features.address,
        previous=features.previous,
        cart=request.cart,
    )
    said = Message(
        text=request.text,
        understanding=understanding,
        hits=prediction.hits,
        confirm=request.confirm,
        rating=request.rating,
    )
    outcome = step(said, desk)
    return _choice(request, features, outcome, desk, understanding)


def asks(choice: Choice) -> Mapping[str, Mapping[str, Any]]:
    """Return what other capabilities must decide before this turn can be answered."""
    return {one["capability"]: one["request"] for one in choice.value.get("asks", ())}


def supply(request: Request, given: Mapping[str, Any]) -> Request:
    """Return the request with other capabilities' answers."""
    return replace(request, given={**request.given, **given})


def _choice(
    request: Request, features: Features, outcome: Outcome, desk: Desk, understanding: Any
) -> Choice:
    state = outcome.state
    state.seen_us = features.as_of_us
    state.last_turn_id = request.turn_id
    sentences, wording = _worded(request, features, outcome, desk)
    kinds = [one.kind for one in outcome.acts]
    citations = [
        {"source": one.source, "title": one.facts["title"], "quote": one.facts["text"]}
        for one in outcome.acts
        if one.kind == "cite"
    ]
    value: dict[str, Any] = {
        "conversation_id": state.conversation_id,
        "turn": state.turn,
        "language": state.language or "en",
        "reply": "\n".join(one.text for one in sentences),
        "wording": wording,
        "sentences": [{"text": s.text, "source": s.source, "act": s.act} for s in sentences],
        "acts": kinds,
        "intents": [
            {"intent": one.intent, "probability": one.probability} for one in understanding.intents
        ],
        "out_of_scope": round(understanding.out_of_scope, 4),
        "sentiment": round(understanding.sentiment.score, 3),
        "tools": outcome.tools,
        "citations": citations,
        "choices": list(state.choices),
        "confirm": _confirm(desk) if state.pending and kinds[-1] == "confirm" else None,
        "handover": note(state) if any(k.startswith("handed_over") for k in kinds) else None,
        "answered": not {"dont_know", "not_understood", "ask_what"} & set(kinds),
        "asks": outcome.asks,
        "writes": [
            {"tool": one.tool, "order_id": one.order_id, "args": one.args} for one in outcome.writes
        ],
        "state": encode(state),
    }
    held = {"outcome": outcome, "masked": _masked(understanding.masked, desk, request)}
    reasons = tuple(Reason(code=kind) for kind in dict.fromkeys(kinds)) or (Reason(code="quiet"),)
    return Choice(subject=state.conversation_id, value=value | {"_held": held}, reasons=reasons)


def _worded(
    request: Request, features: Features, outcome: Outcome, desk: Desk
) -> tuple[list[Sentence], dict[str, Any]]:
    """Return the sentences; where the shop has a language model they are asked of it first."""
    state = outcome.state
    language, tone = state.language or "en", TONES.get(request.channel, "polite")
    seed = f"{state.conversation_id}-{state.turn}"
    own = render(outcome.acts, language, seed=seed, tone=tone)
    if not features.rewording or outcome.asks:
        return own, {"by": "grammar", "faults": []}
    if NAME in request.given:
        return reworded(own, request.given[NAME], language, desk.names())
    if asked := request_for(own, language, tone):
        outcome.asks.append({"capability": NAME, "request": asked})
    return own, {"by": "grammar", "faults": []}


def _quiet(request: Request, features: Features, understanding: Any) -> Choice:
    """An operator has the conversation: the message is kept, and nothing is said."""
    state = features.state
    state.turn += 1
    value = {
        "conversation_id": state.conversation_id,
        "turn": state.turn,
        "language": state.language or "en",
        "reply": "",
        "wording": {"by": "operator", "faults": []},
        "sentences": [],
        "acts": ["with_operator"],
        "intents": [],
        "tools": [],
        "citations": [],
        "choices": [],
        "confirm": None,
        "handover": None,
        "answered": True,
        "asks": [],
        "writes": [],
        "state": encode(state),
        "_held": {
            "outcome": Outcome(state=state, acts=[]),
            "masked": understanding.masked,
        },
    }
    return Choice(
        subject=state.conversation_id, value=value, reasons=(Reason(code="with_operator"),)
    )


def _confirm(desk: Desk) -> dict[str, Any]:
    pending = desk.state.pending
    assert pending is not None
    return {
        "nonce": pending.nonce,
        "expires_us": pending.expires_us,
        "writes": [
            {"tool": one.tool, "order_id": one.order_id, "args": one.args, "version": one.version}
            for one in pending.writes
        ],
        "entries": len([entry(one, desk) for one in pending.writes]),
    }


def _language(request: Request, heard: str, before: str) -> str:
    """Return the language of the reply: that of the words, kept where a message has none."""
    if not request.text.strip():
        return before or request.language or "en"
    found = detect_language(request.text, before=before or request.language)
    return found or heard or "en"


def _masked(text: str, desk: Desk, request: Request) -> str:
    """Return the message as it may be stored: without an address that was just said."""
    address = desk.address
    if address is not None:
        for part in (address.line1, address.line2, address.postcode):
            if part:
                text = text.replace(part, "[address]")
    return text
