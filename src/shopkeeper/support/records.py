"""What support knows of a shop: orders, their lines, products, methods of payment, parcels.

The same records come from the shop's event log (features.py) and from a file of tasks
(taskdata.py), so one dialogue serves both. Money is whole minor units; times are microseconds UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# What an order can be; after it, what of it may still change.
OPEN, SHIPPED, DELIVERED, CANCELLED = "pending", "shipped", "delivered", "cancelled"
RETURNING, EXCHANGING, CHANGED = "return requested", "exchange requested", "pending (changed)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where something goes. Kept in clear only while a conversation needs it."""

    line1: str
    line2: str = ""
    city: str = ""
    state: str = ""
    country: str = ""
    postcode: str = ""

    def one_line(self) -> str:
        """Return the address as people write it."""
        head = ", ".join(part for part in (self.line1, self.line2, self.city) if part)
        return f"{head}, {self.state} {self.postcode}".strip(" ,")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One product as it can be ordered; ``family`` groups the variants of one product."""

    item_id: str
    family: str
    name: str
    options: Mapping[str, str] = field(default_factory=dict)
    price_minor: int | None = None
    available: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One product of an order, as it was bought; ``price_minor`` per unit."""

    item_id: str
    family: str
    name: str
    options: Mapping[str, str] = field(default_factory=dict)
    price_minor: int = 0
    quantity: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A shipment to the customer. ``late_reason`` is what the carrier or the warehouse said."""

    shipment_id: str
    tracking: str = ""
    carrier: str = ""
    status: str = "shipped"
    promised_us: int | None = None
    delivered_us: int | None = None
    late_reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A way to pay or to be paid back. ``balance_minor`` for gift cards."""

    method_id: str
    kind: str  # gift_card, paypal, credit_card, original
    brand: str = ""
    last_four: str = ""
    balance_minor: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order as of now. ``version`` grows with every change; confirmations are bound to it."""

    order_id: str
    customer_id: str
    status: str
    lines: tuple[Line, ...]
    placed_us: int | None = None
    delivered_us: int | None = None
    address: Address | None = None
    method_id: str = "original"
    currency: str = "USD"
    parcels: tuple[Parcel, ...] = ()
    refunded_minor: int = 0
    version: int = 0

    @property
    def total_minor(self) -> int:
        """What its lines cost together."""
        return sum(line.price_minor * line.quantity for line in self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A customer as support needs one; the name only where the shop gives it."""

    customer_id: str
    first_name: str = ""
    address: Address | None = None
    methods: tuple[Method, ...] = ()
    version: int = 0

    def method(self, method_id: str) -> Method | None:
        """Return one method of payment."""
        return next((one for one in self.methods if one.method_id == method_id), None)


class Book:
    """What a conversation may look up. ``orders`` gives one customer's own, newest first.

    Subclasses say where the records come from; nothing here checks who asks: the dialogue passes
    the customer of the signed session and no other.
    """

    def profile(self, customer_id: str) -> Profile | None:
        """Return a customer."""
        raise NotImplementedError

    def orders(self, customer_id: str) -> list[Order]:
        """Return a customer's orders, newest first."""
        raise NotImplementedError

    def item(self, item_id: str) -> Item | None:
        """Return one product."""
        raise NotImplementedError

    def variants(self, family: str) -> list[Item]:
        """Return the variants of one product, itself included."""
        raise NotImplementedError

    def find_items(self, text: str, limit: int = 5) -> list[Item]:
        """Return products that a text names, best first."""
        raise NotImplementedError

    def named_in(self, text: str) -> list[Item]:
        """Return the products whose whole name stands in a text."""
        return self.find_items(text)

    def find_customer(self, told: Mapping[str, str]) -> str | None:
        """Return who an e-mail or a name with a postcode belongs to; only where terms allow it."""
        return None

    def order(self, customer_id: str, order_id: str) -> Order | None:
        """Return an order of this customer; somebody else's is as unknown as none."""
        for one in self.orders(customer_id):
            if one.order_id == order_id:
                return one
        return None
