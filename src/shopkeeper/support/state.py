"""What a conversation remembers between turns, as plain values that go into the log and back.

A turn takes a state and returns a new one; nothing here decides. ``encode`` and ``decode`` are
exact inverses, so a conversation read back after a kill goes on where it stood.
"""

from __future__ import annotations

from typing import Any

import msgspec


class Pick(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One line that a task is about, and what it should become."""

    order_id: str
    item_id: str
    new_item_id: str | None = None
    wish: str = ""  # the customer's words on what it should become
    skip: bool = False


class Task(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One thing that the customer wants; ``kind`` is a key of tasks.py."""

    kind: str
    text: str = ""
    mentions: list[dict[str, str]] = []
    picks: list[Pick] = []
    order_ids: list[str] = []
    everything: bool = False
    method: str = ""
    reason: str = ""
    place: str = ""  # which address is meant: profile, order:ID, given
    resolved: bool = False
    asked: dict[str, int] = {}
    facts: dict[str, str] = {}


class Write(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One change to an order or a profile, fully said; what a confirmation is bound to."""

    tool: str
    order_id: str = ""
    args: dict[str, Any] = {}
    version: int = 0  # of the order or profile when it was shown


class Pending(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What was shown for confirmation and waits for a yes."""

    nonce: str
    writes: list[Write]
    expires_us: int
    task: Task


class Tried(msgspec.Struct, kw_only=True, omit_defaults=True):
    """An action of this conversation, for the hand-over note."""

    tool: str
    outcome: str
    order_id: str = ""


class Conversation(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One conversation between two turns."""

    conversation_id: str
    customer_id: str | None = None
    language: str = ""
    turn: int = 0
    tasks: list[Task] = []  # the first is the one under way; at most 3 open digressions
    waiting: list[Task] = []  # asked for in the same breath, not begun
    pending: Pending | None = None
    ask: str = ""  # what was asked last: the kind of the act
    choices: list[str] = []  # what a "the second one" refers to
    order_id: str = ""  # in focus
    item_ids: list[str] = []  # in focus
    heard: list[str] = []  # said before we knew who it is
    told: dict[str, str] = {}  # name, postcode, e-mail; only where terms identify by them
    unclear: int = 0
    tried: list[Tried] = []
    reviewed: list[Write] = []  # confirmed by the customer, left to a person
    used: list[str] = []  # nonces of confirmations that were committed
    handed_over: str = ""  # why, when an operator has it
    rating: int = 0
    refund_minor: int = 0  # what went back so far, for "how much in total"
    intents: list[str] = []
    last_turn_id: str = ""
    started_us: int = 0
    seen_us: int = 0


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Conversation)


def encode(state: Conversation) -> str:
    """Return a state as JSON text."""
    return _encoder.encode(state).decode()


def decode(text: str) -> Conversation:
    """Return the state that ``encode`` wrote."""
    return _decoder.decode(text)


def copy(state: Conversation) -> Conversation:
    """Return a state that may be changed without touching the given one."""
    return _decoder.decode(_encoder.encode(state))
