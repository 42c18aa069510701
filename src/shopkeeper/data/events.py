"""What an event is: one envelope, one vocabulary of fields, and what each kind must carry.

GA4 ecommerce names where GA4 has one (view_item, add_to_cart, purchase, refund …), ours for
the rest. A field means the same in every kind, so the log, the lake and the tables have one
set of columns. Money is whole minor units (cents) beside an ISO 4217 currency. What identifies
a person travels only in ``person`` and never reaches the log in clear.

This file knows shapes. Judging an event's content is validate.py, storing it is log/.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

SCHEMA_VERSION = 1

Id = Annotated[str, Meta(min_length=1, max_length=128)]
Text = Annotated[str, Meta(max_length=10_000)]
Word = Annotated[str, Meta(max_length=400)]
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$")]
# 10^13 minor units: above any basket, far below where float64 loses a cent.
Money = Annotated[int, Meta(ge=0, le=10**13)]
Count = Annotated[float, Meta(ge=0, le=1e9)]
Scalar = str | int | float | bool | None


class Line(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """One product in a purchase, cart, refund, impression, promotion or shipment."""

    item_id: Id
    quantity: Count = 1.0
    price_minor: Money | None = None  # per unit, before discount
    discount_minor: Money | None = None  # for the whole line
    position: Annotated[int, Meta(ge=0, le=10_000)] | None = None


class Person(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What identifies a person. Stored as a keyed HMAC per field and one sealed value."""

    email: Word | None = None
    phone: Word | None = None
    name: Word | None = None
    address: Word | None = None
    postcode: Word | None = None
    ip: Word | None = None
    device_id: Word | None = None
    card_fingerprint: Word | None = None


class Event(Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """A fact with a time and an id. ``properties`` holds what a shop adds of its own."""

    event_id: Id
    kind: str
    occurred_at: datetime
    schema_version: int = SCHEMA_VERSION
    customer_id: Id | None = None
    session_id: Id | None = None
    item_id: Id | None = None
    order_id: Id | None = None
    decision_id: Id | None = None
    payment_id: Id | None = None
    shipment_id: Id | None = None
    supplier_id: Id | None = None
    location_id: Id | None = None
    conversation_id: Id | None = None
    purchase_order_id: Id | None = None
    promotion_id: Id | None = None
    placement: Word | None = None
    query: Word | None = None
    lines: Annotated[list[Line], Meta(max_length=2000)] | UnsetType = UNSET
    currency: Currency | None = None
    value_minor: Money | None = None
    price_minor: Money | None = None
    shipping_minor: Money | None = None
    tax_minor: Money | None = None
    quantity: Count | None = None
    position: Annotated[int, Meta(ge=0, le=10_000)] | None = None
    rating: Annotated[float, Meta(ge=0, le=5)] | None = None
    score: float | None = None
    label: Word | None = None
    status: Word | None = None
    reason: Word | None = None
    source: Word | None = None
    title: Word | None = None
    description: Text | None = None
    category: Word | None = None  # a path, "Grocery > Dairy > Milk"
    brand: Word | None = None
    url: Annotated[str, Meta(max_length=2000)] | None = None
    image_url: Annotated[str, Meta(max_length=2000)] | None = None
    language: Annotated[str, Meta(max_length=16)] | None = None
    text: Text | None = None
    available: bool | None = None
    hidden: bool | None = None
    replenishable: bool | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    promised_at: datetime | None = None
    person: Person | UnsetType = UNSET
    properties: dict[str, Scalar] | UnsetType = UNSET


# kind -> (fields it must carry, what it says). Order is the order of the reference page.
KINDS: dict[str, tuple[tuple[str, ...], str]] = {
    "page_view": ((), "A page was opened."),
    "view_item": (("item_id",), "A product page was opened."),
    "view_item_list": (("lines",), "A list of products was opened."),
    "search": (("query",), "The customer searched."),
    "add_to_cart": (("item_id",), "A product went into the cart."),
    "remove_from_cart": (("item_id",), "A product left the cart."),
    "add_to_wishlist": (("item_id",), "A product was kept for later."),
    "begin_checkout": (("lines",), "Checkout began."),
    "purchase": (("order_id", "lines", "currency"), "An order was placed."),
    "refund": (("order_id", "currency"), "Money went back, wholly or for some lines."),
    "cancel": (("order_id",), "An order was cancelled before it shipped."),
    "impression": (("placement", "lines"), "Recommended products were seen, by position."),
    "select_item": (("item_id",), "A listed or recommended product was clicked."),
    "less_like_this": (("item_id",), "The customer asked to see less of this."),
    "rating": (("item_id", "rating"), "A product got stars, perhaps with a review text."),
    "item": (("item_id",), "A catalogue entry, whole; a later one replaces it."),
    "item_removed": (("item_id",), "A catalogue entry ended."),
    "customer": (("customer_id",), "A customer's attributes; a later one replaces them."),
    "price": (("item_id", "price_minor", "currency"), "A price from this moment on."),
    "promotion": (("promotion_id", "lines", "starts_at", "ends_at"), "A promotion of products."),
    "stock_level": (("item_id", "quantity"), "Units counted on hand at a location."),
    "payment": (("payment_id", "value_minor", "currency"), "A payment was attempted."),
    "chargeback": (("payment_id",), "The bank took a payment back."),
    "message": (("conversation_id", "text"), "A message from or to a customer or supplier."),
    "shipment": (("shipment_id",), "Goods left a location, to a customer or from a supplier."),
    "delivery": (("shipment_id",), "Goods arrived."),
    "purchase_order": (("purchase_order_id", "supplier_id"), "Goods were ordered from a supplier."),
    "supplier": (
        ("supplier_id",),
        "A supplier's terms, in general or for one item_id; a later one replaces.",
    ),
    "location": (("location_id",), "A warehouse, shop or depot, whole; a later one replaces it."),
    "reservation": (
        ("order_id", "location_id", "lines", "status"),
        "Units were set aside for an order: held, or free again.",
    ),
    "stop": (
        ("decision_id", "order_id", "status"),
        "A stop of a route plan: planned, done, failed or skipped.",
    ),
    "article": (
        ("label", "text"),
        "Knowledge that support may cite, whole, by id and language; a later one replaces it.",
    ),
    "label": (("label",), "Somebody judged a subject; counts from occurred_at on."),
    "decision": (("decision_id",), "shopkeeper decided; the Decision is in properties."),
    "outcome": (("decision_id", "label"), "What came of a decision."),
    "action": (("label",), "An operator did label (approve, note …); properties say on what."),
    "rule": (("label", "status", "text"), "A rule of the shop, whole; a later one replaces it."),
}

decoder = msgspec.json.Decoder(Event)
batch_decoder = msgspec.json.Decoder(list[Event])
encoder = msgspec.json.Encoder()
