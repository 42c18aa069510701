"""``shopkeeper jobs``: what the server does on its own, how it went, and doing it now."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from shopkeeper.base import clock, settings
from shopkeeper.cli.main import print_json
from shopkeeper.data.job_log import DONE, Run
from shopkeeper.data.shop import open_shop
from shopkeeper.operate.jobs import declared, runner, scheduler

as_json = click.option("--json", "as_json", is_flag=True, help="One JSON object.")


@click.group("jobs")
def command() -> None:
    """List, run and look back at the server's jobs."""


@command.command("list")
@as_json
@click.pass_obj
def list_jobs(home: str, as_json: bool) -> None:
    """List the jobs with their times, their last run and their next."""
    with open_shop(settings.load(home)) as shop:
        runner.sweep(shop)
        rows = scheduler.table(shop)
        zone = shop.settings.time_zone
    if as_json:
        print_json({"time_zone": zone, "jobs": [_plain(row) for row in rows]})
        return
    print(f"{'job':<20}{'when (' + zone + ')':<26}{'last run (UTC)':<20}{'how':<10}next (UTC)")
    for row in rows:
        last = row["last"]
        how = last.state if last else "-"
        print(
            f"{row['job']:<20}{row['when']:<26}{_minute(last.started_us if last else None):<20}"
            f"{how:<10}{_minute(row['next_us'])}"
        )
    print("  next: shopkeeper jobs run JOB")


@command.command("run")
@click.argument("job")
@as_json
@click.pass_context
def run(ctx: click.Context, job: str, as_json: bool) -> int:
    """Run JOB now, here; it goes on the record like the server's own runs."""
    chosen = settings.load(ctx.obj)
    one = declared.get(chosen, job)
    with open_shop(chosen) as shop:
        ended = runner.run(shop, one, asked_by="command line")
    if as_json:
        print_json(_run(ended))
    else:
        _print(ended)
    return 0 if ended.state == DONE else 1


@command.command("history")
@click.argument("job", required=False)
@click.option("--limit", default=20, help="Runs at most, newest first.")
@as_json
@click.pass_obj
def history(home: str, job: str | None, limit: int, as_json: bool) -> None:
    """Show the newest runs of JOB, or of all jobs."""
    chosen = settings.load(home)
    if job:
        declared.get(chosen, job)
    with open_shop(chosen) as shop:
        runner.sweep(shop)
        found = shop.jobs.of_job(job, limit) if job else shop.jobs.latest(limit)
    if as_json:
        print_json({"runs": [_run(one) for one in found]})
        return
    for one in found:
        _print(one)
    if not found:
        print("no job has run yet")


def _print(one: Run) -> None:
    took = "" if one.seconds is None else f" in {one.seconds:g} s"
    print(f"{one.job} {one.state}{took}, for {_minute(one.due_us)}, asked by {one.asked_by}")
    facts = ", ".join(f"{name} {value}" for name, value in one.outcome.items())
    if facts:
        print(f"  {facts}")
    if one.problem:
        print(f"  {one.code}: {one.problem}")
    if one.hint:
        print(f"  hint: {one.hint}")


def _minute(at_us: int | None) -> str:
    return clock.iso(at_us)[:16].replace("T", " ") if at_us else "-"


def _run(one: Run) -> dict[str, Any]:
    told = asdict(one) | {"seconds": one.seconds, "outcome": dict(one.outcome)}
    for name in ("due_us", "started_us", "ended_us"):
        at = told.pop(name)
        told[name.removesuffix("_us") + "_at"] = clock.iso(at) if at else None
    return told


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    next_us = row["next_us"]
    return {name: value for name, value in row.items() if name not in ("last", "next_us")} | {
        "last": _run(row["last"]) if row["last"] else None,
        "next_at": clock.iso(next_us) if next_us else None,
    }
