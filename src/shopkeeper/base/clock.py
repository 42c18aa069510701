"""The only place that knows what time it is; everything else asks here.

Times are UTC. In tables a time is also ``*_us``: whole microseconds since 1970, an integer,
because integer windows mean the same on every engine.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY_US = 86_400_000_000

_frozen_us: int | None = None


def now_us() -> int:
    """Return the present as microseconds since 1970."""
    return time.time_ns() // 1000 if _frozen_us is None else _frozen_us


def now() -> datetime:
    """Return the present as an aware UTC datetime."""
    return from_us(now_us())


def from_us(at_us: int) -> datetime:
    """Return the aware UTC datetime of a microsecond stamp."""
    return EPOCH + timedelta(microseconds=at_us)


def to_us(at: datetime) -> int:
    """Return microseconds since 1970; a naive time is taken as UTC."""
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return (at - EPOCH) // timedelta(microseconds=1)


def iso(at_us: int) -> str:
    """Return ISO 8601 with a Z, the form that events and decisions print."""
    return from_us(at_us).isoformat().replace("+00:00", "Z")


@contextmanager
def frozen(at: datetime) -> Iterator[None]:
    """Hold the clock still at a moment; for tests and replays."""
    global _frozen_us
    before, _frozen_us = _frozen_us, to_us(at)
    try:
        yield
    finally:
        _frozen_us = before
