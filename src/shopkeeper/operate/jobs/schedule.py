"""When a job is due: ``nightly 02:30``, ``weekly sun 01:30`` or ``every 15 minutes``.

Times of day are the shop's (setting ``time_zone``). A time that the clock skips in spring is
taken an hour later that day, one that it passes twice in autumn is taken the first time: each
day has exactly one. This file reads no clock and no log.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shopkeeper.base import clock
from shopkeeper.base.errors import BadInput

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTE_US = 60_000_000
FORMS = "nightly HH:MM, weekly mon..sun HH:MM, every N minutes, or off"
_NIGHTLY = re.compile(r"(?:nightly|weekly (?P<day>mon|tue|wed|thu|fri|sat|sun)) (\d\d):(\d\d)")
_EVERY = re.compile(r"every (\d{1,5}) minutes?")


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """A time of day, on one weekday or on all; or a pause in minutes; neither: never."""

    at: time | None = None
    weekday: int | None = None  # 0 Monday
    minutes: int | None = None


def parse(text: str) -> When:
    """Return the moment that a text names; BadInput shows the forms.

    >>> parse("weekly sun 01:30").weekday, parse("every 15 minutes").minutes
    (6, 15)
    """
    words = " ".join(text.lower().split())
    if words == "off":
        return When()
    if (found := _EVERY.fullmatch(words)) and int(found[1]) > 0:
        return When(minutes=int(found[1]))
    if (found := _NIGHTLY.fullmatch(words)) and int(found[2]) < 24 and int(found[3]) < 60:
        day = found["day"]
        return When(
            at=time(int(found[2]), int(found[3])), weekday=WEEKDAYS.index(day) if day else None
        )
    raise BadInput(
        f"A job cannot be due '{text}'.",
        hint="For example: nightly 02:30",
        field="when",
        value=text,
        allowed=FORMS,
    )


def zone(name: str) -> ZoneInfo:
    """Return a time zone by its IANA name, for example Europe/Berlin or Asia/Shanghai."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as problem:
        raise BadInput(
            f"There is no time zone '{name}'.",
            hint="Set time_zone in shopkeeper.toml to an IANA name.",
            field="time_zone",
            value=name,
            allowed="Europe/Berlin, Asia/Shanghai, UTC …",
        ) from problem


def latest_due(when: When, now_us: int, since_us: int, where: ZoneInfo) -> int | None:
    """Return the newest due moment after ``since_us`` and not after now, None: nothing is due.

    ``since_us`` is the last due moment that was served (for ``every``, the last start), or when
    the job was first known. However many were missed since, only the newest is returned.
    """
    if when.minutes is not None:
        return now_us if now_us - since_us >= when.minutes * MINUTE_US else None
    if when.at is None:
        return None
    for day in _days(when, now_us, where, step=-1):
        moment = _moment(day, when.at, where)
        if moment <= now_us:
            return moment if moment > since_us else None
    return None


def next_due(when: When, now_us: int, since_us: int, where: ZoneInfo) -> int | None:
    """Return when the job is due next after now, None: never."""
    if when.minutes is not None:
        return max(now_us, since_us + when.minutes * MINUTE_US)
    if when.at is None:
        return None
    for day in _days(when, now_us, where, step=1):
        moment = _moment(day, when.at, where)
        if moment > now_us:
            return moment
    return None


def _days(when: When, now_us: int, where: ZoneInfo, *, step: int) -> list[date]:
    today = clock.from_us(now_us).astimezone(where).date()
    # A day more on either side: near midnight a skipped hour can move a moment over it.
    days = [today + timedelta(days=step * ahead) for ahead in range(-1, 9)]
    return [day for day in days if when.weekday is None or day.weekday() == when.weekday]


def _moment(day: date, at: time, where: ZoneInfo) -> int:
    return clock.to_us(datetime.combine(day, at, tzinfo=where))
