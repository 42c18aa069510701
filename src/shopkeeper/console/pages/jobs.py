"""Jobs: what the server does on its own, when next, how it went, and a wish to do it now."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import FormData
from starlette.responses import Response

from shopkeeper.base import log
from shopkeeper.console import formats
from shopkeeper.console.area import Area
from shopkeeper.console.view import View
from shopkeeper.data.job_log import ASKED, RUNNING, Run
from shopkeeper.operate.jobs import declared, runner, scheduler
from shopkeeper.operate.jobs.schedule import WEEKDAYS, parse

RUNS = 30
TONES = {"done": "good", "failed": "error", "lost": "warn", "running": "", "asked": ""}
FACTS = 6


def show(view: View, notice: str = "") -> Response:
    """Return the page."""
    return view.page(
        "jobs.html",
        "jobs",
        jobs=view.part(_jobs, view),
        runs=view.part(_runs, view),
        zone=view.console.shop.settings.time_zone,
        switched_off=not view.console.shop.settings.run_jobs,
        notice=notice,
    )


def _jobs(view: View) -> list[dict[str, Any]]:
    runner.sweep(view.console.shop)
    return [
        {
            **row,
            "what": view.word_or("job", row["job"].replace(".", "_"), row["says"]),
            "time": _time(view, row["when"]),
            "run": _run(view, row["last"]) if row["last"] else None,
            "waits": row["last"] is not None and row["last"].state in (ASKED, RUNNING),
        }
        for row in scheduler.table(view.console.shop)
    ]


def _runs(view: View) -> list[dict[str, Any]]:
    return [_run(view, one) for one in view.console.shop.jobs.latest(RUNS)]


def _run(view: View, one: Run) -> dict[str, Any]:
    return {
        "job": one.job,
        "state": one.state,
        "word": view.say(f"jobs.{one.state}"),
        "tone": TONES[one.state],
        "at_us": one.started_us or one.due_us,
        "seconds": one.seconds,
        "tries": one.tries,
        "asked_by": "" if one.asked_by == scheduler.SCHEDULE else one.asked_by,
        "share": one.share if one.state == RUNNING else None,
        "saying": one.saying if one.state == RUNNING else None,
        "facts": [(name, _plain(value)) for name, value in list(one.outcome.items())[:FACTS]],
        "problem": one.problem,
        "hint": one.hint,
    }


def _plain(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return formats.number(value, 0 if float(value).is_integer() else 2)


def _time(view: View, text: str) -> str:
    when = parse(text)
    if when.minutes is not None:
        return view.say("jobs.every", minutes=when.minutes)
    if when.at is None:
        return view.say("jobs.off")
    at = when.at.strftime("%H:%M")
    if when.weekday is None:
        return view.say("jobs.nightly", at=at)
    return view.say("jobs.weekly", day=view.say(f"weekday.{WEEKDAYS[when.weekday]}"), at=at)


def run_now(view: View, form: FormData) -> Response:
    """Ask the server for a run as soon as it can."""
    shop = view.console.shop
    assert view.session is not None
    one = declared.get(shop.settings, str(form.get("job", ""))[:60])
    scheduler.ask(shop, one.name, view.session.user)
    log.info("job.asked", job=one.name)
    return show(view, notice=view.say("jobs.asked_for", job=one.name))


AREA = Area(name="jobs", pages=(("/jobs", show),), forms=(("/jobs/run", run_now),))
