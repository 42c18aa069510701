"""The access database: the tables of keys and users, and how its file is opened.

``access.sqlite3`` lies beside the log and is private from its first byte.
"""

from __future__ import annotations

import os
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import event

from shopkeeper.base.errors import StoreUnavailable

meta = sa.MetaData()
api_keys = sa.Table(
    "api_keys",
    meta,
    sa.Column("key_id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("secret_sha256", sa.Text, nullable=False),
    sa.Column("scopes", sa.Text, nullable=False),
    sa.Column("created_us", sa.BigInteger, nullable=False),
    sa.Column("expires_us", sa.BigInteger),
    sa.Column("revoked_us", sa.BigInteger),
    sa.Column("last_used_us", sa.BigInteger),
)
users = sa.Table(
    "users",
    meta,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("password_argon2", sa.Text, nullable=False),
    sa.Column("created_us", sa.BigInteger, nullable=False),
    sa.Column("last_sign_in_us", sa.BigInteger),
)


def connect(path: Path) -> sa.Engine:
    """Open the access database, making file and tables when there are none."""
    return open_private(path, meta)


def open_private(path: Path, tables: sa.MetaData) -> sa.Engine:
    """Open a small durable SQLite file that only its owner can read, with these tables."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # SQLite gives its helper files the rights of this one.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as problem:
        raise StoreUnavailable(
            f"{path} cannot be made or opened: {problem.strerror}.",
            hint="Check free space and rights of the shop folder.",
        ) from problem
    engine = sa.create_engine(
        f"sqlite:///{path}", connect_args={"check_same_thread": False, "timeout": 5}
    )
    event.listen(engine, "connect", _on_connect)
    with storing():
        tables.create_all(engine)
    return engine


class storing:
    """Turn trouble of the database into the error that callers know."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, problem: BaseException | None, trace: object) -> None:
        if isinstance(problem, sa.exc.OperationalError | sa.exc.DatabaseError) and not isinstance(
            problem, sa.exc.IntegrityError
        ):
            raise StoreUnavailable(
                f"A small store of the shop cannot be used: {problem.orig}.",
                hint="Check free space and rights of access.sqlite3 and outbox.sqlite3.",
            ) from problem


def _on_connect(connection: sa.engine.interfaces.DBAPIConnection, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()
