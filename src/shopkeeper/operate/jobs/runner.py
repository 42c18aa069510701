"""Run one job in this process: one at a time per shop folder, every end on the record.

The lock ``jobs.lock`` belongs to the process that works and goes with it, so a run that says
``running`` while the lock is free lost its process: ``sweep`` says so.
"""

from __future__ import annotations

import fcntl
import importlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from shopkeeper.base import clock, log
from shopkeeper.base.errors import (
    Conflict,
    ShopError,
    ShopLocked,
    StoreUnavailable,
    TooBusy,
)
from shopkeeper.data import job_log
from shopkeeper.data.job_log import Run
from shopkeeper.learn.contracts import Task
from shopkeeper.operate import webhooks
from shopkeeper.operate.jobs.declared import Declared

TOPIC = "job.failed"
MOST_TRIES = 3
TELL_SECONDS = 1.0
# What passes by itself; anything else would fail again, so it waits for the next due moment.
PASSING = frozenset(kind.code for kind in (ShopLocked, StoreUnavailable, TooBusy))
LOST = "process_ended"


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """Hold the folder's lock of jobs; ShopLocked while another process works."""
    with suppress(OSError):
        home.mkdir(parents=True, exist_ok=True)
    handle = os.open(home / "jobs.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as problem:
            raise ShopLocked(
                "Another job of this shop runs at the moment.",
                hint="`shopkeeper jobs list` says which; run yours when it has ended.",
            ) from problem
        yield
    finally:
        os.close(handle)


def run(
    shop: Any,
    one: Declared,
    *,
    asked_by: str = "",
    run_id: str | None = None,
    saw: Callable[[float | None, str], None] | None = None,
) -> Run:
    """Do a job under the lock and return its run as it ended.

    A named error of the job is its end, ``failed``, and not raised; any other exception is a
    fault of ours: it is put on the record and raised. ``run_id`` takes a run that was asked for;
    without it ``asked_by`` asks for one now.

    Raises
    ------
    ShopLocked
        If another job runs.
    Conflict
        If the run was taken by another process.
    """
    with alone(shop.settings.home):
        sweep_locked(shop)
        mine = run_id or _begun(shop, one, asked_by)
        if run_id and not shop.jobs.take(run_id):
            raise Conflict(f"The run {run_id} was taken already.", field="run", value=run_id)
        log.info("job.started", job=one.name, run_id=mine)
        try:
            outcome = _work(shop, one, mine, saw)
        except ShopError as problem:
            shop.jobs.settle(
                mine,
                job_log.FAILED,
                code=problem.code,
                problem=problem.message,
                hint=problem.hint,
            )
        except BaseException as problem:
            told = f"{type(problem).__name__}: {problem}"
            shop.jobs.settle(mine, job_log.FAILED, code="internal", problem=told)
            conclude(shop, shop.jobs.get(mine))
            raise
        else:
            shop.jobs.settle(mine, job_log.DONE, outcome=outcome)
        ended: Run = shop.jobs.get(mine)
    conclude(shop, ended)
    return ended


def conclude(shop: Any, run: Run) -> None:
    """Log how a run ended; tell other systems of one that failed for good."""
    if run.state == job_log.DONE:
        log.info("job.done", job=run.job, run_id=run.run_id, seconds=run.seconds)
        return
    log.error("job.failed", job=run.job, run_id=run.run_id, code=run.code, reason=run.problem)
    if may_retry(run):
        return
    body = {
        "job": run.job,
        "run_id": run.run_id,
        "due_at": clock.iso(run.due_us),
        "tries": run.tries,
        "code": run.code,
        "problem": run.problem,
        "hint": run.hint,
    }
    webhooks.send(shop, TOPIC, body, message_id=run.run_id)


def may_retry(run: Run) -> bool:
    """Return whether the same due moment is tried again: what passes by itself, three times."""
    passing = run.state == job_log.LOST or (run.state == job_log.FAILED and run.code in PASSING)
    return passing and run.asked_by == "schedule" and run.tries < MOST_TRIES


def sweep(shop: Any) -> list[Run] | None:
    """Say of runs without a process that they are lost; None while a job runs."""
    try:
        with alone(shop.settings.home):
            return sweep_locked(shop)
    except ShopLocked:
        return None


def sweep_locked(shop: Any) -> list[Run]:
    """Do the same for whoever holds the lock."""
    found = []
    told = "its process ended before the work did"
    for one in shop.jobs.waiting(job_log.RUNNING):
        if shop.jobs.settle(one.run_id, job_log.LOST, code=LOST, problem=told):
            found.append(shop.jobs.get(one.run_id))
            conclude(shop, found[-1])
    return found


def _begun(shop: Any, one: Declared, asked_by: str) -> str:
    run = shop.jobs.begin(one.name, clock.now_us(), asked_by=asked_by)
    if run is None:
        raise Conflict(f"{one.name} of this moment was taken already.", field="job", value=one.name)
    name: str = run.run_id
    return name


def _work(
    shop: Any, one: Declared, run_id: str, saw: Callable[[float | None, str], None] | None
) -> Mapping[str, Any]:
    module, _, function = one.job.run.partition(":")
    work = getattr(importlib.import_module(module), function)
    last: tuple[float, str] = (-TELL_SECONDS, "")

    def tell(share: float | None, saying: str) -> None:
        nonlocal last
        if saw is not None:
            saw(share, saying)
        now = time.monotonic()
        if saying != last[1] or now - last[0] >= TELL_SECONDS:
            last = (now, saying)
            shop.jobs.tell(run_id, share, saying)

    found: Mapping[str, Any] = work(Task(shop=shop, capability=one.capability, tell=tell)) or {}
    return found
