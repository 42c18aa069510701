"""The lake: the log's events as Parquet, one folder per day, with a manifest.

``compact`` moves what the log gained into ``lake/events/dt=YYYY-MM-DD/part-<from>-<to>.parquet``:
typed columns, zstd, written to a temporary name, synced, renamed, and only then listed in the
manifest together with the new watermark. A process killed in between leaves files that nobody
lists; the next compaction removes them. The log keeps every event, so any part can be made
again (``repair``). Tables and SQL are warehouse.py.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import sqlalchemy as sa

from shopkeeper.base import log
from shopkeeper.base.errors import ArtefactBroken, ShopLocked, StoreUnavailable
from shopkeeper.base.settings import Settings
from shopkeeper.data import columns
from shopkeeper.data.manifest import Manifest, Part

READ_ROWS = 20_000  # rows decoded at a time: bounds memory while JSON becomes columns
ROUND_BYTES = 512 * 2**20  # Arrow bytes held before parts are written
MERGE_ABOVE = 8  # parts of one day above which they become one


class Log(Protocol):
    """What the lake needs of the event store."""

    engine: sa.Engine

    def read(self, after_seq: int, limit: int) -> list[tuple[int, Any]]:
        """Return up to ``limit`` pairs (seq, Row) with seq above ``after_seq``, by seq."""

    def last_seq(self) -> int:
        """Return the last seq, 0 when empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compacted:
    """What a compaction did: events moved, files written, bytes on disk."""

    events: int
    parts: int
    bytes: int


class Lake:
    """The Parquet files of one shop and their manifest."""

    def __init__(self, store: Log, settings: Settings) -> None:
        self.store = store
        self.folder = settings.lake_path
        self.manifest = Manifest(store.engine)

    def compact(self) -> Compacted:
        """Move the log's tail into the lake; a second run in a row changes nothing.

        Raises
        ------
        ShopLocked
            If another process compacts this lake at the moment.
        StoreUnavailable
            If the disk is full or the folder cannot be written.
        """
        with self._alone():
            self._remove_orphans()
            events = parts = size = 0
            for table, watermark in self._rounds():
                written = [self._write(day, rows) for day, rows in _by_day(table)]
                self.manifest.commit(add=written, drop=(), watermark=watermark)
                events += table.num_rows
                parts += len(written)
                size += sum(part.bytes for part in written)
            self._merge_small()
        log.info("lake.compacted", events=events, parts=parts, bytes=size)
        return Compacted(events=events, parts=parts, bytes=size)

    def parts(self) -> list[Part]:
        """Return the parts that count, by path."""
        return self.manifest.parts()

    def watermark(self) -> int:
        """Return the last seq in the lake."""
        return self.manifest.watermark()

    def tail(self, after_seq: int) -> pa.Table:
        """Return the log's events after a seq as columns, by seq."""
        tables = [columns.SCHEMA.empty_table()]
        while rows := self.store.read(after_seq, READ_ROWS):
            tables.append(columns.to_arrow(rows))
            after_seq = rows[-1][0]
        return pa.concat_tables(tables)

    def check(self, *, deep: bool = False) -> list[tuple[Part, str]]:
        """Return parts that are not as recorded, with the fault; ``deep`` hashes every file."""
        faults = []
        for part in self.parts():
            path = self.folder / part.path
            if not path.exists():
                faults.append((part, "is missing"))
            elif path.stat().st_size != part.bytes:
                faults.append((part, f"has {path.stat().st_size} bytes instead of {part.bytes}"))
            elif deep and hashlib.sha256(path.read_bytes()).hexdigest() != part.sha256:
                faults.append((part, "does not match its recorded hash"))
        return faults

    def require_whole(self, *, deep: bool = False) -> None:
        """Raise ArtefactBroken if a listed part is not as recorded."""
        for part, fault in self.check(deep=deep):
            raise ArtefactBroken(
                f"Lake file {self.folder / part.path} {fault}.",
                hint="Run `shopkeeper compact --repair`: it makes the file again from the log.",
                field="path",
                value=part.path,
            )

    def repair(self) -> list[Part]:
        """Make every broken part again from the log and return the new ones."""
        repaired = []
        with self._alone():
            for part, fault in self.check(deep=True):
                table = self._from_log(part)
                new = self._write(part.dt, table, name=Path(part.path).name)
                self.manifest.commit(add=[new], drop=[part], watermark=self.watermark())
                log.warning("lake.repaired", path=part.path, fault=fault, rows=new.rows)
                repaired.append(new)
        return repaired

    def _rounds(self) -> Iterator[tuple[pa.Table, int]]:
        """Yield columns of the tail in rounds that fit in memory, each with its last seq."""
        seq, held, size = self.watermark(), [], 0
        while rows := self.store.read(seq, READ_ROWS):
            table = columns.to_arrow(rows)
            seq = rows[-1][0]
            held.append(table)
            size += table.nbytes
            if size >= ROUND_BYTES:
                yield pa.concat_tables(held), seq
                held, size = [], 0
        if held:
            yield pa.concat_tables(held), seq

    def _from_log(self, part: Part) -> pa.Table:
        seq, tables = part.from_seq - 1, []
        while seq < part.to_seq and (rows := self.store.read(seq, READ_ROWS)):
            seq = rows[-1][0]
            table = columns.to_arrow([row for row in rows if row[0] <= part.to_seq])
            day = pa.scalar(part.dt).cast(pa.date32())
            tables.append(table.filter(pc.equal(table["dt"], day)))
        table = pa.concat_tables(tables) if tables else columns.SCHEMA.empty_table()
        if table.num_rows != part.rows:
            raise ArtefactBroken(
                f"The log has {table.num_rows} of the {part.rows} events of {part.path}.",
                hint="Restore log.sqlite3 from a backup, then repair again.",
                field="path",
                value=part.path,
            )
        return table

    def _merge_small(self) -> None:
        """Make one part of the days that gathered many, so that readers open few files."""
        stamp, parts = self.manifest.snapshot()
        days: dict[str, list[Part]] = {}
        for part in parts:
            days.setdefault(part.dt, []).append(part)
        for day, small in days.items():
            if len(small) <= MERGE_ABOVE:
                continue
            tables = [pq.read_table(self.folder / part.path, partitioning=None) for part in small]
            merged = self._write(day, pa.concat_tables(tables).sort_by("seq"))
            # The old files stay until the next compaction: a reader may have them open.
            self.manifest.commit(add=[merged], drop=small, watermark=stamp.watermark)

    def _write(self, day: str, table: pa.Table, name: str | None = None) -> Part:
        table = table.select(columns.FILE_SCHEMA.names)
        first, last = table["seq"][0].as_py(), table["seq"][-1].as_py()
        name = name or f"part-{first}-{last}.parquet"
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd", compression_level=3)
        data = sink.getvalue()
        path = self.folder / "events" / f"dt={day}" / name
        write_durably(path, data)
        return Part(
            path=path.relative_to(self.folder).as_posix(),
            from_seq=first,
            to_seq=last,
            rows=table.num_rows,
            bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
        )

    def _remove_orphans(self) -> None:
        known = {part.path for part in self.parts()}
        for path in (self.folder / "events").glob("dt=*/*"):
            if path.relative_to(self.folder).as_posix() not in known:
                path.unlink()
                log.info("lake.orphan_removed", path=path.name)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "compact.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as problem:
                raise ShopLocked(
                    f"Another process compacts {self.folder} at the moment.",
                    hint="Wait until it has finished; a server compacts on its own.",
                ) from problem
            yield


def write_durably(path: Path, data: Any) -> None:
    """Write a file so that after a crash it is there whole, or not at all."""
    temporary = path.with_name(f"{path.name}.tmp{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        temporary.rename(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as problem:
        temporary.unlink(missing_ok=True)
        raise StoreUnavailable(
            f"{path} cannot be written: {problem.strerror or problem}.",
            hint="Free disk space or correct the rights, then run it again; nothing was lost.",
        ) from problem


def _by_day(table: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """Yield (day, its rows by seq), days in order."""
    table = table.sort_by([("dt", "ascending"), ("seq", "ascending")])
    days = table["dt"].combine_chunks()
    runs = pc.run_end_encode(days, run_end_type=pa.int64())
    start = 0
    for end, day in zip(runs.run_ends.to_pylist(), runs.values.to_pylist(), strict=True):
        yield day.isoformat(), table.slice(start, end - start)
        start = end
