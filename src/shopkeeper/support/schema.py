"""What a turn of a conversation is asked and understood as: Turn, Understanding, Passage.

Places (``start``, ``end``) always count characters of the text as the customer sent it. The
customer of a turn comes from the signed session and is in no text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shopkeeper.language.entities.kinds import Entity
from shopkeeper.language.opinions import Aspect, Sentiment

__all__ = [
    "Aspect",
    "Citation",
    "Entity",
    "Hit",
    "IntentScore",
    "Passage",
    "Sentiment",
    "Turn",
    "Understanding",
]

CHANNELS = ("chat", "email", "webhook", "console")
OUT_OF_SCOPE = "out_of_scope"

# The 27 intents of the Bitext taxonomy for shops, then those that only a running shop has.
BITEXT_INTENTS = (
    "cancel_order",
    "change_order",
    "change_shipping_address",
    "check_cancellation_fee",
    "check_invoice",
    "check_payment_methods",
    "check_refund_policy",
    "complaint",
    "contact_customer_service",
    "contact_human_agent",
    "create_account",
    "delete_account",
    "delivery_options",
    "delivery_period",
    "edit_account",
    "get_invoice",
    "get_refund",
    "newsletter_subscription",
    "payment_issue",
    "place_order",
    "recover_password",
    "registration_problems",
    "review",
    "set_up_shipping_address",
    "switch_account",
    "track_order",
    "track_refund",
)
SHOP_INTENTS = (
    "return_item",
    "exchange_item",
    "product_question",
    "check_stock",
    "recommend_product",
    "use_coupon",
    "greeting",
    "thanks",
    "goodbye",
)
INTENTS = BITEXT_INTENTS + SHOP_INTENTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One message of a customer. ``customer_id`` is that of the signed session, or None."""

    conversation_id: str
    text: str
    customer_id: str | None = None
    language: str | None = None  # the conversation's so far; detection keeps it in doubt
    channel: str = "chat"


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentScore:
    """An intent with its calibrated probability, and the clause that it was found in."""

    intent: str
    probability: float
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Understanding:
    """What one message means.

    language       zh or en, sticky within a conversation
    intents        one per clause that asks for something, in the order asked; empty when the
                   message is out of scope
    ranking        every intent of the whole message with its probability, best first (ten)
    out_of_scope   probability that no intent of the shop is meant
    entities       in order of place
    wants_human    the customer asked for a person; always to be honoured
    masked         the text with personal data replaced: the only form for logs and models
    model          who understood: "keywords" or a model's name
    """

    text: str
    masked: str
    language: str
    intents: tuple[IntentScore, ...]
    ranking: tuple[IntentScore, ...]
    out_of_scope: float
    entities: tuple[Entity, ...]
    sentiment: Sentiment
    wants_human: bool
    model: str

    @property
    def intent(self) -> str:
        """The first intent, or OUT_OF_SCOPE."""
        return self.intents[0].intent if self.intents else OUT_OF_SCOPE

    def of_kind(self, kind: str) -> tuple[Entity, ...]:
        """Return the entities of one kind, in order of place."""
        return tuple(entity for entity in self.entities if entity.kind == kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A piece of knowledge that may be cited.

    kind         faq, terms or product
    text         what is shown and cited; ``questions`` are wordings that it answers
    effective    microseconds UTC from which, and until which, it holds (None: open)
    """

    passage_id: str
    doc_id: str
    kind: str
    language: str
    title: str
    text: str
    questions: tuple[str, ...] = ()
    effective_from_us: int | None = None
    effective_to_us: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A passage found for a question; ``parts`` are the shares of the score."""

    passage: Passage
    score: float
    parts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """Where a sentence of an answer comes from: a passage's characters, or a tool's result."""

    source: str  # passage_id, or "tool:<name>"
    title: str
    quote: str
    start: int = 0
    end: int = 0
