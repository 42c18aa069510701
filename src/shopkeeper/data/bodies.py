"""From the bytes of a request to events: three shapes, a fast way and a forgiving one.

A body is one event, an array of events, or {"events": [...]}. The fast way decodes all of it at
once or not at all. The forgiving way takes the body apart, so that each event can be judged
alone. Whether an event makes sense is validate.py's question.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import msgspec

from shopkeeper.base.errors import BadInput
from shopkeeper.data import faults
from shopkeeper.data.events import Event, batch_decoder, decoder
from shopkeeper.data.faults import Rejection


class _Envelope(msgspec.Struct, forbid_unknown_fields=True):
    events: list[Event]


_envelope_decoder = msgspec.json.Decoder(_Envelope)


def decode_all(raw: bytes) -> list[Event]:
    """Return every event of a body; a DecodeError or UnicodeDecodeError when one is not right."""
    start = raw[:64].lstrip()
    if start[:1] == b"[":
        return batch_decoder.decode(raw)
    if b'"events"' in start:
        return _envelope_decoder.decode(raw).events
    return [decoder.decode(raw)]


def load(raw: bytes) -> list[Any]:
    """Return the events of a body as plain values; the slow way, for bodies with a fault.

    BadInput when it is no JSON, or neither an event nor a list of events.
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise BadInput(
            f"The body is not valid UTF-8 at byte {problem.start}.",
            hint="Encode the JSON as UTF-8.",
            code="invalid_utf8",
        ) from None
    try:
        # Unlike the fast decoder this one reads NaN and Infinity, so that only the events that
        # hold one are refused and not the whole batch.
        whole = json.loads(text)
    except json.JSONDecodeError as problem:
        raise BadInput(
            f"The body is not JSON: {problem.msg} at line {problem.lineno}, "
            f"column {problem.colno}.",
            hint="Send one event, an array of events, or an object with events.",
            code="malformed_json",
        ) from None
    except (RecursionError, ValueError):
        raise BadInput(
            "The body is nested too deeply or holds a number that is too long.",
            hint="An event is a flat object; put your own values into properties.",
            code="malformed_json",
        ) from None
    if isinstance(whole, dict) and "events" in whole:
        if not isinstance(whole["events"], list) or len(whole) > 1:
            raise BadInput(
                "An envelope is an object with events, an array, and nothing else.",
                field="events",
                value=faults.safe(whole["events"]),
                allowed="an array of events",
            )
        whole = whole["events"]
    if not isinstance(whole, dict | list):
        raise BadInput(
            f"The body is {faults.safe(whole)!r}, not an event.",
            hint="Send one event, an array of events, or an object with events.",
            allowed="an object or an array",
        )
    return [_cut(one, 6) for one in (whole if isinstance(whole, list) else [whole])]


def decode_one(piece: Any) -> tuple[Event | None, Rejection | None]:
    """Return the event of plain values, or why it is none."""
    for path, value in _odd_values(piece, ""):
        if isinstance(value, float):
            fault = faults.wrong(path, value, "a finite number", code="not_a_number")
            return None, fault
        return None, faults.wrong(path, value, "text in valid Unicode")
    try:
        return decoder.decode(msgspec.json.encode(piece)), None
    except msgspec.ValidationError as problem:
        return None, faults.from_decoder(problem, piece)


def _cut(value: Any, depth: int) -> Any:
    """Return a value without what lies deeper than any event goes (its lines, 3 levels).

    What is cut off stands inside something that is refused anyway; nobody after this has to
    follow a thousand brackets.
    """
    if isinstance(value, dict):
        return {name: _cut(one, depth - 1) for name, one in value.items()} if depth else "…"
    if isinstance(value, list):
        return [_cut(one, depth - 1) for one in value] if depth else "…"
    return value


def _odd_values(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield what JSON cannot carry: NaN, infinities, halves of a surrogate pair."""
    if isinstance(value, float) and not math.isfinite(value):
        yield path or "event", value
    elif isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            yield path or "event", value
    elif isinstance(value, dict):
        for name, one in value.items():
            here = f"{path}.{name}" if path else name
            yield from _odd_values(name, faults.safe(here))
            yield from _odd_values(one, faults.safe(here))
    elif isinstance(value, list):
        for place, one in enumerate(value):
            yield from _odd_values(one, f"{path}[{place}]")
