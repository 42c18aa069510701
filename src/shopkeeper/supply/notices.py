"""Read what suppliers and carriers write: a message in Chinese or English → NoticeEvents.

Rules only, no model: a sentence says something when a cue (delayed, 缺货, closed) and a value stand
in it, and the value's place is kept. What can be read in two ways becomes a question. A sentence
that gives orders to the reader is passed over, and its message is never applied without a person.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise

from shopkeeper.language.entities import Known, money
from shopkeeper.language.normalise import Normalised, normalise
from shopkeeper.supply import notice_cues as cues
from shopkeeper.supply import notice_marks as marks
from shopkeeper.supply.notice_marks import Mark
from shopkeeper.supply.schema import Context, NoticeEvent, Span

SURE, LOOSE, HEDGED, ORDERED_ABOUT = 0.95, 0.8, 0.7, 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A stretch of the normal text about one purchase order (or none), with what stands in it."""

    start: int
    end: int
    text: str
    order: Mark | None
    own_order: bool  # the order stands in this part, not before it
    items: tuple[Mark, ...]
    days: tuple[Mark, ...]
    amounts: tuple[Mark, ...]


def read(text: str, context: Context) -> tuple[NoticeEvent, ...]:
    """Return what a message announces, in order of place; reading changes nothing.

    >>> from shopkeeper.supply.schema import OpenOrder
    >>> one = OpenOrder(purchase_order="PO-7", supplier_id="s", items=("mug",), quantities=(9.0,),
    ...     ordered_day="2026-11-01", expected_day="2026-12-01")
    >>> context = Context(open_orders=(one,), today="2026-11-24")
    >>> [event] = read("PO-7 will be 5 days late.", context)
    >>> event.days_late, event.automatic, event.spans["days_late"].text
    (5, True, '5 days')
    >>> read("PO-7 arrives on 03/04/05.", context)[0].questions
    ('new_date: 03/04/05',)
    """
    made = normalise(text)
    found: list[NoticeEvent] = []
    for part in _parts(made, context):
        found += _events(part, made)
    told = _merged(found)
    known = {order.purchase_order for order in context.open_orders}
    doubted = cues.COMMAND.search(made.text) is not None
    return tuple(_judged(event, known, doubted) for event in told)


def _parts(made: Normalised, context: Context) -> Iterator[_Part]:
    text = made.text
    orders = marks.orders(text, context)
    taken = [(m.start, m.end) for m in orders]
    items = [m for m in marks.items(text, context) if _free(m, taken)]
    days = [m for m in marks.days(made, context) if _free(m, taken)]
    amounts = _amounts(made)
    names = {mark.value for mark in orders}
    current = orders[0] if len(names) == 1 else None
    for first, last in _pieces(text, orders):
        inside = [m for m in orders if first <= m.start < last]
        current = inside[0] if inside else current
        piece = text[first:last]
        if not cues.COMMAND.search(piece):
            yield _Part(
                start=first,
                end=last,
                text=piece,
                order=current,
                own_order=bool(inside),
                items=_within(items, first, last),
                days=_within(days, first, last),
                amounts=_within(amounts, first, last),
            )


def _pieces(text: str, orders: list[Mark]) -> Iterator[tuple[int, int]]:
    """Yield sentences, cut again before each purchase order after a sentence's first."""
    at = 0
    for match in [*cues.SENTENCE_END.finditer(text), None]:
        end = match.end() if match else len(text)
        inside = [m for m in orders if at <= m.start < end]
        cuts = [b.start for a, b in pairwise(inside) if a.value != b.value]
        for first, last in zip([at, *cuts], [*cuts, end], strict=True):
            if text[first:last].strip():
                yield first, last
        at = end


def _free(mark: Mark, taken: list[tuple[int, int]]) -> bool:
    return all(mark.end <= start or mark.start >= end for start, end in taken)


def _within(found: list[Mark], first: int, last: int) -> tuple[Mark, ...]:
    return tuple(mark for mark in found if first <= mark.start < last)


def _amounts(made: Normalised) -> list[Mark]:
    places = {start: place for place, start in reversed(list(enumerate(made.starts)))}
    stops = {end: place + 1 for place, end in enumerate(made.ends)}
    found = [
        Mark(start=places.get(e.start, 0), end=stops.get(e.end, 0), value=e.value)
        for e in money.find(made, Known(today=cues.ANY_DAY))
    ]
    return sorted(found, key=lambda mark: mark.start)


def _events(part: _Part, made: Normalised) -> Iterator[NoticeEvent]:
    """Yield what one part says, kind by kind."""
    if closed := _holiday(part, made):
        yield closed
        return
    yield from _quantities(part, made)
    if cues.GONE.search(part.text) and not cues.NOT_GONE.search(part.text):
        yield _gone(part, made)
    if cues.PRICE.search(part.text) and part.amounts:
        yield _price(part, made)
    elif when := _when(part, made):
        yield when


def _holiday(part: _Part, made: Normalised) -> NoticeEvent | None:
    if not cues.CLOSED.search(part.text) or part.own_order:
        return None
    days = [m for m in part.days if m.value]
    if not days:
        asked = tuple(
            f"holiday: {part.text[m.start - part.start : m.end - part.start]}" for m in part.days
        )
        return NoticeEvent(kind="holiday", questions=asked) if asked else None
    first, last = days[0], days[-1]
    to = last.last or last.value or ""
    if not first.value or to < first.value:
        return NoticeEvent(kind="holiday", questions=(f"holiday: {part.text.strip()[:80]}",))
    spans = {"holiday": _span(made, first.start, last.end)}
    return NoticeEvent(
        kind="holiday", holiday=(first.value, to), confidence=_sure(part), spans=spans
    )


def _quantities(part: _Part, made: Normalised) -> Iterator[NoticeEvent]:
    short = _number(cues.SHORT, part)
    ready = _number(cues.READY, part)
    if ready and short and ready[1] < short[2] and short[1] < ready[2]:
        ready = None
    if not short and not ready:
        return
    spans, place = {}, (ready or short or (0, 0, 0))[1]
    if ready:
        spans["quantity_confirmed"] = _span(made, ready[1], ready[2])
    if short:
        spans["quantity_short"] = _span(made, short[1], short[2])
    item = _nearest(part.items, place)
    yield _about(
        part,
        made,
        item,
        NoticeEvent(
            kind="quantity",
            quantity_confirmed=ready[0] if ready else None,
            quantity_short=short[0] if short else None,
            spans=spans,
        ),
    )


def _number(shape: re.Pattern[str], part: _Part) -> tuple[float, int, int] | None:
    """Return the first count that a cue takes; digits of names and days are no counts."""
    text = part.text
    for mark in (*part.items, *part.days, *([part.order] if part.own_order and part.order else [])):
        first, last = mark.start - part.start, mark.end - part.start
        text = text[:first] + "_" * (last - first) + text[last:]
    match = shape.search(text)
    if match is None:
        return None
    name = next(name for name, value in match.groupdict().items() if value is not None)
    value = float(match[name].replace(",", ""))
    return value, part.start + match.start(name), part.start + match.end(name)


def _gone(part: _Part, made: Normalised) -> NoticeEvent:
    match = cues.GONE.search(part.text)
    assert match is not None
    place = part.start + match.start()
    spans = {"discontinued": _span(made, place, part.start + match.end())}
    event = NoticeEvent(kind="discontinued", discontinued=True, spans=spans)
    item = _nearest(part.items, place)
    if item is None:
        event = replace(event, questions=("item: not named",))
    return _about(part, made, item, event, order=part.own_order)


def _price(part: _Part, made: Normalised) -> NoticeEvent:
    amount = part.amounts[-1]
    for mark in part.amounts:
        if cues.BECOMES.search(part.text[: mark.start - part.start]):
            amount = mark
    value, currency = (amount.value or "").split(" ")
    item = _nearest(part.items, amount.start)
    event = NoticeEvent(
        kind="price",
        new_price=float(Decimal(value)),
        currency=currency,
        spans={"new_price": _span(made, amount.start, amount.end)},
        questions=() if item else ("item: not named",),
    )
    return _about(part, made, item, event, order=part.own_order)


def _when(part: _Part, made: Normalised) -> NoticeEvent | None:
    """Return that something comes later, earlier, on another day, or as agreed."""
    if cues.PAYS.search(part.text):
        return None
    denied = cues.NOT_LATE.search(part.text)
    late = cues.LATE.search(part.text) and not denied
    early = cues.EARLY.search(part.text) and not denied
    moves = cues.ARRIVES.search(part.text) and not cues.TELLS.search(part.text)
    kind = "early" if early and not late else "delay"
    if late or early:
        length = next(iter(marks.lengths(part.text)), None)
        if length and _free(
            length, [(m.start - part.start, m.end - part.start) for m in (*part.days, *part.items)]
        ):
            return _by_days(part, made, length, kind)
    if (late or early or moves) and not cues.TELLS.search(part.text):
        day = _new_day(part)
        if day:
            event = _to_day(part, made, day, kind)
            # A day without a word of lateness may be the one that was agreed.
            return (
                event if late or early else replace(event, confidence=min(event.confidence, LOOSE))
            )
    if late or cues.OPEN.search(part.text):
        return _about(
            part, made, None, NoticeEvent(kind="delay", questions=("new_date: not said",))
        )
    if (denied or cues.AS_AGREED.search(part.text)) and part.order:
        return _about(part, made, None, NoticeEvent(kind="confirmed"))
    return None


def _by_days(part: _Part, made: Normalised, length: Mark, kind: str) -> NoticeEvent:
    place = (part.start + length.start, part.start + length.end)
    if length.value is None:
        asked = (f"days_late: {part.text[length.start : length.end]}",)
        return _about(part, made, None, NoticeEvent(kind=kind, questions=asked))
    days = int(length.value) * (-1 if kind == "early" else 1)
    spans = {"days_late": _span(made, *place)}
    return _about(part, made, None, NoticeEvent(kind=kind, days_late=days, spans=spans))


def _new_day(part: _Part) -> Mark | None:
    """Return the day it moves to: not the one it moves from, rather one after "to"."""
    left = [m for m in part.days if not cues.OLD_DAY.search(part.text[: m.start - part.start])]
    for mark in left:
        if cues.BECOMES.search(part.text[: mark.start - part.start]):
            return mark
    return left[-1] if left else None


def _to_day(part: _Part, made: Normalised, day: Mark, kind: str) -> NoticeEvent:
    span = _span(made, day.start, day.end)
    if day.value is None or day.last:
        return _about(
            part, made, None, NoticeEvent(kind=kind, questions=(f"new_date: {span.text}",))
        )
    return _about(
        part, made, None, NoticeEvent(kind=kind, new_date=day.value, spans={"new_date": span})
    )


def _nearest(items: tuple[Mark, ...], place: int) -> Mark | None:
    before = [m for m in items if m.start <= place]
    return before[-1] if before else items[0] if items else None


def _about(
    part: _Part, made: Normalised, item: Mark | None, event: NoticeEvent, *, order: bool = True
) -> NoticeEvent:
    """Return the event with the purchase order and item that it speaks of."""
    spans, sure = dict(event.spans), _sure(part)
    named = part.order if order else None
    if named:
        spans["purchase_order"] = _span(made, named.start, named.end)
        sure = min(sure, SURE if named.certain else LOOSE)
    if item:
        spans["item"] = _span(made, item.start, item.end)
    return replace(
        event,
        purchase_order=named.value if named else None,
        order_known=named is not None and named.certain,
        item=item.value if item else None,
        confidence=sure,
        spans=spans,
    )


def _sure(part: _Part) -> float:
    return HEDGED if cues.HEDGE.search(part.text) else SURE


def _merged(found: list[NoticeEvent]) -> list[NoticeEvent]:
    """Leave out what says less than another event about the same order, and repeats."""
    told: list[NoticeEvent] = []
    for event in found:
        others = [e for e in found if e is not event and e.purchase_order == event.purchase_order]
        valued = [e for e in others if e.days_late is not None or e.new_date]
        bare = event.questions == ("new_date: not said",)
        if bare and (valued or (event.purchase_order is None and len(found) > 1)):
            continue
        if event.kind == "confirmed" and others and any(e.kind != "confirmed" for e in others):
            continue
        if any(_said(event) == _said(other) for other in told):
            continue
        told.append(event)
    return told


def _said(event: NoticeEvent) -> NoticeEvent:
    return replace(event, spans={}, confidence=0.0, order_known=False)


def _judged(event: NoticeEvent, known: set[str], doubted: bool) -> NoticeEvent:
    """Return the event with the questions about its order, and its last confidence."""
    asked = list(event.questions)
    if event.purchase_order is not None and event.purchase_order not in known:
        asked.append(f"purchase_order: {event.purchase_order} is not open")
    elif event.purchase_order is None and event.kind in ("delay", "early", "quantity"):
        asked.append("purchase_order: not named")
    sure = min(event.confidence, ORDERED_ABOUT) if doubted else event.confidence
    return replace(
        event,
        questions=tuple(asked),
        confidence=sure,
        order_known=event.order_known and event.purchase_order in known,
    )


def _span(made: Normalised, start: int, end: int) -> Span:
    first, last = made.span(start, end)
    return Span(start=first, end=last, text=made.original[first:last])
