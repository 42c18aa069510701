"""How the database file is opened, and how its failures are told.

Every connection gets the same settings: write-ahead log, each commit flushed to the disk. The
words of SQLite become the shop's: what happened to which file, and what to do.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event

from shopkeeper.base.errors import StoreUnavailable

BACKSTOP_PAGES = 16_000  # 64 MB of write-ahead log; checkpoint.py stays far below


def make_engine(path: Path) -> Engine:
    """Return an engine over a database file; begin="IMMEDIATE" as option starts a write."""
    engine = create_engine(
        f"sqlite+pysqlite:///{path}",
        # Without this, a failing statement prints its parameters, and with them customers.
        hide_parameters=True,
        connect_args={"timeout": 30, "isolation_level": None, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            "cache_size = -32000",
            f"wal_autocheckpoint = {BACKSTOP_PAGES}",
            "journal_size_limit = 134217728",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        mode = connection.get_execution_options().get("begin", "DEFERRED")
        connection.exec_driver_sql(f"BEGIN {mode}")

    return engine


def unavailable(problem: BaseException | None, path: Path) -> StoreUnavailable:
    """Return a database failure in the shop's words, with the next step."""
    code = getattr(problem, "sqlite_errorcode", None)
    primary = None if code is None else code & 0xFF
    if primary == sqlite3.SQLITE_FULL:
        return StoreUnavailable(
            f"The disk that holds {path} is full; nothing was stored.",
            hint="Free some space; writing goes on by itself. Send the events again.",
        )
    if primary in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return StoreUnavailable(
            f"The log file {path} is damaged: {problem}.",
            hint="Restore it from a backup; move the damaged file and its -wal aside first.",
        )
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreUnavailable(
            f"The log file {path} is held by another process.",
            hint="Send the events again; a long import or backup may be running.",
        )
    return StoreUnavailable(
        f"The log file {path} cannot be used: {problem}.",
        hint="Look at the file's owner, its permissions and the disk.",
    )
