"""The live state of support: the book, the terms, the knowledge, every open conversation.

Built from the tables at start and moved by events. What support writes itself is taken in at
once and skipped when the log brings it back. Addresses said in a chat stay in memory only.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from shopkeeper.base import clock
from shopkeeper.data import support_tables
from shopkeeper.language.detect import detect_language
from shopkeeper.language.embedder import sentence_embedder
from shopkeeper.language.entities import Known
from shopkeeper.support.livebook import LiveBook
from shopkeeper.support.request import Request
from shopkeeper.support.retrieval import WITH_INTENTS, Retriever
from shopkeeper.support.schema import Hit, Passage
from shopkeeper.support.state import Conversation, Write, copy, decode
from shopkeeper.support.terms import Terms, read_terms

MOST_CONVERSATIONS = 20_000
MOST_OWN = 20_000
KINDS = frozenset(
    (
        "purchase", "cancel", "refund", "shipment", "delivery", "item", "item_removed", "price",
        "action", "rule", "message", "article",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What one turn may know: a copy of its conversation, the book, the terms, the knowledge.

    ``find(intents)`` gives the passages above the floor, best first; a model of intents says
    besides whether question and passage mean the same.
    """

    as_of_us: int
    text: str
    state: Conversation
    book: LiveBook
    terms: Terms
    known: Known
    address: Any
    previous: Any
    find: Callable[[Any], tuple[Hit, ...]]
    taken: bool  # an operator has the conversation
    rewording: bool = False  # the shop has a language model that may word the reply


class LiveState:
    """See the module."""

    def __init__(self, book: LiveBook, terms: Terms) -> None:
        self.book, self.terms = book, terms
        book.delivered_after_days = terms.delivered_after_days
        self.conversations: OrderedDict[str, Conversation] = OrderedDict()
        self.taken: set[str] = set()
        self.rewording = False
        self.private: dict[str, tuple[Any, Any]] = {}
        # All versions that are or will be in force, by article and language, the oldest first.
        self.passages: dict[tuple[str, str], list[Passage]] = {}
        self._retriever: Retriever | None = None
        self._intents: Any = None  # those the retriever was made with
        self._own: OrderedDict[str, None] = OrderedDict()
        self._replies: OrderedDict[str, dict[str, Any]] = OrderedDict()

    def conversation(self, request: Request, now_us: int) -> Conversation:
        """Return a copy of a conversation, or a new one that begins now."""
        held = self.conversations.get(request.conversation_id)
        if held is None:
            held = Conversation(
                conversation_id=request.conversation_id,
                customer_id=request.customer_id,
                started_us=now_us,
            )
        found = copy(held)
        if found.customer_id != request.customer_id:
            # Signed in since, or somebody else at the same browser: nothing of before counts.
            found = Conversation(
                conversation_id=request.conversation_id,
                customer_id=request.customer_id,
                turn=found.turn,
                language=found.language,
                started_us=now_us,
            )
        return found

    def keep(self, state: Conversation, address: Any, previous: Any) -> None:
        """Take a conversation's new state."""
        self.conversations[state.conversation_id] = state
        self.conversations.move_to_end(state.conversation_id)
        self.private[state.conversation_id] = (address, previous)
        while len(self.conversations) > MOST_CONVERSATIONS:
            gone, _ = self.conversations.popitem(last=False)
            self.private.pop(gone, None)

    def own(self, event_id: str) -> None:
        """Remember an event of our own, to skip it when the log brings it."""
        self._own[event_id] = None
        while len(self._own) > MOST_OWN:
            self._own.popitem(last=False)

    def reply_to(self, key: str) -> dict[str, Any] | None:
        """Return what was answered to the same message before, for one sent twice."""
        return self._replies.get(key)

    def remember_reply(self, key: str, value: dict[str, Any]) -> None:
        """Keep an answer for a message that is sent twice."""
        self._replies[key] = value
        while len(self._replies) > 2000:
            self._replies.popitem(last=False)

    def search(self, text: str, language: str, now_us: int, intents: Any = None) -> tuple[Hit, ...]:
        """Return the passages above the floor, best first; see Features for ``intents``."""
        if not self.passages or len(text.strip()) < 2:
            return ()
        if self._retriever is None or self._intents is not intents:
            weights = WITH_INTENTS if intents is not None else None
            every = [one for versions in self.passages.values() for one in versions]
            self._retriever = Retriever(every, sentence_embedder(), weights, intents)
            self._intents = intents
        hits = self._retriever.search(text, k=3, language=language or None, as_of_us=now_us)
        return tuple(hits) if self._retriever.answers(hits) else ()

    def wrote(self, write: Write, customer_id: str) -> None:
        """Take in a write of our own."""
        self.book.wrote(write, customer_id)

    def apply(self, event: Mapping[str, Any]) -> None:
        """Take in one event of the log; our own were taken in when they were made."""
        if event["event_id"] in self._own:
            return
        kind = event["kind"]
        if kind == "purchase":
            self.book.purchase(event)
        elif kind == "cancel":
            self.book.change(event["order_id"], event.get("customer_id"), status="cancelled")
        elif kind == "refund":
            minor = int(event.get("value_minor") or 0)
            self.book.refunded(event["order_id"], event.get("customer_id"), minor)
        elif kind == "shipment":
            told = dict(event)
            if promised := event.get("promised_at"):
                told["promised_us"] = clock.to_us(datetime.fromisoformat(promised))
            self.book.shipped(told)
        elif kind == "delivery":
            self.book.delivered(event)
        elif kind in ("item", "item_removed", "price"):
            self.book.item_event(event)
        elif kind == "article":
            self._article(event)
        elif kind == "rule":
            self._rule(event)
        elif kind == "action":
            self._action(event)
        elif kind == "message":
            self._message(event)

    def add_passage(self, passage: Passage) -> None:
        """Take in one piece of knowledge; from its first day on it replaces those before it."""
        key = (passage.doc_id, passage.language)
        self.passages[key] = succeeded(self.passages.get(key, []), passage)
        self._retriever = None

    def _article(self, event: Mapping[str, Any]) -> None:
        properties = event.get("properties") or {}
        told = {
            "article_id": event["label"],
            "kind": event.get("category") or "faq",
            "language": event.get("language") or "en",
            "title": event.get("title") or event["label"],
            "text": event["text"],
            "questions": properties.get("questions"),
            "starts_us": _us(event.get("starts_at")),
            "ends_us": _us(event.get("ends_at")),
        }
        self.add_article(told | {"status": event.get("status", "active")})

    def add_article(self, told: Mapping[str, Any]) -> None:
        """Take in one version of an article, or its withdrawal, which ends all of them."""
        if told["status"] == "active":
            self.add_passage(passage_of(told))
        elif self.passages.pop((told["article_id"], told["language"]), None):
            self._retriever = None

    def _rule(self, event: Mapping[str, Any]) -> None:
        properties = event.get("properties") or {}
        if properties.get("capability") == "support" and event["label"] == "terms":
            self.terms = read_terms(event["text"] if event["status"] == "active" else None)
            self.book.delivered_after_days = self.terms.delivered_after_days

    def _action(self, event: Mapping[str, Any]) -> None:
        properties = event.get("properties") or {}
        if properties.get("capability") != "support":
            return
        name = str(properties.get("conversation_id", ""))
        held = self.conversations.get(name)
        if event["label"] == "taken":
            self.taken.add(name)
        elif event["label"] in ("returned", "closed"):
            self.taken.discard(name)
            if held is not None:
                held.handed_over = ""

    def _message(self, event: Mapping[str, Any]) -> None:
        properties = event.get("properties") or {}
        if text := properties.get("state"):
            state = decode(str(text))
            self.keep(state, None, None)


def succeeded(before: Sequence[Passage], latest: Passage) -> list[Passage]:
    """Return the versions of an article with one more, which counts from its first day on.

    Without a first day it counts at once and the others are gone; with one in the future, what
    is in force today stays in force until then.
    """
    begins = latest.effective_from_us
    if begins is None:
        return [latest]
    kept = []
    for one in before:
        if one.effective_from_us is not None and one.effective_from_us >= begins:
            continue
        ends = begins if one.effective_to_us is None else min(one.effective_to_us, begins)
        kept.append(replace(one, effective_to_us=ends))
    return [*kept, latest]


def passage_of(told: Mapping[str, Any]) -> Passage:
    """Return a row of ``articles`` as a passage."""
    questions = [one for one in str(told.get("questions") or "").split("\n") if one.strip()]
    return Passage(
        passage_id=f"{told['article_id']}:{told['language']}",
        doc_id=told["article_id"],
        kind=told["kind"],
        language=told["language"],
        title=told["title"],
        text=told["text"],
        questions=tuple(questions),
        effective_from_us=told.get("starts_us"),
        effective_to_us=told.get("ends_us"),
    )


def rebuild(warehouse: Any) -> LiveState:
    """Return the live state from the tables."""
    book = LiveBook(
        support_tables.order_lines(warehouse),
        support_tables.items(warehouse),
        support_tables.parcels(warehouse),
    )
    state = LiveState(book, read_terms(support_tables.rule(warehouse, "terms")))
    for row in support_tables.article_versions(warehouse):
        state.add_article(row)
    for row in reversed(support_tables.conversations(warehouse)):
        state.keep(decode(row["state"]), None, None)
    state.taken = {
        row["conversation_id"] for row in support_tables.inbox(warehouse, view="taken", most=5000)
    }
    return state


def attach(state: LiveState, shop: Any) -> None:
    """Take from the shop's settings whether a language model words the replies."""
    state.rewording = bool(shop.settings.language_model_url)


def features_at(state: LiveState, request: Request, as_of_us: int) -> Features:
    """Return what a turn may know now."""
    state.book.now_us = as_of_us
    conversation = state.conversation(request, as_of_us)
    address, previous = state.private.get(request.conversation_id, (None, None))
    local = as_of_us / 1e6 + state.terms.utc_offset_hours * 3600
    today = datetime.fromtimestamp(local, UTC).date()
    return Features(
        as_of_us=as_of_us,
        text=request.text,
        state=conversation,
        book=state.book,
        terms=state.terms,
        known=Known(today=today),
        address=address,
        previous=previous,
        find=partial(
            state.search,
            request.text,
            detect_language(request.text, before=conversation.language or request.language),
            as_of_us,
        ),
        taken=request.conversation_id in state.taken,
        rewording=state.rewording,
    )


def open_now(terms: Terms, now_us: int) -> bool:
    """Say whether operators are there: within the hours and days of the terms."""
    local = datetime.fromtimestamp(now_us / 1e6 + terms.utc_offset_hours * 3600, UTC)
    return local.weekday() in terms.open_days and terms.open_hour <= local.hour < terms.close_hour


def _us(text: Any) -> int | None:
    return clock.to_us(datetime.fromisoformat(text)) if text else None


def plain(value: Any) -> str:
    """Return plain values as JSON text, for properties of events."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
