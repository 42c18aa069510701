"""What a reply says, before it is words: typed acts with their facts and their source.

Policy and tasks make acts; grammar.py turns each into a sentence of either language. A fact that
is not in an act can therefore not be in a reply, and verify.py holds every wording to that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# Acts after which the customer has the word, each the name of what is asked for.
ASKS = (
    "ask_identity",
    "ask_identity_again",
    "ask_what",
    "ask_order",
    "ask_order_again",
    "ask_item",
    "ask_variant",
    "ask_reason",
    "ask_method",
    "ask_address",
    "ask_coupon",
    "offer_cancel",
    "offer_cancel_all",
    "offer_return",
    "confirm",
    "ask_rating",
)
# Acts that refuse something.
DENIALS = (
    "deny_cancel",
    "deny_cancel_line",
    "deny_return",
    "deny_exchange",
    "deny_change",
    "deny_method",
    "deny_balance",
    "deny_reason",
    "deny_variant",
    "deny_same",
    "deny_family",
    "deny_undo",
    "deny_promise",
    "deny_split",
    "deny_foreign",
    "deny_address",
    "deny_coupon",
    "deny_scope",
    "stale_confirmation",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One thing to say. ``source`` names where its facts stand: ``order:o1``, ``terms``, a doc."""

    kind: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    source: str = "dialogue"


def act(kind: str, source: str = "dialogue", **facts: Any) -> Act:
    """Return an act; short for the places that make many."""
    return Act(kind=kind, facts=facts, source=source)


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """An amount in a reply; the grammar writes it as the language does."""

    minor: int
    currency: str = "USD"


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A date in a reply, microseconds UTC."""

    at_us: int
