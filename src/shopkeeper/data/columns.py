"""How an event looks in columns: one typed Arrow schema for the lake and for the log's tail.

In go rows of the log (JSON bodies), out comes an Arrow table with every Event field as a typed
column, times as ``*_us`` integers beside ``occurred_at``, and ``dt``, the UTC day. Knows
nothing of files, watermarks or SQL.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
import pyarrow as pa

from shopkeeper.base import clock
from shopkeeper.base.errors import StoreUnavailable
from shopkeeper.data.events import Event, Line

LINE_TYPE = pa.struct(
    [
        ("item_id", pa.string()),
        ("quantity", pa.float64()),
        ("price_minor", pa.int64()),
        ("discount_minor", pa.int64()),
        ("position", pa.int32()),
        ("line", pa.int32()),
    ]
)
_IDS = (
    *("session_id", "item_id", "order_id", "decision_id", "payment_id", "shipment_id"),
    *("supplier_id", "location_id", "conversation_id", "purchase_order_id", "promotion_id"),
)
_TEXTS = (
    *("placement", "query", "currency", "label", "status", "reason", "source", "title"),
    *("description", "category", "brand", "url", "image_url", "language", "text"),
)
_INTEGERS = ("value_minor", "price_minor", "shipping_minor", "tax_minor")
_FLOATS = ("quantity", "rating", "score")
_FLAGS = ("available", "hidden", "replenishable")
_MOMENTS = {"starts_us": "starts_at", "ends_us": "ends_at", "promised_us": "promised_at"}
# Event field -> Arrow type, for the fields that are copied as they are.
PLAIN: dict[str, pa.DataType] = {
    **dict.fromkeys(_IDS + _TEXTS, pa.string()),
    **dict.fromkeys(_INTEGERS, pa.int64()),
    **dict.fromkeys(_FLOATS, pa.float64()),
    "position": pa.int32(),
    "schema_version": pa.int32(),
    **dict.fromkeys(_FLAGS, pa.bool_()),
}
ENVELOPE = (
    ("seq", pa.int64()),
    ("event_id", pa.string()),
    ("kind", pa.string()),
    ("occurred_us", pa.int64()),
    ("received_us", pa.int64()),
    ("occurred_at", pa.timestamp("us", tz="UTC")),
    ("customer_id", pa.string()),
)
SCHEMA = pa.schema(
    [
        *ENVELOPE,
        *PLAIN.items(),
        *((name, pa.int64()) for name in _MOMENTS),
        ("lines", pa.list_(LINE_TYPE)),
        ("properties", pa.string()),
        ("person_keys", pa.string()),
        ("person_sealed", pa.binary()),
        ("dt", pa.date32()),
    ]
)
FILE_SCHEMA = pa.schema([field for field in SCHEMA if field.name != "dt"])  # dt is the folder

_decode = msgspec.json.Decoder(Event).decode
_encode = msgspec.json.encode


def to_arrow(rows: Sequence[tuple[int, Any]]) -> pa.Table:
    """Return log rows as one table with SCHEMA, in the order given.

    Parameters
    ----------
    rows
        Pairs of ``seq`` and Row, as Store.read returns them.
    """
    if not rows:
        return SCHEMA.empty_table()
    events = [_event(seq, row.body) for seq, row in rows]
    occurred = pa.array([row.occurred_us for _, row in rows], pa.int64())
    days = pa.array([row.occurred_us // clock.DAY_US for _, row in rows], pa.int32())
    columns: dict[str, pa.Array] = {
        "seq": pa.array([seq for seq, _ in rows], pa.int64()),
        "event_id": pa.array([row.event_id for _, row in rows], pa.string()),
        "kind": pa.array([row.kind for _, row in rows], pa.string()),
        "occurred_us": occurred,
        "received_us": pa.array([row.received_us for _, row in rows], pa.int64()),
        "occurred_at": occurred.cast(pa.timestamp("us", tz="UTC")),
        "customer_id": pa.array([row.customer_id for _, row in rows], pa.string()),
        "lines": _lines(events),
        "properties": pa.array([_json(event.properties) for event in events], pa.string()),
        "person_keys": pa.array([row.person_keys for _, row in rows], pa.string()),
        "person_sealed": pa.array([row.person_sealed for _, row in rows], pa.binary()),
        "dt": days.cast(pa.date32()),
    }
    for name, kind in PLAIN.items():
        columns[name] = pa.array([getattr(event, name) for event in events], kind)
    for name, field in _MOMENTS.items():
        columns[name] = pa.array([_us(getattr(event, field)) for event in events], pa.int64())
    return pa.table([columns[name] for name in SCHEMA.names], schema=SCHEMA)


def _event(seq: int, body: bytes) -> Event:
    try:
        return _decode(body)
    except msgspec.DecodeError as problem:
        raise StoreUnavailable(
            f"Event {seq} of the log cannot be read: {problem}.",
            hint="The log was written by a newer version, or is damaged; restore a backup.",
        ) from problem


def _us(at: datetime | None) -> int | None:
    return None if at is None else clock.to_us(at)


def _json(properties: Any) -> str | None:
    return _encode(properties, order="sorted").decode() if properties else None


def _lines(events: Iterable[Event]) -> pa.Array:
    """Return the lines of all events as one list column; no lines at all is null."""
    flat: list[Line] = []
    numbers: list[int] = []
    offsets = [0]
    absent = []
    for event in events:
        lines = event.lines
        # UNSET and an empty list both mean that the event names no lines.
        if lines:
            flat.extend(lines)
            numbers.extend(range(len(lines)))
        absent.append(not lines)
        offsets.append(len(flat))
    values = pa.StructArray.from_arrays(
        [
            pa.array([line.item_id for line in flat], pa.string()),
            pa.array([line.quantity for line in flat], pa.float64()),
            pa.array([line.price_minor for line in flat], pa.int64()),
            pa.array([line.discount_minor for line in flat], pa.int64()),
            pa.array([line.position for line in flat], pa.int32()),
            pa.array(numbers, pa.int32()),
        ],
        fields=list(LINE_TYPE),
    )
    return pa.ListArray.from_arrays(
        pa.array(offsets, pa.int32()), values, mask=pa.array(absent, pa.bool_())
    )
