"""The one thread that writes the log: many requests share one commit, answers come after it.

Callers hand in rows and get a future. The thread takes what waits, up to
``group_commit_requests``, stores it in one transaction, tells the subscribers, and only then
resolves the futures: an acknowledged event is on disk. When more than ``queue_requests`` or
200,000 events wait, ``submit`` raises TooBusy instead of growing. A failed commit fails its
callers; the thread lives on and the next commit may succeed.

Rows on whose storing nobody waits (``patient``: decisions that are answered already) share a
commit with whatever comes next, PATIENCE_SECONDS later at most: alone, each would cost a flush.

Subscribers see every event of the log exactly once and in order of seq, also those that other
processes wrote to the same file, which a poll once a second finds.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from shopkeeper.base import log
from shopkeeper.base.errors import ShopError, StoreUnavailable, TooBusy
from shopkeeper.base.settings import Settings
from shopkeeper.data.log.checkpoint import Checkpointer
from shopkeeper.data.log.store import Commit, Refused, Row, Store

Seen = list[tuple[int, Row]]
POLL_SECONDS = 1.0
PATIENCE_SECONDS = 0.1
_READ_ROWS = 5000
_MAX_WAITING_ROWS = 200_000  # some 200 MB; few huge requests must not fill the memory either
_MAX_ROWS = 20_000  # rows in one commit, so that one import does not hold the others back


class _Subscriber:
    def __init__(self, callback: Callable[[Seen], None], seen: int) -> None:
        self.callback = callback
        self.seen = seen


class _Job:
    """One request's rows, and where its answer goes: an asyncio loop or a waiting thread."""

    __slots__ = ("future", "loop", "refused", "rows")

    def __init__(self, rows: Sequence[Row], refused: Sequence[Refused], future: Any, loop: Any):
        self.rows, self.refused, self.future, self.loop = rows, refused, future, loop


class Writer:
    """Owns the writing thread of one store; ``close`` writes what still waits."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self.store = store
        self._settings = settings
        self._queue: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._patient: list[_Job] = []
        self._subscribers: list[_Subscriber] = []
        self.on_commit: Callable[[float], None] = lambda seconds: None  # for the metrics
        self._closed = False
        self._rows_waiting = 0
        self._gate = threading.Lock()
        self._checkpointer = Checkpointer(store)
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    def submit(
        self, rows: Sequence[Row], refused: Sequence[Refused] = (), *, patient: bool = False
    ) -> Future[list[str]]:
        """Queue rows; the future gives accepted, duplicate or conflict of each, once durable.

        ``patient``: nobody waits, so they may lie PATIENCE_SECONDS to share a commit.
        """
        future: Future[list[str]] = Future()
        self._put(_Job(rows, refused, future, None), patient=patient)
        return future

    def submit_async(
        self, rows: Sequence[Row], refused: Sequence[Refused] = ()
    ) -> asyncio.Future[list[str]]:
        """Queue rows from a coroutine; all answers of a commit reach the loop in one call."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[list[str]] = loop.create_future()
        self._put(_Job(rows, refused, future, loop))
        return future

    def subscribe(self, callback: Callable[[Seen], None], *, after_seq: int | None = None) -> None:
        """Call back with (seq, row) of every event after ``after_seq`` (None: from now on).

        Called on the writing thread, after the commit and before its futures resolve.
        """
        seen = self.store.last_seq() if after_seq is None else after_seq
        with self._gate:
            self._subscribers.append(_Subscriber(callback, seen))

    def waiting(self) -> int:
        """Return how many requests wait for the next commit, patient ones apart."""
        return self._queue.qsize()

    def close(self) -> None:
        """Write what waits, then end the thread; later submits are refused."""
        with self._gate:
            if self._closed:
                return
            self._closed = True
            self._queue.put(None)
        self._thread.join()
        self._checkpointer.close()

    def _put(self, job: _Job, *, patient: bool = False) -> None:
        rows = len(job.rows)
        with self._gate:
            waiting = self._queue.qsize() + len(self._patient)
            crowded = self._rows_waiting and self._rows_waiting + rows > _MAX_WAITING_ROWS
            if waiting >= self._settings.queue_requests or crowded:
                raise TooBusy(
                    f"{waiting} requests with {self._rows_waiting} events wait for the log.",
                    hint="Send the same events again after the pause; a repeat is harmless.",
                    retry_after_seconds=1.0,
                )
            if self._closed or not self._thread.is_alive():
                raise StoreUnavailable(
                    "The log is closed.", hint="The server is stopping; send the events again."
                )
            self._rows_waiting += rows
            if patient and 2 * len(self._patient) < self._settings.group_commit_requests:
                self._patient.append(job)
            else:
                self._queue.put(job)

    def _run(self) -> None:
        try:
            self._serve()
        finally:
            # Nobody may wait for a thread that has ended, whatever ended it.
            while self._patient or not self._queue.empty():
                job = self._patient.pop() if self._patient else self._queue.get()
                if job is not None:
                    _answer([(job, None, StoreUnavailable("The log is closed."))])

    def _serve(self) -> None:
        going = True
        looked = time.monotonic()
        while going:
            try:
                job = self._queue.get(timeout=PATIENCE_SECONDS)
            except queue.Empty:
                jobs = self._lying()
            else:
                jobs, going = self._gather(job)
            if jobs:
                self._write(jobs)
            if time.monotonic() - looked >= POLL_SECONDS:
                looked = time.monotonic()
                self._catch_up()

    def _gather(self, job: _Job | None) -> tuple[list[_Job], bool]:
        """Return this job and those behind it that fit one commit, and whether to go on."""
        # Before it: what was decided earlier stands earlier in the log than what followed from it.
        jobs = self._lying()
        rows = 0
        while job is not None:
            jobs.append(job)
            rows += len(job.rows)
            if job.loop is None:
                # From here on the caller may no longer cancel, so that the answer can be set.
                job.future.set_running_or_notify_cancel()
            if len(jobs) >= self._settings.group_commit_requests or rows >= _MAX_ROWS:
                break
            try:
                job = self._queue.get_nowait()
            except queue.Empty:
                break
        with self._gate:
            self._rows_waiting -= rows
        return jobs, job is not None

    def _lying(self) -> list[_Job]:
        """Return the patient jobs, fewer than fit one commit."""
        if not self._patient:
            return []
        with self._gate:
            jobs, self._patient = self._patient, []
            self._rows_waiting -= sum(len(job.rows) for job in jobs)
        for job in jobs:
            job.future.set_running_or_notify_cancel()
        return jobs

    def _write(self, jobs: list[_Job]) -> None:
        rows = [row for job in jobs for row in job.rows]
        refused = [one for job in jobs for one in job.refused]
        started = time.perf_counter()
        try:
            done = self.store.commit(rows, refused)
        except ShopError as problem:
            log.error("log.commit_failed", requests=len(jobs), rows=len(rows), code=problem.code)
            _answer([(job, None, problem) for job in jobs])
            return
        except (SQLAlchemyError, KeyError, ValueError, TypeError) as problem:
            # One request's row cannot be stored at all; the others must not fail with it.
            if len(jobs) > 1:
                for job in jobs:
                    self._write([job])
                return
            log.error("log.row_refused", rows=len(rows), reason=type(problem).__name__)
            _answer([(jobs[0], None, problem)])
            return
        except BaseException:
            _answer([(job, None, StoreUnavailable("The log has stopped.")) for job in jobs])
            raise
        self.on_commit(time.perf_counter() - started)
        self._checkpointer.nudge()
        self._tell(done)
        answers: list[tuple[_Job, list[str] | None, Exception | None]] = []
        start = 0
        for job in jobs:
            end = start + len(job.rows)
            answers.append((job, done.statuses[start:end], None))
            start = end
        _answer(answers)

    def _tell(self, done: Commit) -> None:
        """Hand new rows to each subscriber, first those of others that lie before them."""
        if not done.stored:
            return
        first, last = done.stored[0][0], done.stored[-1][0]
        for subscriber in self._subscribers:
            if subscriber.seen < first - 1:
                self._read_to(subscriber, first - 1)
            if subscriber.seen == first - 1:
                self._call(subscriber, done.stored)
            elif subscriber.seen < last:
                self._read_to(subscriber, last)

    def _catch_up(self) -> None:
        """Hand over what other processes wrote since the last look."""
        if not self._subscribers:
            return
        try:
            last = self.store.last_seq()
        except ShopError as problem:
            log.warning("log.poll_failed", reason=problem.message)
            return
        for subscriber in self._subscribers:
            if subscriber.seen < last:
                self._read_to(subscriber, last)

    def _read_to(self, subscriber: _Subscriber, last: int) -> None:
        while subscriber.seen < last:
            try:
                rows = self.store.read(subscriber.seen, min(_READ_ROWS, last - subscriber.seen))
            except ShopError as problem:
                log.warning("log.poll_failed", reason=problem.message)
                return
            rows = [one for one in rows if one[0] <= last]
            if not rows:
                return
            self._call(subscriber, rows)

    def _call(self, subscriber: _Subscriber, rows: Seen) -> None:
        subscriber.seen = rows[-1][0]
        try:
            subscriber.callback(rows)
        except Exception as problem:  # whatever a reader does wrong, events go on
            log.error("log.subscriber_failed", rows=len(rows), reason=repr(problem))
            if isinstance(problem, MemoryError):
                raise


def _answer(answers: list[tuple[_Job, list[str] | None, Exception | None]]) -> None:
    """Resolve the futures; those of one event loop in a single wake-up."""
    by_loop: dict[Any, list[tuple[Any, list[str] | None, Exception | None]]] = {}
    for job, result, problem in answers:
        by_loop.setdefault(job.loop, []).append((job.future, result, problem))
    for loop, some in by_loop.items():
        if loop is None:
            _resolve(some)
            continue
        try:
            loop.call_soon_threadsafe(_resolve, some)
        except RuntimeError:
            # The loop has ended, and with it everybody who waited on it.
            log.warning("log.nobody_waits", requests=len(some))


def _resolve(some: list[tuple[Any, list[str] | None, Exception | None]]) -> None:
    for future, result, problem in some:
        if future.done():  # the caller went away
            continue
        if problem is None:
            future.set_result(result)
        else:
            future.set_exception(problem)
