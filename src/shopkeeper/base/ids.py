"""Names for things: time-ordered ids and content hashes."""

from __future__ import annotations

import hashlib
import os
import random

from shopkeeper.base import clock

# Seeded from the system once: asking it for every id costs 0.2 ms on some machines. An id is a
# name, not a secret.
_draw = random.Random(os.urandom(32))


def new_id(prefix: str) -> str:
    """Return ``prefix_`` plus 26 hex digits: 12 of milliseconds, 14 random.

    Ids made later sort later, so an index on them is appended to rather than rewritten.
    """
    return f"{prefix}_{clock.now_us() // 1000:012x}{_draw.getrandbits(56):014x}"


def content_hash(*parts: bytes) -> str:
    """Return 16 hex digits of SHA-256 over the parts, each framed by its length."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()[:16]


def stable_id(prefix: str, *parts: str) -> str:
    """Return ``prefix_h`` plus 16 hex digits that are the same whenever the parts are.

    The letter stands before the digits because a hash may be digits alone, and one in some tens of
    thousands of those reads as a payment card number, which no event may hold.
    """
    return f"{prefix}_h{content_hash(*(part.encode() for part in parts))}"
