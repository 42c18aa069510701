"""Segment-shaped bodies (``/v1/batch``, ``/v1/track`` …) as our events.

In: a decoded body, one message or ``{"batch": [...]}``, in the shape that Segment, RudderStack
and others send. Out: event dicts for the same door as all events, and a Rejection for each
message that says nothing to us. messageId becomes event_id, so a retry is a duplicate.
Judging the events is validate.py's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from shopkeeper.base import clock
from shopkeeper.base.errors import BadInput
from shopkeeper.data.faults import Rejection, safe
from shopkeeper.data.importers.money import to_minor

# Ecommerce spec v2 event -> our kind.
TRACKS = {
    "products searched": "search",
    "product list viewed": "view_item_list",
    "product list filtered": "view_item_list",
    "product clicked": "select_item",
    "product viewed": "view_item",
    "product added": "add_to_cart",
    "product removed": "remove_from_cart",
    "product added to wishlist": "add_to_wishlist",
    "checkout started": "begin_checkout",
    "order completed": "purchase",
    "order refunded": "refund",
    "order cancelled": "cancel",
    "product reviewed": "rating",
}
_LISTS = {"view_item_list", "begin_checkout", "purchase", "refund"}
_PERSON = {
    "email": "email",
    "phone": "phone",
    "name": "name",
    "postalCode": "postcode",
}
# Traits that name a person in other words; they are left out, not stored in clear.
_PRIVATE = {"firstName", "lastName", "username", "birthday", "avatar", "address", "ip", "title"}


def to_events(
    body: Any, *, currency: str = "USD", received_us: int | None = None
) -> tuple[list[dict[str, Any]], list[Rejection]]:
    """Return our events of a body, and what could not be turned into one.

    ``currency`` is of messages that name none; a message without a time gets the batch's
    sentAt, or ``received_us``. A Rejection's index is the message's place in the batch.

    Raises
    ------
    BadInput
        If the body is neither a message nor a batch of them.
    """
    if not isinstance(body, Mapping):
        raise BadInput("The body must be an object with 'batch' or one message.", field="batch")
    whole = "batch" in body
    messages = body["batch"] if whole else [body]
    if not isinstance(messages, list) or not messages:
        raise BadInput(
            "batch must be a list of at least one message.", field="batch", allowed="a list"
        )
    shared = dict(body) if whole else {}
    fallback = shared.get("sentAt") or clock.iso(
        clock.now_us() if received_us is None else received_us
    )
    events: list[dict[str, Any]] = []
    problems: list[Rejection] = []
    for index, message in enumerate(messages):
        try:
            events.append(_event(message, shared, fallback, currency))
        except _NotOurs as problem:
            known = message.get("messageId") if isinstance(message, Mapping) else None
            problems.append(
                Rejection(
                    code=problem.code,
                    field=problem.field,
                    value=safe(problem.value),
                    message=problem.message,
                ).at(index, known)
            )
    return events, problems


class _NotOurs(ValueError):
    def __init__(self, code: str, field: str, value: Any, message: str) -> None:
        super().__init__(message)
        self.code, self.field, self.value, self.message = code, field, value, message


def _event(message: Any, shared: Mapping[str, Any], fallback: str, currency: str) -> dict[str, Any]:
    if not isinstance(message, Mapping):
        raise _NotOurs("wrong_value", "batch", message, "A message must be an object.")
    kind = message.get("type") or ("track" if "event" in message else None)
    make = _MAKERS.get(str(kind))
    if make is None:
        raise _NotOurs(
            "not_used",
            "type",
            kind,
            f"Messages of type {safe(kind)!r} are not used; track, identify, page and screen are.",
        )
    context = _mapping(message.get("context")) or _mapping(shared.get("context"))
    event: dict[str, Any] = {
        "event_id": message.get("messageId"),
        "occurred_at": message.get("timestamp") or message.get("originalTimestamp") or fallback,
        "customer_id": _text(message.get("userId") or message.get("anonymousId")),
        "session_id": _text(context.get("sessionId") or context.get("session_id")),
        "language": _text(context.get("locale")),
        "source": "segment",
    }
    if not event["event_id"]:
        raise _NotOurs("missing_field", "messageId", None, "messageId is missing.")
    event |= make(message, currency)
    if isinstance(context.get("ip"), str):
        event["person"] = {**event.get("person", {}), "ip": context["ip"]}
    return {name: value for name, value in event.items() if value is not None}


def _track(message: Mapping[str, Any], currency: str) -> dict[str, Any]:
    name = message.get("event")
    kind = TRACKS.get(str(name).strip().lower())
    if kind is None:
        raise _NotOurs("not_used", "event", name, f"Event {safe(name)!r} is not in our list.")
    given = _mapping(message.get("properties"))
    code = given.get("currency") or currency
    event: dict[str, Any] = {
        "kind": kind,
        "order_id": _text(given.get("order_id") or given.get("checkout_id")),
        "query": _text(given.get("query")),
        "session_id": _text(given.get("session_id")),
    }
    if not event["session_id"]:
        del event["session_id"]
    if kind in _LISTS:
        products = given.get("products") or []
        if isinstance(products, list) and products:
            event["lines"] = [_line(p, code, place) for place, p in enumerate(products)]
        event["currency"] = code
        total = given.get("total") if given.get("total") is not None else given.get("revenue")
        event["value_minor"] = _money(total, code, "total")
        event["tax_minor"] = _money(given.get("tax"), code, "tax")
        event["shipping_minor"] = _money(given.get("shipping"), code, "shipping")
    elif kind == "cancel":
        event["reason"] = _text(given.get("reason"))
    elif kind != "search":
        event |= _product(given, code)
    if kind == "rating":
        event |= {"rating": given.get("rating"), "text": _text(given.get("review_body"))}
    return event


def _product(given: Mapping[str, Any], code: str) -> dict[str, Any]:
    price = _money(given.get("price"), code, "price")
    return {
        "item_id": _text(given.get("product_id") or given.get("sku")),
        "quantity": given.get("quantity"),
        "position": given.get("position"),
        "price_minor": price,
        "currency": code if price is not None else None,
    }


def _line(product: Any, code: str, place: int) -> dict[str, Any]:
    if not isinstance(product, Mapping):
        raise _NotOurs("wrong_value", f"products[{place}]", product, "A product is an object.")
    line = {
        "item_id": _text(product.get("product_id") or product.get("sku")),
        "quantity": product.get("quantity"),
        "price_minor": _money(product.get("price"), code, f"products[{place}].price"),
        "position": product.get("position"),
    }
    return {name: value for name, value in line.items() if value is not None}


def _identify(message: Mapping[str, Any], currency: str) -> dict[str, Any]:
    traits = _mapping(message.get("traits"))
    person = {ours: str(traits[theirs]) for theirs, ours in _PERSON.items() if traits.get(theirs)}
    properties = {
        name: value
        for name, value in traits.items()
        if name not in _PERSON and name not in _PRIVATE and isinstance(value, str | int | float)
    }
    event: dict[str, Any] = {"kind": "customer"}
    if person:
        event["person"] = person
    if properties:
        event["properties"] = properties
    return event


def _page(message: Mapping[str, Any], currency: str) -> dict[str, Any]:
    given = _mapping(message.get("properties"))
    page = _mapping(_mapping(message.get("context")).get("page"))
    return {
        "kind": "page_view",
        "url": _text(given.get("url") or given.get("path") or page.get("url")),
        "title": _text(given.get("title") or message.get("name")),
    }


_MAKERS: dict[str, Callable[[Mapping[str, Any], str], dict[str, Any]]] = {
    "track": _track,
    "identify": _identify,
    "page": _page,
    "screen": _page,
}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str | None:
    """Return ids that came as numbers as text; nothing for nothing."""
    if value is None or value == "" or isinstance(value, dict | list):
        return None
    return str(value)


def _money(value: Any, code: Any, field: str) -> int | None:
    if value is None or value == "":
        return None
    try:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise ValueError(f"{safe(value)!r} is no amount")
        return to_minor(value, str(code))
    except ValueError as problem:
        raise _NotOurs("wrong_value", field, value, f"{field}: {problem}.") from problem
