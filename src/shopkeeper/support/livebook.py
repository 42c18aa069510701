"""The shop's own records as a Book: read from the tables at start, kept by events afterwards.

Each customer's latest orders lie as rows of one Arrow table until somebody asks for them; then
they become records and events change those. No text of a person is kept: addresses and names
stay sealed in the log.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from shopkeeper.base.clock import DAY_US
from shopkeeper.support import records
from shopkeeper.support.effects import after
from shopkeeper.support.records import Book, Item, Line, Order, Parcel, Profile
from shopkeeper.support.state import Write

MOST_ORDERS = 20  # of one customer that a conversation sees
OPTIONS = ("color", "colour", "size", "material", "pattern", "style", "capacity")
_WORD = re.compile(r"[a-z0-9]{2,}|[一-鿿]")


class LiveBook(Book):
    """Orders, parcels and products of a running shop."""

    def __init__(
        self, lines: pa.Table, items: pa.Table, parcels: Sequence[Mapping[str, Any]]
    ) -> None:
        self.delivered_after_days = 3
        self.now_us = 0
        self._lines = lines
        self._starts = _groups(lines["customer_id"])
        self._items = _Items(items)
        self._orders: dict[str, list[Order]] = {}
        self._owner: dict[str, str] = {}
        self._parcels: dict[str, dict[str, Parcel]] = {}
        for one in parcels:
            self._keep_parcel(one["order_id"], _parcel(one))

    def profile(self, customer_id: str) -> Profile | None:
        """Return a customer; what identifies one is not here."""
        return Profile(customer_id=customer_id)

    def orders(self, customer_id: str) -> list[Order]:
        """Return a customer's latest orders, newest first, as of now."""
        if customer_id not in self._orders:
            self._orders[customer_id] = self._read(customer_id)
        return [self._as_of_now(one) for one in self._orders[customer_id]]

    def item(self, item_id: str) -> Item | None:
        """Return one product."""
        return self._items.get(item_id)

    def variants(self, family: str) -> list[Item]:
        """Return the products of a family, or the one of that id."""
        return self._items.family(family)

    def find_items(self, text: str, limit: int = 5) -> list[Item]:
        """Return the products that share the rarest words with a text."""
        return self._items.find(text, limit)

    def named_in(self, text: str) -> list[Item]:
        """Return nothing: in a large catalogue a name in passing is rarely what is meant."""
        return []

    # --- events

    def purchase(self, fact: Mapping[str, Any]) -> None:
        """Take in a new order."""
        customer, order_id = fact.get("customer_id"), fact["order_id"]
        if customer is None:
            return
        held = self._orders.setdefault(customer, self._read(customer))
        if any(one.order_id == order_id for one in held):
            return
        lines = tuple(self._line(one) for one in fact.get("lines", ()))
        held.insert(
            0,
            Order(
                order_id=order_id,
                customer_id=customer,
                status=records.OPEN,
                lines=lines,
                placed_us=fact["occurred_us"],
                currency=fact.get("currency", "USD"),
            ),
        )
        del held[MOST_ORDERS:]
        self._owner[order_id] = customer

    def change(self, order_id: str, customer_id: str | None, **fields: Any) -> None:
        """Give an order new values; one that nobody asked for yet is read first."""
        customer = self._owner.get(order_id) or customer_id
        if customer is None:
            return
        self.orders(customer)
        held = self._orders[customer]
        for place, one in enumerate(held):
            if one.order_id == order_id:
                held[place] = replace(one, version=one.version + 1, **fields)

    def refunded(self, order_id: str, customer_id: str | None, minor: int) -> None:
        """Add money that went back."""
        customer = self._owner.get(order_id) or customer_id
        if customer is None:
            return
        self.orders(customer)
        for one in self._orders[customer]:
            if one.order_id == order_id:
                self.change(order_id, customer, refunded_minor=one.refunded_minor + minor)
                return

    def wrote(self, write: Write, customer_id: str) -> None:
        """Take in what support itself did."""
        self.orders(customer_id)
        held = self._orders[customer_id]
        for place, one in enumerate(held):
            if one.order_id == write.order_id:
                held[place] = after(one, write, self, None)

    def shipped(self, fact: Mapping[str, Any]) -> None:
        """Take in a parcel, or news of one."""
        order_id = fact.get("order_id")
        if order_id is None:
            return
        told = {
            "shipment_id": fact["shipment_id"],
            "carrier": fact.get("label"),
            "promised_us": fact.get("promised_us"),
            "reason": fact.get("reason"),
            "tracking": (fact.get("properties") or {}).get("tracking"),
        }
        self._keep_parcel(order_id, _parcel(told))

    def delivered(self, fact: Mapping[str, Any]) -> None:
        """Take in that a parcel arrived."""
        for order_id, some in self._parcels.items():
            if fact["shipment_id"] in some and fact.get("order_id") in (None, order_id):
                arrived = fact.get("status", "delivered") == "delivered"
                one = some[fact["shipment_id"]]
                at = fact["occurred_us"] if arrived else None
                some[fact["shipment_id"]] = replace(one, delivered_us=at)
                return

    def item_event(self, fact: Mapping[str, Any]) -> None:
        """Take in a catalogue entry, its end, or a price."""
        self._items.apply(fact)

    # --- reading

    def _keep_parcel(self, order_id: str, parcel: Parcel) -> None:
        self._parcels.setdefault(order_id, {})[parcel.shipment_id] = parcel

    def _read(self, customer_id: str) -> list[Order]:
        span = self._starts.get(customer_id)
        if span is None:
            return []
        rows = self._lines.slice(span[0], span[1] - span[0]).to_pylist()
        by_order: dict[str, list[dict[str, Any]]] = {}
        for row in rows:
            by_order.setdefault(row["order_id"], []).append(row)
        found = []
        for order_id, some in by_order.items():
            first = some[0]
            self._owner[order_id] = customer_id
            status = {"cancelled": records.CANCELLED}.get(first["status"], records.OPEN)
            status = {
                "return_requested": records.RETURNING,
                "exchange_requested": records.EXCHANGING,
                "items_changed": records.CHANGED,
            }.get(first["last_action"] or "", status)
            found.append(
                Order(
                    order_id=order_id,
                    customer_id=customer_id,
                    status=status,
                    lines=tuple(self._line(row) for row in some),
                    placed_us=first["occurred_us"],
                    currency=first["currency"] or "USD",
                    refunded_minor=int(first["refunded_minor"] or 0),
                    version=int(first["changes"] or 0),
                )
            )
        found.sort(key=lambda one: (-(one.placed_us or 0), one.order_id))
        return found[:MOST_ORDERS]

    def _line(self, row: Mapping[str, Any]) -> Line:
        item = self._items.get(row["item_id"])
        quantity = max(1, round(float(row.get("quantity") or 1)))
        price = row.get("price_minor")
        net = row.get("net_minor")
        if net is None and price is not None:
            net = price * quantity - int(row.get("discount_minor") or 0)
        return Line(
            item_id=row["item_id"],
            family=item.family if item else row["item_id"],
            name=item.name if item else row["item_id"],
            options=item.options if item else {},
            price_minor=round((net or 0) / quantity),
            quantity=quantity,
        )

    def _as_of_now(self, order: Order) -> Order:
        """Return an order with its parcels, and the status that they and the days give it."""
        parcels = tuple(self._parcels.get(order.order_id, {}).values())
        status, delivered_us = order.status, order.delivered_us
        if status in (records.OPEN, records.CHANGED, records.RETURNING, records.EXCHANGING):
            if parcels and all(one.delivered_us for one in parcels):
                delivered_us = max(one.delivered_us or 0 for one in parcels)
            elif not parcels and self.delivered_after_days and order.placed_us is not None:
                due = order.placed_us + self.delivered_after_days * DAY_US
                delivered_us = due if due <= self.now_us else None
        if status in (records.OPEN, records.CHANGED):
            if delivered_us is not None:
                status = records.DELIVERED
            elif parcels:
                status = records.SHIPPED
        return replace(order, status=status, parcels=parcels, delivered_us=delivered_us)


class _Items:
    """The catalogue: rows of one table, made into records when asked for; words to find them."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table
        ids = table["item_id"].to_pylist()
        self._row = {name: place for place, name in enumerate(ids)}
        self._made: dict[str, Item] = {}
        self._families: dict[str, list[str]] = {}
        families = table["family"].to_pylist()
        for name, family in zip(ids, families, strict=True):
            if family is not None:
                self._families.setdefault(family, []).append(name)
        self._words: dict[str, list[str]] | None = None

    def get(self, item_id: str) -> Item | None:
        found = self._made.get(item_id)
        if found is None and (row := self._row.get(item_id)) is not None:
            told = {name: self._table[name][row].as_py() for name in self._table.column_names}
            found = self._made[item_id] = _item(told)
        return found

    def family(self, family: str) -> list[Item]:
        ids = self._families.get(family) or [family]
        return [one for one in (self.get(name) for name in ids) if one is not None]

    def find(self, text: str, limit: int) -> list[Item]:
        words = self._index()
        asked = [word for word in dict.fromkeys(_WORD.findall(text.lower())) if word in words]
        stems = [word.removesuffix("s") for word in asked if word.endswith("s")]
        score: dict[str, float] = {}
        for word in [*asked, *(one for one in stems if one in words)]:
            rows = words[word]
            if len(rows) > max(200, len(self._row) // 20):
                continue  # a word of everything says nothing
            for name in rows:
                score[name] = score.get(name, 0.0) + 1.0 / np.log2(2 + len(rows))
        best = sorted(score, key=lambda name: (-score[name], name))[: 4 * limit]
        found = [one for one in (self.get(name) for name in best) if one is not None]
        found.sort(key=lambda one: (-score[one.item_id], not one.available, len(one.name)))
        return found[:limit]

    def apply(self, fact: Mapping[str, Any]) -> None:
        item_id = fact["item_id"]
        if fact["kind"] == "price":
            held = self.get(item_id)
            if held is not None:
                self._made[item_id] = replace(held, price_minor=fact["price_minor"])
            return
        if fact["kind"] == "item_removed":
            held = self.get(item_id)
            if held is not None:
                self._made[item_id] = replace(held, available=False)
            return
        properties = fact.get("properties") or {}
        told = {
            "item_id": item_id,
            "title": fact.get("title"),
            "price_minor": fact.get("price_minor"),
            "available": fact.get("available", True),
            "family": properties.get("item_group_id"),
            **{name: properties.get(name) for name in OPTIONS},
        }
        self._made[item_id] = _item(told)
        family = told["family"]
        if family and item_id not in self._families.setdefault(family, []):
            self._families[family].append(item_id)
        if self._words is not None:
            for word in set(_WORD.findall(str(told["title"] or "").lower())):
                self._words.setdefault(word, []).append(item_id)

    def _index(self) -> dict[str, list[str]]:
        if self._words is None:
            words: dict[str, list[str]] = {}
            ids, titles = self._table["item_id"].to_pylist(), self._table["title"].to_pylist()
            pairs = [*zip(ids, titles, strict=True)]
            pairs += [(n, one.name) for n, one in self._made.items() if n not in self._row]
            for name, title in pairs:
                for word in set(_WORD.findall((title or "").lower())):
                    words.setdefault(word, []).append(name)
            self._words = words
        return self._words


def _item(told: Mapping[str, Any]) -> Item:
    options = {
        "color" if name == "colour" else name: str(told[name]) for name in OPTIONS if told.get(name)
    }
    return Item(
        item_id=told["item_id"],
        family=told.get("family") or told["item_id"],
        name=told.get("title") or told["item_id"],
        options=options,
        price_minor=told.get("price_minor"),
        available=bool(told.get("available", True)),
    )


def _parcel(told: Mapping[str, Any]) -> Parcel:
    return Parcel(
        shipment_id=told["shipment_id"],
        tracking=told.get("tracking") or told["shipment_id"],
        carrier=told.get("carrier") or "",
        promised_us=told.get("promised_us"),
        delivered_us=told.get("delivered_us"),
        late_reason=told.get("reason") or "",
    )


def _groups(column: pa.ChunkedArray) -> dict[str, tuple[int, int]]:
    """Return customer -> (first row, row after the last) of a sorted column."""
    names = column.to_pylist()
    found: dict[str, tuple[int, int]] = {}
    start = 0
    for place in range(1, len(names) + 1):
        if place == len(names) or names[place] != names[start]:
            found[names[start]] = (start, place)
            start = place
    return found
