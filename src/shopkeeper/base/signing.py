"""Signed messages between programs, after the Standard Webhooks convention.

The sender signs ``id.timestamp.body`` with HMAC-SHA256 and sends three headers; the receiver
signs again and compares in constant time, refuses what is older than the tolerance, and keeps
the ids it has seen for that long: so a message that was caught on its way cannot be played again.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping

from shopkeeper.base.errors import NotSignedIn

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
TOLERANCE_SECONDS = 300
_VERSION = "v1"


def signature(secret: bytes, content: bytes) -> str:
    """Return the base64 of HMAC-SHA256; what shop platforms put beside a raw body.

    >>> signature(b"whsec_test", b'{"id":1}')
    'KLZisNJHjxbf4kmXEUNS8edT25t7EUtHeFmUfnMUR2M='
    """
    return base64.b64encode(hmac.digest(secret, content, "sha256")).decode("ascii")


def headers(secret: bytes, message_id: str, at_seconds: int, body: bytes) -> dict[str, str]:
    """Return the three headers of a signed message."""
    content = f"{message_id}.{at_seconds}.".encode() + body
    return {
        ID: message_id,
        TIMESTAMP: str(at_seconds),
        SIGNATURE: f"{_VERSION},{signature(secret, content)}",
    }


def verify(
    secret: bytes,
    given: Mapping[str, str],
    body: bytes,
    now_seconds: float,
    *,
    tolerance_seconds: float = TOLERANCE_SECONDS,
) -> str:
    """Return the id of a message whose signature is right and fresh.

    ``given``: header name in lower case -> value. Several signatures may stand side by side,
    while a secret is being changed; one must match.

    Raises
    ------
    NotSignedIn
        If a header is missing, the moment is outside the tolerance, or no signature matches.
    """
    message_id, at = given.get(ID, ""), given.get(TIMESTAMP, "")
    if not message_id or not (at.isascii() and at.isdigit()):
        raise NotSignedIn(
            f"The message lacks {ID} or {TIMESTAMP}.",
            hint="Send the three headers of Standard Webhooks.",
            code="bad_signature",
        )
    if abs(now_seconds - int(at)) > tolerance_seconds:
        raise NotSignedIn(
            f"The message was signed at {at}, more than {tolerance_seconds:.0f} s from now.",
            hint="Check the clocks; a message must be delivered fresh.",
            field=TIMESTAMP,
            value=at,
            code="stale_signature",
        )
    expected = headers(secret, message_id, int(at), body)[SIGNATURE].encode()
    if not any(
        hmac.compare_digest(one.encode("utf-8", "replace"), expected)
        for one in given.get(SIGNATURE, "").split()
    ):
        raise NotSignedIn(
            "The signature does not fit the message and the secret.",
            hint="Sign id.timestamp.body, the body as its raw bytes.",
            code="bad_signature",
        )
    return message_id
