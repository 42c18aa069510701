"""Passwords of console users: made, hashed with argon2id, and checked in even time."""

from __future__ import annotations

import secrets
from functools import cache

import argon2

from shopkeeper.base.errors import BadInput

MIN_PASSWORD = 12
MAX_PASSWORD = 1000
# Without l, o, 0 and 1: nobody has to guess which one was printed.
_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"


def new_password() -> str:
    """Return a password of 125 random bits, in five groups fit for reading aloud."""
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(5))
    return "-".join(groups)


def hashed(password: str) -> str:
    """Return the argon2id hash of a password long enough to be one."""
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise BadInput(
            f"A password needs {MIN_PASSWORD} to {MAX_PASSWORD} characters, "
            f"but this has {len(password)}.",
            hint="Leave it out and one is made for you.",
        )
    return argon2.PasswordHasher().hash(password)


def matches(stored: str | None, password: str) -> bool:
    """Return whether the password is the stored one; as slow when nothing is stored."""
    try:
        argon2.PasswordHasher().verify(stored or _of_no_one(), password[:MAX_PASSWORD])
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False
    return stored is not None


@cache
def _of_no_one() -> str:
    return argon2.PasswordHasher().hash(secrets.token_hex(16))
