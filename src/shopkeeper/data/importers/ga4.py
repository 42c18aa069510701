"""GA4 events as BigQuery exports them: JSON lines or a JSON array, also .gz, to our events.

In: rows with event_name, event_timestamp (microseconds), event_params and items; prices in
major units. Out: event dicts. GA4 has no event id, so the row's content makes one. Events that
say nothing about shopping (session_start, scroll …) are skipped and counted.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shopkeeper.base import clock
from shopkeeper.base.errors import BadInput, shorten
from shopkeeper.data.importers.money import to_minor
from shopkeeper.data.importers.reading import open_text, scan_utf8
from shopkeeper.data.importers.rows import Found, Odd, Skip, content_id

# GA4 name -> (our kind, what it carries). "each" item is an event of its own.
EVENTS = {
    "page_view": ("page_view", "none"),
    "view_item": ("view_item", "each"),
    "view_item_list": ("view_item_list", "lines"),
    "select_item": ("select_item", "each"),
    "search": ("search", "none"),
    "view_search_results": ("search", "none"),
    "add_to_cart": ("add_to_cart", "each"),
    "remove_from_cart": ("remove_from_cart", "each"),
    "add_to_wishlist": ("add_to_wishlist", "each"),
    "begin_checkout": ("begin_checkout", "lines"),
    "purchase": ("purchase", "lines"),
    "refund": ("refund", "lines"),
}
_NOT_SET = {"", "(not set)", "(other)", None}


def read_ga4(path: Path, currency: str) -> tuple[int, Iterator[Found | Odd | Skip]]:
    """Return about how many rows a file has, and its events as they are read."""
    lines = scan_utf8(path)
    return lines, _read(path, currency)


def _read(path: Path, currency: str) -> Iterator[Found | Odd | Skip]:
    for number, row in json_rows(path):
        if not isinstance(row, dict):
            yield Odd(number, "wrong_value", None, "A row must be an object.", {})
            continue
        try:
            found = to_events(row, currency)
        except ValueError as problem:
            yield Odd(number, "wrong_value", None, f"{problem}.", _raw(row))
            continue
        if not found:
            yield Skip(number, str(shorten(row.get("event_name"), 40)))
        for event in found:
            yield Found(number, event)


def json_rows(path: Path) -> Iterator[tuple[int, Any]]:
    """Yield (row number, decoded row) of JSON lines or of one JSON array.

    Raises
    ------
    BadInput
        If a row is no JSON; the message names it.
    """
    with open_text(path) as file:
        first = file.read(1)
        while first.isspace():
            first = file.read(1)
        if first == "[":
            try:
                yield from enumerate(json.loads(first + file.read()), start=1)
            except json.JSONDecodeError as problem:
                raise BadInput(
                    f"{path.name} is not valid JSON: {problem.msg} in line {problem.lineno}.",
                    hint="It may be half-written; export it again.",
                ) from problem
            return
        rest = first + file.readline()
        number = 0
        while rest:
            number += 1
            if rest.strip():
                try:
                    row = json.loads(rest)
                except json.JSONDecodeError as problem:
                    raise BadInput(
                        f"{path.name} row {number} is not valid JSON: {problem.msg}.",
                        hint="Rows before it are imported; mend the file and import it again.",
                    ) from problem
                yield number, row
            rest = file.readline()


def to_events(row: dict[str, Any], currency: str) -> list[dict[str, Any]]:
    """Return our events of one GA4 row; none for a row that is not about shopping.

    Raises
    ------
    ValueError
        If its time or an amount cannot be read.
    """
    kind, carries = EVENTS.get(str(row.get("event_name")), (None, ""))
    if kind is None:
        return []
    params = _params(row.get("event_params"))
    ecommerce = row.get("ecommerce") or {}
    code = str(params.get("currency") or currency)
    session = params.get("ga_session_id")
    pseudo = row.get("user_pseudo_id")
    content = json.dumps(row, sort_keys=True, ensure_ascii=False, default=str).encode("utf-8")
    event: dict[str, Any] = {
        "event_id": content_id("ga4", content),
        "kind": kind,
        "occurred_at": _time(row.get("event_timestamp")),
        "customer_id": _text(row.get("user_id") or pseudo),
        "session_id": f"{pseudo}.{session}" if pseudo and session else None,
        "url": params.get("page_location"),
        "title": params.get("page_title") if kind == "page_view" else None,
        "query": params.get("search_term"),
        "source": "ga4",
    }
    items = [item for item in row.get("items") or [] if isinstance(item, dict)]
    if carries == "each":
        return [
            _clean({**event, "event_id": _nth(event["event_id"], n), **_item(item, code)})
            for n, item in enumerate(items)
        ]
    if carries == "lines":
        event["lines"] = [_clean(_line(item, code)) for item in items] or None
        event["currency"] = code
        event["order_id"] = _text(
            _set(ecommerce.get("transaction_id")) or params.get("transaction_id")
        )
        total = ecommerce.get("purchase_revenue")
        event["value_minor"] = _money(total if total is not None else params.get("value"), code)
        event["tax_minor"] = _money(ecommerce.get("tax_value"), code)
        event["shipping_minor"] = _money(ecommerce.get("shipping_value"), code)
    return [_clean(event)]


def _params(given: Any) -> dict[str, Any]:
    """Return event_params as a plain dict, from BigQuery's key and value records."""
    if isinstance(given, dict):
        return given
    params = {}
    for one in given or []:
        value = one.get("value") if isinstance(one, dict) else None
        if isinstance(value, dict):
            there = [v for v in value.values() if v is not None]
            params[str(one.get("key"))] = there[0] if there else None
    return params


def _item(item: dict[str, Any], code: str) -> dict[str, Any]:
    price = _money(item.get("price"), code)
    return {
        "item_id": _text(_set(item.get("item_id")) or _set(item.get("item_name"))),
        "quantity": _number(item.get("quantity")),
        "price_minor": price,
        "currency": code if price is not None else None,
        "position": _position(item),
    }


def _line(item: dict[str, Any], code: str) -> dict[str, Any]:
    return {name: value for name, value in _item(item, code).items() if name != "currency"}


def _position(item: dict[str, Any]) -> int | None:
    place = _set(item.get("item_list_index"))
    return int(place) if place is not None and str(place).isdigit() else None


def _time(stamp: Any) -> str:
    if not str(stamp).isdigit():
        raise ValueError(f"event_timestamp must be microseconds, but is {shorten(stamp)!r}")
    try:
        return clock.iso(int(stamp))
    except OverflowError:
        raise ValueError(f"event_timestamp {shorten(stamp)} is no time") from None


def _number(value: Any) -> float | None:
    if _set(value) is None:
        return None
    number = float(value)
    if number - number != 0:
        raise ValueError(f"quantity must be a finite number, but is {value}")
    return number


def _money(value: Any, code: str) -> int | None:
    return None if _set(value) is None else to_minor(value, code)


def _set(value: Any) -> Any:
    return None if value in _NOT_SET else value


def _text(value: Any) -> str | None:
    return None if _set(value) is None else str(value)


def _nth(event_id: str, place: int) -> str:
    return f"{event_id}-{place}" if place else event_id


def _clean(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if value is not None}


def _raw(row: dict[str, Any]) -> dict[str, Any]:
    return {"kind": row.get("event_name"), "occurred_at": row.get("event_timestamp")}
