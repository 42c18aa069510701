"""What `shopkeeper import` knows of each kind of table: fields, what is needed, what it becomes.

Most kinds are one event per row; orders, purchase orders, deliveries and promotions are one event
per group of rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from shopkeeper.data.events import KINDS, Event
from shopkeeper.data.importers import shipping
from shopkeeper.data.importers.mapping import PERSON

_NOT_COLUMNS = {"schema_version", "lines", "person", "properties"}
EVENT_FIELDS = tuple(f for f in Event.__struct_fields__ if f not in _NOT_COLUMNS)

# Words of other systems for our kinds, in any case.
KIND_WORDS = {
    **{kind: kind for kind in KINDS},
    "view": "view_item",
    "click": "select_item",
    "cart": "add_to_cart",
    "addtocart": "add_to_cart",
    "remove_from_cart": "remove_from_cart",
    "wishlist": "add_to_wishlist",
    "buy": "purchase",
    "order": "purchase",
    "transaction": "purchase",
    "review": "rating",
    "pageview": "page_view",
    "view_search_results": "search",
}


# A supplier's terms have no field of their own; they travel in the event's properties.
TERM_NUMBERS = (
    *("lead_time_days", "minimum_quantity", "pack_size", "order_cost_minor"),
    *("minimum_value_minor", "shelf_life_days", "volume_per_unit"),
)
# Where a place lies and when it is open, what a carrier costs, how far a parcel goes: numbers too.
PLACE = ("latitude", "longitude", "opens_minute", "closes_minute", "pick_minor")
TARIFF = ("parcel_minor", "km_minor", "unit_minor", "days", "km_per_day", "most_km")
SIGNED = ("latitude", "longitude")
TERMS = (*TERM_NUMBERS, "price_breaks", "order_weekdays", "returnable")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """One kind of table. ``event`` None: each row names its own kind. ``group``: rows of one
    event share this field. ``dated`` False: without a time column the file's own time counts.
    ``own`` columns go into the event's properties under their names. ``words``: what this kind of
    file calls a field. ``finish``: an event of a row -> the events it becomes, or Unfit."""

    event: str | None
    needed: tuple[str, ...]
    also: tuple[str, ...] = ()
    group: str | None = None
    dated: bool = True
    own: tuple[str, ...] = ()
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    finish: Callable[[Event], list[Event]] | None = None

    @property
    def fields(self) -> tuple[str, ...]:
        # A group's event is made of many rows, so no row's id can be its id.
        own = () if self.group else ("event_id",)
        return (*own, "occurred_at", *self.needed, *self.also)


SPECS: dict[str, Spec] = {
    "events": Spec(
        event=None,
        needed=("kind",),
        also=(
            *(f for f in EVENT_FIELDS if f not in ("event_id", "occurred_at", "kind")),
            *("discount_minor", *(f for f in PERSON if f != "name")),
        ),
    ),
    "items": Spec(
        event="item",
        needed=("item_id",),
        also=(
            *("title", "description", "category", "brand", "price_minor", "currency"),
            *("url", "image_url", "language", "available", "hidden", "replenishable"),
        ),
        dated=False,
    ),
    "customers": Spec(
        event="customer", needed=("customer_id",), also=(*PERSON, "language", "label"), dated=False
    ),
    "orders": Spec(
        event="purchase",
        needed=("order_id", "item_id", "quantity"),
        also=(
            *("customer_id", "session_id", "price_minor", "discount_minor", "currency"),
            *("location_id", "shipping_minor", "tax_minor", "promotion_id", "decision_id"),
            *(f for f in PERSON if f != "name"),
        ),
        group="order_id",
    ),
    "stock": Spec(
        event="stock_level",
        needed=("item_id", "quantity"),
        also=("location_id", "status"),
        dated=False,
    ),
    "purchase_orders": Spec(
        event="purchase_order",
        needed=("purchase_order_id", "supplier_id", "item_id", "quantity"),
        also=("price_minor", "currency", "location_id", "promised_at", "status"),
        group="purchase_order_id",
    ),
    "deliveries": Spec(
        event="delivery",
        needed=("shipment_id", "item_id", "quantity"),
        also=("purchase_order_id", "supplier_id", "location_id", "order_id", "status"),
        group="shipment_id",
    ),
    "suppliers": Spec(
        event="supplier",
        needed=("supplier_id",),
        also=("item_id", "title", "price_minor", "currency", "status"),
        dated=False,
        own=TERMS,
    ),
    "locations": Spec(
        event="location",
        needed=("location_id",),
        also=("title", "status", "category"),
        dated=False,
        own=PLACE,
        words={"latitude": ("lat",), "longitude": ("lon", "lng", "long"), "title": ("name",)},
        finish=shipping.place,
    ),
    "shipments": Spec(
        event="shipment",
        needed=("shipment_id", "order_id"),
        also=("label", "location_id", "item_id", "quantity", "promised_at", "ends_at", "status"),
        own=("zone", "distance_km"),
        words={
            "occurred_at": ("shipped_at", "ship_date", "dispatched_at"),
            "label": ("carrier", "carrier_id"),
            "shipment_id": ("tracking_number", "parcel_id"),
            "ends_at": ("delivered_at", "delivery_date", "received_at"),
        },
        finish=shipping.parcel,
    ),
    "carriers": Spec(
        event="rule",
        needed=("label",),
        also=("status",),
        dated=False,
        own=TARIFF,
        words={"label": ("carrier", "carrier_id", "name"), "days": ("lead_time_days",)},
        finish=shipping.tariff,
    ),
    "payments": Spec(
        event="payment",
        needed=("payment_id", "value_minor"),
        also=("order_id", "customer_id", "currency", "status", "reason", "label", *PERSON),
    ),
    "prices": Spec(
        event="price",
        needed=("item_id", "price_minor"),
        also=("currency", "reason", "location_id"),
    ),
    "promotions": Spec(
        event="promotion",
        needed=("promotion_id", "item_id", "starts_at", "ends_at"),
        also=("label", "title", "discount_minor", "price_minor", "currency", "location_id"),
        group="promotion_id",
        dated=False,
    ),
}
FEEDS = ("ga4", "segment", "merchant")
IMPORT_KINDS = (*SPECS, *FEEDS)
