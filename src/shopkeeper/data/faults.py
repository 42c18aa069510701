"""Say what is wrong with an event so that its sender can put it right.

Turns the decoder's complaint into a Rejection: the field's path (``lines[2].quantity``), the
value it had, what is allowed, the next step. What identifies a person and card numbers never
appear in a Rejection, because it is printed, logged and kept in quarantine.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import inspect

from shopkeeper.base.errors import shorten
from shopkeeper.data.events import Event, Line, Person
from shopkeeper.data.privacy import hide_card_numbers

NOT_KEPT = "[not kept]"


class Rejection(msgspec.Struct, frozen=True, kw_only=True):
    """One event refused. ``index`` is its place in the batch, from 0."""

    index: int = 0
    event_id: str | None = None
    code: str
    field: str | None = None
    value: Any = None
    allowed: str | None = None
    message: str
    hint: str | None = None

    def at(self, index: int, event_id: Any) -> Rejection:
        """Return the same for a place in a batch."""
        known = safe(event_id) if isinstance(event_id, str) else None
        return msgspec.structs.replace(self, index=index, event_id=known)


def safe(value: Any) -> Any:
    """Return a value fit to be shown: short, without card numbers, containers only named."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, str):
        # Hidden before it is cut: a cut could leave all but the last digit, which is a checksum.
        return shorten(hide_card_numbers(value.encode("utf-8", "replace").decode("utf-8")))
    if isinstance(value, int | float) and 10**13 <= abs(value) < 10**20:
        return hide_card_numbers(str(int(value)))
    return shorten(value)


def wrong(field: str, value: Any, allowed: str, *, code: str = "wrong_value") -> Rejection:
    """Return the Rejection of a field whose value is not allowed."""
    if field == "person" or field.startswith("person."):
        return Rejection(
            code=code,
            field=field,
            value=NOT_KEPT,
            allowed=allowed,
            message=f"{field} must be {allowed}.",
        )
    shown = safe(value)
    printed = shown if isinstance(value, dict | list) else json.dumps(shown, ensure_ascii=False)
    return Rejection(
        code=code,
        field=field,
        value=shown,
        allowed=allowed,
        message=f"{field} must be {allowed}, but is {printed}.",
    )


def missing(kind: str, field: str) -> Rejection:
    """Return the Rejection of an event whose kind needs a field that it lacks."""
    return Rejection(
        code="missing_field",
        field=field,
        allowed=ALLOWED.get(field),
        message=f"{field} is missing; kind {kind} needs it.",
        hint=f"Send {field} with every {kind} event.",
    )


def unknown_kind(kind: Any, known: Iterable[str]) -> Rejection:
    """Return the Rejection of a kind that nobody knows, with the closest names."""
    names = list(known)
    shown = safe(kind)
    close = _close(str(kind), names)
    return Rejection(
        code="unknown_kind",
        field="kind",
        value=shown,
        allowed=", ".join(names),
        message=f"kind {json.dumps(shown, ensure_ascii=False)} is unknown.",
        hint=f"Did you mean {close}?" if close else "docs/reference/events.md lists all kinds.",
    )


def card_number(field: str) -> Rejection:
    """Return the Rejection of an event that holds a card number; the number is not in it."""
    return Rejection(
        code="card_number",
        field=field,
        value=NOT_KEPT,
        allowed="no payment card number",
        message=f"{field} holds a payment card number; such an event is never stored.",
        hint="Send the payment provider's token as person.card_fingerprint instead.",
    )


_AT = re.compile(r"^(?P<what>.*?)(?: - at `(?:key in )?\$(?P<path>[^`]*)`)?$", re.DOTALL)
_NAME = re.compile(r"field `([^`]*)`")
_TOKEN = re.compile(r"\.?([A-Za-z_]\w*)|\[(\d+|\.\.\.)\]")


def from_decoder(problem: Exception, piece: Any) -> Rejection:
    """Return the decoder's complaint about one event (as plain values) as a Rejection."""
    match = _AT.match(str(problem))
    what, path = (match["what"], match["path"] or "") if match else (str(problem), "")
    path, value = _walk(piece, path)
    name = _NAME.search(what)
    if "missing required field" in what and name:
        field = f"{path}.{name[1]}" if path else name[1]
        return Rejection(
            code="missing_field",
            field=field,
            allowed=ALLOWED.get(field) or ALLOWED.get(_general(field)),
            message=f"{field} is missing; every {'line' if path else 'event'} needs it.",
        )
    if "unknown field" in what and name:
        return _unknown_field(path, safe(name[1]))
    if not path:
        return wrong("event", value, "an object with event_id, kind and occurred_at")
    return wrong(path, value, ALLOWED.get(_general(path), what))


def _unknown_field(path: str, name: str) -> Rejection:
    known = _FIELDS.get(_general(path), _FIELDS[""])
    close = _close(name, known)
    field = f"{path}.{name}" if path else name
    return Rejection(
        code="unknown_field",
        field=field,
        value=NOT_KEPT,
        allowed=", ".join(known),
        message=f"{field} is unknown.",
        hint=f"Did you mean {close}?" if close else "Put what is your own into properties.",
    )


def _close(name: str, names: list[str]) -> str:
    return " or ".join(difflib.get_close_matches(name.lower()[:64], names, n=3, cutoff=0.6))


def _general(path: str) -> str:
    """Return a path without list places and property names: lines[2].quantity -> lines.quantity."""
    path = re.sub(r"\[\d+\]", "", path)
    return "properties.*" if path.startswith("properties.") else path


def _walk(piece: Any, path: str) -> tuple[str, Any]:
    """Follow a decoder path into the event; return the path as people write it, and the value."""
    value, written = piece, ""
    for name, place in _TOKEN.findall(path):
        if place == "...":  # some value of a mapping: find the one that is no scalar
            items = list(value.items()) if isinstance(value, Mapping) else []
            odd = [one for one in items if isinstance(one[1], dict | list)]
            key, value = (odd or items or [("?", None)])[0]
            written += f".{safe(str(key))}"
        elif place:
            whole = isinstance(value, list) and int(place) < len(value)
            value = value[int(place)] if whole else None
            written += f"[{place}]"
        else:
            value = value.get(name) if isinstance(value, Mapping) else None
            written += f".{name}" if written else name
    return written, value


def _number(kind: inspect.IntType | inspect.FloatType, noun: str) -> str:
    low, high = kind.ge, kind.le
    if low is None and high is None:
        return noun
    return f"{noun} from {low:.0f} to {high:.0f}" if high is not None else f"{noun} of {low} up"


def _describe(kind: Any) -> str:
    """Return what a type allows, in words."""
    if isinstance(kind, inspect.UnionType):
        known = [
            one for one in kind.types if not isinstance(one, inspect.NoneType | inspect.CustomType)
        ]
        if len(known) > 1:
            return "text, a number, true, false or null"
        return _describe(known[0])
    if isinstance(kind, inspect.StrType):
        if kind.pattern == "^[A-Z]{3}$":
            return "three capital letters such as USD"
        if kind.max_length is None:
            return "text"
        return f"text of {kind.min_length or 0} to {kind.max_length} characters"
    if isinstance(kind, inspect.IntType):
        return _number(kind, "a whole number")
    if isinstance(kind, inspect.FloatType):
        return _number(kind, "a number")
    if isinstance(kind, inspect.BoolType):
        return "true or false"
    if isinstance(kind, inspect.DateTimeType):
        return "an ISO 8601 time such as 2026-01-31T12:00:00Z"
    if isinstance(kind, inspect.ListType):
        return f"a list of up to {kind.max_length} lines"
    return "an object"


def _allowed() -> tuple[dict[str, str], dict[str, list[str]]]:
    texts: dict[str, str] = {}
    names: dict[str, list[str]] = {}
    for prefix, struct in (("", Event), ("lines", Line), ("person", Person)):
        info = inspect.type_info(struct)
        assert isinstance(info, inspect.StructType)
        names[prefix] = [one.name for one in info.fields]
        for one in info.fields:
            texts[f"{prefix}.{one.name}" if prefix else one.name] = _describe(one.type)
    texts["lines"], texts["person"] = "a list of up to 2000 lines", "an object"
    texts["properties"] = "an object of plain values"
    texts["properties.*"] = "text, a number, true, false or null"
    return texts, names


ALLOWED, _FIELDS = _allowed()
