"""What a part says that no rule reads, by a classifier's guess of its kind.

Only where the part holds a value that such an event needs, and never more than a proposal: the
confidence of a guess stays below that of what may be applied without a person.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from shopkeeper.language.normalise import Normalised
from shopkeeper.supply import notice_events as says
from shopkeeper.supply import notice_marks as marks
from shopkeeper.supply.notice_events import LOOSE, Told
from shopkeeper.supply.notice_parts import Part
from shopkeeper.supply.schema import NoticeEvent

LEAST = 0.75


def guess(part: Part, made: Normalised, kinds: Callable[[str], tuple[str, float]]) -> list[Told]:
    """Return what the classifier guesses that a part says."""
    if not (part.orders or part.items):
        return []
    kind, probability = kinds(masked(part))
    if kind == "none" or probability < LEAST:
        return []
    found = list(_events(part, made, kind))
    return [
        Told(event=replace(e, confidence=min(e.confidence, LOOSE * probability))) for e in found
    ]


def masked(part: Part) -> str:
    """Return the part's text with names, days, amounts and lengths as placeholders.

    What it speaks of is told by the words around; a classifier must not learn ids.
    """
    own = part.orders if part.own_order else ()
    places = [(*part.inside(m), " ORDER ") for m in own if m.start >= part.start]
    places += [(*part.inside(m), " ITEM ") for m in part.items]
    places += [(*part.inside(m), " DAY ") for m in part.days]
    places += [(*part.inside(m), " MONEY ") for m in part.amounts]
    places += [(m.start, m.end, " SPAN ") for m in marks.lengths(part.text)]
    text, edge = part.text, len(part.text)
    for first, last, name in sorted(places, reverse=True):
        if last <= edge:
            text = text[:first] + name + text[last:]
            edge = first
    digits = "".join("0" if letter.isdigit() else letter for letter in text)
    return " ".join(digits.split())


def _events(part: Part, made: Normalised, kind: str) -> list[NoticeEvent]:
    days = [m for m in part.days if m.value and not m.last]
    length = says.length_of(part)
    if kind in ("delay", "early") and (length or days):
        return list(
            says.by_days(part, made, length, None, kind)
            if length
            else says.to_day(part, made, days[-1], kind)
        )
    if kind == "delay" and part.orders:
        return list(says.about(part, made, None, NoticeEvent(kind=kind, questions=says.NOT_SAID)))
    if kind == "confirmed" and part.orders:
        return list(says.confirmed(part, made, days[-1] if days else None))
    if kind == "discontinued" and part.items:
        return list(says.gone(part, made))
    return []
