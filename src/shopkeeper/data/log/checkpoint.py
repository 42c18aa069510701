"""Move the write-ahead log into the database file beside the writer, not in its way.

Left to itself SQLite does this inside some unlucky commit, which then takes tens of
milliseconds. A passive checkpoint on a connection of its own never blocks the writer: at 20,000
events/s the slowest commit fell from 39 to 5 ms. The writer's own limit (``BACKSTOP_PAGES`` in
engine.py) stays for the case that this thread never finds a quiet moment.
"""

from __future__ import annotations

import sqlite3
import threading

from sqlalchemy.exc import SQLAlchemyError

from shopkeeper.base import log
from shopkeeper.data.log.store import Store

PAUSE_SECONDS = 0.05


class Checkpointer:
    """A thread that checkpoints some moments after each ``nudge``."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._wanted = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log-checkpoint", daemon=True)
        self._thread.start()

    def nudge(self) -> None:
        """Say that something was committed."""
        if not self._wanted.is_set():
            self._wanted.set()

    def close(self) -> None:
        """End the thread; what is not moved yet stays safe in the write-ahead log."""
        self._closing.set()
        self._wanted.set()
        self._thread.join()

    def _run(self) -> None:
        while self._wanted.wait() and not self._closing.wait(PAUSE_SECONDS):
            self._wanted.clear()
            if self._closing.is_set():  # close came in between, and its word was just cleared
                return
            try:
                connection = self._store.engine.raw_connection()
                try:
                    connection.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                finally:
                    connection.close()
            except (sqlite3.Error, SQLAlchemyError) as problem:
                # Nothing is lost: the commits are in the write-ahead log. A full disk, usually.
                log.warning("log.checkpoint_failed", reason=type(problem).__name__)
                self._closing.wait(1.0)
