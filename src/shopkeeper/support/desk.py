"""What one turn may look at: the customer's own records, the terms, the moment, what was given.

The customer is that of the state, which the signed session set. There is no way from a Desk to
another customer's orders.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shopkeeper.support import lexicon as lex
from shopkeeper.support.acts import Money
from shopkeeper.support.effects import after, after_profile
from shopkeeper.support.records import Address, Book, Item, Line, Method, Order, Profile
from shopkeeper.support.state import Conversation, Write
from shopkeeper.support.terms import Terms


@dataclass(slots=True, kw_only=True)
class Desk:
    """One turn's view. ``given``: other capabilities' answers by name; ``tools``: a trace."""

    state: Conversation
    book: Book
    terms: Terms
    now_us: int
    given: Mapping[str, Any] = field(default_factory=dict)
    tools: list[dict[str, Any]] = field(default_factory=list)
    asks: list[dict[str, Any]] = field(default_factory=list)
    address: Any = None  # an address said in this turn; kept out of the state
    cart: tuple[str, ...] = ()
    previous: Address | None = None  # the default address before this conversation changed it
    _orders: list[Order] | None = None
    _profile: Profile | None = None

    @property
    def customer_id(self) -> str | None:
        """The signed-in customer."""
        return self.state.customer_id

    def orders(self) -> list[Order]:
        """Return the customer's own orders, newest first; none without a customer."""
        if self._orders is None:
            who = self.customer_id
            self._orders = self.book.orders(who) if who else []
        return self._orders

    def order(self, order_id: str) -> Order | None:
        """Return one of the customer's own orders."""
        return next((one for one in self.orders() if one.order_id == order_id), None)

    def line(self, order_id: str, item_id: str) -> Line | None:
        """Return one line of one of the customer's own orders."""
        order = self.order(order_id)
        lines = order.lines if order else ()
        return next((one for one in lines if one.item_id == item_id), None)

    def profile(self) -> Profile | None:
        """Return the customer's profile."""
        if self._profile is None and self.customer_id:
            self._profile = self.book.profile(self.customer_id)
        return self._profile

    def see(self, write: Write, address: Address | None) -> None:
        """Take a write of this turn into view, so that what follows starts from it."""
        order = self.order(write.order_id) if write.order_id else None
        profile = self.profile()
        if profile is not None and write.tool == "change_default_address":
            self.previous = self.previous or profile.address
        if profile is not None:
            self._profile = after_profile(profile, write, order, address)
        if order is not None:
            fresh = after(order, write, self.book, address)
            self._orders = [fresh if o.order_id == order.order_id else o for o in self.orders()]

    def variants(self, family: str) -> list[Item]:
        """Return the variants of a product."""
        return self.book.variants(family)

    def variant_map(self) -> dict[str, list[Item]]:
        """Return family -> variants for what the customer ordered."""
        families = {line.family for order in self.orders() for line in order.lines}
        return {family: self.book.variants(family) for family in sorted(families)}

    def names(self) -> list[str]:
        """Return the names of what the customer ordered, newest first."""
        return list(dict.fromkeys(line.name for order in self.orders() for line in order.lines))

    def note(self, tool: str, ok: bool, **args: Any) -> None:
        """Put a look-up on the trace."""
        self.tools.append({"tool": tool, "ok": ok, "args": args})

    def money(self, minor: int, order: Order | None = None) -> Money:
        """Return an amount in the order's currency."""
        currency = order.currency if order else next((o.currency for o in self.orders()), "USD")
        return Money(minor=minor, currency=currency)


def methods_said(text: str) -> list[str]:
    """Return the kinds of payment that a text names, in its order.

    >>> methods_said("gift card, or else my Visa")
    ['gift_card', 'visa']
    """
    hits: list[tuple[int, int, str]] = []
    for kind, pattern in lex.METHODS:
        match = pattern.search(text)
        if match and not any(a <= match.start() < b for a, b, _ in hits):
            hits.append((match.start(), match.end(), kind))
    return [kind for _, _, kind in sorted(hits)]


def method_of(kind: str, profile: Profile | None, order: Order) -> Method | None:
    """Return the customer's method that a word means for an order; None when there is none."""
    methods = profile.methods if profile else ()
    if kind == "original":
        found = next((one for one in methods if one.method_id == order.method_id), None)
        return found or Method(method_id=order.method_id, kind="original")
    if kind == "other_order":
        return next((one for one in methods if one.method_id != order.method_id), None)
    if kind == "other_card":
        return next(
            (
                one
                for one in methods
                if one.kind == "credit_card" and one.method_id != order.method_id
            ),
            None,
        )
    if kind in ("visa", "mastercard", "amex"):
        return next((one for one in methods if one.brand.lower().replace(" ", "") == kind), None)
    exact = next((one for one in methods if one.method_id == kind), None)
    if exact:
        return exact
    of_kind = [one for one in methods if one.kind == kind]
    paid = next((one for one in of_kind if one.method_id == order.method_id), None)
    return paid or (of_kind[0] if of_kind else None)


def reason_said(text: str) -> str:
    """Return the reason that a text gives, in the terms' words, or nothing."""
    return next((name for name, pattern in lex.REASONS if pattern.search(text)), "")


def ordinal(text: str, count: int) -> int | None:
    """Return the place (from 0) that "the second one" or 第二个 means among ``count``."""
    if count and re.search(r"\blast\b|最后", text, re.I):
        return count - 1
    for place, pattern in lex.ORDINALS:
        if place < count and pattern.search(text):
            return place
    return None
