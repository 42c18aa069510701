"""Which lake files count: the manifest and the watermark, kept in the log's own database.

A file that is not listed here does not exist for a reader. Rows and watermark change in one
transaction, so a compaction is either wholly visible or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import NamedTuple

import sqlalchemy as sa

from shopkeeper.base import clock
from shopkeeper.data.log.schema import lake_parts, meta

WATERMARK = "lake_watermark"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One Parquet file of the lake. ``path`` is relative to the lake folder."""

    path: str
    from_seq: int
    to_seq: int
    rows: int
    bytes: int
    sha256: str

    @property
    def dt(self) -> str:
        """The day of the part, ``YYYY-MM-DD``."""
        return self.path.split("dt=", 1)[1][:10]


class Stamp(NamedTuple):
    """The lake's state in three numbers."""

    watermark: int
    parts: int
    newest_us: int


class Manifest:
    """The two tables, read and written through the log's engine."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def parts(self) -> list[Part]:
        """Return all parts, by path."""
        return self.snapshot()[1]

    def watermark(self) -> int:
        """Return the last seq that the lake holds; 0 for an empty lake."""
        with self._engine.connect() as connection:
            return _watermark(connection)

    def stamp(self) -> Stamp:
        """Return what changes whenever the lake does; cheap, for a look before each query."""
        with self._engine.connect() as connection:
            return _stamp(connection)

    def snapshot(self) -> tuple[Stamp, list[Part]]:
        """Return stamp and parts of one and the same moment."""
        columns = [lake_parts.c[field.name] for field in fields(Part)]
        with self._engine.connect() as connection, connection.begin():
            stamp = _stamp(connection)
            rows = connection.execute(sa.select(*columns).order_by(lake_parts.c.path)).all()
        return stamp, [Part(**row._mapping) for row in rows]

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with self._engine.connect() as connection:
            # The store's engine takes the write lock at once when asked so: no upgrade midway.
            connection = connection.execution_options(begin="IMMEDIATE")
            with connection.begin():
                yield connection

    def commit(self, *, add: Iterable[Part], drop: Iterable[Part], watermark: int) -> None:
        """Replace parts and set the watermark, all in one transaction."""
        created = clock.now_us()
        added = [
            {f.name: getattr(part, f.name) for f in fields(Part)}
            | {"dt": part.dt, "created_us": created}
            for part in add
        ]
        gone = [part.path for part in drop]
        with self._writing() as connection:
            changed = connection.execute(
                sa.update(meta).where(meta.c.name == WATERMARK).values(value=str(watermark))
            )
            if changed.rowcount == 0:
                connection.execute(sa.insert(meta).values(name=WATERMARK, value=str(watermark)))
            for path in gone:
                connection.execute(sa.delete(lake_parts).where(lake_parts.c.path == path))
            if added:
                connection.execute(sa.insert(lake_parts), added)


def _watermark(connection: sa.Connection) -> int:
    value = connection.scalar(sa.select(meta.c.value).where(meta.c.name == WATERMARK))
    return int(value or 0)


def _stamp(connection: sa.Connection) -> Stamp:
    counted = sa.select(sa.func.count(), sa.func.max(lake_parts.c.created_us))
    parts, newest_us = connection.execute(counted.select_from(lake_parts)).one()
    return Stamp(_watermark(connection), parts, newest_us or 0)
