"""Understand one message: language, intents, entities, feeling, and the wish for a person.

``understand(text, context)`` works with nothing but words (models/keywords.py); a context with
a trained model uses that. The order of things asked is kept: "cancel it, and where is the other
one?" has two intents.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from shopkeeper.language.detect import detect_language
from shopkeeper.language.entities import Known, recognise
from shopkeeper.language.normalise import Normalised, normalise
from shopkeeper.language.opinions import Sentiment, feel
from shopkeeper.language.pii import mask
from shopkeeper.language.tokens import clauses
from shopkeeper.support.models.keywords import Keywords
from shopkeeper.support.schema import IntentScore, Understanding

_HUMAN = re.compile(
    r"(?:转|找|要|叫|给我|接)?.{0,2}(?:人工|真人|活人)(?!智能)|转客服|别让机器人|不要机器人"
    r"|\b(?:talk|speak|chat|connect|transfer|switch|get|want|need|give|put)\b[^.?!]{0,25}"
    r"\b(?:human|real person|live (?:agent|person|chat)|representative|operator|manager|an agent"
    r"|a person|someone real|somebody real)\b|^\W*(?:human|agent|representative|operator)"
    r"\W*(?:please\W*)?$",
    re.I,
)
_MIN_CLAUSE_PROBABILITY = 0.45
_SMALL_TALK = ("greeting", "thanks", "goodbye")


class IntentModel(Protocol):
    """What understands intents. Rows of ``predict`` sum to at most 1; the rest is out of scope."""

    name: str
    intents: tuple[str, ...]

    def predict(self, texts: Sequence[str]) -> np.ndarray: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What is known beside the words: the shop's (``known``), the conversation's, the models.

    floor      an intent below this probability is not meant; the model's own when it has one
    sentiment  a learned scorer; None: the lexicon
    """

    known: Known
    language: str | None = None
    model: IntentModel = field(default_factory=Keywords)
    floor: float | None = None
    sentiment: Callable[[str], Sentiment] | None = None


def context_for(today: datetime.date) -> Context:
    """Return a context with nothing but the day: rules only.

    >>> understand("我的快递到哪了", context_for(datetime.date(2026, 11, 24))).intent
    'track_order'
    """
    return Context(known=Known(today=today))


def understand(text: str, context: Context) -> Understanding:
    """Return what a message means; never raises on any text."""
    made = normalise(text)
    intents, ranking, outside = _intents(made, context)
    return Understanding(
        text=text,
        masked=mask(text),
        language=detect_language(made.text, before=context.language),
        intents=intents,
        ranking=ranking,
        out_of_scope=outside,
        entities=recognise(made, context.known),
        sentiment=(context.sentiment or feel)(made.text),
        wants_human=bool(_HUMAN.search(made.text))
        or any(found.intent == "contact_human_agent" for found in intents),
        model=context.model.name,
    )


def _intents(
    made: Normalised, context: Context
) -> tuple[tuple[IntentScore, ...], tuple[IntentScore, ...], float]:
    model = context.model
    floor = context.floor
    if floor is None:
        floor = float(getattr(model, "floor_", 0.35))
    pieces = _asking_pieces(made.text)
    scores = model.predict([made.text, *(made.text[a:b] for a, b in pieces)])
    whole = scores[0]
    outside = float(max(0.0, 1.0 - whole.sum()))
    ranking = tuple(
        _score(model, whole, place, made, 0, len(made.text))
        for place in np.argsort(-whole, kind="stable")[:10]
        if whole[place] > 0
    )
    found: list[IntentScore] = []
    for (start, end), row in zip(pieces, scores[1:], strict=True):
        best = int(row.argmax())
        if row[best] >= max(floor, _MIN_CLAUSE_PROBABILITY):
            found.append(_score(model, row, best, made, start, end))
    distinct = _distinct(found)
    if len(distinct) >= 2:
        return distinct, ranking, outside
    best = int(whole.argmax()) if len(whole) else 0
    # 0.5 is where the model put its threshold of being out of scope.
    if outside <= 0.5 and whole[best] >= floor:
        return (_score(model, whole, best, made, 0, len(made.text)),), ranking, outside
    return distinct, ranking, outside


def _asking_pieces(text: str) -> list[tuple[int, int]]:
    """Return the clauses worth asking about: at least three characters, at most six clauses."""
    pieces = [(a, b) for a, b in clauses(text) if b - a >= 3]
    return pieces[:6] if len(pieces) >= 2 else []


def _distinct(found: Sequence[IntentScore]) -> tuple[IntentScore, ...]:
    """Keep one clause per intent, the surest; greetings count only when nothing else is asked."""
    best: dict[str, IntentScore] = {}
    for score in found:
        if score.intent not in best or score.probability > best[score.intent].probability:
            best[score.intent] = score
    asked = [s for s in best.values() if s.intent not in _SMALL_TALK]
    return tuple(sorted(asked or best.values(), key=lambda score: score.start))


def _score(
    model: IntentModel, row: np.ndarray, place: int, made: Normalised, start: int, end: int
) -> IntentScore:
    first, last = made.span(start, end)
    return IntentScore(
        intent=model.intents[place],
        probability=round(float(row[place]), 4),
        start=first,
        end=last,
    )
