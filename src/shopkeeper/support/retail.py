"""A shop read from a file in the layout of the published retail tasks, with its seven write tools.

Reads ``db.json`` (products with variants, users, orders) as a Book, so that the same dialogue
that serves the shop answers here. The tools do to the database what the published ones do, and
refuse what those refuse; ``Refused`` from a tool is a policy violation of the agent.
"""

from __future__ import annotations

import contextlib
import copy
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shopkeeper.base.errors import BadInput
from shopkeeper.support import records
from shopkeeper.support.records import Address, Book, Item, Line, Method, Order, Parcel, Profile
from shopkeeper.support.retail_tools import (
    Refused,
    cancel,
    exchange,
    give_back,
    modify_address,
    modify_items,
    modify_payment,
)
from shopkeeper.support.state import Write
from shopkeeper.support.terms import Terms

TERMS = Terms(
    version="retail-tasks",
    return_days=3650,
    exchange_days=3650,
    refund_to="original_or_gift_card",
    cancel_reasons=("no longer needed", "ordered by mistake"),
    change_once=True,
    identify="conversation",
    ask_method=True,
)

_STATUS = {
    "pending": records.OPEN,
    "processed": records.SHIPPED,
    "delivered": records.DELIVERED,
    "cancelled": records.CANCELLED,
    "pending (item modified)": records.CHANGED,
    "return requested": records.RETURNING,
    "exchange requested": records.EXCHANGING,
}


def read_database(path: Path) -> dict[str, Any]:
    """Return db.json; BadInput names what is missing."""
    try:
        raw: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except OSError as problem:
        raise BadInput(
            f"{path} cannot be read: {problem.strerror}.",
            hint="--tasks takes a folder with db.json and a tasks file.",
            field="tasks",
        ) from problem
    except ValueError as problem:
        raise BadInput(f"{path} is not valid JSON: {problem}.", field="tasks") from problem
    for name in ("products", "users", "orders"):
        if not isinstance(raw.get(name), dict) or not raw[name]:
            raise BadInput(
                f"{path} lacks '{name}'.", field=name, allowed="an object that is not empty"
            )
    return raw


class RetailBook(Book):
    """The database as records; writes change the copy that this book holds."""

    def __init__(self, database: Mapping[str, Any]) -> None:
        self.db: dict[str, Any] = {
            "products": database["products"],
            "users": copy.deepcopy(database["users"]),
            "orders": copy.deepcopy(database["orders"]),
        }
        self.writes: dict[str, int] = {}
        self._items: dict[str, tuple[str, str]] = {
            item_id: (product_id, product["name"])
            for product_id, product in self.db["products"].items()
            for item_id in product["variants"]
        }

    def profile(self, customer_id: str) -> Profile | None:
        """Return a user."""
        user = self.db["users"].get(customer_id)
        if user is None:
            return None
        methods = tuple(
            Method(
                method_id=name,
                kind=one["source"],
                brand=one.get("brand", ""),
                last_four=one.get("last_four", ""),
                balance_minor=_minor(one["balance"]) if "balance" in one else None,
            )
            for name, one in user["payment_methods"].items()
        )
        return Profile(
            customer_id=customer_id,
            first_name=user["name"]["first_name"],
            address=_address(user["address"]),
            methods=methods,
            version=self.writes.get(customer_id, 0),
        )

    def orders(self, customer_id: str) -> list[Order]:
        """Return a user's orders, the last of the list first."""
        user = self.db["users"].get(customer_id)
        return [self._order(name) for name in reversed(user["orders"])] if user else []

    def item(self, item_id: str) -> Item | None:
        """Return one variant."""
        known = self._items.get(item_id)
        return self._item(*known, item_id) if known else None

    def variants(self, family: str) -> list[Item]:
        """Return the variants of a product."""
        product = self.db["products"].get(family)
        if product is None:
            return []
        return [self._item(family, product["name"], one) for one in product["variants"]]

    def find_items(self, text: str, limit: int = 5) -> list[Item]:
        """Return one variant of each product that a text names."""
        low = re.sub(r"[\s-]+", " ", text.lower())
        joined = low.replace(" ", "")
        hits = []
        for product_id, product in self.db["products"].items():
            name = re.sub(r"[\s-]+", " ", product["name"].lower())
            stem = name.removesuffix("s")
            if stem in low or stem.replace(" ", "") in joined:
                hits.append((-len(name), product_id))
        return [self.variants(product_id)[0] for _, product_id in sorted(hits)[:limit]]

    def find_customer(self, told: Mapping[str, str]) -> str | None:
        """Return who an e-mail belongs to, else a full name with its postcode."""
        mails = told.get("email", "").lower().split()
        for name, user in self.db["users"].items():
            if user["email"].lower() in mails:
                return str(name)
        first, last = told.get("first", "").lower(), told.get("last", "").lower()
        code = told.get("postcode", "")
        if not (first and last and code):
            return None
        for name, user in self.db["users"].items():
            same = (user["name"]["first_name"].lower(), user["name"]["last_name"].lower())
            if same == (first, last) and user["address"]["zip"] == code:
                return str(name)
        return None

    def carry_out(self, write: Write, customer_id: str, address: Address | None) -> None:
        """Do a confirmed write to the database as the published tool of its name does."""
        order_id = write.order_id
        if write.tool == "cancel_order":
            cancel(self.db, order_id, write.args["reason"])
        elif write.tool == "return_items":
            give_back(self.db, order_id, write.args["item_ids"], write.args["method_id"])
        elif write.tool == "exchange_items":
            exchange(self.db, order_id, *_change_args(write))
        elif write.tool == "change_items":
            modify_items(self.db, order_id, *_change_args(write))
        elif write.tool == "change_payment":
            modify_payment(self.db, order_id, write.args["method_id"])
        elif write.tool == "change_address":
            modify_address(self.db, order_id, _raw(address))
        elif write.tool == "change_default_address":
            self.db["users"][customer_id]["address"] = _raw(address)
        else:
            raise Refused(f"there is no tool {write.tool}")
        for name in (order_id, customer_id):
            self.writes[name] = self.writes.get(name, 0) + 1

    def _item(self, family: str, name: str, item_id: str) -> Item:
        raw = self.db["products"][family]["variants"][item_id]
        return Item(
            item_id=item_id,
            family=family,
            name=name,
            options=raw["options"],
            price_minor=_minor(raw["price"]),
            available=raw["available"],
        )

    def _order(self, order_id: str) -> Order:
        raw = self.db["orders"][order_id]
        lines = tuple(
            Line(
                item_id=one["item_id"],
                family=one["product_id"],
                name=one["name"],
                options=one["options"],
                price_minor=_minor(one["price"]),
            )
            for one in raw["items"]
        )
        parcels = tuple(
            Parcel(shipment_id=number, tracking=number)
            for one in raw["fulfillments"]
            for number in one["tracking_id"]
        )
        return Order(
            order_id=order_id,
            customer_id=raw["user_id"],
            status=_STATUS.get(raw["status"], raw["status"]),
            lines=lines,
            address=_address(raw["address"]),
            method_id=raw["payment_history"][0]["payment_method_id"],
            parcels=parcels,
            version=self.writes.get(order_id, 0),
        )


def replay(database: Mapping[str, Any], actions: list[Mapping[str, Any]]) -> dict[str, Any]:
    """Return users and orders after a task's expected actions; look-ups change nothing."""
    book = RetailBook(database)
    db = book.db
    for one in actions:
        # One published task expects a call that its own tool refuses; it then changes nothing.
        with contextlib.suppress(Refused):
            _act(db, one["name"], one["arguments"])
    return {"users": db["users"], "orders": db["orders"]}


def _act(db: dict[str, Any], name: str, args: Mapping[str, Any]) -> None:
    if name == "cancel_pending_order":
        cancel(db, args["order_id"], args["reason"])
    elif name == "return_delivered_order_items":
        give_back(db, args["order_id"], args["item_ids"], args["payment_method_id"])
    elif name in ("exchange_delivered_order_items", "modify_pending_order_items"):
        work = exchange if name.startswith("exchange") else modify_items
        given = (args["item_ids"], args["new_item_ids"], args["payment_method_id"])
        work(db, args["order_id"], *given)
    elif name == "modify_pending_order_payment":
        modify_payment(db, args["order_id"], args["payment_method_id"])
    elif name == "modify_pending_order_address":
        modify_address(db, args["order_id"], _fields(args))
    elif name == "modify_user_address":
        db["users"][args["user_id"]]["address"] = _fields(args)


def _change_args(write: Write) -> tuple[list[str], list[str], str]:
    return write.args["item_ids"], write.args["new_item_ids"], write.args["method_id"]


def _minor(amount: float) -> int:
    return round(amount * 100)


def _address(raw: Mapping[str, str]) -> Address:
    return Address(
        line1=raw["address1"],
        line2=raw["address2"],
        city=raw["city"],
        state=raw["state"],
        country=raw["country"],
        postcode=raw["zip"],
    )


def _raw(address: Address | None) -> dict[str, str]:
    if address is None:
        raise Refused("no address")
    return {
        "address1": address.line1,
        "address2": address.line2,
        "city": address.city,
        "state": address.state,
        "country": address.country,
        "zip": address.postcode,
    }


def _fields(args: Mapping[str, str]) -> dict[str, str]:
    return {n: args[n] for n in ("address1", "address2", "city", "state", "country", "zip")}
