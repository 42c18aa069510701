"""Each customer's orders in memory, kept event by event; the same as the table of orders gives."""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow.compute as pc

from shopkeeper.base.errors import BadInput, shorten
from shopkeeper.recommend.behaviour import orders as book
from shopkeeper.recommend.behaviour.orders import Known, Orders

KINDS = frozenset({"purchase", "cancel", "refund"})
_OVER = ("cancelled", "refunded")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Whose outlook is asked."""

    customer_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What is known of one customer at a moment; ``known`` holds one row, or none."""

    customer_id: str
    as_of_us: int
    known: Known


class State:
    """Orders by customer; ``seq`` the last event taken."""

    def __init__(self) -> None:
        self.seq = 0
        # customer -> [(occurred_us, order id)], and order id -> what is left of its money.
        self.orders: dict[str, list[tuple[int, str]]] = {}
        self.value: dict[str, int] = {}
        self.placed: dict[str, tuple[str, int]] = {}

    def apply(self, event: Mapping[str, Any]) -> None:
        """Take one purchase, cancel or refund."""
        seq, order = event.get("seq"), event.get("order_id")
        if event["kind"] not in KINDS or not order or (seq is not None and seq <= self.seq):
            return
        if seq is not None:
            self.seq = seq
        if event["kind"] == "purchase":
            self._bought(event, order)
        elif event["kind"] == "cancel":
            self._drop(order)
        else:
            self._back(event, order)

    def history(self, customer_id: str, as_of_us: int) -> Orders:
        """Return one customer's orders before a moment."""
        rows = [one for one in self.orders.get(customer_id, ()) if one[0] < as_of_us]
        return book.grouped(
            [customer_id] * len(rows),
            np.array([at for at, _ in rows], dtype=np.int64),
            np.array([self.value[order] for _, order in rows], dtype=float),
        )

    def add(self, customer_id: str, order: str, at_us: int, value: int) -> None:
        """Note an order as it stands."""
        insort(self.orders.setdefault(customer_id, []), (at_us, order))
        self.value[order], self.placed[order] = value, (customer_id, at_us)

    def _bought(self, event: Mapping[str, Any], order: str) -> None:
        customer = event.get("customer_id")
        if customer is None or order in self.placed:
            return
        lines = event.get("lines") or ()
        self.add(customer, order, event["occurred_us"], sum(map(_net, lines)))

    def _back(self, event: Mapping[str, Any], order: str) -> None:
        if order not in self.value:
            return
        lines = event.get("lines") or ()
        money = sum(map(_net, lines)) if lines else event.get("value_minor")
        if money is None and event.get("item_id") is not None:
            return
        self.value[order] -= self.value[order] if money is None else money
        if self.value[order] <= 0:
            self._drop(order)

    def _drop(self, order: str) -> None:
        placed = self.placed.pop(order, None)
        if placed is not None:
            self.orders[placed[0]].remove((placed[1], order))
            self.value.pop(order, None)


def rebuild(warehouse: Any) -> State:
    """Return the state of the table of orders."""
    state = State()
    table = warehouse.table("orders")
    names = ("customer_id", "order_id", "occurred_us", "net_minor", "refunded_minor", "status")
    for customer, order, at_us, net, back, status in zip(
        *(table[name].to_pylist() for name in names), strict=True
    ):
        if customer is not None and status not in _OVER:
            state.add(customer, order, at_us, int(net or 0) - int(back or 0))
    told = (
        pc.max(warehouse.table(name)["seq"]).as_py() or 0 for name in ("order_lines", "refunds")
    )
    state.seq = max(told)
    return state


def gather(warehouse: Any) -> Orders:
    """Return all orders that stand, for training."""
    table = warehouse.table("orders")
    names = ("customer_id", "occurred_us", "net_minor", "refunded_minor", "status")
    rows = [
        (customer, at_us, int(net or 0) - int(back or 0))
        for customer, at_us, net, back, status in zip(
            *(table[name].to_pylist() for name in names), strict=True
        )
        if customer is not None and status not in _OVER
    ]
    customers, at, value = zip(*rows, strict=True) if rows else ((), (), ())
    return book.grouped(list(customers), np.array(at, dtype=np.int64), np.array(value, dtype=float))


def parse(raw: Mapping[str, Any]) -> Request:
    """Return the request; BadInput names the field."""
    for name in raw:
        if name != "customer_id":
            raise BadInput(
                f"The request has a field that nobody knows: {name}.",
                field=str(name),
                value=raw[name],
                allowed="customer_id",
            )
    customer = raw.get("customer_id")
    if not isinstance(customer, str) or not 0 < len(customer) <= 128:
        raise BadInput(
            f"customer_id must be a text of 1 to 128 characters, but is {shorten(customer)!r}.",
            hint='For example {"customer_id": "900"}.',
            field="customer_id",
            value=customer,
            allowed="a text of 1 to 128 characters",
        )
    return Request(customer_id=customer)


def features_at(state: State, request: Request, as_of_us: int) -> Features:
    """Return what is known of the customer."""
    orders = state.history(request.customer_id, as_of_us)
    known = book.known_at(orders, as_of_us)
    return Features(customer_id=request.customer_id, as_of_us=as_of_us, known=known)


def _net(line: Mapping[str, Any]) -> int:
    price = line.get("price_minor") or 0
    return math.floor(line.get("quantity", 1) * price + 0.5) - (line.get("discount_minor") or 0)
