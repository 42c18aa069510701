"""Order lists in a supplier's message: lines of cells with | or tabs between, under a heading.

A heading names what stands below: purchase order, item, confirmed, short, new date, price. Cells
are read as the rest of a message is. Lines of a table are taken out of the text that is read as
sentences.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from shopkeeper.language.normalise import Normalised
from shopkeeper.supply import notice_cues as cues
from shopkeeper.supply import notice_marks as marks
from shopkeeper.supply.notice_cues import any_of
from shopkeeper.supply.notice_events import NOT_SAID, SURE, span
from shopkeeper.supply.schema import Context, NoticeEvent

_HEADS = {
    "old": any_of(r"\b(?:old|original|previous|current|requested)\b", r"原|旧|要求"),
    "short": any_of(r"\b(?:short\w*|missing|backorder\w*|open)\b", r"缺|欠|短"),
    "ready": any_of(
        r"\b(?:confirmed|shipped|ready|deliver(?:ed|able)|available)\b", r"确认|实发|可发|已发|可供"
    ),
    "ordered": any_of(r"\b(?:ordered|order qty|qty|quantity)\b", r"订购|订货|数量"),
    "price": any_of(r"\bprice\b", r"单价|价格"),
    "late": any_of(r"\b(?:delay|days late|late)\b", r"延[期误迟]|晚"),
    "date": any_of(
        r"\b(?:eta|etd|date|delivery|ship\w*|due|arriv\w*)\b", r"交期|到货|发货|日期|到港|交货"
    ),
    "order": any_of(r"\b(?:po|order|purchase)\b", r"订单|采购|合同"),
    "item": any_of(
        r"\b(?:item|sku|product|article|part|description)\b", r"品名|货号|产品|物料|型号|规格"
    ),
    "remark": any_of(r"\b(?:status|remarks?|comments?|notes?)\b", r"状态|备注|说明|情况"),
}
_FEWEST = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cell:
    start: int
    end: int
    text: str


def take(made: Normalised, context: Context) -> tuple[Normalised, list[NoticeEvent]]:
    """Return the text without its tables, and what the tables say."""
    letters = list(made.text)
    found: list[NoticeEvent] = []
    for heads, rows in _tables(made):
        for row in rows:
            found += _events(heads, row, made, context)
        for row in [*rows, heads]:
            first, last = row[0].start, row[-1].end
            letters[first:last] = " " * (last - first)
    return replace(made, text="".join(letters)), found


def _tables(made: Normalised) -> Iterator[tuple[list[_Cell], list[list[_Cell]]]]:
    lines = [cells for cells in map(list, _lines(made)) if cells]
    at = 0
    while at < len(lines):
        heads, rows = lines[at], []
        at += 1
        named = any(re.search(r"\d", head.text) for head in heads)
        if named or len(heads) < _FEWEST or len(_roles(heads)) < _FEWEST:
            continue
        while at < len(lines) and len(lines[at]) == len(heads):
            rows.append(lines[at])
            at += 1
        if rows:
            yield heads, rows


def _lines(made: Normalised) -> Iterator[Iterator[_Cell]]:
    """Yield lines as cells; a tab became a space, so the original says where it was."""
    start = 0
    for line in made.text.split("\n"):
        cuts = [
            place
            for place in range(start, start + len(line))
            if made.text[place] == "|" or made.original[made.starts[place]] == "\t"
        ]
        edges = [start - 1, *cuts, start + len(line)]
        cells = [_cell(made.text, a + 1, b) for a, b in pairwise(edges)]
        # A line framed by | has an empty cell at each end.
        if cells and not cells[0].text and len(cells) > 1:
            cells = cells[1:]
        if cells and not cells[-1].text and len(cells) > 1:
            cells = cells[:-1]
        rule = all(set(cell.text) <= set("-=:+ ") for cell in cells) and len(cells) > 1
        yield iter(() if rule else cells)
        start += len(line) + 1


def _cell(text: str, first: int, last: int) -> _Cell:
    inside = text[first:last]
    lead = len(inside) - len(inside.lstrip())
    return _Cell(start=first + lead, end=first + len(inside.rstrip()), text=inside.strip())


def _roles(heads: list[_Cell]) -> dict[str, int]:
    """Return role -> column; each heading has the first role that its words fit."""
    found: dict[str, int] = {}
    for place, head in enumerate(heads):
        role = next((name for name, shape in _HEADS.items() if shape.search(head.text)), None)
        # "Order qty" counts, "PO No." names; "New ETA" is the date, "Original ETA" is not.
        if role is not None:
            found.setdefault(role, place)
    return found


def _events(
    heads: list[_Cell], row: list[_Cell], made: Normalised, context: Context
) -> Iterator[NoticeEvent]:
    roles = _roles(heads)
    cells = {role: row[place] for role, place in roles.items()}
    line = " ".join(cell.text for cell in row)
    orders = marks.orders(cells["order"].text if "order" in cells else line, context)
    items = marks.items(cells["item"].text if "item" in cells else line, context)
    order = orders[0] if orders else None
    if order is None and not items:
        return
    whole = span(made, row[0].start, row[-1].end)

    def event(kind: str, role: str | None, *, item: bool = False, **values: object) -> NoticeEvent:
        spans = (
            {name: span(made, cells[role].start, cells[role].end) for name in values}
            if role
            else {}
        )
        if order:
            spans["purchase_order"] = whole
        if item and items:
            spans["item"] = whole
        made_event = NoticeEvent(
            kind=kind,
            purchase_order=order.value if order else None,
            order_known=bool(order and order.certain),
            item=items[0].value if item and items else None,
            confidence=SURE,
            spans=spans,
        )
        return replace(made_event, **values)  # type: ignore[arg-type]

    counted = {role: _count(cells[role].text) for role in ("ready", "short") if role in cells}
    ready, short = counted.get("ready"), counted.get("short")
    if ready is not None:
        values = {"quantity_confirmed": ready} | ({"quantity_short": short} if short else {})
        yield event("quantity", "ready", item=True, **values)
    elif short:
        yield event("quantity", "short", item=True, quantity_short=short)
    yield from _whens(cells, event, context)


def _whens(cells: dict[str, _Cell], event, context: Context) -> Iterator[NoticeEvent]:  # type: ignore[no-untyped-def]
    from shopkeeper.language.normalise import normalise

    late = cells.get("late")
    if late and (length := next(iter(marks.lengths(late.text)), None)) and length.value:
        yield event("delay", "late", days_late=int(length.value))
    for role in ("date", "remark"):
        cell = cells.get(role)
        if cell is None or not cell.text:
            continue
        days = marks.days(normalise(cell.text), context)
        if days and days[0].value:
            yield event("delay", role, new_date=days[0].value)
        elif days:
            yield replace(event("delay", None), questions=(f"new_date: {cell.text}",))
        elif (length := next(iter(marks.lengths(cell.text)), None)) and length.value:
            yield event("delay", role, days_late=int(length.value))
        elif cues.AS_AGREED.search(cell.text):
            yield event("confirmed", None)
        elif cues.LATE.search(cell.text) or cues.OPEN.search(cell.text):
            yield replace(event("delay", None), questions=NOT_SAID)
        else:
            continue
        return


def _count(text: str) -> float | None:
    match = re.match(r"\d{1,3}(?:,\d{3})+|\d+", text)
    return float(match.group().replace(",", "")) if match else None
