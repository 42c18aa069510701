"""Close the loop of supply while the server runs: what came of promises, and old holds.

    SupplyWatch(shop).start()    one thread; every few minutes

Parcels that ended become outcomes of their decisions (delivered, late, failed), each once, so
training and monitoring see them.
"""

from __future__ import annotations

import threading
from typing import Any

import duckdb

from shopkeeper.base import log
from shopkeeper.base.errors import ShopError
from shopkeeper.operate import supply_desk

EVERY_SECONDS = 300.0


class SupplyWatch:
    """Looks every few minutes; ``close`` ends the thread."""

    def __init__(self, shop: Any, *, every_seconds: float = EVERY_SECONDS) -> None:
        self.shop, self.every_seconds = shop, every_seconds
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> SupplyWatch:
        """Begin to look beside the server."""
        self._thread = threading.Thread(target=self._run, name="supply-watch", daemon=True)
        self._thread.start()
        return self

    def close(self) -> None:
        """End the thread after what it has in hand."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=10)

    def look(self) -> int:
        """Write the outcomes that are due and drop old holds; return how many outcomes."""
        told = supply_desk.tell_outcomes(self.shop)
        self.shop.reservations.tidy()
        return told

    def _run(self) -> None:
        while not self._stop.wait(self.every_seconds):
            try:
                told = self.look()
            except (ShopError, OSError, duckdb.Error) as problem:
                log.error("supply.watch_failed", reason=str(problem)[:200])
                continue
            if told:
                log.info("supply.outcomes_told", outcomes=told)
