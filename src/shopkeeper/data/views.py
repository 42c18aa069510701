"""Make each table's view show the present: its files from the lake, plus what the tail changes.

One Views belongs to one Warehouse, which holds the lock. A table that is ready has ready inputs;
new events are added to ready tables at once where a row comes from one event (append), and make
the others stand again on their next use: touched days (partition), touched keys (key) or all
(whole). SQL text is put together from the definitions only, never from a caller's words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from shopkeeper.data.definitions import Definition, table, tables
from shopkeeper.data.lake import Lake
from shopkeeper.data.manifest import Part
from shopkeeper.data.materialised import WHOLE, Shelf


class Views:
    """The views of all tables in one engine."""

    def __init__(self, connection: Any, lake: Lake) -> None:
        self._do = connection
        self._folder = lake.folder
        self._shelf = Shelf(lake.folder / "tables", ())
        self._ready: set[str] = set()
        self._tail_rows = 0

    def reset(self, parts: Sequence[Part], tail: pa.Table) -> None:
        """Show another state of the lake: its parts, and the tail after its watermark."""
        self._shelf = Shelf(self._shelf.folder, parts)
        self._ready.clear()
        self._tail_rows = tail.num_rows
        both = "SELECT * FROM memory.main.tail"
        if parts:
            both = f"{self._from_lake(parts)} UNION ALL BY NAME {both}"
        self._do.register("arrived", tail)
        with self._together():
            self._do.execute("CREATE OR REPLACE TABLE memory.main.tail AS SELECT * FROM arrived")
            self._do.execute(f"CREATE OR REPLACE VIEW memory.main.events AS {both}")
        self._do.unregister("arrived")

    def extend(self, fresh: pa.Table) -> None:
        """Add new events to the tail and to the ready tables; mark what must stand again."""
        self._tail_rows += fresh.num_rows
        touched = {"events"}
        self._do.register("events", fresh)
        with self._together():
            self._do.execute("INSERT INTO memory.main.tail SELECT * FROM events")
            for definition in tables().values():
                name = definition.name
                if name not in self._ready:
                    continue
                if definition.build == "append":
                    into = f"INSERT INTO memory.main.live_{name} BY NAME {definition.sql}"
                    if self._do.execute(into).fetchone()[0]:
                        touched.add(name)
                elif touched & set(definition.inputs) and self._follows_events(definition):
                    touched.add(name)
                    self._ready.discard(name)
        self._do.unregister("events")

    def ensure(self, definition: Definition) -> None:
        """Make the view of a table, and of its inputs, show the present."""
        name = definition.name
        if name in self._ready:
            return
        if self._follows_events(definition):
            for source in definition.inputs:
                if source != "events":
                    self.ensure(table(source))
        with self._together():
            _STAND[definition.build](self, definition)
        self._ready.add(name)

    def materialise(self, definition: Definition) -> int:
        """Write the files that a table lacks, from the lake alone; return how many."""
        spans = self._shelf.missing(definition)
        if not spans or not self._shelf.parts:
            return 0
        for source in definition.inputs:
            if source != "events":
                self.materialise(table(source))
        views = {source: self._lake_only(source, definition, spans) for source in definition.inputs}
        built = self._do.sql(_over(definition, views)).to_arrow_table()
        if spans == [WHOLE]:
            self._shelf.put(definition, WHOLE, built)
            return 1
        for month in spans:
            first = date.fromisoformat(f"{month}-01")
            after = (first + timedelta(days=32)).replace(day=1)
            inside = pc.and_(pc.greater_equal(built["dt"], first), pc.less(built["dt"], after))
            self._shelf.put(definition, month, built.filter(inside))
        return len(spans)

    def tidy(self) -> None:
        """Remove the files of earlier states of the lake."""
        self._shelf.tidy(tables().values())

    def remove_damaged(self) -> None:
        """Remove tables' files that cannot be read."""
        self._shelf.remove_damaged()

    @contextmanager
    def _together(self) -> Iterator[None]:
        """Let other threads see all of the changes or none."""
        self._do.execute("BEGIN")
        try:
            yield
        except BaseException:
            self._do.execute("ROLLBACK")
            raise
        self._do.execute("COMMIT")

    def _follows_events(self, definition: Definition) -> bool:
        """Return whether new events change the table at once, rather than with the next day."""
        return definition.refresh == "event" or not self._shelf.parts

    # --- how each build stands; all within one transaction

    def _append(self, definition: Definition) -> None:
        rows = _over(definition, {"events": "SELECT * FROM memory.main.tail"})
        self._stand(definition, rows, "TRUE")

    def _partition(self, definition: Definition) -> None:
        days = [row[0] for row in self._do.execute(_TAIL_DAYS).fetchall()]
        among = ", ".join(f"DATE '{day}'" for day in days) or "NULL"
        some = f"WHERE dt IN ({among})"
        views = {s: f"SELECT * FROM memory.main.{s} {some}" for s in definition.inputs}
        outside = f"dt NOT IN ({among})" if days else "TRUE"
        self._stand(definition, _over(definition, views), outside)

    def _key(self, definition: Definition) -> None:
        """Rows of keys that the tail touched are computed again from all of their input."""
        key, name = definition.keys[0], definition.name
        touched = [f"SELECT {key} FROM memory.main.live_{s}" for s in definition.inputs]
        for source in map(table, definition.inputs):
            if source.build == "key" and self._shelf.parts:
                # A row that the tail changed may have had another key before.
                files = self._shelf.files(source)
                touched.append(
                    f"SELECT {key} FROM read_parquet({files!r}) WHERE {source.keys[0]} IN"
                    f" (SELECT {source.keys[0]} FROM memory.main.touched_{source.name})"
                )
        self._do.execute(
            f"CREATE OR REPLACE TABLE memory.main.touched_{name} AS"
            f" SELECT DISTINCT {key} FROM ({' UNION ALL '.join(touched)}) WHERE {key} IS NOT NULL"
        )
        keys = f"(SELECT {key} FROM memory.main.touched_{name})"
        views = {
            s: f"SELECT * FROM memory.main.{s} WHERE {key} IN {keys}" for s in definition.inputs
        }
        self._stand(definition, _over(definition, views), f"{key} NOT IN {keys}")

    def _whole(self, definition: Definition) -> None:
        if self._shelf.parts and (not self._tail_rows or not self._follows_events(definition)):
            self.materialise(definition)
            source = f"SELECT * FROM read_parquet({self._shelf.files(definition)!r})"
        else:
            views = {s: f"SELECT * FROM memory.main.{s}" for s in definition.inputs}
            self._do.execute(
                f"CREATE OR REPLACE TABLE memory.main.live_{definition.name}"
                f" AS {_over(definition, views)}"
            )
            source = f"SELECT * FROM memory.main.live_{definition.name}"
        self._do.execute(f"CREATE OR REPLACE VIEW memory.main.{definition.name} AS {source}")

    def _stand(self, definition: Definition, live: str, unchanged: str) -> None:
        """Let the view show the files' unchanged rows and the live ones."""
        name = definition.name
        self.materialise(definition)
        self._do.execute(f"CREATE OR REPLACE TABLE memory.main.live_{name} AS {live}")
        both = f"SELECT * FROM memory.main.live_{name}"
        if files := self._shelf.files(definition):
            stands = f"SELECT * FROM read_parquet({files!r}) WHERE {unchanged}"
            both = f"{stands} UNION ALL BY NAME {both}"
        self._do.execute(f"CREATE OR REPLACE VIEW memory.main.{name} AS {both}")

    # --- reading what stands in files

    def _lake_only(self, source: str, reader: Definition, spans: Sequence[str]) -> str:
        before = self._shelf.closed_before(reader)
        until = f" WHERE dt < DATE '{before}'" if before else ""
        whole = list(spans) == [WHOLE]
        if source == "events":
            months = self._shelf.months if whole else spans
            parts = [part for month in months for part in self._shelf.months[month]]
            return self._from_lake(parts) + until
        definition = table(source)
        wanted = self._shelf.spans(definition) if whole else spans
        files = [str(self._shelf.path(definition, span)) for span in wanted]
        return f"SELECT * FROM read_parquet({files!r}){until}"

    def _from_lake(self, parts: Sequence[Part]) -> str:
        files = [str(self._folder / part.path) for part in parts]
        return (
            f"SELECT * FROM read_parquet({files!r}, hive_partitioning = true,"
            " hive_types = {'dt': DATE})"
        )


_TAIL_DAYS = "SELECT DISTINCT dt FROM memory.main.tail ORDER BY dt"
_STAND = {
    "append": Views._append,
    "partition": Views._partition,
    "key": Views._key,
    "whole": Views._whole,
}


def _over(definition: Definition, views: dict[str, str]) -> str:
    """Return the table's SQL with its inputs replaced; a CTE shadows a view of that name."""
    heads = [f"{name} AS ({text})" for name, text in views.items()]
    body = definition.sql
    if body.upper().startswith("WITH "):
        return f"WITH {', '.join(heads)}, {body[5:]}"
    return f"WITH {', '.join(heads)} {body}"
