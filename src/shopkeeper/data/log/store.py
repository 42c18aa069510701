"""The event log at rest: append in one durable transaction, read in order of arrival.

A Row is an event ready to store: what identifies a person is already a keyed hash and a sealed
value. ``seq`` is the order of arrival and has no gaps. An event id is stored once; the same id
again is "duplicate" when the content is the same and "conflict" when it is not.
This file knows SQL and nothing of HTTP, validation or threads (writer.py has the thread).
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, exc, func, select

from shopkeeper.base.errors import ShopError, StoreUnavailable
from shopkeeper.base.settings import Settings
from shopkeeper.data.events import Event, decoder
from shopkeeper.data.log import migrations
from shopkeeper.data.log.engine import make_engine, unavailable
from shopkeeper.data.log.schema import events, quarantine


class Row(NamedTuple):
    """One stored event. ``body`` is JSON of the event without its person block."""

    event_id: str
    kind: str
    occurred_us: int
    received_us: int
    customer_id: str | None
    body: bytes
    person_keys: str | None = None
    person_sealed: bytes | None = None

    def event(self) -> Event:
        """Return the event as validated; the person block is not in it."""
        return decoder.decode(self.body)


class Refused(NamedTuple):
    """One row for quarantine; ``raw`` is already free of person data and card numbers."""

    received_us: int
    source: str
    event_id: str | None
    code: str
    field: str | None
    message: str
    raw: str


class Commit(NamedTuple):
    """What one transaction did. ``stored`` are the accepted rows with their seq, in order."""

    statuses: list[str]
    stored: list[tuple[int, Row]]


KEEP_REFUSED = 100_000  # newest rows of quarantine; older ones make room
_MAX_RAW = 4000
_COLUMNS = ", ".join(Row._fields)
# One statement for many rows: the interpreter lock is let go once per statement, not once per
# row, so validation of the next requests runs while the rows go in. Few sizes, so that each
# stays a prepared statement.
_INSERTS = [
    (
        n,
        f"INSERT INTO events ({_COLUMNS}) VALUES "
        + ", ".join(["(" + ", ".join("?" * len(Row._fields)) + ")"] * n)
        + " ON CONFLICT (event_id) DO NOTHING",
    )
    for n in (256, 64, 16, 4, 1)
]
_READ = f"SELECT seq, {_COLUMNS} FROM events WHERE seq > ? ORDER BY seq LIMIT ?"


class Store:
    """One database file; open it with ``open_store``. Safe to read from any thread."""

    def __init__(self, engine: Engine, path: Path) -> None:
        self.engine = engine
        self.path = path

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Yield a connection in a write transaction; all of it is durable at the end, or none."""
        with self._faults_named(), self.engine.connect() as connection:
            connection = connection.execution_options(begin="IMMEDIATE")
            with connection.begin():
                yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yield a connection that sees one moment of the database."""
        with self._faults_named(), self.engine.connect() as connection:
            yield connection

    def append(self, rows: Sequence[Row], refused: Sequence[Refused] = ()) -> list[str]:
        """Store rows durably in one transaction; return accepted, duplicate or conflict of each."""
        return self.commit(rows, refused).statuses

    def commit(self, rows: Sequence[Row], refused: Sequence[Refused] = ()) -> Commit:
        """Append rows and refused rows in one transaction; conflicts go to quarantine with it."""
        with self.writing() as connection:
            before = _last_seq(connection)
            inserted = _insert(connection, rows)
            if inserted == len(rows):
                statuses = ["accepted"] * inserted
                stored = list(zip(range(before + 1, before + 1 + inserted), rows, strict=True))
            else:
                statuses, stored = _judge(connection, rows, before)
                refused = [*refused, *_conflicts(rows, statuses)]
            if refused:
                _set_aside(connection, refused)
        return Commit(statuses, stored)

    def read(self, after_seq: int, limit: int) -> list[tuple[int, Row]]:
        """Return up to ``limit`` rows with a seq above ``after_seq``, in order."""
        with self.reading() as connection:
            found = connection.exec_driver_sql(_READ, (after_seq, limit)).fetchall()
        return [(row[0], Row(*row[1:])) for row in found]

    def last_seq(self) -> int:
        """Return the highest seq, 0 for an empty log."""
        with self.reading() as connection:
            return _last_seq(connection)

    def close(self) -> None:
        """Let the file go; open connections are closed when their users return them."""
        self.engine.dispose()

    @contextmanager
    def _faults_named(self) -> Iterator[None]:
        try:
            yield
        except exc.DBAPIError as problem:
            raise unavailable(problem.orig, self.path) from problem


def open_store(settings: Settings) -> Store:
    """Open the shop's log, making it or bringing it to the newest shape when needed."""
    path = settings.log_path
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        # Customers' doings are for the owner's eyes; the write-ahead log takes the same mode.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as problem:
        raise StoreUnavailable(
            f"The log file {path} cannot be opened: {problem.strerror}.",
            hint="Look at the folder's owner, its permissions and the disk.",
        ) from problem
    store = Store(make_engine(path), path)
    try:
        with store.reading() as connection:
            ready = migrations.current(connection) == migrations.HEAD
        if not ready:
            _migrate(store, settings.home)
    except ShopError:
        store.close()
        raise
    return store


def _migrate(store: Store, home: Path) -> None:
    """Upgrade under a lock, so that two processes that open a new shop take turns."""
    path = home / "migrate.lock"
    try:
        handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as problem:
        raise StoreUnavailable(f"{path} cannot be made: {problem.strerror}.") from problem
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with store.writing() as connection:
            if migrations.current(connection) != migrations.HEAD:
                migrations.upgrade(connection)
    finally:
        os.close(handle)


def _last_seq(connection: Connection) -> int:
    row = connection.exec_driver_sql("SELECT max(seq) FROM events").fetchone()
    return 0 if row is None or row[0] is None else int(row[0])


def _insert(connection: Connection, rows: Sequence[Row]) -> int:
    inserted = start = 0
    for size, statement in _INSERTS:
        while len(rows) - start >= size:
            flat = tuple(chain.from_iterable(rows[start : start + size]))
            inserted += connection.exec_driver_sql(statement, flat).rowcount
            start += size
    return inserted


def _judge(
    connection: Connection, rows: Sequence[Row], before: int
) -> tuple[list[str], list[tuple[int, Row]]]:
    """Say of each row whether it went in, was there already, or contradicts what is there."""
    wanted = list({row.event_id for row in rows})
    there: dict[str, Any] = {}
    query = select(events.c.event_id, events.c.seq, events.c.body, events.c.person_keys)
    for start in range(0, len(wanted), 500):
        some = wanted[start : start + 500]
        for found in connection.execute(query.where(events.c.event_id.in_(some))):
            there[found[0]] = found
    statuses: list[str] = []
    stored: list[tuple[int, Row]] = []
    new: set[str] = set()
    for row in rows:
        _, seq, body, person_keys = there[row.event_id]
        if seq > before and row.event_id not in new:
            new.add(row.event_id)
            stored.append((seq, row))
            statuses.append("accepted")
        # The sealed person differs each time by its nonce; the hashes say whether it is the same.
        elif body == row.body and person_keys == row.person_keys:
            statuses.append("duplicate")
        else:
            statuses.append("conflict")
    return statuses, stored


def _conflicts(rows: Sequence[Row], statuses: list[str]) -> Iterator[Refused]:
    for row, status in zip(rows, statuses, strict=True):
        if status == "conflict":
            yield Refused(
                row.received_us,
                "log",
                row.event_id,
                "conflict",
                "event_id",
                f"event_id {row.event_id} is stored already with other content.",
                row.body.decode("utf-8"),
            )


def _set_aside(connection: Connection, refused: Sequence[Refused]) -> None:
    connection.execute(
        quarantine.insert(),
        [one._replace(raw=one.raw[:_MAX_RAW])._asdict() for one in refused],
    )
    newest = connection.execute(select(func.max(quarantine.c.id))).scalar_one()
    connection.execute(quarantine.delete().where(quarantine.c.id <= newest - KEEP_REFUSED))
