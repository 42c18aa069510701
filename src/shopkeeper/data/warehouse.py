"""The tables as of now, or as of a moment: DuckDB in memory over the lake and the log's tail.

``events`` is the lake's Parquet plus what the log gained since. A table by day reads its
materialised files plus the rows that the tail adds; a whole table is computed again when an
input changed. Each call has a cursor of its own, so threads may share one Warehouse.

As of a moment means: only events that occurred up to then (labels: that were known by then).
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from shopkeeper.base.settings import Settings
from shopkeeper.data.definitions import Definition, closure, table, tables
from shopkeeper.data.lake import Lake
from shopkeeper.data.materialised import WHOLE, Shelf

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
        self._builder = self._cursor()
        self._shelf = Shelf(lake.folder / "tables", ())
        self._state: tuple[int, Any] | None = None  # watermark and parts that the views show
        self._seen = 0  # last seq that the views show
        self._ready: set[str] = set()  # tables whose view shows that state
        self._changed: dict[str, int] = {}  # table -> the refresh that last changed it
        self._computed: dict[str, int] = {}  # whole table -> the refresh it was computed at
        self._refreshes = 0
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
                self._state = None
                self.refresh()
            return self._run(text, params, named, as_of_us)

    def table(self, name: str, as_of_us: int | None = None) -> pa.Table:
        """Return a whole table, or ``events``."""
        if name != "events":
            table(name)
        return self.sql(f"SELECT * FROM {name}", as_of_us=as_of_us)

    def refresh(self) -> None:
        """Take in what the log and the lake gained since."""
        with self._lock:
            watermark, parts = self._lake.manifest.snapshot()
            if self._state != (watermark, parts):
                self._reset(watermark, parts)
            elif self._lake.store.last_seq() > self._seen:
                started = time.monotonic()
                self._extend()
                ended = time.monotonic()
                self._rested_until = ended + (1.0 if ended - started > _DEAR_SECONDS else 0.0)

    def materialise(self) -> int:
        """Write the files of all tables for the lake as it is; return how many were written."""
        with self._lock:
            self.refresh()
            written = sum(self._materialise(definition) for definition in tables().values())
            self._shelf.tidy(tables().values())
            return written

    def close(self) -> None:
        """Let go of the engine's memory."""
        with self._lock:
            self._builder.close()
            self._db.close()

    # --- reading

    def _run(self, text: str, params: Any, named: set[str], as_of_us: int | None) -> pa.Table:
        if as_of_us is None:
            with self._lock:
                for name in named:
                    self._ensure(table(name))
        cursor = self._cursor()
        try:
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
                    self._ensure(definition)
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

    def _cursor(self) -> Any:
        return self._db.cursor()

    # --- taking in

    def _reset(self, watermark: int, parts: list[Any]) -> None:
        """Show another state of the lake: new files, and the tail after its watermark."""
        self._lake.require_whole()
        self._shelf = Shelf(self._shelf.folder, parts)
        files = [str(self._lake.folder / part.path) for part in parts]
        tail = self._lake.tail(watermark)
        build = self._builder
        build.register("arrived", tail)
        build.execute("BEGIN")
        build.execute("CREATE OR REPLACE TABLE memory.main.tail AS SELECT * FROM arrived")
        both = "SELECT * FROM memory.main.tail"
        if files:
            both = f"{_from_lake(files)} UNION ALL BY NAME {both}"
        build.execute(f"CREATE OR REPLACE VIEW memory.main.events AS {both}")
        build.execute("COMMIT")
        build.unregister("arrived")
        self._state = (watermark, parts)
        self._seen = tail["seq"][-1].as_py() if tail.num_rows else watermark
        self._ready.clear()
        self._computed.clear()
        self._refreshes += 1
        self._changed = dict.fromkeys(("events", *tables()), 0)
        if tail.num_rows:
            self._note_changes(tail)

    def _extend(self) -> None:
        """Add the rows that the log gained to the tail and to the tables that stand on it."""
        fresh = self._lake.tail(self._seen)
        if not fresh.num_rows:
            return
        self._refreshes += 1
        build = self._builder
        build.register("arrived", fresh)
        build.execute("BEGIN")
        build.execute("INSERT INTO memory.main.tail SELECT * FROM arrived")
        build.execute("COMMIT")
        build.unregister("arrived")
        self._seen = fresh["seq"][-1].as_py()
        for name in self._note_changes(fresh):
            self._ready.discard(name)

    def _note_changes(self, fresh: pa.Table) -> set[str]:
        """Mark the tables that new events change, and return their names."""
        touched = {"events"}
        build = self._builder
        build.register("events", fresh)
        for definition in tables().values():
            if definition.build == "append":
                if build.execute(f"SELECT 1 FROM ({definition.sql}) LIMIT 1").fetchall():
                    touched.add(definition.name)
            elif touched & set(definition.inputs):
                touched.add(definition.name)
        build.unregister("events")
        for name in touched:
            self._changed[name] = self._refreshes
        return touched

    # --- standing

    def _ensure(self, definition: Definition) -> None:
        """Make the view of a table show the present state."""
        name = definition.name
        if name in self._ready:
            return
        if definition.build == "whole":
            self._ensure_whole(definition)
        else:
            self._ensure_by_day(definition)
        self._ready.add(name)

    def _ensure_by_day(self, definition: Definition) -> None:
        self._materialise(definition)
        name, build = definition.name, self._builder
        days = pc.unique(self._tail_days())
        for source in definition.inputs:
            if source != "events":
                self._ensure(table(source))
        if definition.build == "append":
            rows = _with_views(definition, {"events": "SELECT * FROM memory.main.tail"})
            outside = ""
        else:
            among = ", ".join(f"DATE '{day}'" for day in days.to_pylist()) or "NULL"
            rows = _with_views(
                definition,
                {
                    source: f"SELECT * FROM memory.main.{source} WHERE dt IN ({among})"
                    for source in definition.inputs
                },
            )
            outside = f" WHERE dt NOT IN ({among})" if len(days) else ""
        files = self._shelf.files(definition)
        both = f"SELECT * FROM memory.main.live_{name}"
        if files:
            both = f"SELECT * FROM read_parquet({files!r}){outside} UNION ALL BY NAME {both}"
        build.execute("BEGIN")
        build.execute(f"CREATE OR REPLACE TABLE memory.main.live_{name} AS {rows}")
        build.execute(f"CREATE OR REPLACE VIEW memory.main.{name} AS {both}")
        build.execute("COMMIT")

    def _ensure_whole(self, definition: Definition) -> None:
        name, build = definition.name, self._builder
        still = not self._changed[name] or definition.refresh == "compaction"
        if still and self._shelf.parts:
            self._materialise(definition)
            source = f"SELECT * FROM read_parquet({self._shelf.files(definition)!r})"
        else:
            for other in definition.inputs:
                if other != "events":
                    self._ensure(table(other))
            build.execute(f"CREATE OR REPLACE TABLE memory.main.live_{name} AS {definition.sql}")
            source = f"SELECT * FROM memory.main.live_{name}"
        build.execute(f"CREATE OR REPLACE VIEW memory.main.{name} AS {source}")

    def _tail_days(self) -> pa.ChunkedArray:
        days = self._builder.sql("SELECT DISTINCT dt FROM memory.main.tail").to_arrow_table()
        return days["dt"]

    # --- writing what stands only on the lake

    def _materialise(self, definition: Definition) -> int:
        """Write the files that a table lacks, from the lake alone."""
        spans = self._shelf.missing(definition)
        if not spans or not self._shelf.parts:
            return 0
        for source in definition.inputs:
            if source != "events":
                self._materialise(table(source))
        views = {s: self._lake_only(s, spans) for s in definition.inputs}
        built = self._builder.sql(_with_views(definition, views)).to_arrow_table()
        if spans == [WHOLE]:
            self._shelf.put(definition, WHOLE, built)
            return 1
        for month in spans:
            first = date.fromisoformat(f"{month}-01")
            after = (first + timedelta(days=32)).replace(day=1)
            inside = pc.and_(pc.greater_equal(built["dt"], first), pc.less(built["dt"], after))
            self._shelf.put(definition, month, built.filter(inside))
        return len(spans)

    def _lake_only(self, source: str, spans: Sequence[str]) -> str:
        if source == "events":
            months = list(self._shelf.months) if list(spans) == [WHOLE] else spans
            parts = [part for month in months for part in self._shelf.months[month]]
            return _from_lake([str(self._lake.folder / part.path) for part in parts])
        definition = table(source)
        wanted = self._shelf.spans(definition) if list(spans) == [WHOLE] else spans
        files = [str(self._shelf.path(definition, span)) for span in wanted]
        return f"SELECT * FROM read_parquet({files!r})"


def _from_lake(files: list[str]) -> str:
    return (
        f"SELECT * FROM read_parquet({files!r}, hive_partitioning = true,"
        " hive_types = {'dt': DATE})"
    )


def _with_views(definition: Definition, views: dict[str, str]) -> str:
    """Return the table's SQL with its inputs replaced; a CTE shadows a view of that name."""
    heads = [f"{name} AS ({text})" for name, text in views.items()]
    body = definition.sql
    if body.upper().startswith("WITH "):
        return f"WITH {', '.join(heads)}, {body[5:]}"
    return f"WITH {', '.join(heads)} {body}"
