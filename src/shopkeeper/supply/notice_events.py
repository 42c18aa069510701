"""What one part of a supplier's message says: cues and marks in, NoticeEvents out.

A part may say several things (short, and late). What can be read in two ways becomes a question;
what says nothing yields nothing. Which of them hold for the whole message is decided in notices.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from shopkeeper.language.normalise import Normalised
from shopkeeper.supply import notice_cues as cues
from shopkeeper.supply import notice_marks as marks
from shopkeeper.supply.notice_counts import Count, counts
from shopkeeper.supply.notice_marks import Mark
from shopkeeper.supply.notice_parts import Part, free
from shopkeeper.supply.schema import NoticeEvent, Span

SURE, LOOSE, HEDGED = 0.95, 0.8, 0.7
_TOLD_OF_DAYS = 30  # a day of the last weeks is when something was, not when it will come
NOT_SAID = ("new_date: not said",)
_ITEM_QUESTION = ("item: not named",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An event of a part; ``weak``: only a day, without a word of late, early or as agreed."""

    event: NoticeEvent
    weak: bool = False


def events(part: Part, made: Normalised, today: str) -> Iterator[Told]:
    """Yield what one part says, kind by kind."""
    if closed := holiday(part, made):
        yield Told(event=closed)
        return
    found = list(quantities(part, made))
    yield from (Told(event=event) for event in found)
    if cues.GONE.search(part.text) and not cues.NOT_GONE.search(part.text):
        yield from (Told(event=event) for event in gone(part, made))
    priced = list(prices(part, made))
    yield from (Told(event=event) for event in priced)
    if not priced:
        yield from when(part, made, today)


def holiday(part: Part, made: Normalised) -> NoticeEvent | None:
    """Return that the supplier is closed, from a day to a day."""
    if not cues.CLOSED.search(part.heading + part.text) or part.own_order or part.items:
        return None
    left = [
        m
        for m in part.days
        if not cues.BACK.search(part.before(m)) and not cues.BACK_AFTER.match(part.after(m))
    ]
    days = [m for m in left if m.value]
    if not days:
        asked = tuple(f"holiday: {_text(part, m)}" for m in left)
        return NoticeEvent(kind="holiday", questions=asked) if asked else None
    first, last = days[0], days[-1]
    to = last.last or last.value or ""
    if first is last and not last.last and cues.LASTS.search(part.text):
        length = next((m for m in marks.lengths(part.text) if m.value), None)
        if length and length.value:
            to = marks.later(to, int(length.value) - 1)
    if not first.value or to < first.value:
        return NoticeEvent(kind="holiday", questions=(f"holiday: {part.text.strip()[:80]}",))
    spans = {"holiday": span(made, first.start, last.end)}
    return NoticeEvent(
        kind="holiday", holiday=(first.value, to), confidence=sure(part), spans=spans
    )


def quantities(part: Part, made: Normalised) -> Iterator[NoticeEvent]:
    """Yield confirmed and short counts, one event per item."""
    blanked = _blanked(part)
    if cues.TIERS.search(blanked) or cues.PAYS.search(part.text):
        return
    found = [one for one in counts(blanked) if one.role != "ordered"]
    parted = len(found) > 1 and len([m for m in part.days if m.value]) > 1
    if parted:  # deliveries in turn: the first comes as agreed, when() tells of the last
        found = [replace(found[0], role="ready")]
    by_item: dict[Mark | None, dict[str, Count]] = {}
    for one in found:
        item = _item_of(part, one)
        mine = by_item.setdefault(item, {})
        mine.setdefault(one.role, one)
    for item, roles in by_item.items():
        ready, short = roles.get("ready"), roles.get("short")
        spans = {}
        for name, said in (("quantity_confirmed", ready), ("quantity_short", short)):
            if said:
                spans[name] = span(made, part.start + said.start, part.start + said.end)
        yield from about(
            part,
            made,
            item,
            NoticeEvent(
                kind="quantity",
                quantity_confirmed=ready.value if ready else None,
                quantity_short=short.value if short else None,
                spans=spans,
            ),
        )


def gone(part: Part, made: Normalised) -> Iterator[NoticeEvent]:
    """Yield that an item will not be made any more."""
    match = cues.GONE.search(part.text)
    start, end = match.span() if match else (0, len(part.text.rstrip()))
    spans = {"discontinued": span(made, part.start + start, part.start + end)}
    event = NoticeEvent(kind="discontinued", discontinued=True, spans=spans)
    item = nearest(part.items, part.start + start)
    if item is None:
        event = replace(event, questions=_ITEM_QUESTION)
    yield from about(part, made, item, event, order=part.own_order)


def prices(part: Part, made: Normalised) -> Iterator[NoticeEvent]:
    """Yield the new price of each item; by how much it rises alone is asked for."""
    text = part.heading + part.text
    rise = cues.RISE.search(text)
    if cues.PAYS.search(text):
        return
    if part.amounts and cues.TIERS.search(_blanked(part)):
        if not re.search(r"attach|附件", text):
            yield from _asked_price(part, made)
        return
    percent = re.search(r"\d\s?%|百分之", part.text)
    if percent and rise and (cues.PRICE.search(text) or part.items):
        yield from _asked_price(part, made)
        return
    if not part.amounts or not (cues.PRICE.search(text) or rise):
        return
    for item, amounts in _amounts_by_item(part):
        amount = _new_amount(part, amounts)
        if amount is None:
            yield from _asked_price(part, made)
            continue
        value, currency = (amount.value or "").split(" ")
        event = NoticeEvent(
            kind="price",
            new_price=float(Decimal(value)),
            currency=currency,
            spans={"new_price": span(made, amount.start, amount.end)},
            questions=() if item else _ITEM_QUESTION,
        )
        yield from about(part, made, item, event, order=part.own_order)


def when(part: Part, made: Normalised, today: str) -> Iterator[Told]:
    """Yield that something comes later, earlier, on another day, or as agreed."""
    text = part.text
    if cues.PAYS.search(text) or cues.QUOTES.search(text):
        return
    denied = bool(cues.NOT_LATE.search(text))
    early = bool(cues.EARLY.search(text)) and not cues.NOT_EARLY.search(text)
    trouble = bool(cues.TROUBLE.search(text))
    late = bool(trouble or cues.LATE.search(text)) and not denied
    agreed = bool(denied or cues.AS_AGREED.search(text)) and not late
    if agreed and cues.WITHDRAWN.search(text):
        early = False
    kind = "early" if early and not (late and _late_first(text)) else "delay"
    length = length_of(part) if late or early else None
    day = _new_day(part, today)
    told = bool(cues.TELLS.search(text))
    if length:
        near = day if day and day.value and _beside(part, day) else None
        yield from (Told(event=e) for e in by_days(part, made, length, near, kind))
    elif day and not told and (late or early):
        yield from (Told(event=e) for e in to_day(part, made, day, kind))
    elif agreed and part.orders:
        dated = day if day and day.value and not day.last and cues.ARRIVES.search(text) else None
        yield from (Told(event=e) for e in confirmed(part, made, dated))
    elif day and not told and cues.ARRIVES.search(part.heading + text):
        yield from (Told(event=e, weak=True) for e in to_day(part, made, day, "delay"))
    elif cues.LATE.search(text) or cues.OPEN.search(text) or (trouble and part.own_order):
        found = about(part, made, None, NoticeEvent(kind="delay", questions=NOT_SAID))
        yield from (Told(event=e) for e in found)


def follow_up(part: Part, made: Normalised, today: str) -> Iterator[Told]:
    """Yield the day that a part names after one that only said late: "… We hope for 5 April"."""
    day = _new_day(part, today)
    other = cues.TELLS.search(part.text) or cues.PAYS.search(part.text)
    if day and not part.own_order and not other:
        yield from (Told(event=e) for e in to_day(part, made, day, "delay"))


def confirmed(part: Part, made: Normalised, day: Mark | None) -> Iterator[NoticeEvent]:
    """Yield that it comes as agreed, on that day where one is said."""
    event = NoticeEvent(kind="confirmed")
    if day:
        event = replace(
            event, new_date=day.value, spans={"new_date": span(made, day.start, day.end)}
        )
    yield from about(part, made, None, event)


def _late_first(text: str) -> bool:
    """Return whether "3 days late, not early" rather than "early instead of delayed"."""
    late, early = cues.LATE.search(text), cues.EARLY.search(text)
    return bool(late and early and late.start() < early.start())


def length_of(part: Part) -> Mark | None:
    """Return the stretch of days said, placed in the part's text."""
    taken = [part.inside(m) for m in (*part.days, *part.items)]
    found = [m for m in marks.lengths(part.text) if free(m, taken)]
    # "closed for two weeks" and "within 3 days" measure something else.
    good = [
        m for m in found if not re.search(r"(?:within|内|for the last)\s?$", part.text[: m.start])
    ]
    return good[0] if good else None


def by_days(
    part: Part, made: Normalised, length: Mark, day: Mark | None, kind: str
) -> Iterator[NoticeEvent]:
    """Yield that it comes so many days later or earlier; vague lengths are asked for."""
    place = (part.start + length.start, part.start + length.end)
    if length.value is None:
        asked = (f"days_late: {part.text[length.start : length.end]}",)
        yield from about(part, made, None, NoticeEvent(kind=kind, questions=asked))
        return
    days = int(length.value) * (-1 if kind == "early" else 1)
    spans = {"days_late": span(made, *place)}
    if day:
        spans["new_date"] = span(made, day.start, day.end)
    event = NoticeEvent(kind=kind, days_late=days, new_date=day.value if day else None, spans=spans)
    yield from about(part, made, None, event)


def _beside(part: Part, day: Mark) -> bool:
    """Return whether a day stands in a clause that says that something comes."""
    first = max(part.before(day).rfind(mark) for mark in ",，") + 1
    ends = [at for mark in ",，" if (at := part.after(day).find(mark)) >= 0]
    last = part.inside(day)[1] + min(ends, default=len(part.after(day)))
    clause = part.text[first:last]
    return bool(cues.ARRIVES.search(clause)) and not cues.SAILS.search(clause)


def _new_day(part: Part, today: str) -> Mark | None:
    """Return the day it moves to: not the one it moves from, rather one after "to"."""
    left = [
        m
        for m in part.days
        if not cues.OLD.search(part.before(m))
        and not cues.FAILS.match(part.after(m))
        and not (m.value and marks.later(today, -_TOLD_OF_DAYS) <= m.value <= today)
    ]
    for mark in left:
        if cues.BECOMES.search(part.before(mark)):
            return mark
    return left[-1] if left else None


def to_day(part: Part, made: Normalised, day: Mark, kind: str) -> Iterator[NoticeEvent]:
    """Yield that it comes on another day; a day that can be read in two ways is asked for."""
    said = span(made, day.start, day.end)
    if day.value is None or day.last:
        asked = (f"new_date: {said.text}",)
        yield from about(part, made, None, NoticeEvent(kind=kind, questions=asked))
    else:
        event = NoticeEvent(kind=kind, new_date=day.value, spans={"new_date": said})
        yield from about(part, made, None, event)


def _asked_price(part: Part, made: Normalised) -> Iterator[NoticeEvent]:
    event = NoticeEvent(kind="price", questions=("new_price: not said",))
    items = {m.value: m for m in part.items}
    for item in items.values():
        yield from about(part, made, item, event, order=part.own_order)
    if not items:
        event = replace(event, questions=(*event.questions, *_ITEM_QUESTION))
        yield from about(part, made, None, event, order=part.own_order)


def _amounts_by_item(part: Part) -> list[tuple[Mark | None, list[Mark]]]:
    """Return each item with the amounts after it, up to the next; one item has them all."""
    items = list({m.value: m for m in part.items}.values())
    if len(items) < 2:
        return [(items[0] if items else None, list(part.amounts))]
    found: list[tuple[Mark | None, list[Mark]]] = []
    for place, item in enumerate(items):
        stop = items[place + 1].start if place + 1 < len(items) else part.end
        mine = [m for m in part.amounts if item.start <= m.start < stop]
        if mine:
            found.append((item, mine))
    return found


def _new_amount(part: Part, amounts: list[Mark]) -> Mark | None:
    """Return the price from now on; None where only the difference is said."""
    left = [m for m in amounts if not cues.OLD.search(part.before(m))]
    whole = [m for m in left if not cues.BY.search(part.before(m))]
    if not whole:
        return None if left or not amounts else amounts[-1]
    for mark in whole:
        if cues.BECOMES.search(part.before(mark)):
            return mark
    return whole[0]


def _item_of(part: Part, one: Count) -> Mark | None:
    """Return the item that a count is of: right after it, else the last before, else the first."""
    place = part.start + one.end
    for mark in part.items:
        gap = part.text[one.end : mark.start - part.start]
        if mark.start >= place and re.fullmatch(
            r"\s?(?:units?|pcs|pieces?|[x×个件盒只套箱台双条瓶包张支块])?\s?(?:of (?:the )?|的)?",
            gap,
        ):
            return mark
    return nearest(part.items, place)


def nearest(items: tuple[Mark, ...], place: int) -> Mark | None:
    """Return the last item before a place, else the first."""
    before = [m for m in items if m.start <= place]
    return before[-1] if before else items[0] if items else None


def _blanked(part: Part) -> str:
    """Return the part's text where the digits of names, days, amounts and lengths are blanks."""
    text = part.text
    own = part.orders if part.own_order else ()
    # 块 is a yuan where prices are spoken of, and a piece elsewhere.
    priced = cues.PRICE.search(text) is not None
    amounts = [m for m in part.amounts if priced or not _text(part, m).endswith("块")]
    places = [part.inside(m) for m in (*part.items, *part.days, *amounts, *own)]
    places += [(m.start, m.end) for m in marks.lengths(text)]
    for first, last in places:
        if first >= 0:
            text = text[:first] + "_" * (last - first) + text[last:]
    return text


def about(
    part: Part, made: Normalised, item: Mark | None, event: NoticeEvent, *, order: bool = True
) -> Iterator[NoticeEvent]:
    """Yield the event with each purchase order, and the item, that it speaks of."""
    named: list[Mark | None] = list({m.value: m for m in part.orders}.values()) if order else []
    if item is not None and len(named) > 1:
        named = [max(named, key=lambda m: m.start if m and m.start <= item.start else -1)]
    for one in named or [None]:
        spans, known = dict(event.spans), sure(part)
        if one:
            spans["purchase_order"] = span(made, one.start, one.end)
            known = min(known, SURE if one.certain else LOOSE)
        if item:
            spans["item"] = span(made, item.start, item.end)
            known = min(known, SURE if item.certain else LOOSE)
        yield replace(
            event,
            purchase_order=one.value if one else None,
            order_known=one is not None and one.certain,
            item=item.value if item else None,
            confidence=known,
            spans=spans,
        )


def sure(part: Part) -> float:
    """Return how sure a part's words are."""
    return HEDGED if cues.HEDGE.search(part.text) else SURE


def span(made: Normalised, start: int, end: int) -> Span:
    """Return the place in the message as it came."""
    first, last = made.span(start, end)
    return Span(start=first, end=last, text=made.original[first:last])


def _text(part: Part, mark: Mark) -> str:
    first, last = part.inside(mark)
    return part.text[first:last]
