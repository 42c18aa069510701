"""Tables at rest: Parquet made from the lake, named by the fingerprint of what it was made from.

``lake/tables/<name>/<YYYY-MM>-<fingerprint>.parquet`` for tables by day, ``whole-<…>.parquet``
for the others. The fingerprint covers the SQL of the table and of its inputs, and the lake
parts it read; so a file is right if it exists, and needs no manifest. Nothing of the log's
tail ever goes in here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from shopkeeper.base import log
from shopkeeper.data import columns
from shopkeeper.data.definitions import Definition, closure
from shopkeeper.data.lake import write_durably
from shopkeeper.data.manifest import Part

WHOLE = "whole"


class Shelf:
    """The files of all tables for one state of the lake."""

    def __init__(self, folder: Path, parts: Sequence[Part]) -> None:
        self.folder = folder
        self.parts = parts
        self.months: dict[str, list[Part]] = {}
        for part in parts:
            self.months.setdefault(part.dt[:7], []).append(part)
        self._digests = {month: _digest(found) for month, found in self.months.items()}
        self._digests[WHOLE] = _digest(parts)
        days = sorted({part.dt for part in parts})
        # The newest day goes on growing; a lake of one day has nothing else.
        self._newest = days[-1] if len(days) > 1 else None
        self._closed = _digest([part for part in parts if part.dt != self._newest])

    def path(self, definition: Definition, span: str) -> Path:
        """Return where the table's file for a month (or WHOLE) is, or will be."""
        return (
            self.folder / definition.name / f"{span}-{self.fingerprint(definition, span)}.parquet"
        )

    def fingerprint(self, definition: Definition, span: str) -> str:
        """Return the hash of everything the file depends on."""
        read = self._closed if definition.refresh == "day" else self._digests[span]
        digest = hashlib.sha256(read.encode())
        digest.update(str(columns.SCHEMA).encode())
        for table in closure({definition.name}):
            digest.update(table.sql.encode())
        return digest.hexdigest()[:16]

    def closed_before(self, definition: Definition) -> str | None:
        """Return the day that a table refreshed by day leaves out, with all after it."""
        return self._newest if definition.refresh == "day" else None

    def spans(self, definition: Definition) -> list[str]:
        """Return the months of the table, or WHOLE."""
        if definition.build in ("whole", "key"):
            return [WHOLE]
        return sorted(self.months)

    def missing(self, definition: Definition) -> list[str]:
        """Return the spans that have no file yet."""
        return [s for s in self.spans(definition) if not self.path(definition, s).exists()]

    def files(self, definition: Definition) -> list[str]:
        """Return all files of a table that stands complete; none for an empty lake."""
        return (
            []
            if not self.parts
            else [str(self.path(definition, span)) for span in self.spans(definition)]
        )

    def put(self, definition: Definition, span: str, table: Any) -> None:
        """Write one file, whole or not at all; it takes the place of the span's earlier one.

        A reader that has the earlier file in its view starts over with the present state.
        """
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd", compression_level=1)
        path = self.path(definition, span)
        write_durably(path, sink.getvalue())
        for earlier in path.parent.glob(f"{span}-*.parquet"):
            if earlier != path:
                earlier.unlink(missing_ok=True)

    def remove_damaged(self) -> int:
        """Read every file and remove those that cannot be read; they are made again on use."""
        removed = 0
        for path in self.folder.glob("*/*.parquet"):
            try:
                pq.read_table(path, partitioning=None)
            except (OSError, pa.ArrowException) as fault:
                log.warning("lake.table_file_removed", path=path.name, fault=str(fault)[:120])
                path.unlink(missing_ok=True)
                removed += 1
        return removed

    def tidy(self, definitions: Iterable[Definition]) -> int:
        """Remove files that belong to an earlier state of the lake; return how many."""
        removed = 0
        for definition in definitions:
            current = set(self.files(definition))
            for path in (self.folder / definition.name).glob("*"):
                if str(path) not in current:
                    path.unlink(missing_ok=True)
                    removed += 1
        return removed


def _digest(parts: Sequence[Part]) -> str:
    return hashlib.sha256("".join(f"{p.path}{p.sha256}" for p in parts).encode()).hexdigest()
