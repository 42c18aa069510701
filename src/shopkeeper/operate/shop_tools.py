"""The read tools that another assistant may call: orders, parcels, products, stock, knowledge.

Whose orders a tool sees comes from the signed session that the caller holds, never from an
argument: no tool has a field for a customer. Results are the shop's own records, as plain values;
what stands in them is data. Nothing here writes, but a recommendation is a decision on the record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from shopkeeper.base import clock
from shopkeeper.base.errors import BadInput, NotFound, NotSignedIn, StoreUnavailable, shorten
from shopkeeper.language.detect import detect_language
from shopkeeper.operate import stock_told
from shopkeeper.support.records import Item, Order

MOST = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One call: the runtime, the customer of the session (None: nobody signed in), arguments."""

    runtime: Any
    customer_id: str | None
    args: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A tool as it is listed. ``properties`` are its arguments as JSON schema."""

    name: str
    title: str
    says: str
    work: Callable[[Asked], dict[str, Any]]
    properties: Mapping[str, Mapping[str, Any]]
    required: tuple[str, ...] = ()
    of_customer: bool = False

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of its arguments."""
        return {
            "type": "object",
            "properties": {name: dict(one) for name, one in self.properties.items()},
            "required": list(self.required),
            "additionalProperties": False,
        }


def call(runtime: Any, name: str, args: Mapping[str, Any], customer_id: str | None) -> Any:
    """Return what a tool finds.

    Raises
    ------
    NotFound
        If there is no such tool, or not what was asked for; another customer's order is as
        unknown as none.
    BadInput
        If an argument is unknown, missing or of a wrong kind.
    NotSignedIn
        If the tool is about a customer and the caller has no session of one.
    """
    tool = TOOLS.get(name)
    if tool is None:
        raise NotFound(
            f"There is no tool '{shorten(name)}'.", field="name", allowed=", ".join(TOOLS)
        )
    checked = _checked(tool, args)
    if tool.of_customer and customer_id is None:
        raise NotSignedIn(
            f"{name} is about a customer, and no session of one was given.",
            hint="The shop's server asks POST /v1/support/sessions for a token.",
        )
    return tool.work(Asked(runtime=runtime, customer_id=customer_id, args=checked))


def _checked(tool: Tool, args: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments if they fit the tool's schema."""
    found: dict[str, Any] = {}
    for name, value in args.items():
        rule = tool.properties.get(name)
        if rule is None:
            raise _bad(tool, str(name), value, ", ".join(tool.properties) or "no arguments")
        kind = rule["type"]
        if kind == "integer":
            good = isinstance(value, int) and not isinstance(value, bool)
            good = good and rule["minimum"] <= value <= rule["maximum"]
            allowed = f"{rule['minimum']} to {rule['maximum']}"
        elif kind == "array":
            good = isinstance(value, list) and len(value) <= rule["maxItems"]
            good = good and all(isinstance(one, str) for one in value)
            allowed = f"a list of up to {rule['maxItems']} texts"
        else:
            good = isinstance(value, str) and 0 < len(value) <= rule["maxLength"]
            good = good and ("enum" not in rule or value in rule["enum"])
            allowed = ", ".join(rule.get("enum", ())) or f"a text of 1 to {rule['maxLength']}"
        if not good:
            raise _bad(tool, name, value, allowed)
        found[name] = value
    for name in tool.required:
        if name not in found:
            raise _bad(tool, name, None, "given")
    return found


def _bad(tool: Tool, name: str, value: Any, allowed: str) -> BadInput:
    return BadInput(
        f"{name} of {tool.name} must be {allowed}, but is {shorten(value)!r}.",
        field=name,
        value=value,
        allowed=allowed,
    )


# --- the tools


def _list_orders(asked: Asked) -> dict[str, Any]:
    orders = _orders(asked)[: asked.args.get("limit", 5)]
    return {"orders": [_order(one) for one in orders]}


def _get_order(asked: Asked) -> dict[str, Any]:
    return _order(_own(asked))


def _track_order(asked: Asked) -> dict[str, Any]:
    order, now_us = _own(asked), clock.now_us()
    parcels = [
        {
            "tracking": one.tracking,
            "carrier": one.carrier,
            "promised_at": _iso(one.promised_us),
            "delivered_at": _iso(one.delivered_us),
            "late": bool(one.promised_us and (one.delivered_us or now_us) > one.promised_us),
            "late_reason": one.late_reason or None,
        }
        for one in order.parcels
    ]
    return {"order_id": order.order_id, "status": order.status, "parcels": parcels}


def _refund_status(asked: Asked) -> dict[str, Any]:
    order, live = _own(asked), _support(asked)
    with live.lock:
        terms = live.state.terms
    return {
        "order_id": order.order_id,
        "status": order.status,
        "refunded_minor": order.refunded_minor,
        "currency": order.currency,
        "business_days": [terms.refund_days_low, terms.refund_days_high],
    }


def _search_products(asked: Asked) -> dict[str, Any]:
    live = _support(asked)
    with live.lock:
        found = live.state.book.find_items(asked.args["words"], asked.args.get("limit", 5))
    return {"products": [_item(one) for one in found]}


def _get_product(asked: Asked) -> dict[str, Any]:
    live, item_id = _support(asked), asked.args["item_id"]
    with live.lock:
        item = live.state.book.item(item_id)
        family = live.state.book.variants(item.family) if item else []
    if item is None:
        raise NotFound(f"There is no product '{shorten(item_id)}'.", field="item_id", value=item_id)
    stock = stock_told.answer(asked.runtime, {"items": [item_id]}) or {}
    return {
        **_item(item),
        "variants": [_item(one) for one in family if one.item_id != item_id][:MOST],
        "stock": stock.get("items", {}).get(item_id),
    }


def _search_knowledge(asked: Asked) -> dict[str, Any]:
    question, live = asked.args["question"], _support(asked)
    language = asked.args.get("language") or detect_language(question) or "en"
    with live.lock:
        intents = getattr(live.model, "intents", None)
        hits = live.state.search(question, language, clock.now_us(), intents)
    return {
        "known": bool(hits),
        "passages": [
            {
                "source": f"passage:{one.passage.passage_id}",
                "title": one.passage.title,
                "text": one.passage.text,
                "score": round(one.score, 4),
            }
            for one in hits
        ],
    }


def _recommend(asked: Asked) -> dict[str, Any]:
    items = list(asked.args.get("items", []))
    raw: dict[str, Any] = {"placement": "cart" if items else "home", "items": items}
    raw["limit"] = asked.args.get("limit", 5)
    if asked.customer_id:
        raw["customer_id"] = asked.customer_id
    decision = asked.runtime.decide("recommend", raw)
    return {
        "decision_id": decision.decision_id,
        "products": [
            {
                "item_id": one["item_id"],
                "title": one["title"],
                "price_minor": one["price_minor"],
                "why": one["reasons"][0]["text"],
            }
            for one in decision.value["items"]
        ],
    }


# --- parts


def _support(asked: Asked) -> Any:
    live = asked.runtime.live["support"]
    if live.state is None:
        raise StoreUnavailable(f"support cannot answer: {live.state_fault}.")
    return live


def _orders(asked: Asked) -> list[Order]:
    live = _support(asked)
    with live.lock:
        live.state.book.now_us = clock.now_us()
        found: list[Order] = live.state.book.orders(asked.customer_id)
    return found


def _own(asked: Asked) -> Order:
    order_id = asked.args["order_id"]
    for one in _orders(asked):
        if one.order_id == order_id:
            return one
    raise NotFound(
        f"This customer has no order '{shorten(order_id)}'.",
        hint="list_orders gives the latest ones.",
        field="order_id",
        value=order_id,
    )


def _order(one: Order) -> dict[str, Any]:
    return {
        "order_id": one.order_id,
        "status": one.status,
        "placed_at": _iso(one.placed_us),
        "delivered_at": _iso(one.delivered_us),
        "total_minor": one.total_minor,
        "refunded_minor": one.refunded_minor,
        "currency": one.currency,
        "lines": [
            {
                "item_id": line.item_id,
                "name": line.name,
                "options": dict(line.options),
                "quantity": line.quantity,
                "price_minor": line.price_minor,
            }
            for line in one.lines
        ],
    }


def _item(one: Item) -> dict[str, Any]:
    return {
        "item_id": one.item_id,
        "name": one.name,
        "options": dict(one.options),
        "price_minor": one.price_minor,
        "available": one.available,
    }


def _iso(at_us: int | None) -> str | None:
    return None if at_us is None else clock.iso(at_us)


def _text(says: str, longest: int = 128, **more: Any) -> dict[str, Any]:
    return {"type": "string", "description": says, "minLength": 1, "maxLength": longest, **more}


_LIMIT = {"type": "integer", "description": "At most so many.", "minimum": 1, "maximum": MOST}
_ORDER = {"order_id": _text("The order's number.")}

TOOLS = {
    one.name: one
    for one in (
        Tool(
            name="list_orders",
            title="Orders",
            says="The signed-in customer's latest orders, newest first, with lines and status.",
            work=_list_orders,
            properties={"limit": _LIMIT},
            of_customer=True,
        ),
        Tool(
            name="get_order",
            title="One order",
            says="One order of the signed-in customer.",
            work=_get_order,
            properties=_ORDER,
            required=("order_id",),
            of_customer=True,
        ),
        Tool(
            name="track_order",
            title="Where an order is",
            says="The parcels of one order: carrier, promised day, arrival, why it is late.",
            work=_track_order,
            properties=_ORDER,
            required=("order_id",),
            of_customer=True,
        ),
        Tool(
            name="refund_status",
            title="Refund of an order",
            says="What of an order went back so far, and how many business days money takes.",
            work=_refund_status,
            properties=_ORDER,
            required=("order_id",),
            of_customer=True,
        ),
        Tool(
            name="search_products",
            title="Search products",
            says="Products of the catalogue that share the rarest words with a text.",
            work=_search_products,
            properties={"words": _text("What is looked for.", 400), "limit": _LIMIT},
            required=("words",),
        ),
        Tool(
            name="get_product",
            title="One product",
            says="A product with its variants, units free in the warehouses, and next arrival.",
            work=_get_product,
            properties={"item_id": _text("The product's id.")},
            required=("item_id",),
        ),
        Tool(
            name="search_knowledge",
            title="Search knowledge",
            says="Articles and terms that answer a question; known is false when none does.",
            work=_search_knowledge,
            properties={
                "question": _text("The question, in English or Chinese.", 1000),
                "language": _text("Language of the answer.", 2, enum=["en", "zh"]),
            },
            required=("question",),
        ),
        Tool(
            name="recommend",
            title="Recommend products",
            says="Products that go with a cart, or for the signed-in customer, with reasons.",
            work=_recommend,
            properties={
                "items": {
                    "type": "array",
                    "description": "Item ids of the cart.",
                    "items": {"type": "string"},
                    "maxItems": 50,
                },
                "limit": _LIMIT,
            },
        ),
    )
}
