"""Rows refused, kept with their reason so that somebody can mend and send them again.

What identifies a person, card numbers and fields that we do not know (they may hold either)
are taken out before a row gets here. The newest 100,000 rows are kept.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select

from shopkeeper.data.events import Event, Line
from shopkeeper.data.faults import NOT_KEPT, Rejection
from shopkeeper.data.log.schema import quarantine
from shopkeeper.data.log.store import Refused, Store
from shopkeeper.data.privacy import hide_card_numbers

_EVENT_FIELDS = frozenset(Event.__struct_fields__)
_LINE_FIELDS = frozenset(Line.__struct_fields__)


def refuse(rejection: Rejection, piece: Any, source: str, received_us: int) -> Refused:
    """Return a refused event (plain values) as a quarantine row."""
    return Refused(
        received_us=received_us,
        source=source,
        event_id=rejection.event_id,
        code=rejection.code,
        field=rejection.field,
        message=rejection.message,
        raw=scrub(piece),
    )


def scrub(piece: Any) -> str:
    """Return an event as JSON text without person, unknown fields and card numbers.

    >>> scrub({"event_id": "e1", "person": {"email": "a@b.c"}, "emial": "a@b.c"})
    '{"event_id": "e1", "person": "[not kept]", "emial": "[not kept]"}'
    """
    if not isinstance(piece, dict):
        return json.dumps(NOT_KEPT)
    kept = {
        name: value if name in _EVENT_FIELDS and name != "person" else NOT_KEPT
        for name, value in piece.items()
    }
    if isinstance(kept.get("lines"), list):
        kept["lines"] = [
            {name: value if name in _LINE_FIELDS else NOT_KEPT for name, value in line.items()}
            if isinstance(line, dict)
            else NOT_KEPT
            for line in kept["lines"]
        ]
    text = json.dumps(kept, ensure_ascii=False, default=str)
    return hide_card_numbers(text.encode("utf-8", "replace").decode("utf-8"))


def add_many(store: Store, rows: Sequence[Refused]) -> None:
    """Keep refused rows; they are durable when this returns."""
    store.append([], rows)


def recent(store: Store, limit: int = 100) -> list[dict[str, Any]]:
    """Return the newest refused rows, newest first, as dicts of the table's columns."""
    query = select(quarantine).order_by(quarantine.c.id.desc()).limit(limit)
    with store.reading() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def counts(store: Store) -> dict[str, int]:
    """Return how many refused rows are kept, by reason code, most first."""
    number = func.count().label("number")
    query = select(quarantine.c.code, number).group_by(quarantine.c.code).order_by(number.desc())
    with store.reading() as connection:
        return {row[0]: int(row[1]) for row in connection.execute(query)}
