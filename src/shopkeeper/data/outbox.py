"""What waits to be told to other programs: endpoints, and one row per message and endpoint.

``outbox.sqlite3`` lies beside the log. A message is durable before ``put`` returns and stays
until its endpoint took it or its last try failed; the sender is operate/webhooks.py. An
endpoint's secret is sealed with the shop's key.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from shopkeeper.base import clock, ids
from shopkeeper.base.errors import BadInput, NotFound
from shopkeeper.data.access import open_private, storing
from shopkeeper.data.privacy import Keyring

WAITING, DELIVERED, FAILED = "waiting", "delivered", "failed"
ALL_TOPICS = "*"
KEPT_US = 30 * clock.DAY_US  # a delivered or failed message, for the page that lists them

_meta = sa.MetaData()
_endpoints = sa.Table(
    "endpoints",
    _meta,
    sa.Column("endpoint_id", sa.Text, primary_key=True),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("topics", sa.Text, nullable=False),  # space between, or *
    sa.Column("secret_sealed", sa.LargeBinary, nullable=False),
    sa.Column("created_us", sa.BigInteger, nullable=False),
)
_messages = sa.Table(
    "messages",
    _meta,
    sa.Column("message_id", sa.Text, primary_key=True),
    sa.Column("endpoint_id", sa.Text, nullable=False),
    sa.Column("topic", sa.Text, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("created_us", sa.BigInteger, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("due_us", sa.BigInteger, nullable=False),
    sa.Column("problem", sa.Text),
    sa.Index("ix_messages_due", "state", "due_us"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One address that is told; ``topics`` are names, or ``*`` for all."""

    endpoint_id: str
    url: str
    topics: tuple[str, ...]
    created_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message for one endpoint. ``tries`` so far; ``due_us`` of the next, UTC."""

    message_id: str
    endpoint_id: str
    topic: str
    body: bytes
    created_us: int
    state: str
    tries: int
    due_us: int
    problem: str | None


class Outbox:
    """The endpoints and messages of one shop folder; safe to use from several threads."""

    def __init__(self, path: Path, keyring: Keyring) -> None:
        self._engine = open_private(path, _meta)
        self._keyring = keyring

    def add(self, url: str, topics: Iterable[str]) -> tuple[Endpoint, str]:
        """Return a new endpoint and its secret, which cannot be shown again."""
        wanted = tuple(sorted(set(topics))) or (ALL_TOPICS,)
        secret = f"whsec_{secrets.token_urlsafe(32)}"
        found = Endpoint(
            endpoint_id=ids.new_id("whe"), url=url, topics=wanted, created_us=clock.now_us()
        )
        row = {
            "endpoint_id": found.endpoint_id,
            "url": url,
            "topics": " ".join(wanted),
            "secret_sealed": self._keyring.seal({"secret": secret}, found.endpoint_id),
            "created_us": found.created_us,
        }
        with storing(), self._engine.begin() as connection:
            connection.execute(_endpoints.insert(), row)
        return found, secret

    def remove(self, endpoint_id: str) -> None:
        """Forget an endpoint and what waits for it; NotFound if there is none."""
        with storing(), self._engine.begin() as connection:
            gone = connection.execute(
                _endpoints.delete().where(_endpoints.c.endpoint_id == endpoint_id)
            )
            if not gone.rowcount:
                raise NotFound(
                    f"There is no webhook '{endpoint_id}'.",
                    hint="`shopkeeper webhooks list` shows them.",
                    field="endpoint_id",
                    value=endpoint_id,
                )
            connection.execute(_messages.delete().where(_messages.c.endpoint_id == endpoint_id))

    def endpoints(self) -> list[Endpoint]:
        """Return all endpoints, oldest first."""
        with storing(), self._engine.connect() as connection:
            rows = connection.execute(_endpoints.select().order_by(_endpoints.c.created_us))
            return [
                Endpoint(
                    endpoint_id=row.endpoint_id,
                    url=row.url,
                    topics=tuple(row.topics.split()),
                    created_us=row.created_us,
                )
                for row in rows
            ]

    def secret(self, endpoint_id: str) -> bytes:
        """Return an endpoint's secret, for signing."""
        with storing(), self._engine.connect() as connection:
            row = connection.execute(
                sa.select(_endpoints.c.secret_sealed).where(_endpoints.c.endpoint_id == endpoint_id)
            ).first()
        if row is None:
            raise NotFound(f"There is no webhook '{endpoint_id}'.", value=endpoint_id)
        return self._keyring.open(row[0], endpoint_id)["secret"].encode("ascii")

    def put(self, topic: str, body: bytes, message_id: str | None = None) -> list[str]:
        """Store a message for every endpoint of its topic; durable on return.

        With a ``message_id`` of your own a repeat is harmless: each endpoint gets it once.
        """
        stem, now_us = message_id or ids.new_id("msg"), clock.now_us()
        rows = [
            {
                "message_id": f"{stem}.{one.endpoint_id}",
                "endpoint_id": one.endpoint_id,
                "topic": topic,
                "body": body,
                "created_us": now_us,
                "state": WAITING,
                "tries": 0,
                "due_us": now_us,
            }
            for one in self.endpoints()
            if topic in one.topics or ALL_TOPICS in one.topics
        ]
        if rows:
            with storing(), self._engine.begin() as connection:
                connection.execute(_messages.insert().prefix_with("OR IGNORE"), rows)
        return [str(row["message_id"]) for row in rows]

    def due(self, now_us: int, limit: int = 50) -> list[Message]:
        """Return messages whose next try has come, oldest first."""
        chosen = (
            _messages.select()
            .where(_messages.c.state == WAITING, _messages.c.due_us <= now_us)
            .order_by(_messages.c.due_us)
            .limit(limit)
        )
        return self._read(chosen)

    def latest(self, limit: int = 50, state: str | None = None) -> list[Message]:
        """Return the newest messages, of one state or of all."""
        chosen = _messages.select().order_by(_messages.c.created_us.desc()).limit(limit)
        return self._read(chosen if state is None else chosen.where(_messages.c.state == state))

    def settle(
        self, message_id: str, state: str, *, due_us: int = 0, problem: str | None = None
    ) -> None:
        """Note how a try ended: delivered, failed, or waiting for another at ``due_us``."""
        self._update(
            message_id,
            {
                "state": state,
                "due_us": due_us,
                "problem": problem,
                "tries": _messages.c.tries + 1,
            },
        )

    def again(self, message_id: str) -> None:
        """Put a failed message back among the waiting, with all its tries before it."""
        self._update(message_id, {"state": WAITING, "due_us": clock.now_us(), "tries": 0})

    def tidy(self, now_us: int) -> int:
        """Drop what was settled more than a month ago; return how many."""
        with storing(), self._engine.begin() as connection:
            gone = connection.execute(
                _messages.delete().where(
                    _messages.c.state != WAITING, _messages.c.created_us < now_us - KEPT_US
                )
            )
            return gone.rowcount

    def close(self) -> None:
        """Close the file."""
        self._engine.dispose()

    def _update(self, message_id: str, values: dict[str, Any]) -> None:
        with storing(), self._engine.begin() as connection:
            found = connection.execute(
                _messages.update().where(_messages.c.message_id == message_id).values(values)
            )
        if not found.rowcount:
            raise BadInput(
                f"There is no message '{message_id}'.",
                hint="`shopkeeper webhooks messages` shows them.",
                field="message_id",
                value=message_id,
            )

    def _read(self, chosen: Any) -> list[Message]:
        with storing(), self._engine.connect() as connection:
            return [Message(**row._mapping) for row in connection.execute(chosen)]
