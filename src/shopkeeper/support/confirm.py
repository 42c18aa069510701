"""Signed tokens: who a browser's chat is, and which plan a click confirms.

A token is ``payload.mac`` in base64; the MAC is bound to its purpose, so that a session never
passes for a confirmation. A confirmation names conversation, customer, every argument, every
order's version and its end; the dialogue checks all of that again when it commits.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from shopkeeper.base.errors import NotSignedIn

SESSION, CONFIRM = "session", "confirm"


def sign(secret: bytes, purpose: str, facts: Mapping[str, Any]) -> str:
    """Return a token of facts for one purpose; facts must hold ``expires_us``."""
    body = json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()
    return f"{_text(body)}.{_text(_mac(secret, purpose, body))}"


def read(secret: bytes, purpose: str, token: str, now_us: int) -> dict[str, Any]:
    """Return the facts of a token.

    Raises
    ------
    NotSignedIn
        If it is forged, altered, of another purpose, or over.

    >>> token = sign(b"k", SESSION, {"customer_id": "ann", "expires_us": 9})
    >>> read(b"k", SESSION, token, 8)["customer_id"]
    'ann'
    """
    try:
        body_text, mac_text = token.split(".")
        body, mac = _bytes(body_text), _bytes(mac_text)
    except ValueError:
        raise _refused("is not one of ours") from None
    if not hmac.compare_digest(mac, _mac(secret, purpose, body)):
        raise _refused("is not one of ours")
    facts: dict[str, Any] = json.loads(body)
    if now_us >= int(facts["expires_us"]):
        raise _refused("is over")
    return facts


def digest(value: Any) -> str:
    """Return a digest of plain values, to bind a token to them."""
    body = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str).encode()
    return hashlib.sha256(body).hexdigest()[:32]


def _refused(what: str) -> NotSignedIn:
    return NotSignedIn(
        f"The token {what}.",
        hint="Ask the shop's server for a new session: POST /v1/support/sessions.",
        field="token",
    )


def _mac(secret: bytes, purpose: str, body: bytes) -> bytes:
    return hmac.digest(secret, f"support {purpose}\0".encode() + body, hashlib.sha256)


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
