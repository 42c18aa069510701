"""When jobs are due: once a day in the shop's clock, also when the clock is changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from shopkeeper.base import clock
from shopkeeper.base.errors import BadInput
from shopkeeper.operate.jobs import schedule

BERLIN = ZoneInfo("Europe/Berlin")
SHANGHAI = ZoneInfo("Asia/Shanghai")


def us(text):
    return clock.to_us(datetime.fromisoformat(text))


def due(when, now, since, where=BERLIN):
    found = schedule.latest_due(schedule.parse(when), us(now), us(since), where)
    return found and clock.iso(found)


def test_nightly_is_due_at_the_shops_hour():
    assert due("nightly 02:30", "2026-01-10T01:29:00Z", "2026-01-09T12:00:00Z") is None
    found = due("nightly 02:30", "2026-01-10T01:31:00Z", "2026-01-09T12:00:00Z")
    assert found == "2026-01-10T01:30:00Z"
    found = due("nightly 02:30", "2026-01-09T18:40:00Z", "2026-01-09T12:00:00Z", SHANGHAI)
    assert found == "2026-01-09T18:30:00Z"


def test_days_that_were_missed_are_made_up_for_by_one_run():
    found = due("nightly 02:30", "2026-01-20T09:00:00Z", "2026-01-10T01:30:00Z")
    assert found == "2026-01-20T01:30:00Z"
    assert due("nightly 02:30", "2026-01-20T09:00:00Z", "2026-01-20T01:30:00Z") is None


def test_an_hour_that_spring_skips_is_taken_an_hour_later_and_autumns_hour_once():
    # 29 March 2026: 02:00 becomes 03:00; 02:30 does not exist and is taken as 03:30, 01:30 UTC.
    assert due("nightly 02:30", "2026-03-29T01:31:00Z", "2026-03-28T01:30:00Z") is not None
    assert due("nightly 02:30", "2026-03-29T01:29:00Z", "2026-03-28T01:30:00Z") is None
    # 25 October 2026: 03:00 becomes 02:00; 02:30 comes at 00:30 and at 01:30 UTC.
    first = "2026-10-25T00:30:00Z"
    assert due("nightly 02:30", "2026-10-25T00:31:00Z", "2026-10-24T00:30:00Z") == first
    assert due("nightly 02:30", "2026-10-25T01:31:00Z", first) is None
    assert due("nightly 02:30", "2026-10-26T01:31:00Z", first) == "2026-10-26T01:30:00Z"


@pytest.mark.parametrize(
    ("hour", "minute", "zone"),
    [
        (2, 30, "Europe/Berlin"),
        (2, 0, "Europe/Berlin"),
        (0, 15, "Asia/Beirut"),  # skips the hour after midnight
        (1, 45, "Australia/Lord_Howe"),  # moves by half an hour
        (23, 59, "America/New_York"),
        (0, 0, "Asia/Shanghai"),
    ],
)
def test_a_year_has_one_due_moment_per_day(hour, minute, zone):
    """Walk the year hour by hour, serve whatever is due: 365 runs, whatever the clocks do."""
    when, where = schedule.parse(f"nightly {hour:02d}:{minute:02d}"), ZoneInfo(zone)
    at, end = datetime(2026, 1, 2, tzinfo=where), datetime(2027, 1, 2, tzinfo=where)
    since, runs, at = clock.to_us(at) - 1, 0, at.astimezone(UTC)
    while at < end.astimezone(UTC):
        at += timedelta(hours=1)
        found = schedule.latest_due(when, clock.to_us(at) - 1, since, where)
        if found is not None:
            assert found > since
            since, runs = found, runs + 1
    assert runs == 365


def test_weekly_and_minutes():
    assert due("weekly sun 01:30", "2026-01-10T23:00:00Z", "2026-01-05T00:00:00Z") is None
    found = due("weekly sun 01:30", "2026-01-14T23:00:00Z", "2026-01-05T00:00:00Z")
    assert found == "2026-01-11T00:30:00Z"
    assert due("every 15 minutes", "2026-01-10T10:14:00Z", "2026-01-10T10:00:00Z") is None
    assert due("every 15 minutes", "2026-01-10T10:15:00Z", "2026-01-10T10:00:00Z") is not None
    assert due("off", "2026-01-10T10:15:00Z", "2020-01-10T10:00:00Z") is None


def test_the_next_moment_lies_ahead():
    now, since = us("2026-03-29T00:00:00Z"), us("2026-03-28T01:30:00Z")
    for text in ("nightly 02:30", "weekly mon 02:30", "every 5 minutes"):
        found = schedule.next_due(schedule.parse(text), now, since, BERLIN)
        assert found is not None
        assert found >= now
    assert schedule.next_due(schedule.parse("off"), now, since, BERLIN) is None


@pytest.mark.parametrize(
    "text", ["daily 02:30", "nightly 25:00", "nightly 2:30", "every 0 minutes"]
)
def test_a_time_that_is_none_is_named(text):
    with pytest.raises(BadInput, match=f"A job cannot be due '{text}'"):
        schedule.parse(text)


def test_a_zone_that_is_none_is_named():
    with pytest.raises(BadInput, match="There is no time zone 'Mars/Base'"):
        schedule.zone("Mars/Base")
