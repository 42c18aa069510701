"""Rows that share an id to one event: the lines of an order, a delivery, a promotion.

Rows of one group may stand anywhere within two chunks; then the group is closed, so memory
stays bounded. A row that comes later still is set aside with a reason, and so is a whole group
when one of its rows is bad: half an order would be wrong about its money for good.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from shopkeeper.data.events import Line
from shopkeeper.data.importers.reading import Chunk
from shopkeeper.data.importers.rows import Context, Found, Odd, RowReader, line_of, make_event

MAX_LINES = 2000
# Differ from line to line; everything else is the group's and must agree.
_OF_LINE = ("item_id", "quantity", "price_minor", "discount_minor", "position")

Member = tuple[int, dict[str, Any]]


def group_events(context: Context, chunks: Iterator[Chunk]) -> Iterator[Found | Odd]:
    """Yield one event per group (two for an order that holds sales and returns)."""
    group = str(context.spec.group)
    reader = RowReader(context)
    waiting: dict[str, list[Member | Odd]] = {}
    closed: set[str] = set()
    for chunk in chunks:
        touched: set[str] = set()
        for one in reader.records(chunk):
            key = _key(one, group)
            if key is None:
                yield _keyless(one, group)
            elif key in closed:
                yield _late(one, group, key)
            else:
                waiting.setdefault(key, []).append(one)
                touched.add(key)
        for key in [k for k in waiting if k not in touched]:
            yield from _close(context, group, key, waiting.pop(key))
            closed.add(key)
    for key, members in waiting.items():
        yield from _close(context, group, key, members)


def _key(one: Member | Odd, group: str) -> str | None:
    value = one.raw.get(group) if isinstance(one, Odd) else one[1].get(group)
    return str(value).strip() or None if value is not None else None


def _keyless(one: Member | Odd, group: str) -> Odd:
    if isinstance(one, Odd):
        return one
    return Odd(one[0], "missing_field", group, f"{group} is empty.", _raw(one[1]))


def _late(one: Member | Odd, group: str, key: str) -> Odd:
    if isinstance(one, Odd):
        return one
    message = f"{group} {key} was complete before; sort the file by {group}."
    return Odd(one[0], "group_split", group, message, _raw(one[1]))


def _close(
    context: Context, group: str, key: str, members: list[Member | Odd]
) -> Iterator[Found | Odd]:
    good = [one for one in members if not isinstance(one, Odd)]
    faults: list[Odd] = [one for one in members if isinstance(one, Odd)]
    may_return = context.spec.event == "purchase"
    faults += [odd for number, record in good for odd in _line_fault(number, record, may_return)]
    faults += _disagreements(good, group, key)
    if len(good) > MAX_LINES:
        faults.append(Odd(good[0][0], "too_many_lines", group, f"{key} has {len(good)} lines.", {}))
    if faults:
        yield from faults
        named = {odd.number for odd in faults}
        rest = f"another row of {group} {key} is refused; it is imported whole or not at all."
        for number, record in good:
            if number not in named:
                yield Odd(number, "group_incomplete", group, rest, _raw(record))
        return
    for kind, some in _by_kind(context, good):
        lines = [_line(record) for _, record in some]
        yield Found(some[0][0], make_event(context, kind, _head(some), lines))


def _line_fault(number: int, record: dict[str, Any], may_return: bool) -> Iterator[Odd]:
    if not record.get("item_id"):
        yield Odd(number, "missing_field", "item_id", "item_id is empty.", _raw(record))
    elif record.get("quantity", 1.0) in (None, 0.0):
        yield Odd(number, "wrong_value", "quantity", "quantity is 0 or empty.", _raw(record))
    elif not may_return and (record.get("quantity") or 0) < 0:
        said = f"quantity must be above 0, but is {record['quantity']:g}."
        yield Odd(number, "wrong_value", "quantity", said, _raw(record))


def _disagreements(good: list[Member], group: str, key: str) -> list[Odd]:
    """Return a fault when lines of one group name two customers, currencies or places."""
    for name in ("customer_id", "currency", "location_id", "supplier_id", "purchase_order_id"):
        seen = {record[name] for _, record in good if record.get(name) is not None}
        if len(seen) > 1:
            message = f"{group} {key} has more than one {name}: {', '.join(sorted(seen)[:3])}."
            return [Odd(good[0][0], "group_disagrees", name, message, _raw(good[0][1]))]
    return []


def _by_kind(context: Context, good: list[Member]) -> Iterator[tuple[str, list[Member]]]:
    """Yield sales and returns apart: a line of less than nothing is one that came back."""
    kind = str(context.spec.event)
    sales = [one for one in good if (one[1].get("quantity") or 0) >= 0]
    returns = [one for one in good if (one[1].get("quantity") or 0) < 0]
    if sales:
        yield kind, sales
    if returns:
        yield "refund", returns


def _line(record: dict[str, Any]) -> Line:
    line = line_of(record, record.get("discount_minor"))
    line.quantity = abs(line.quantity)
    return line


def _head(some: list[Member]) -> dict[str, Any]:
    """Return the group's own fields: the first value there is, and the earliest time."""
    head: dict[str, Any] = {}
    for _, record in some:
        for name, value in record.items():
            if name not in _OF_LINE and head.get(name) is None:
                head[name] = value
    times = [r["occurred_at"] for _, r in some if r.get("occurred_at") is not None]
    if times:
        head["occurred_at"] = min(times)
    return head


def _raw(record: dict[str, Any]) -> dict[str, Any]:
    keep = (
        *("order_id", "promotion_id", "purchase_order_id", "shipment_id", "item_id", "quantity"),
        *("price_minor", "occurred_at"),
    )
    return {name: record[name] for name in keep if record.get(name) is not None}
