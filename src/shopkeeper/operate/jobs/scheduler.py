"""Start the jobs that are due while the server runs: one at a time, each in its own process.

    Scheduler(shop).start()    one thread; it looks every few seconds

What is due follows from the record of runs alone, so a restart forgets nothing: moments missed
while the server was down are made up for by one run, and a run whose process died is tried
again after a pause. Nothing that a job does can take the server down.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import Any

from shopkeeper.base import clock, log
from shopkeeper.base.errors import ShopError
from shopkeeper.data import job_log
from shopkeeper.data.job_log import ASKED, DONE, Run
from shopkeeper.operate.jobs import runner, schedule
from shopkeeper.operate.jobs.declared import Declared, declared
from shopkeeper.operate.jobs.schedule import When
from shopkeeper.operate.jobs.worker import BUSY

LOOK_SECONDS = 3.0
# After a start the server's memory is cold and its callers are back at once; what was missed while
# it was down can wait this long.
GRACE_SECONDS = 60.0
PAUSE_US = 60_000_000  # before the second try; twice as long before the third
STOP_SECONDS = 10
SCHEDULE = "schedule"


class Scheduler:
    """Looks every few seconds; ``close`` ends the thread and the job under way."""

    def __init__(
        self, shop: Any, *, look_seconds: float = LOOK_SECONDS, grace_seconds: float = 0.0
    ) -> None:
        self.shop, self.look_seconds, self.grace_seconds = shop, look_seconds, grace_seconds
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> Scheduler:
        """Begin to look beside the server, unless the shop wants no jobs."""
        if self.shop.settings.run_jobs:
            self._thread = threading.Thread(target=self._run, name="jobs", daemon=True)
            self._thread.start()
        return self

    def close(self) -> None:
        """End the thread; a job under way is stopped and tried again at the next start."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=2 * STOP_SECONDS)

    def look(self, jobs: dict[str, Declared]) -> Run | None:
        """Run the most urgent job that is due, in a process of its own, and return its run.

        None: nothing is due, or another process works.
        """
        if runner.sweep(self.shop) is None:
            return None
        for asked in self.shop.jobs.waiting(ASKED):
            if asked.job in jobs:
                return self._spawn(jobs[asked.job], asked)
            self.shop.jobs.settle(asked.run_id, job_log.FAILED, problem="there is no such job")
        now_us = clock.now_us()
        due = [(found, name) for name, one in jobs.items() if (found := self.due(one, now_us))]
        if not due:
            return None
        (moment, tries), name = min(due)
        run = self.shop.jobs.begin(name, moment, tries=tries, asked_by=SCHEDULE, state=ASKED)
        return self._spawn(jobs[name], run) if run else None

    def due(self, one: Declared, now_us: int) -> tuple[int, int] | None:
        """Return the moment that a job has to serve now, and the number of the try."""
        where = schedule.zone(self.shop.settings.time_zone)
        runs = self.shop.jobs.of_job(one.name)
        moment = schedule.latest_due(one.when, now_us, since(self.shop, one.name, runs), where)
        if moment is not None:
            return moment, 1
        # A run that went well since, whoever asked for it, has done what was lost.
        last = next((run for run in runs if run.asked_by == SCHEDULE or run.state == DONE), None)
        if last is None or not runner.may_retry(last) or one.when == When():
            return None
        rested = now_us >= (last.ended_us or 0) + PAUSE_US * 2 ** (last.tries - 1)
        return (last.due_us, last.tries + 1) if rested else None

    def _run(self) -> None:
        jobs: dict[str, Declared] | None = None
        if self._stop.wait(self.grace_seconds):
            return
        while not self._stop.wait(self.look_seconds):
            try:
                if jobs is None:
                    jobs = declared(self.shop.settings)
                    schedule.zone(self.shop.settings.time_zone)
                while self.look(jobs) is not None and not self._stop.is_set():
                    self.shop.jobs.tidy()
            except (ShopError, OSError) as problem:
                # The wrong setting or the full disk that it names is for a person to mend.
                log.error("jobs.look_failed", reason=str(problem)[:200])
                self._stop.wait(60)

    def _spawn(self, one: Declared, run: Run) -> Run | None:
        home = str(self.shop.settings.home)
        worker = subprocess.Popen(
            [sys.executable, "-m", "shopkeeper.operate.jobs.worker", home, one.name, run.run_id],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the server, which stops the job itself
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )
        why = self._wait(worker, one.job.most_minutes * 60) or f"status {worker.returncode}"
        if worker.returncode == BUSY:
            return None
        told = f"its process ended before the work did ({why})"
        if self.shop.jobs.settle(run.run_id, job_log.LOST, code=runner.LOST, problem=told):
            runner.conclude(self.shop, self.shop.jobs.get(run.run_id))
        ended: Run = self.shop.jobs.get(run.run_id)
        return ended

    def _wait(self, worker: subprocess.Popen[bytes], seconds: float) -> str:
        """Wait for the end; returns why it had to be stopped, if it had."""
        left = seconds
        while worker.poll() is None:
            if self._stop.wait(0.2):
                return _stopped(worker, "the server was stopped")
            left -= 0.2
            if left <= 0:
                return _stopped(worker, f"it took more than {seconds / 60:g} minutes")
        return ""


def since(shop: Any, name: str, runs: list[Run]) -> int:
    """Return the newest moment that runs of a job served, else when it was first known."""
    return max([run.due_us for run in runs] or [int(shop.jobs.known_since(name))])


def table(shop: Any) -> list[dict[str, Any]]:
    """Return every job with its time, its last run and its next, for lists and pages."""
    where, now_us = schedule.zone(shop.settings.time_zone), clock.now_us()
    found = []
    for one in declared(shop.settings).values():
        runs = shop.jobs.of_job(one.name)
        after = since(shop, one.name, runs)
        found.append(
            {
                "job": one.name,
                "capability": one.capability,
                "says": one.job.says,
                "when": one.time,
                "last": runs[0] if runs else None,
                "next_us": schedule.next_due(one.when, now_us, after, where),
            }
        )
    return found


def ask(shop: Any, name: str, operator: str) -> Run:
    """Ask the server to run a job as soon as it can; a second wish while one waits is the same."""
    for waiting in shop.jobs.waiting(job_log.ASKED):
        if waiting.job == name:
            return waiting
    made: Run = shop.jobs.begin(name, clock.now_us(), asked_by=operator, state=ASKED)
    return made


def _stopped(worker: subprocess.Popen[bytes], why: str) -> str:
    worker.terminate()
    try:
        worker.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()
    return why
