"""The tables as of now, or as of a moment: DuckDB in memory over the lake and the log's tail.

``events`` is the lake's Parquet plus what the log gained since; views.py does the same for each
table. Each call has a cursor of its own, so threads may share one Warehouse.

As of a moment means: only events that occurred up to then (labels: that were known by then).
"""

from __future__ import annotations

import re
import threading
import time
from typing import Any

import duckdb
import pyarrow as pa

from shopkeeper.base.settings import Settings
from shopkeeper.data import forecasts
from shopkeeper.data.definitions import closure, table, tables
from shopkeeper.data.lake import Lake
from shopkeeper.data.views import Views

_LOCKED_DOWN = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "python_enable_replacements": False,  # a name in SQL is a table, never a Python variable
}
_BROKEN = (duckdb.IOException, duckdb.InvalidInputException)
# While events pour in, a refresh dearer than this is not repeated within a second.
_DEAR_SECONDS = 0.25


class Warehouse:
    """SQL over the events and tables of one shop."""

    def __init__(self, lake: Lake, settings: Settings) -> None:
        self._lake = lake
        self._lock = threading.RLock()
        self._db = duckdb.connect(
            ":memory:",
            config={
                **_LOCKED_DOWN,
                "threads": settings.engine_threads,
                "memory_limit": settings.engine_memory,
            },
        )
        self._db.execute("SET TimeZone = 'UTC'")
        self._views = Views(self._db.cursor(), lake)
        self._stamp: Any = None  # the state of the lake that the views show
        self._seen = 0  # last seq that the views show
        self._rested_until = 0.0
        self.refresh()

    def sql(self, text: str, params: Any = None, as_of_us: int | None = None) -> pa.Table:
        """Run a query over ``events`` and the tables.

        Parameters
        ----------
        text
            SQL in DuckDB's dialect.
        params
            A list for ``?``, or a dict for ``$name``.
        as_of_us
            Microseconds UTC; only what had occurred by then is seen. None: all.

        Raises
        ------
        ArtefactBroken
            If a lake file that the query needs is damaged; names the file and the repair.
        """
        if time.monotonic() >= self._rested_until:
            self.refresh()
        named = set(re.findall(r"\w+", text)) & tables().keys()
        try:
            return self._run(text, params, named, as_of_us)
        except _BROKEN:
            # Another process may have compacted since; or a file is damaged.
            self._lake.require_whole(deep=True)
            with self._lock:
                self._views.remove_damaged()
                self._stamp = None
                self.refresh()
            return self._run(text, params, named, as_of_us)

    def table(self, name: str, as_of_us: int | None = None) -> pa.Table:
        """Return a whole table, or ``events``."""
        if name != "events" and name not in forecasts.TABLES:
            table(name)
        return self.sql(f"SELECT * FROM {name}", as_of_us=as_of_us)

    def refresh(self) -> None:
        """Take in what the log and the lake gained since."""
        with self._lock:
            stamp = self._lake.manifest.stamp()
            if self._stamp != stamp:
                self._reset()
            elif self._lake.store.last_seq() > self._seen:
                started = time.monotonic()
                fresh = self._lake.tail(self._seen)
                self._views.extend(fresh)
                self._seen = fresh["seq"][-1].as_py()
                ended = time.monotonic()
                self._rested_until = ended + (1.0 if ended - started > _DEAR_SECONDS else 0.0)

    def materialise(self) -> int:
        """Write the files of all tables for the lake as it is; return how many were written."""
        with self._lock:
            self.refresh()
            written = sum(self._views.materialise(one) for one in tables().values())
            self._views.tidy()
            return written

    def close(self) -> None:
        """Let go of the engine's memory."""
        with self._lock:
            self._db.close()

    def _reset(self) -> None:
        stamp, parts = self._lake.manifest.snapshot()
        self._lake.require_whole()
        tail = self._lake.tail(stamp.watermark)
        self._views.reset(parts, tail)
        self._seen = tail["seq"][-1].as_py() if tail.num_rows else stamp.watermark
        self._stamp = stamp

    # --- reading

    def _run(self, text: str, params: Any, named: set[str], as_of_us: int | None) -> pa.Table:
        if as_of_us is None:
            with self._lock:
                for name in named:
                    self._views.ensure(table(name))
        cursor = self._db.cursor()
        try:
            for name in forecasts.TABLES.keys() & set(re.findall(r"\w+", text)):
                shelf = forecasts.OriginShelf(self._lake.folder, name)
                cursor.execute(f"CREATE TEMP VIEW {name} AS {shelf.view(as_of_us)}")
            if as_of_us is not None:
                self._stand_at(cursor, named, as_of_us)
            return cursor.sql(text, params=params).to_arrow_table()
        finally:
            cursor.close()

    def _stand_at(self, cursor: Any, named: set[str], as_of_us: int) -> None:
        """Shadow every table on this cursor by what it was at the moment."""
        at = int(as_of_us)
        needed = closure(named)
        with self._lock:
            for definition in needed:
                if definition.build == "append":
                    self._views.ensure(definition)
        cursor.execute(
            f"CREATE TEMP VIEW events AS SELECT * FROM memory.main.events WHERE occurred_us <= {at}"
        )
        for definition in needed:
            name = definition.name
            if definition.build == "append":
                cursor.execute(
                    f"CREATE TEMP VIEW {name} AS SELECT * FROM memory.main.{name}"
                    f" WHERE {definition.as_of} <= {at} AND occurred_us <= {at}"
                )
            else:
                cursor.execute(f"CREATE TEMP TABLE {name} AS {definition.sql}")
