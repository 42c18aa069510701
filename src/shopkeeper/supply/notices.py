"""Read what suppliers and carriers write: a message in Chinese or English → NoticeEvents.

Rules first: a part says something when a cue (delayed, 缺货, closed) and a value stand in it, and
the value's place is kept. What can be read in two ways becomes a question. A small classifier may
be given for messages in which no rule reads a thing; what it finds is never applied without a
person. A sentence that gives orders to the reader is passed over, and its message is never applied
without a person.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from shopkeeper.language.normalise import normalise
from shopkeeper.supply import notice_events, notice_tables
from shopkeeper.supply.notice_events import LOOSE, NOT_SAID, Told
from shopkeeper.supply.notice_guess import guess
from shopkeeper.supply.notice_parts import COMMAND, Part, parts, readable, unquoted, with_items
from shopkeeper.supply.schema import Context, NoticeEvent

ORDERED_ABOUT = 0.5
Kinds = Callable[[str], tuple[str, float]]  # masked text of a part -> kind or "none", probability


def read(text: str, context: Context, kinds: Kinds | None = None) -> tuple[NoticeEvent, ...]:
    """Return what a message announces, in order of place; reading changes nothing.

    ``kinds``: a classifier of parts (models/notice_kinds.py) for messages that no rule reads.

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
    doubted = COMMAND.search(made.text) is not None
    rest, listed = notice_tables.take(unquoted(made), context)
    clean = readable(rest)
    found = [Told(event=event) for event in listed]
    seen: list[Part] = []
    bare = False
    for part in with_items(parts(clean, context)):
        told = list(notice_events.events(part, clean, context.today))
        if bare and not told:
            told = list(notice_events.follow_up(part, clean, context.today))
        bare = bool(told) and told[-1].event.questions == NOT_SAID
        found += told
        seen.append(part)
    if kinds is not None and not found:
        found = [one for part in seen for one in guess(part, clean, kinds)]
    known = {order.purchase_order for order in context.open_orders}
    return tuple(_judged(event, known, doubted) for event in _merged(found))


def _merged(found: list[Told]) -> list[NoticeEvent]:
    """Leave out what says less than another event about the same order, and repeats."""
    told: list[NoticeEvent] = []
    found = _joined(found)
    agreed = {
        one.event.purchase_order
        for one in found
        if one.event.kind == "confirmed" and one.event.new_date is None
    }
    for one in found:
        event = one.event
        if one.weak and event.purchase_order in agreed and event.new_date:
            # "Customs is done. It comes tomorrow.": a day beside an assurance is the agreed one.
            event = replace(event, kind="confirmed")
        elif one.weak:
            # A day without a word of lateness may be the one that was agreed.
            event = replace(event, confidence=min(event.confidence, LOOSE))
        if _says_less(one, event, found):
            continue
        if any(_said(event) == _said(other) for other in told):
            continue
        told.append(event)
    return told


def _joined(found: list[Told]) -> list[Told]:
    """Make one event of "860 can go; 340 are missing": same order, same item, one after another."""
    made: list[Told] = []
    for one in found:
        last = made[-1].event if made else None
        event = one.event
        if (
            last is not None
            and last.kind == event.kind == "quantity"
            and (last.purchase_order, last.item) == (event.purchase_order, event.item)
            and last.quantity_short is None
            and event.quantity_confirmed is None
        ):
            both = replace(
                last,
                quantity_short=event.quantity_short,
                confidence=min(last.confidence, event.confidence),
                spans={**event.spans, **last.spans},
            )
            made[-1] = replace(made[-1], event=both)
        else:
            made.append(one)
    return made


def _says_less(one: Told, event: NoticeEvent, found: list[Told]) -> bool:
    others = [o for o in found if o is not one and o.event.purchase_order == event.purchase_order]
    valued = [o for o in others if o.event.days_late is not None or o.event.new_date]
    asked = [o for o in others if o.event.kind in ("delay", "early")]
    if event.questions == NOT_SAID:
        more = [o for o in asked if o.event.questions != NOT_SAID]
        nobody = event.purchase_order is None and len(found) > 1
        return bool(valued or more or nobody)
    if event.kind == "confirmed" and event.new_date is None:
        return any(o.event.kind != "confirmed" or o.weak or o.event.new_date for o in others)
    if one.weak and event.kind == "delay":
        # The day of a sailing or a half adds nothing to a delay that is told in full.
        return any(
            o.event.kind in ("delay", "early") and not o.weak and o in valued for o in others
        )
    return False


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
