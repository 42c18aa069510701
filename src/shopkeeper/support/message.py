"""The message of a turn as talk.py and dialogue.py both see it."""

from __future__ import annotations

from dataclasses import dataclass

from shopkeeper.support.schema import Hit, Understanding


@dataclass(slots=True, kw_only=True)
class Message:
    """What was said, and what is known about it.

    ``hits`` are passages above the floor, best first; ``confirm`` the nonce of a signed
    confirmation, a click instead of a yes; ``rating`` 1 to 5 stars, 0 for none.
    """

    text: str
    understanding: Understanding | None = None
    hits: tuple[Hit, ...] = ()
    confirm: str = ""
    rating: int = 0
