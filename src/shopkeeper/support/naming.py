"""Which products a text names: by their names, parts of names, and what customers call them.

A mention keeps the words around it, because "the red mug" and "the mug for a blue one" say more
than the product.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

# Words that alone never mean a product, colours among them: "a green one" is no green tea.
_WORDS_OF_NONE = (
    "the a an of for with to my your one two set it its this that and or in on from item items "
    "order orders thing things product products new old same all any other brand red blue green "
    "black white grey gray brown yellow purple silver golden large small medium"
)
_STOP = frozenset(_WORDS_OF_NONE.split())

# Customers' words for things that the catalogue calls otherwise.
_SYNONYMS = {
    "machine": ("maker", "machine"),
    "cleaner": ("cleaner",),
    "hoover": ("vacuum",),
    "watch": ("watch", "wristwatch"),
    "shoe": ("shoes", "sneakers", "shoe"),
    "shoes": ("shoes", "sneakers"),
    "sneaker": ("sneakers",),
    "headphone": ("headphones",),
    "earphones": ("earbuds", "headphones"),
    "bulb": ("bulb",),
    "tv": ("television",),
    "coat": ("jacket",),
    "book": (),
}

_WHOLE_SYNONYMS = {
    "coffee machine": (("coffee", "maker"), ("espresso", "machine")),
    "coffee maker": (("coffee", "maker"), ("espresso", "machine")),
    "book shelf": (("bookshelf",),),
    "book shelves": (("bookshelf",),),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A product named in a clause: its families' names, the words before it and after it."""

    names: tuple[str, ...]
    before: str
    after: str
    start: int
    plural: bool = False
    number: int = 0  # "two tablets"


def mentions(text: str, names: Iterable[str]) -> tuple[Mention, ...]:
    """Return the products that a text names, in order, with the words around each."""
    spans = _as_one(text, _spans(text, list(dict.fromkeys(names))))
    found = []
    for place, (start, end, hits) in enumerate(spans):
        before_from = spans[place - 1][1] if place else 0
        after_to = spans[place + 1][0] if place + 1 < len(spans) else len(text)
        # What describes the next product stands before it, after the last "and".
        after = re.split(r",? \band\b (?=(?:the |my |also |a )?[\w' -]*$)", text[end:after_to])[0]
        before = re.split(r"\b(?:and|to|,)\b|[,，和]", text[before_from:start])[-1]
        number = re.search(r"\b(two|both|2)\b|两", before, re.I)
        found.append(
            Mention(
                names=tuple(hits),
                before=before,
                after=after,
                start=start,
                plural=bool(re.search(r"\b(?:all|both|every|two)\b|所有|全部|两", before, re.I)),
                number=2 if number else 0,
            )
        )
    return tuple(found)


def _as_one(text: str, spans: list[tuple[int, int, list[str]]]) -> list[tuple[int, int, list[str]]]:
    """Take "my jacket for a large red jacket" as one mention with a wish."""
    kept: list[tuple[int, int, list[str]]] = []
    for span in spans:
        if kept and set(kept[-1][2]) & set(span[2]):
            between = text[kept[-1][1] : span[0]]
            if re.search(r"\b(?:for|to|into)\b|换成", between) and not re.search(r"[.;]", between):
                continue
        kept.append(span)
    return kept


def _spans(text: str, names: list[str]) -> list[tuple[int, int, list[str]]]:
    """Return (start, end, names) of every product mention, longest first at each place."""
    found: list[tuple[int, int, list[str]]] = []
    low = text.lower()
    for said, wholes in _WHOLE_SYNONYMS.items():
        for match in re.finditer(rf"\b{said}\b", low):
            hits = [n for n in names if any(set(w) <= set(_words(n)) for w in wholes)]
            if hits:
                found.append((match.start(), match.end(), hits))
    by_name = sorted(names, key=len, reverse=True)
    for name in by_name:
        for match in re.finditer(_name_pattern(name), low):
            _add(found, match.start(), match.end(), [name])
    heads: dict[str, list[str]] = {}
    for name in names:
        for word in _keywords(name):
            heads.setdefault(word, []).append(name)
    for match in re.finditer(r"[a-z][a-z-]+", low):
        word = match[0]
        hits = heads.get(_stem(word), [])
        for other in _SYNONYMS.get(word, ()):
            hits = hits + [n for n in heads.get(_stem(other), []) if n not in hits]
        if hits and not any(a <= match.start() < b for a, b, _ in found):
            # Two words of one name side by side ("smart watch") are one mention of both.
            last = found[-1] if found else None
            if last and last[1] + 1 == match.start() and set(last[2]) & set(hits):
                both = [n for n in last[2] if n in hits]
                found[-1] = (last[0], match.end(), both)
                continue
            found.append((match.start(), match.end(), hits))
        found.sort()
    return sorted(found)


def _add(found: list[tuple[int, int, list[str]]], start: int, end: int, names: list[str]) -> None:
    for place, (a, b, hits) in enumerate(found):
        if a <= start and end <= b:
            if (a, b) == (start, end):
                found[place] = (a, b, [*hits, *(n for n in names if n not in hits)])
            return
    found.append((start, end, names))


def _name_pattern(name: str) -> str:
    if not name.isascii():
        return re.escape(name.lower())
    words = [re.escape(word) for word in re.findall(r"[a-z0-9]+", name.lower())]
    if not words:
        return r"(?!)"
    return r"\b" + r"[\s-]?".join([*words[:-1], words[-1].removesuffix("s") + r"(?:e?s)?"]) + r"\b"


def _keywords(name: str) -> list[str]:
    """Return the stems by which one word may mean this product: its last word and rare ones."""
    words = _words(name)
    if not words:
        return []
    keys = {words[-1]} | {word for word in words if word not in _STOP and len(word) > 4}
    return [_stem(word) for word in sorted(keys)]


def _words(name: str) -> list[str]:
    return re.findall(r"[a-z][a-z-]+|[一-鿿]+", name.lower())


def _stem(word: str) -> str:
    if word.endswith("shelves"):
        return word[:-4] + "f"
    for ending in ("sses", "shes", "ches"):
        if word.endswith(ending):
            return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word
