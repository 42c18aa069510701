"""Judge what comes in: good events become rows, bad ones a Rejection that says how to fix it.

Bytes in, Parsed out. One bad event does not stop the others of its batch; a body that is no
JSON, holds no event or too many is refused as a whole (BadInput, TooLarge). The fast way
decodes the whole batch at once; only when that fails are events judged one by one.
Nothing here stores or sends anything.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import UNSET

from shopkeeper.base import clock
from shopkeeper.base.errors import BadInput, TooLarge
from shopkeeper.base.settings import Settings
from shopkeeper.data import bodies, faults
from shopkeeper.data.events import KINDS, SCHEMA_VERSION, Event, decoder, encoder
from shopkeeper.data.faults import Rejection
from shopkeeper.data.log.store import Refused, Row
from shopkeeper.data.person_keys import person_keys
from shopkeeper.data.privacy import (
    Keyring,
    find_card_number,
    is_gtin,
    may_hold_card_number,
)
from shopkeeper.data.quarantine import refuse

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST_PLAN = datetime(2100, 1, 1, tzinfo=UTC)  # for starts_at, ends_at and promised_at
HOUR_US = 3_600_000_000
MAX_PROPERTIES = 200
MAX_PROPERTY_BYTES = 65_536  # of one text in properties that comes over HTTP
MAX_PAYMENT_MINOR = 10**11  # as fraud/request.py asks: a thousand million with cents
_PAID = ("payment", "refund", "chargeback")

_REQUIRED = {kind: needs for kind, (needs, _) in KINDS.items()}
_PLANS = ("starts_at", "ends_at", "promised_at")
_FLOATS = ("quantity", "rating", "score")
# Free text, where a card number may stand inside a word. Everything else is an id or a name.
_WORDS = frozenset(
    ("text", "query", "title", "description", "reason", "label", "status", "source", "address")
)


@dataclass(slots=True)
class Parsed:
    """A body judged: rows to store, rejections to answer with, and the same for quarantine."""

    rows: list[Row] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


def parse(
    raw: bytes,
    settings: Settings,
    keyring: Keyring,
    received_us: int,
    *,
    kinds: Container[str] | None = None,
    source: str = "api",
) -> Parsed:
    """Judge a request body: one event, an array of events, or {"events": [...]}.

    ``kinds`` limits what this sender may send. BadInput when the body is no JSON or is empty,
    TooLarge above ``max_body_bytes`` or ``max_batch_events``.
    """
    if len(raw) > settings.max_body_bytes:
        raise too_long(settings)
    pieces: list[Any]
    try:
        pieces = bodies.decode_all(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pieces = bodies.load(raw)
    if not pieces:
        raise BadInput(
            "The body holds no event.", hint="Send at least one event.", code="empty_batch"
        )
    if len(pieces) > settings.max_batch_events:
        raise TooLarge(
            f"The batch holds {len(pieces)} events.",
            hint="Split it.",
            field="events",
            value=len(pieces),
            allowed=f"up to {settings.max_batch_events}",
        )
    parsed = Parsed()
    latest = clock.from_us(received_us + settings.future_hours * HOUR_US)
    closer, long = may_hold_card_number(raw), len(raw) > MAX_PROPERTY_BYTES
    for index, piece in enumerate(pieces):
        event = piece if type(piece) is Event else None
        fault: Rejection | None = None
        if event is None:
            event, fault = bodies.decode_one(piece)
        if event is not None:
            fault = _judge(event, latest, closer, kinds) or (_judge_texts(event) if long else None)
            if fault is None:
                parsed.rows.append(to_row(event, keyring, received_us))
                continue
        assert fault is not None
        plain = piece if event is None else msgspec.to_builtins(event)
        rejection = fault.at(index, plain.get("event_id") if isinstance(plain, dict) else None)
        parsed.rejections.append(rejection)
        parsed.refused.append(refuse(rejection, plain, source, received_us))
    return parsed


def check_event(event: Event, *, latest: datetime | None = None) -> Rejection | None:
    """Return why an event built in Python is not fit for the log, None when it is.

    ``latest`` bounds occurred_at; by default one day ahead of the clock.
    """
    return judged(event, latest=latest)[1]


def judged(
    event: Event, *, latest: datetime | None = None
) -> tuple[Event | None, Rejection | None]:
    """Return an event built in Python as it would come over HTTP, or why it is not fit.

    The event itself is left as it is. Equal events give equal rows whichever way they came.
    """
    for path, value in _floats(event):
        if not math.isfinite(value):
            fault = faults.wrong(path, value, "a finite number", code="not_a_number")
            return None, fault.at(0, event.event_id)
    try:
        raw = encoder.encode(event)
        decoded = decoder.decode(raw)
    except msgspec.ValidationError as problem:
        fault = faults.from_decoder(problem, msgspec.to_builtins(event))
        return None, fault.at(0, event.event_id)
    except UnicodeError:
        return None, faults.wrong("event", "", "text in valid Unicode").at(0, None)
    if latest is None:
        latest = clock.from_us(clock.now_us() + 24 * HOUR_US)
    found = _judge(decoded, latest, may_hold_card_number(raw), None)
    return (decoded, None) if found is None else (None, found.at(0, event.event_id))


def to_row(event: Event, keyring: Keyring, received_us: int) -> Row:
    """Return a judged event as a row: person hashed and sealed, times in UTC."""
    keys: str | None = None
    sealed: bytes | None = None
    person = event.person
    if person is not UNSET:
        event.person = UNSET
        known = {k: v for k, v in msgspec.structs.asdict(person).items() if v}
        if known:
            keys = encoder.encode(person_keys(known, keyring)).decode()
            sealed = keyring.seal(known, event.event_id)
    at = event.occurred_at
    if at.tzinfo is not UTC:
        at = event.occurred_at = _utc(at)
    if event.starts_at is not None or event.ends_at is not None or event.promised_at is not None:
        for name in _PLANS:
            if (plan := getattr(event, name)) is not None:
                setattr(event, name, _utc(plan))
    since = at - clock.EPOCH
    return Row(
        event.event_id,
        event.kind,
        since.days * clock.DAY_US + since.seconds * 1_000_000 + since.microseconds,
        received_us,
        event.customer_id,
        encoder.encode(event),
        keys,
        sealed,
    )


def too_long(settings: Settings) -> TooLarge:
    """Return the error of a body above its limit."""
    return TooLarge(
        f"The body is longer than {settings.max_body_bytes} bytes.",
        hint="Send fewer events per request.",
        allowed=f"up to {settings.max_body_bytes} bytes",
    )


def _judge(
    event: Event, latest: datetime, closer: bool, kinds: Container[str] | None
) -> Rejection | None:
    """Return what the decoder cannot see: the kind, its fields, times, card numbers."""
    kind = event.kind
    needs = _REQUIRED.get(kind)
    if needs is None:
        return faults.unknown_kind(kind, KINDS)
    if kinds is not None and kind not in kinds:
        return faults.wrong("kind", kind, "a kind that this key may send", code="not_allowed")
    if event.schema_version != SCHEMA_VERSION:
        return faults.wrong(
            "schema_version", event.schema_version, str(SCHEMA_VERSION), code="unknown_version"
        )
    at = event.occurred_at
    if at.tzinfo is None:
        at = event.occurred_at = at.replace(tzinfo=UTC)
    if not EARLIEST <= at <= latest:
        allowed = f"from 2000-01-01 to {latest:%Y-%m-%dT%H:%M:%SZ}"
        return faults.wrong("occurred_at", at.isoformat(), allowed, code="time_out_of_range")
    for name in needs:
        value = getattr(event, name)
        if value is None or value is UNSET or value == "" or value == []:
            return faults.missing(kind, name)
    if event.starts_at is not None or event.ends_at is not None or event.promised_at is not None:
        fault = _judge_plans(event)
        if fault is not None:
            return fault
    if kind in _PAID and event.value_minor is not None and event.value_minor > MAX_PAYMENT_MINOR:
        allowed = f"from 0 to {MAX_PAYMENT_MINOR}"
        return faults.wrong("value_minor", event.value_minor, allowed)
    if event.properties is not UNSET:
        fault = _judge_properties(event.properties)
        if fault is not None:
            return fault
    if closer:
        where = next(_card_fields(msgspec.to_builtins(event), ""), None)
        if where is not None:
            return faults.card_number(where)
    return None


def _judge_plans(event: Event) -> Rejection | None:
    for name in _PLANS:
        plan = getattr(event, name)
        if plan is None:
            continue
        if plan.tzinfo is None:
            plan = plan.replace(tzinfo=UTC)
            setattr(event, name, plan)
        if not EARLIEST <= plan <= LATEST_PLAN:
            allowed = "from 2000-01-01 to 2100-01-01"
            return faults.wrong(name, plan.isoformat(), allowed, code="time_out_of_range")
    starts, ends = event.starts_at, event.ends_at
    if starts is not None and ends is not None and starts > ends:
        allowed = f"at or after starts_at, {starts.isoformat()}"
        return faults.wrong("ends_at", ends.isoformat(), allowed, code="times_reversed")
    return None


def _judge_texts(event: Event) -> Rejection | None:
    """Return the first text in properties that is too long; records of our own may be longer."""
    if event.properties is UNSET:
        return None
    for name, value in event.properties.items():
        if len(encoder.encode(value)) > MAX_PROPERTY_BYTES:
            allowed = f"up to {MAX_PROPERTY_BYTES} bytes"
            return faults.wrong(f"properties.{faults.safe(name)}", value, allowed)
    return None


def _judge_properties(properties: dict[str, Any]) -> Rejection | None:
    if len(properties) > MAX_PROPERTIES:
        return faults.wrong("properties", properties, f"up to {MAX_PROPERTIES} names")
    for name, value in properties.items():
        if type(value) is int and not -(2**63) <= value < 2**63:
            return faults.wrong(f"properties.{faults.safe(name)}", value, "a number of 64 bits")
    return None


def _card_fields(value: Any, path: str, name: str = "") -> Iterator[str]:
    """Yield the path of every field that holds a card number."""
    if isinstance(value, dict):
        for key, one in value.items():
            here = f"{path}.{key}" if path else key
            if path == "properties" and find_card_number(key):
                yield "properties"
            yield from _card_fields(one, here, key)
        return
    if isinstance(value, list):
        for place, one in enumerate(value):
            yield from _card_fields(one, f"{path}[{place}]", name)
        return
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return
    text = str(value)
    if len(text) < 14 or (name == "item_id" and is_gtin(text)):
        return
    if path == "person.phone" and sum(c.isdigit() for c in text) <= 15:
        return
    if find_card_number(text, in_words=name in _WORDS):
        yield path


def _floats(event: Event) -> Iterator[tuple[str, float]]:
    for name in _FLOATS:
        if isinstance(value := getattr(event, name), float):
            yield name, value
    if event.lines is not UNSET:
        for place, line in enumerate(event.lines):
            if isinstance(line.quantity, float):
                yield f"lines[{place}].quantity", line.quantity
    if event.properties is not UNSET:
        for name, prop in event.properties.items():
            if isinstance(prop, float):
                yield f"properties.{name}", prop


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
