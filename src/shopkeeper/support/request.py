"""Turn what a caller sent into a turn of a conversation, or say which field is wrong.

``customer_id`` is set by operate/conversations.py from the signed session; a shop's own server
with a secret key may set it too. Nothing else in a message can.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shopkeeper.base.errors import BadInput, shorten
from shopkeeper.support.schema import CHANNELS

MAX_TEXT = 4000
FIELDS = (
    "conversation_id",
    "text",
    "customer_id",
    "language",
    "channel",
    "turn_id",
    "confirm",
    "rating",
    "cart",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One message. ``given`` holds other capabilities' answers once they were asked."""

    conversation_id: str
    text: str
    customer_id: str | None = None
    language: str | None = None
    channel: str = "chat"
    turn_id: str = ""
    confirm: str = ""
    rating: int = 0
    cart: tuple[str, ...] = ()
    given: Mapping[str, Any] = field(default_factory=dict)


def parse(raw: Mapping[str, Any]) -> Request:
    """Return the validated request; BadInput names the field, its value and what is allowed.

    >>> parse({"conversation_id": "c1", "text": "hi"}).channel
    'chat'
    """
    for name in raw:
        if name not in FIELDS:
            raise _bad(str(name), raw[name], ", ".join(FIELDS))
    rating = raw.get("rating", 0)
    if isinstance(rating, bool) or not isinstance(rating, int) or not 0 <= rating <= 5:
        raise _bad("rating", rating, "1 to 5 stars")
    confirm = _text("confirm", raw.get("confirm", ""), 200)
    text = _text("text", raw.get("text", ""), MAX_TEXT)
    if not text.strip() and not confirm and not rating:
        raise _bad("text", text, f"a text of 1 to {MAX_TEXT} characters")
    cart = raw.get("cart", [])
    if not isinstance(cart, list) or len(cart) > 50 or not all(isinstance(c, str) for c in cart):
        raise _bad("cart", cart, "a list of up to 50 item ids")
    language = raw.get("language")
    if language not in (None, "en", "zh"):
        raise _bad("language", language, "en or zh")
    channel = raw.get("channel", "chat")
    if channel not in CHANNELS:
        raise _bad("channel", channel, ", ".join(CHANNELS))
    conversation = _text("conversation_id", raw.get("conversation_id", ""), 128)
    if not conversation:
        raise _bad("conversation_id", conversation, "a text of 1 to 128 characters")
    customer = raw.get("customer_id")
    return Request(
        conversation_id=conversation,
        text=text,
        customer_id=None if customer is None else _text("customer_id", customer, 128),
        language=language,
        channel=channel,
        turn_id=_text("turn_id", raw.get("turn_id", ""), 64),
        confirm=confirm,
        rating=rating,
        cart=tuple(cart),
    )


def recorded(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a request goes on the record: not its words, which stand masked as message."""
    return {name: value for name, value in raw.items() if name != "text"}


def _text(name: str, value: Any, longest: int) -> str:
    if not isinstance(value, str) or len(value) > longest:
        raise _bad(name, value, f"a text of up to {longest} characters")
    return value


def _bad(name: str, value: Any, allowed: str) -> BadInput:
    return BadInput(
        f"{name} must be {allowed}, but is {shorten(value)!r}.",
        hint="docs/reference/support.md describes a turn.",
        field=name,
        value=value,
        allowed=allowed,
    )
