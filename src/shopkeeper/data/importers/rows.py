"""Rows of a table to events: one event per row, or one per group of rows.

In: chunks of columns, a Spec and which column means what. Out, in order: Found (an event and
the row it came from) and Odd (a row for quarantine). An event without an id of its own gets
one from its content, so the same row always gives the same event.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from shopkeeper.data.events import KINDS, Event, Line, Person, encoder
from shopkeeper.data.importers.convert import Bad, Columns
from shopkeeper.data.importers.kinds import KIND_WORDS, Spec
from shopkeeper.data.importers.mapping import PERSON, Mapping
from shopkeeper.data.importers.reading import Chunk
from shopkeeper.data.importers.shipping import Unfit
from shopkeeper.data.privacy import Keyring

_MONEY = ("price_minor", "value_minor", "discount_minor", "shipping_minor", "tax_minor")
_LINE_KINDS = frozenset(kind for kind, (needs, _) in KINDS.items() if "lines" in needs) | {"refund"}
_LETTERS = bytes.maketrans(b"0123456789", b"ghijklmnop")
_CURRENCY_KINDS = frozenset(kind for kind, (needs, _) in KINDS.items() if "currency" in needs)


class Found(NamedTuple):
    """An event (an Event, or a dict of one) and the row that it came from."""

    number: int
    event: Any


class Odd(NamedTuple):
    """A row for quarantine; ``raw`` are its cells by field name."""

    number: int
    code: str
    field: str | None
    message: str
    raw: dict[str, Any]


class Skip(NamedTuple):
    """A row that is fine and says nothing to us."""

    number: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What all rows of one file share."""

    spec: Spec
    mapping: Mapping
    columns: dict[str, str]  # field -> column
    currency: str
    file_time: datetime
    keyring: Keyring
    terms: dict[str, str] = field(default_factory=dict)  # property that the kind owns -> column
    extras: tuple[str, ...] = ()  # what is no field of Event: person and properties


class RowReader:
    """Turns the chunks of one file into records: dicts of field values, bad rows set aside."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._convert = Columns(context.mapping)
        mapping = context.mapping
        self._minor = {
            name: mapping.money == "minor" or column.lower().endswith("_minor")
            for name, column in context.columns.items()
        }

    def records(self, chunk: Chunk) -> Iterator[tuple[int, dict[str, Any]] | Odd]:
        """Yield (row number, field values) of each good row, and an Odd for each other."""
        yield from (Odd(number, "torn_row", None, f"{said}.", {}) for number, said in chunk.torn)
        bad: Bad = {}
        values = self._fields(chunk, bad)
        names = tuple(values)
        cells = list(zip(*values.values(), strict=True))
        for place, (number, row) in enumerate(zip(chunk.numbers, cells, strict=True)):
            if bad and place in bad:
                code, field, message = bad[place]
                yield Odd(number, code, field, f"{message}.", self.raw(chunk, place))
            else:
                yield number, dict(zip(names, row, strict=True))

    def raw(self, chunk: Chunk, place: int) -> dict[str, Any]:
        """Return the cells of a row by field, without what identifies a person."""
        return {
            name: chunk.columns[column][place]
            for name, column in self._context.columns.items()
            if name not in PERSON
        }

    def _fields(self, chunk: Chunk, bad: Bad) -> dict[str, Sequence[Any]]:
        context, count = self._context, len(chunk.numbers)
        values: dict[str, Sequence[Any]] = {}
        for name, constant in context.mapping.constants.items():
            if name not in _MONEY:
                values[name] = self._convert.values(name, [constant] * count, bad)
        for name, column in context.columns.items():
            if name not in _MONEY:
                values[name] = self._convert.values(name, chunk.columns[column], bad)
        named = values.get("currency")
        default = context.currency
        currencies = [c or default for c in named] if named else [default] * count
        for name in _MONEY:
            if name in context.columns:
                cells, minor = chunk.columns[context.columns[name]], self._minor[name]
            elif name in context.mapping.constants:
                cells = [context.mapping.constants[name]] * count
                minor = context.mapping.money == "minor"
            else:
                continue
            values[name] = self._convert.money(name, cells, currencies, bad, minor=minor)
        values["currency"] = currencies
        for name, column in context.terms.items():
            values[f"properties.{name}"] = self._convert.values(name, chunk.columns[column], bad)
        for column in context.mapping.properties:
            values[f"properties.{column}"] = [_scalar(cell) for cell in chunk.columns[column]]
        return values


def row_events(context: Context, chunks: Iterator[Chunk]) -> Iterator[Found | Odd]:
    """Yield one event per row."""
    reader = RowReader(context)
    kind = context.spec.event
    for chunk in chunks:
        for one in reader.records(chunk):
            if isinstance(one, Odd):
                yield one
                continue
            number, record = one
            made = make_event(context, kind or _kind_of(record), record)
            if context.spec.finish is None:
                yield Found(number, made)
                continue
            raw = {k: v for k, v in _plain_facts(made).items() if v is not None}
            try:
                yield from [Found(number, event) for event in context.spec.finish(made)]
            except Unfit as problem:
                yield Odd(number, "wrong_value", problem.field, problem.message, raw)


def _plain_facts(event: Event) -> dict[str, Any]:
    """Return the cells of a row that is set aside, as its event had them."""
    facts = event.properties if isinstance(event.properties, dict) else {}
    names = ("location_id", "shipment_id", "order_id", "label", "status")
    return {**{name: getattr(event, name) for name in names}, **facts}


def make_event(
    context: Context, kind: str, record: dict[str, Any], lines: list[Line] | None = None
) -> Event:
    """Return the event of one record; a line of goods is made where the kind carries lines.

    ``record`` is used up.
    """
    record.pop("kind", None)
    at = record.pop("occurred_at", None) or context.file_time
    event_id = record.pop("event_id", None)
    discount = record.pop("discount_minor", None)
    if not context.spec.dated and record.get("starts_at") is not None:
        at = min(at, record["starts_at"])
    person = properties = None
    for name in context.extras:
        value = record.pop(name, None)
        if value is None:
            continue
        if name in PERSON:
            person = {**(person or {}), name: value}
        else:
            properties = {**(properties or {}), name.removeprefix("properties."): value}
    if lines is None and kind in _LINE_KINDS and record.get("item_id"):
        lines = [line_of(record, discount)]
        for name in ("item_id", "quantity", "price_minor", "position"):
            record.pop(name, None)
    if kind not in _CURRENCY_KINDS and not any(map(record.get, _MONEY)):
        record.pop("currency", None)
    event = Event(event_id=event_id or "", kind=kind, occurred_at=at, **record)
    if lines:
        event.lines = lines
    if properties:
        event.properties = properties
    if not event_id:
        # The person goes in as a keyed hash: an id must not let anybody test a guess.
        secret = context.keyring.hmac("import", repr(sorted(person.items()))) if person else ""
        event.event_id = content_id(kind, encoder.encode(event) + secret.encode())
    if person:
        event.person = Person(**person)
    return event


def content_id(prefix: str, content: bytes) -> str:
    """Return an id made of content: 24 letters, so that no run of digits looks like a card."""
    digest = hashlib.blake2b(content, digest_size=12).hexdigest()
    return f"{prefix}-{digest.encode().translate(_LETTERS).decode()}"


def line_of(record: dict[str, Any], discount: int | None) -> Line:
    """Return the line of goods that a record describes."""
    quantity = record.get("quantity")
    return Line(
        item_id=record["item_id"],
        quantity=1.0 if quantity is None else quantity,
        price_minor=record.get("price_minor"),
        discount_minor=discount,
        position=record.get("position"),
    )


def _kind_of(record: dict[str, Any]) -> str:
    word: str = record.get("kind") or ""
    return KIND_WORDS.get(word) or KIND_WORDS.get(word.lower(), word)


def _scalar(cell: Any) -> Any:
    if cell is None or cell == "" or isinstance(cell, bool | str | int):
        return None if cell == "" else cell
    if isinstance(cell, float):
        return cell if cell - cell == 0 else None  # NaN and infinities have no JSON
    return str(cell)
