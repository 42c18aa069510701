"""What a text feels: a score from words that praise or blame, and the sides it speaks of.

The lexicon below is ours, small on purpose: it is the baseline that any learned model must
beat, and what a shop has before it has reviews. A negation before a word turns it round
(不好 is bad, 不错 is good), an adverb makes it stronger.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from shopkeeper.language.normalise import Normalised, normalise
from shopkeeper.language.words import read

ASPECTS = ("logistics", "quality", "price", "service", "size")

_LEXICON = read("opinions")
_BREAK = re.compile(
    r"[,，。;；!！?？\n、]|但是|但|不过|可是|然而|就是|\bbut\b|\bhowever\b|\balthough\b|\.(?=\s|$)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Aspect:
    """What a text says of one of ASPECTS. ``polarity`` -1 bad to 1 good; place in the original."""

    aspect: str
    polarity: float
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentiment:
    """``score`` -1 angry to 1 pleased; ``label`` negative, neutral or positive."""

    label: str
    score: float
    aspects: tuple[Aspect, ...] = ()


def feel(text: str | Normalised) -> Sentiment:
    """Return the sentiment by the lexicon, with its aspects.

    >>> feel("质量不好").label, feel("质量不错").label, feel("very good, I love it").label
    ('negative', 'positive', 'positive')
    """
    made = text if isinstance(text, Normalised) else normalise(text)
    total = sum(value for _, value in _judgements(made.text.lower()))
    score = total / (abs(total) + 1.0)
    if any(word in made.text.lower() for word in _set("furious")):
        score = min(score, -0.8)
    return Sentiment(label=label_of(score), score=round(score, 4), aspects=aspects(made))


def label_of(score: float) -> str:
    """Return negative, neutral or positive for a score from -1 to 1."""
    return "negative" if score < -0.25 else "positive" if score > 0.25 else "neutral"


def aspects(text: str | Normalised) -> tuple[Aspect, ...]:
    """Return each side that a piece of the text speaks of, with how it is judged there.

    A piece ends at a comma or a "but": what is said of delivery is not said of quality.

    >>> [(a.aspect, a.polarity > 0) for a in aspects("尺码偏小，客服态度很好")]
    [('size', False), ('service', True)]
    """
    made = text if isinstance(text, Normalised) else normalise(text)
    lower = made.text.lower()
    found: list[Aspect] = []
    last: Aspect | None = None
    for start, end in _pieces(lower):
        piece = lower[start:end]
        value = sum(amount for _, amount in _judgements(piece))
        value += sum(amount for word, amount in _LEXICON["judging"].items() if word in piece)
        named = _named(piece)
        polarity = round(value / (abs(value) + 0.5), 4) if value else 0.0
        if not named and last is not None and value and last.polarity == 0.0:
            # 客服的态度，真的很差: the judgement stands in the next piece.
            named = [last.aspect]
            found.pop()
        first, after = made.span(start, end)
        for aspect in named:
            last = Aspect(aspect=aspect, polarity=polarity, start=first, end=after)
            found.append(last)
    return tuple(found)


def _named(piece: str) -> list[str]:
    return [aspect for aspect in ASPECTS if _aspect(aspect).search(piece)]


def _pieces(text: str) -> list[tuple[int, int]]:
    found, start = [], 0
    for cut in _BREAK.finditer(text):
        if text[start : cut.start()].strip():
            found.append((start, cut.start()))
        start = cut.end()
    if text[start:].strip():
        found.append((start, len(text)))
    return found


def _judgements(text: str) -> list[tuple[int, float]]:
    """Return (place, value) of each judging word, turned by negations up to two words before."""
    found = []
    taken = -1
    fixed = _LEXICON["fixed"]
    for match in _lexicon().finditer(text):
        if match.start() < taken:
            continue
        word = match.group()
        taken = match.end()
        if word in fixed:
            found.append((match.start(), fixed[word]))
            continue
        value = 1.0 if word in _set("good") else -1.0
        before = re.split(_BREAK, text[max(0, match.start() - 14) : match.start()])[-1]
        if word.isascii():
            near = before.split()[-3:]
            turned = sum(w in _set("negations") or w.endswith("n't") for w in near)
            strong = any(w in _set("stronger") for w in near)
        else:
            near_text = before[-4:]
            turned = len(re.findall("没有|不是|不太|毫无|不|没|未|别", near_text))
            strong = bool(re.search("非常|超级|特别|真的|十分|极|很|太|超|真", near_text))
        value *= (1.4 if strong else 1.0) * (-0.9 if turned % 2 else 1.0)
        found.append((match.start(), value))
    return found


@functools.cache
def _set(name: str) -> frozenset[str]:
    return frozenset(_LEXICON[name])


@functools.cache
def _lexicon() -> re.Pattern[str]:
    return _matcher([*_LEXICON["good"], *_LEXICON["bad"], *_LEXICON["fixed"]])


@functools.cache
def _aspect(name: str) -> re.Pattern[str]:
    return _matcher(_LEXICON["aspects"][name])


def _matcher(words: list[str]) -> re.Pattern[str]:
    longest = sorted(set(words), key=len, reverse=True)
    parts = [rf"\b{re.escape(w)}\b" if w.isascii() else re.escape(w) for w in longest]
    return re.compile("|".join(parts))
