"""Which variant a customer means: from words like "a bigger one", "black, half zipper", "cheapest".

Options are ordered where the words or numbers of their values are (S < M < L, 500ml < 1000ml),
so that comparatives have a meaning for any product. Nothing is invented: a variant is found
among the shop's own or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shopkeeper.support.options import mentioned, place_of, values_of
from shopkeeper.support.records import Item

_UP = (
    r"\b(?:bigger|larger|brighter|longer|higher|taller|more powerful|faster|stronger|up)\b"
    "|更大|大一|更亮|更长|更高"
)

_DOWN = (
    r"\b(?:smaller|less bright|dimmer|shorter|lower|less powerful|lighter|easier|fewer)\b"
    "|更小|小一|更短|更低|太大"
)

_MOST = (
    r"\b(?:maximum|max|biggest|largest|highest|brightest|longest|maximi[sz]ed?|hardest"
    r"|most pieces)\b|最大|最高"
)

_LEAST = r"\b(?:minimum|smallest|lowest|shortest|easiest|fewest)\b|最小|最低"

_CHEAP = r"\b(?:cheapest|least expensive|lowest price|most affordable)\b|最便宜"

_DEAR = r"\b(?:most expensive|priciest|dearest|highest price)\b|最贵"

_ANY = (
    r"\b(?:do(?:n'?t| not) care|any|doesn'?t matter|not important|whatever|either)\b"
    "|随便|都行|都可以"
)

# What a comparative is about, where it says so itself.
_ABOUT = (
    (r"bright|dim", ("brightness",)),
    (r"long|short|length", ("length",)),
    (r"tall|height|foot|feet", ("height",)),
    (r"eas|hard|difficult|level", ("difficulty level",)),
    (r"piece|fewest", ("pieces", "piece count")),
    (r"zoom", ("zoom",)),
    (r"resolution", ("resolution",)),
    (r"frame", ("frame size",)),
    (r"storage", ("storage",)),
    (r"pressure", ("pressure",)),
    (r"battery life", ("battery life",)),
)

_SIZES = (
    "size",
    "capacity",
    "frame size",
    "length",
    "screen size",
    "kit size",
    "diameter",
    "height",
)


@dataclass(slots=True)
class Wish:
    """What a variant must be (``must``), should rather be (``soft``, best first), and by price."""

    must: dict[str, set[str]] = field(default_factory=dict)
    soft: list[tuple[str, list[str]]] = field(default_factory=list)
    steps: list[tuple[str, str, float]] = field(default_factory=list)  # option, up/down/most/by
    free: set[str] = field(default_factory=set)  # options that may be anything
    item_id: str = ""
    price: str = ""  # cheapest | dearest
    same: bool = False

    @property
    def empty(self) -> bool:
        """Whether nothing was wished."""
        return not (self.must or self.steps or self.item_id or self.price or self.same or self.soft)


def read_wish(text: str, variants: Sequence[Item], now: Mapping[str, str]) -> Wish:
    """Return what a text wishes of a product with these variants, seen from the options ``now``.

    >>> cups = [
    ...     Item(item_id=c, family="f", name="Cup", options={"color": c}) for c in ("red", "blue")
    ... ]
    >>> read_wish("a blue one", cups, {"color": "red"}).must
    {'color': {'blue'}}
    """
    wish = Wish()
    ids = {one.item_id for one in variants}
    wish.item_id = next((n for n in re.findall(r"\b[\w-]{6,}\b", text) if n in ids), "")
    values = values_of(variants)
    soft, text = _preferences(text, values)
    wish.soft = soft
    instead = re.split(r"\binstead of\b|\brather than\b|而不是", text)
    text = instead[0]
    kept = {name for name in values if re.search(rf"\bsame (?:\w+ )?{re.escape(name)}s?\b", text)}
    found = mentioned(text, values)
    for name, hits in found.items():
        if name not in kept:
            wish.must[name] = hits
    for name, value in _unheard(text, values, found).items():
        wish.must[name] = {value}
    for name in kept:
        if name in now:
            wish.must[name] = {now[name]}
    _steps(wish, text, values)
    wish.free = _free(text, values)
    for name in wish.free:
        wish.must.pop(name, None)
    if re.search(_CHEAP, text, re.I):
        wish.price = "cheapest"
    elif re.search(_DEAR, text, re.I):
        wish.price = "dearest"
    same = re.search(
        r"\b(?:the |exact )*same (?:item|one|thing|specs?|pair|product|model)\b"
        r"|\bnew pair with the same\b|同款|一样的|一模一样",
        text,
        re.I,
    )
    wish.same = bool(same) and not wish.must and not wish.steps
    return wish


def choose(
    wish: Wish, variants: Sequence[Item], now: Mapping[str, str], item_id: str
) -> list[Item]:
    """Return the variants that fit, best first; those after the first are real alternatives only.

    One result: chosen. Several: ask. None: not to be had.
    """
    if wish.item_id:
        return [one for one in variants if one.item_id == wish.item_id]
    fits = [one for one in variants if one.available and _fits(one, wish, now)]
    if wish.same:
        return [one for one in fits if dict(one.options) == dict(now)][:1]
    fits = [one for one in fits if one.item_id != item_id]
    if not fits:
        return []
    if wish.price:
        fits.sort(key=lambda one: (one.price_minor or 0, one.item_id))
        if not wish.must and not wish.steps:
            return [fits[0] if wish.price == "cheapest" else fits[-1]]
        return [fits[0] if wish.price == "cheapest" else fits[-1]]
    for name, ranking in wish.soft:
        order = {value: place for place, value in enumerate(ranking)}
        best = min((order.get(one.options.get(name, ""), 99) for one in fits), default=99)
        if best < 99:
            fits = [one for one in fits if order.get(one.options.get(name, ""), 99) == best]
    said = set(wish.must) | {name for name, _, _ in wish.steps} | {name for name, _ in wish.soft}
    rest = [name for name in now if name not in said and name not in wish.free]
    kept = [sum(one.options.get(name) == now[name] for name in rest) for one in fits]
    most = max(kept)
    best_fits = [one for one, n in zip(fits, kept, strict=True) if n == most]
    if most == len(rest) or len(fits) == 1:
        return best_fits
    # Not all else can stay as it was: the customer chooses among what there is.
    return (
        best_fits
        if len(best_fits) == len(fits)
        else best_fits + [one for one in fits if one not in best_fits]
    )


def _fits(one: Item, wish: Wish, now: Mapping[str, str]) -> bool:
    for name, wanted in wish.must.items():
        if one.options.get(name) not in wanted:
            return False
    for name, way, by in wish.steps:
        if name not in one.options or name not in now:
            return False
        here, there = place_of(now[name]), place_of(one.options[name])
        if way == "up" and not there > here:
            return False
        if way == "down" and not there < here:
            return False
        if way == "by" and there[1] - here[1] != by:
            return False
    return True


def _unheard(
    text: str, values: Mapping[str, list[str]], found: Mapping[str, set[str]]
) -> dict[str, str]:
    """Return amounts in an option's own unit that no variant has: "8 bar" where 9 is the least."""
    new: dict[str, str] = {}
    for name, some in values.items():
        if name in found:
            continue
        units = {
            m[1].lower()
            for value in some
            if (m := re.fullmatch(r"[\d.]+[ -]?([a-zA-Z]{2,})", value))
        }
        numbers = {m[0] for value in some if (m := re.match(r"[\d.]+", value))}
        for unit in units:
            amount = rf"(?<![\w.])(\d+(?:\.\d+)?)[ -]?{re.escape(unit)}s?\b"
            match = re.search(amount, text, re.I)
            if match and match[1] not in numbers:
                new[name] = f"{match[1]} {unit}"
    return new


def _steps(wish: Wish, text: str, values: Mapping[str, list[str]]) -> None:
    """Read comparatives into ``wish``: which option, and which way."""
    by = re.search(
        r"(\d+)\s+(?:more|less|fewer)\s+pieces|(\d+)\s+pieces\s+(?:less|fewer|more)", text, re.I
    )
    if by and "pieces" in values:
        amount = float(by[1] or by[2])
        sign = 1 if re.search(r"more", by[0]) else -1
        wish.must.pop("pieces", None)
        wish.steps.append(("pieces", "by", sign * amount))
    one_less = re.search(r"\bone size (smaller|larger|bigger|up|down)\b", text, re.I)
    if one_less and "size" in values:
        step = 1.0 if one_less[1].lower() in ("larger", "bigger", "up") else -1.0
        wish.must.pop("size", None)
        wish.steps.append(("size", "by", step))
        return
    for way, pattern in (("most", _MOST), ("least", _LEAST), ("up", _UP), ("down", _DOWN)):
        for match in re.finditer(pattern, text, re.I):
            name = _about(match[0] + text[match.end() : match.end() + 25], values)
            if name is None or any(name == step[0] for step in wish.steps):
                continue
            ordered = values[name]
            if way in ("most", "least"):
                wish.must[name] = {ordered[-1] if way == "most" else ordered[0]}
            elif name not in wish.must:
                wish.steps.append((name, way, 0.0))


def _about(words: str, values: Mapping[str, list[str]]) -> str | None:
    for pattern, names in _ABOUT:
        if re.search(pattern, words, re.I):
            hit = next((name for name in names if name in values), None)
            if hit:
                return hit
    return next((name for name in _SIZES if name in values), None)


def _free(text: str, values: Mapping[str, list[str]]) -> set[str]:
    """Return the options that the customer does not care about."""
    free: set[str] = set()
    for match in re.finditer(_ANY, text, re.I):
        after = text[match.end() : match.end() + 60]
        if re.search(r"\b(?:other|rest|else|specs?)\b|其他", after):
            free |= set(values)
        free |= {name for name in values if re.search(re.escape(name), after, re.I)}
    only = re.search(r"\bonly care about (?:the )?(\w+)", text, re.I)
    if only:
        free |= {name for name in values if name != only[1].lower()}
    return free


def _preferences(
    text: str, values: Mapping[str, list[str]]
) -> tuple[list[tuple[str, list[str]]], str]:
    """Read "prefer A > B > C", "prefer A over B", "prefer A"; return them and the text without."""
    found: list[tuple[str, list[str]]] = []

    def take(match: re.Match[str]) -> str:
        words = match[0]
        ranking = re.split(r">|\bover\b|\bthan\b|\bto\b", words)
        hits: dict[str, list[str]] = {}
        for piece in ranking:
            for name, some in mentioned(piece, values).items():
                for value in sorted(some):
                    if value not in hits.setdefault(name, []):
                        hits[name].append(value)
        found.extend(hits.items())
        return " "

    rest = re.sub(r"\(?\b(?:prefer|rather have)\b[^.;()]*[.;)]?", take, text, flags=re.I)
    rest = re.sub(r"更?喜欢[^。；]*", take, rest)
    return found, rest
