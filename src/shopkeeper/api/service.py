"""What the routes of one server share: the shop, the runtime, keys, limits, and its state of life.

The server answers while it warms up: events are taken at once, a capability decides as soon as
its live state is rebuilt and says ``warming`` until then. ``tasks`` runs beside the requests:
compaction, stamps of keys.
"""

from __future__ import annotations

import asyncio
import shutil
import threading
import time
from typing import Any

import anyio.to_thread

from shopkeeper.api.limits import Buckets
from shopkeeper.api.metrics import Metrics
from shopkeeper.base import clock, log
from shopkeeper.base.errors import ShopError, StoreUnavailable
from shopkeeper.data.keys import Keys

LOW_DISK_BYTES = 50_000_000
BUSY_WAITING = 20
MOST_POSTPONED = 10


class Service:
    """One running server. ``phase``: warming, ready, failed or stopping."""

    def __init__(self, shop: Any, runtime: Any, keys: Keys) -> None:
        self.shop, self.runtime, self.keys = shop, runtime, keys
        settings = shop.settings
        self.settings = settings
        self.metrics = Metrics()
        shop.writer.on_commit = self.metrics.commit_seconds.observe
        self.rate = Buckets(settings.rate_per_second, settings.rate_per_second)
        self.browser_rate = Buckets(
            settings.browser_rate_per_second, 2 * settings.browser_rate_per_second
        )
        self.failures = Buckets(10, 50)
        self.origins = tuple(o.strip() for o in settings.cors_origins.split(",") if o.strip())
        self.phase = "warming"
        self.problem: str | None = None
        self.warm_seconds: float | None = None
        self._last_event_us: int | None = None
        self.metrics.read_on_scrape(self._gauges)

    def warm(self) -> None:
        """Rebuild the live states and load the champions; runs in a thread of its own."""
        started = time.perf_counter()
        try:
            self.runtime.start()
        except ShopError as problem:
            self.phase, self.problem = "failed", problem.message
            log.error("server.warm_failed", code=problem.code, message=problem.message)
            return
        except Exception as problem:
            self.phase, self.problem = "failed", type(problem).__name__
            log.error("server.warm_failed", kind=type(problem).__name__)
            raise
        self.warm_seconds = time.perf_counter() - started
        if self.phase == "warming":
            self.phase = "ready"
        log.info("server.ready", warm_seconds=round(self.warm_seconds, 3))

    def start_warming(self) -> threading.Thread:
        """Begin to warm up beside the server."""
        thread = threading.Thread(target=self.warm, name="warm", daemon=True)
        thread.start()
        return thread

    def need_ready(self, capability: str | None = None) -> None:
        """Raise 503 while decisions cannot be made: by a capability, or by all of them."""
        if self.phase == "ready" or (self.phase == "warming" and capability in self.runtime.ready):
            return
        raise StoreUnavailable(
            "The server is warming up: it rebuilds its live states from the log."
            if self.phase == "warming"
            else f"The server cannot decide: {self.problem or self.phase}.",
            hint="Ask again in a moment; GET /ready tells when. Events are accepted meanwhile.",
            code=self.phase if self.phase == "warming" else "not_ready",
        )

    def note_event(self) -> None:
        """Remember that an event arrived now."""
        self._last_event_us = clock.now_us()

    def readiness(self) -> tuple[bool, dict[str, Any]]:
        """Return whether the server can do its work, and what of it is lesser than it should be."""
        writable = log_writable(self.shop)
        capabilities = self.runtime.healthy()["capabilities"]
        stands = self.runtime.ready if self.phase == "warming" else capabilities
        on_fallback = [
            name for name, state in capabilities.items() if state["fallback"] and name in stands
        ]
        ready = self.phase == "ready" and writable
        return ready, {
            "ready": ready,
            "phase": self.phase,
            "problem": self.problem,
            "log_writable": writable,
            "warm_seconds": self.warm_seconds,
            "capabilities": capabilities,
            "on_fallback": on_fallback,
        }

    async def tasks(self) -> None:
        """Compact from time to time, but not into a crowd; stamp keys."""
        postponed = 0
        due = time.monotonic() + self.settings.compact_every_seconds
        while True:
            await asyncio.sleep(min(5.0, self.settings.compact_every_seconds))
            await asyncio.to_thread(self.keys.write_last_used)
            if time.monotonic() < due:
                continue
            if self.shop.writer.waiting() > BUSY_WAITING and postponed < MOST_POSTPONED:
                postponed += 1
                continue
            await asyncio.to_thread(self.compact)
            postponed = 0
            due = time.monotonic() + self.settings.compact_every_seconds

    def compact(self) -> None:
        """Move the log's tail into the lake; a failure is logged and tried again next time."""
        try:
            done = self.shop.lake.compact()
        except (ShopError, OSError) as problem:
            self.metrics.compactions.labels("failed").inc()
            log.error("compaction.failed", problem=str(problem))
            return
        self.metrics.compactions.labels("done").inc()
        log.info("compaction.done", events=getattr(done, "events", None))

    def _gauges(self) -> dict[str, tuple[str, float]]:
        found: dict[str, tuple[str, float]] = {
            "shopkeeper_queue_requests": (
                "Requests waiting for the log writer.",
                self.shop.writer.waiting(),
            ),
            "shopkeeper_log_seq": (
                "Number of the last event in the log.",
                self.shop.store.last_seq(),
            ),
            "shopkeeper_ready": ("1 when decisions can be made.", self.phase == "ready"),
            "shopkeeper_unrecorded_decisions_total": (
                "Decisions that were answered but could not be put on the record.",
                self.runtime.counts["unrecorded"],
            ),
        }
        if self._last_event_us is not None:
            found["shopkeeper_freshness_seconds"] = (
                "Seconds since an event was last accepted by this server.",
                (clock.now_us() - self._last_event_us) / 1e6,
            )
        return found


def log_writable(shop: Any) -> bool:
    """Return whether the log could take an event: the file is there and the disk has room."""
    try:
        shop.store.last_seq()
        return shutil.disk_usage(shop.settings.home).free > LOW_DISK_BYTES
    except (ShopError, OSError):
        return False


async def in_thread(work: Any, *given: Any) -> Any:
    """Run work that reads files or tables away from the loop that serves the hot routes."""
    return await anyio.to_thread.run_sync(work, *given)
