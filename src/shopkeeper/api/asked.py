"""What the routes of several areas ask of a request: who acts, and that a body is known whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from shopkeeper.base.errors import BadInput


def who(request: Request) -> str:
    """Return who acts: the key's name and id, as it stands on every event."""
    key = request.scope["shop.key"]
    return f"{key.name} ({key.key_id})"


def only(body: Mapping[str, Any], allowed: tuple[str, ...]) -> Mapping[str, Any]:
    """Return a body that has known fields alone; BadInput names the first other."""
    for name in body:
        if name not in allowed:
            raise BadInput(
                f"The body has the unknown field '{name[:60]}'.",
                field=name[:60],
                value=body[name],
                allowed=", ".join(allowed),
            )
    return body


def text(body: Mapping[str, Any], name: str, longest: int = 128) -> str:
    """Return a text of a body; BadInput where it is none, empty or too long."""
    value = body.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise BadInput(
            f"{name} must be a text of 1 to {longest} characters.",
            field=name,
            value=value,
            allowed=f"1 to {longest} characters",
        )
    return value
