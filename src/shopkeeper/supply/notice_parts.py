"""A supplier's message cut into parts: stretches of text about one purchase order, or several.

What is no statement is blanked out first: mail that the writer quotes, questions, orders to the
reader. Places stay those of the normal text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from shopkeeper.language.entities import Known, money
from shopkeeper.language.normalise import Normalised
from shopkeeper.supply import notice_marks as marks
from shopkeeper.supply.notice_cues import any_of
from shopkeeper.supply.notice_marks import Mark
from shopkeeper.supply.schema import Context

_SENTENCE_END = re.compile(
    r"(?<!No)(?<!no)(?<!approx)(?<!\bNr)(?<!\bca)(?<!\bRef)(?<!\bMr)(?<!\bMs)\.(?=\s|$)|[!?。！？;；\n]+|"
    r"(?<=[a-z])\.(?=[A-Z])"
)
COMMAND = any_of(
    r"\bignore\b[^.]{0,40}\b(?:instructions?|rules|above|messages?)\b(?! of yesterday)",
    r"\b(?:disregard|override)\b",
    r"\bsystem\s?[:>\]]",
    r"\byou (?:are now|must|shall|have to)\b",
    r"\b(?:auto-?)?approve\b",
    r"\bset the price of all\b",
    r"\bcancel (?:every|all)\b|\bmark (?:every|all)\b",
    r"\b(?:assistant|ai|bot)\s?[:,]|\bassistant (?:must|should|shall|will)\b",
    r"\bmark\b.{0,30}\bas accepted\b",
    r"\bdo not ask\b|\bwithout (?:any )?(?:review|approval|asking|confirmation)\b",
    r"^\s*(?:change|set|move|update|close|cancel|mark|accept|delete|execute) (?:the )?[\w-]*\d",
    r"忽略.{0,12}(?:指令|规则|以上|规定|要求|限制)",
    r"系统\S{0,4}(?:提示|指令|命令)|指令[:：]|请执行",
    r"(?:直接|自动|立即|马上)(?:批准|接受|通过|执行)",
    r"把?全部订单|(?:全部|所有)\S{0,4}改[为成]",
    r"助手|机器人|无[需须]\S{0,4}(?:确认|审核|批准)|标记为",
)
_QUOTED_AFTER = re.compile(r"(?:\bwrote|写道)\s?:\s*$", re.IGNORECASE)
_JOINED = re.compile(
    r"\s?(?:,|、|&|/|\+|and|or|as well as|,\s?and|和|与|及|以及|跟|还有)\s?"
    r"(?:(?:the )?(?:po|order|purchase order|采购单|订单|合同)s?\s?[#:]?\s?)?",
    re.IGNORECASE,
)
_SAME = any_of(
    r"\b(?:it|its|it's|this|these|they|the (?:item|product|article))\b", r"这款|该[款产]|此款|这个"
)
_WRAPPED = 45  # characters from which a line end may be the mail program's


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A stretch of the normal text about some purchase orders (or none), with what is in it."""

    start: int
    end: int
    text: str
    heading: str  # of the list that it belongs to
    orders: tuple[Mark, ...]
    own_order: bool  # the order stands in this part, not before it
    items: tuple[Mark, ...]
    days: tuple[Mark, ...]
    amounts: tuple[Mark, ...]

    def inside(self, mark: Mark) -> tuple[int, int]:
        """Return a mark's place in this part's text."""
        return mark.start - self.start, mark.end - self.start

    def before(self, mark: Mark) -> str:
        """Return the part's text before a mark."""
        return self.text[: mark.start - self.start]

    def after(self, mark: Mark) -> str:
        """Return the part's text after a mark."""
        return self.text[mark.end - self.start :]


def readable(made: Normalised) -> Normalised:
    """Return the text with broken lines joined, questions and orders to the reader blanked out.

    >>> from shopkeeper.language.normalise import normalise
    >>> readable(normalise("PO-7 is late. Can you call?")).text.strip()
    'PO-7 is late.'
    """
    text = _unwrapped(made.text)
    letters = list(text)
    for first, last in _sentences(text):
        sentence = text[first:last]
        if COMMAND.search(sentence):
            letters[first:last] = " " * (last - first)
        elif re.search(r"[?？]\s*$", sentence):
            # "It comes on the 9th, is that all right?" says something before it asks.
            comma = max(sentence.rfind(","), sentence.rfind("，"))
            letters[first + comma + 1 : last] = " " * (last - first - comma - 1)
    return replace(made, text="".join(letters))


def unquoted(made: Normalised) -> Normalised:
    """Return the text without the lines that the writer quotes: those with > after "… wrote:"."""
    lines, quoting = [], False
    for line in made.text.split("\n"):
        quoting = bool(_QUOTED_AFTER.search(line)) or (
            quoting and (line.startswith(">") or not line.strip())
        )
        lines.append(" " * len(line) if quoting else line)
    return replace(made, text="\n".join(lines))


def parts(made: Normalised, context: Context) -> Iterator[Part]:
    """Yield the parts of a readable text, in order."""
    text = made.text
    orders = marks.orders(text, context)
    taken = [(m.start, m.end) for m in orders]
    items = [m for m in marks.items(text, context) if free(m, taken)]
    taken += [(m.start, m.end) for m in items]
    days = [m for m in marks.days(made, context) if free(m, taken)]
    money_marks = amounts(made)
    current = _of_all(text, orders)
    heading = ""
    for first, last in _pieces(text, orders):
        inside = _within(orders, first, last)
        current = inside or current
        piece = text[first:last]
        yield Part(
            start=first,
            end=last,
            text=piece,
            heading=heading,
            orders=current,
            own_order=bool(inside),
            items=_within(items, first, last),
            days=_within(days, first, last),
            amounts=_within(money_marks, first, last),
        )
        heading = _heading(piece, heading, text[last : last + 2])


def with_items(found: Iterable[Part]) -> Iterator[Part]:
    """Yield the parts; one that names no item but says "it" has the single one named before."""
    last: tuple[Mark, ...] = ()
    for part in found:
        if not part.items and len({m.value for m in last}) == 1 and _SAME.search(part.text):
            yield replace(part, items=(replace(last[-1], certain=False),))
        else:
            yield part
        last = part.items or last


def free(mark: Mark, taken: list[tuple[int, int]]) -> bool:
    """Return whether a mark touches none of these places."""
    return all(mark.end <= start or mark.start >= end for start, end in taken)


def _heading(piece: str, heading: str, following: str) -> str:
    """Return the heading of what follows: a line that ends in a colon, up to an empty line."""
    if re.search(r"[:：]\s*$", piece):
        return piece
    return "" if piece.endswith("\n\n") or following.startswith("\n") else heading


def _of_all(text: str, orders: list[Mark]) -> tuple[Mark, ...]:
    """Return the orders that a part before any order is about: all, where they are named once."""
    if not orders:
        return ()
    first = [orders[0]]
    for before, after in pairwise(orders):
        if not _JOINED.fullmatch(text[before.end : after.start]):
            break
        first.append(after)
    return tuple(first) if {m.value for m in orders} <= {m.value for m in first} else ()


def _pieces(text: str, orders: list[Mark]) -> Iterator[tuple[int, int]]:
    """Yield sentences, cut again where they go on to another purchase order."""
    for start, end in _sentences(text):
        inside = [m for m in orders if start <= m.start < end]
        turns = [
            (a, b)
            for a, b in pairwise(inside)
            if a.value != b.value and not _JOINED.fullmatch(text[a.end : b.start])
        ]
        # "3 days for PO-1, 5 for PO-2": where nothing follows the last, each stands after its own.
        trailing = bool(turns) and not re.search(r"\w", text[inside[-1].end : end])
        cuts = [a.end if trailing else b.start for a, b in turns]
        for first, last in zip([start, *cuts], [*cuts, end], strict=True):
            if text[first:last].strip():
                yield first, last


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    at = 0
    for match in [*_SENTENCE_END.finditer(text), None]:
        end = match.end() if match else len(text)
        if end > at:
            yield at, end
        at = end


def _unwrapped(text: str) -> str:
    """Join lines that a mail program broke: a long one that goes on in small letters."""
    letters = list(text)
    for match in re.finditer(r"(?<=[\w,])\n(?=[a-z\d(])", text):
        line = match.start() - (text.rfind("\n", 0, match.start()) + 1)
        if line >= _WRAPPED:
            letters[match.start()] = " "
    return "".join(letters)


def _within(found: list[Mark], first: int, last: int) -> tuple[Mark, ...]:
    return tuple(mark for mark in found if first <= mark.start < last)


def amounts(made: Normalised) -> list[Mark]:
    """Return the amounts of money, by place."""
    places = {start: place for place, start in reversed(list(enumerate(made.starts)))}
    stops = {end: place + 1 for place, end in enumerate(made.ends)}
    found = [
        Mark(start=places.get(e.start, 0), end=stops.get(e.end, 0), value=e.value)
        for e in money.find(made, Known(today=marks.ANY_DAY))
    ]
    return sorted(found, key=lambda mark: mark.start)
