"""Who may call: API keys with scopes, and console users with passwords.

Kept in ``access.sqlite3`` beside the log, so that a copy of the log carries no credential. A key
is ``prefix_id.secret``: the id finds the row, the secret (256 random bits) is stored only as its
SHA-256 and compared in constant time. Passwords are argon2id. Keys live in memory; another
process's change is seen within ``RECHECK_SECONDS`` through SQLite's data_version.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from shopkeeper.base import clock, log
from shopkeeper.base.errors import BadInput, Conflict, NotFound, NotSignedIn
from shopkeeper.base.settings import Settings
from shopkeeper.data import access, passwords
from shopkeeper.data.access import api_keys, storing, users

RECHECK_SECONDS = 0.5
USE_WRITTEN_SECONDS = 60
DAY_US = clock.DAY_US

# scope -> what it lets a caller do. Order is the order of the reference page.
SCOPES: dict[str, str] = {
    "events:write": "post events of every kind, and Segment batches",
    "events:write:browser": "post browsing events only; safe to publish in a page",
    "decisions:write": "ask for recommendations and other decisions",
    "decisions:read": "explain decisions, read items",
    "customers:read": "read a customer's history and attributes (never what identifies a person)",
    "cases:read": "see fraud cases, rules, lists, alerts and performance",
    "cases:write": "lock, note and decide fraud cases",
    "rules:admin": "change fraud rules, lists and costs",
    "inventory:read": "see purchase proposals, forecasts, their accuracy and what-ifs",
    "inventory:write": "approve, reject, change and send purchase proposals; set ordering rules",
    "supply:read": "see route plans, stops, orders at risk and suppliers' messages",
    "supply:write": "plan and publish routes, mark stops, set tariffs, judge messages",
    "merchandising:write": "change the shop's rules over recommendations",
    "models:read": "list model versions",
    "models:write": "roll back models",
    "metrics:read": "read /metrics from another machine",
    "admin": "everything above",
}
SECRET_SCOPES = ("admin",)
BROWSER_SCOPES = ("events:write:browser",)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """One key as stored; the secret itself is known to nobody but its holder."""

    key_id: str
    name: str
    secret_sha256: str
    scopes: frozenset[str]
    created_us: int
    expires_us: int | None
    revoked_us: int | None
    last_used_us: int | None

    @property
    def publishable(self) -> bool:
        return self.key_id.startswith("pk_")

    def allows(self, scope: str) -> bool:
        """Return whether the key may do what ``scope`` names; admin may do all."""
        return scope in self.scopes or "admin" in self.scopes


class Keys:
    """The keys and users of one shop folder; safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self._engine = access.connect(path)
        with storing():
            # data_version tells of others' commits, so it is asked on a connection that only reads.
            self._watch = self._engine.connect()
        self._lock = threading.Lock()
        self._cached: dict[str, ApiKey] = {}
        self._used: dict[str, int] = {}
        self._used_written = time.monotonic()
        self._version: int | None = None
        self._checked = 0.0

    def make(
        self, name: str, scopes: Iterable[str], *, expires_days: float | None = None
    ) -> tuple[ApiKey, str]:
        """Return a new key and its text, which cannot be shown again."""
        wanted = frozenset(scopes)
        _check_scopes(wanted)
        if not name or len(name) > 100:
            raise BadInput("A key needs a name of 1 to 100 characters.", field="name", value=name)
        if expires_days is not None and not 0 < expires_days <= 36_500:
            raise BadInput(
                f"expires_days must be above 0, but is {expires_days}.",
                field="expires_days",
                value=expires_days,
                allowed="above 0, up to 36500",
            )
        prefix = "pk" if wanted == set(BROWSER_SCOPES) else "sk"
        secret = secrets.token_urlsafe(32)
        now = clock.now_us()
        key = ApiKey(
            key_id=f"{prefix}_{secrets.token_hex(6)}",
            name=name,
            secret_sha256=_digest(secret),
            scopes=wanted,
            created_us=now,
            expires_us=None if expires_days is None else now + int(expires_days * DAY_US),
            revoked_us=None,
            last_used_us=None,
        )
        row = {column.name: getattr(key, column.name) for column in api_keys.columns}
        with storing(), self._engine.begin() as connection:
            connection.execute(api_keys.insert(), row | {"scopes": " ".join(sorted(wanted))})
        self._checked = 0.0
        log.info("key.made", key=key.key_id, scopes=" ".join(sorted(wanted)))
        return key, f"{key.key_id}.{secret}"

    def revoke(self, key_id: str) -> None:
        """End a key now; a running server refuses it within a second."""
        key_id = key_id.split(".")[0]
        change = api_keys.update().where(api_keys.c.key_id == key_id)
        with storing(), self._engine.begin() as connection:
            done = connection.execute(change.values(revoked_us=clock.now_us()))
        if not done.rowcount:
            raise NotFound(
                f"There is no key '{key_id}'.",
                hint="`shopkeeper keys list` shows all keys.",
                field="key_id",
                value=key_id,
            )
        self._checked = 0.0
        log.info("key.revoked", key=key_id)

    def all(self) -> list[ApiKey]:
        """Return every key, oldest first, revoked ones too."""
        with storing(), self._engine.connect() as connection:
            rows = connection.execute(api_keys.select().order_by(api_keys.c.created_us)).all()
        return [_to_key(row) for row in rows]

    def verify(self, text: str) -> ApiKey:
        """Return the key that ``text`` is, or raise NotSignedIn; no disk on the usual path."""
        self._refresh()
        key_id, _, secret = text.partition(".")
        key = self._cached.get(key_id)
        # Compared even when the id is unknown, so that time tells nothing about ids.
        stored = key.secret_sha256 if key else _digest("")
        matches = hmac.compare_digest(_digest(secret), stored)
        if key is None or not matches:
            raise NotSignedIn(
                "This API key is not known.",
                hint="Make one with `shopkeeper keys make NAME --scope SCOPE`.",
            )
        now = clock.now_us()
        if key.revoked_us is not None:
            raise NotSignedIn("This API key was revoked.", hint="Use its successor.")
        if key.expires_us is not None and key.expires_us <= now:
            raise NotSignedIn(
                f"This API key expired at {clock.iso(key.expires_us)}.", hint="Make a new one."
            )
        self._used[key.key_id] = now
        return key

    def write_last_used(self, *, force: bool = False) -> None:
        """Store when keys were last used, once a minute; a full disk only costs the stamp."""
        due = force or time.monotonic() - self._used_written >= USE_WRITTEN_SECONDS
        if not due or not self._used:
            return
        used, self._used = self._used, {}
        self._used_written = time.monotonic()
        stamp = (
            api_keys.update()
            .where(api_keys.c.key_id == sa.bindparam("the_key"))
            .values(last_used_us=sa.bindparam("at_us"))
        )
        try:
            with self._engine.begin() as connection:
                connection.execute(stamp, [{"the_key": k, "at_us": at} for k, at in used.items()])
        except sa.exc.OperationalError as problem:
            log.warning("key.last_used_not_written", problem=str(problem.orig))

    def add_user(self, name: str, password: str) -> None:
        """Add a console user; the password is kept only as argon2id."""
        if not name or len(name) > 100 or not name.isprintable():
            raise BadInput(
                "A user needs a name of 1 to 100 printable characters.", field="name", value=name
            )
        row = {
            "name": name,
            "password_argon2": passwords.hashed(password),
            "created_us": clock.now_us(),
        }
        try:
            with storing(), self._engine.begin() as connection:
                connection.execute(users.insert(), row)
        except sa.exc.IntegrityError as problem:
            raise Conflict(
                f"User '{name}' exists.",
                hint="`shopkeeper keys password NAME` sets a new password.",
                field="name",
                value=name,
            ) from problem

    def set_password(self, name: str, password: str) -> None:
        """Give a user a new password."""
        change = users.update().where(users.c.name == name)
        with storing(), self._engine.begin() as connection:
            done = connection.execute(change.values(password_argon2=passwords.hashed(password)))
        if not done.rowcount:
            raise _no_user(name)

    def remove_user(self, name: str) -> None:
        """Remove a user; open sessions end at their next request."""
        with storing(), self._engine.begin() as connection:
            if not connection.execute(users.delete().where(users.c.name == name)).rowcount:
                raise _no_user(name)

    def users(self) -> list[str]:
        """Return the names of all users."""
        with storing(), self._engine.connect() as connection:
            return list(
                connection.execute(sa.select(users.c.name).order_by(users.c.name)).scalars()
            )

    def check_password(self, name: str, password: str) -> bool:
        """Return whether this is the user's password; takes as long for a user unknown."""
        wanted = sa.select(users.c.password_argon2).where(users.c.name == name)
        with storing(), self._engine.connect() as connection:
            stored = connection.execute(wanted).scalar()
        return passwords.matches(stored, password)

    def close(self) -> None:
        """Write what is due and let the file go."""
        self.write_last_used(force=True)
        self._watch.close()
        self._engine.dispose()

    def _refresh(self) -> None:
        if time.monotonic() - self._checked < RECHECK_SECONDS and self._checked:
            return
        with self._lock, storing():
            version = self._watch.exec_driver_sql("PRAGMA data_version").scalar()
            if version != self._version or not self._checked:
                self._cached = {key.key_id: key for key in self.all()}
                self._version = version
            self._watch.rollback()
            self._checked = time.monotonic()


def open_keys(settings: Settings) -> Keys:
    """Return the keys and users of a shop folder."""
    return Keys(settings.home / "access.sqlite3")


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _check_scopes(wanted: frozenset[str]) -> None:
    unknown = sorted(wanted - SCOPES.keys())
    if unknown or not wanted:
        raise BadInput(
            f"There is no scope '{unknown[0]}'." if unknown else "A key needs at least one scope.",
            hint="Give --scope once per scope.",
            field="scope",
            value=unknown[0] if unknown else None,
            allowed=", ".join(SCOPES),
        )


def _no_user(name: str) -> NotFound:
    return NotFound(f"There is no user '{name}'.", field="name", value=name)


def _to_key(row: sa.Row[tuple[object, ...]]) -> ApiKey:
    values = dict(row._mapping)
    return ApiKey(**(values | {"scopes": frozenset(values["scopes"].split())}))
