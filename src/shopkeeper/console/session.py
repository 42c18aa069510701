"""Who is signed in: a signed cookie, a CSRF token bound to it, and a brake on guessing.

The cookie is ``user|nonce|issued|mac`` in base64; nothing is stored on the server but nonces that
signed out. The signing secret lies in the shop folder, so a restart keeps people signed in.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
import threading
from dataclasses import dataclass
from pathlib import Path

from shopkeeper.base import clock
from shopkeeper.base.errors import StoreUnavailable, TooBusy

COOKIE = "shopkeeper_session"
VISITOR_COOKIE = "shopkeeper_visitor"
HOURS = 12
SECOND_US = 1_000_000
LIFETIME_US = HOURS * 3600 * SECOND_US
# Guesses per address and per name within WINDOW before an answer is refused.
GUESSES_PER_ADDRESS = 5
GUESSES_PER_NAME = 20
WINDOW_SECONDS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A person at a browser: who, and the token that their forms must carry."""

    user: str
    nonce: str
    issued_us: int
    csrf: str


class Sessions:
    """Make, read and end sessions; safe to use from several threads."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._ended: dict[str, int] = {}
        self._lock = threading.Lock()

    def start(self, user: str) -> str:
        """Return the cookie of a new session."""
        body = f"{user}\n{secrets.token_urlsafe(18)}\n{clock.now_us()}".encode()
        return f"{_text(body)}.{_text(self._mac(b'session', body))}"

    def read(self, cookie: str | None) -> Session | None:
        """Return the session of a cookie, or None when it is missing, forged, old or ended."""
        try:
            body_text, mac_text = (cookie or "").split(".")
            body, mac = _bytes(body_text), _bytes(mac_text)
        except ValueError:
            return None
        if not hmac.compare_digest(mac, self._mac(b"session", body)):
            return None
        user, nonce, issued = body.decode().split("\n")
        if not 0 <= clock.now_us() - int(issued) < LIFETIME_US or nonce in self._ended:
            return None
        return Session(user=user, nonce=nonce, issued_us=int(issued), csrf=self.csrf(nonce))

    def end(self, session: Session) -> None:
        """Sign out: the cookie is refused from now on, wherever it was copied to."""
        now = clock.now_us()
        with self._lock:
            self._ended = {n: at for n, at in self._ended.items() if now - at < LIFETIME_US}
            self._ended[session.nonce] = now

    def csrf(self, nonce: str) -> str:
        """Return the form token that belongs to a session's or a visitor's nonce."""
        return _text(self._mac(b"csrf", nonce.encode()))

    def same_csrf(self, nonce: str, given: str) -> bool:
        """Return whether a form's token belongs to this nonce."""
        wanted = self.csrf(nonce)
        return bool(nonce) and hmac.compare_digest(given.encode(), wanted.encode())

    def _mac(self, use: bytes, body: bytes) -> bytes:
        return hmac.digest(self._secret, use + b"\0" + body, hashlib.sha256)


class Brake:
    """Refuse further guesses after too many wrong passwords from an address or for a name."""

    def __init__(self) -> None:
        self._wrong: dict[str, list[int]] = {}
        self._lock = threading.Lock()

    def check(self, address: str, name: str) -> None:
        """Raise TooBusy while an address or a name is braked."""
        now = clock.now_us()
        with self._lock:
            for key, most in self._keys(address, name):
                recent = self._recent(key, now)
                if len(recent) >= most:
                    left = WINDOW_SECONDS - (now - recent[-most]) / SECOND_US
                    raise TooBusy(
                        "Too many wrong passwords.",
                        hint="Wait, then try again.",
                        retry_after_seconds=max(1.0, left),
                    )

    def wrong(self, address: str, name: str) -> None:
        """Count one wrong password."""
        now = clock.now_us()
        with self._lock:
            if len(self._wrong) > 10_000:
                self._wrong = {k: v for k in self._wrong if (v := self._recent(k, now))}
            for key, _ in self._keys(address, name):
                self._wrong[key] = [*self._recent(key, now), now]

    def right(self, address: str) -> None:
        """Forget an address's wrong guesses after a right one."""
        with self._lock:
            self._wrong.pop(f"address {address}", None)

    def _recent(self, key: str, now: int) -> list[int]:
        since = now - WINDOW_SECONDS * SECOND_US
        return [at for at in self._wrong.get(key, []) if at > since]

    def _keys(self, address: str, name: str) -> tuple[tuple[str, int], ...]:
        return (f"address {address}", GUESSES_PER_ADDRESS), (f"name {name}", GUESSES_PER_NAME)


def read_secret(home: Path) -> bytes:
    """Return the cookie-signing secret of a shop folder; the first call makes it, mode 0600."""
    path = home / "console.key"
    try:
        home.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            draft = path.with_name(f"console.key.{secrets.token_hex(4)}")
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(secrets.token_bytes(32))
            # link fails when another process was first, so both read the same secret.
            try:
                os.link(draft, path)
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        secret = path.read_bytes()
    except OSError as problem:
        raise StoreUnavailable(
            f"{path} cannot be read or made: {problem.strerror}.",
            hint="Check free space and rights of the shop folder.",
        ) from problem
    if len(secret) != 32:
        raise StoreUnavailable(
            f"{path} must hold 32 bytes, but holds {len(secret)}.",
            hint="Remove the file; a new one is made and everybody signs in again.",
        )
    return secret


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
