"""What a supplier's message may change: a day, a quantity, a price, the end of a product.

Each change is shown with what it touches before anybody accepts it: the shelf's outlook, what
stock planning would order, orders promised from it, and who else sells the product. Accepting
writes plain events, so inventory, promises and support follow without knowing of messages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shopkeeper.base import clock, ids
from shopkeeper.base.errors import BadInput, Conflict, NotFound
from shopkeeper.data import supply_reports
from shopkeeper.data.events import Event, Line
from shopkeeper.data.importers import money
from shopkeeper.operate import stock_outlook, supplier_choice, supply_notices, webhooks
from shopkeeper.operate.supply_desk import append

KINDS = ("day", "quantity", "price", "discontinued")
FIELDS = ("kind", "purchase_order_id", "item_id", "new_day", "quantity", "price", "currency")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change; ``quantity`` is what the order brings of the item in all."""

    kind: str
    supplier_id: str
    purchase_order_id: str = ""
    item_id: str = ""
    new_day: str = ""
    quantity: float = 0.0
    price_minor: int = 0


def change_of(shop: Any, supplier_id: str, raw: Mapping[str, Any]) -> Change:
    """Return a checked change of the supplier who wrote; BadInput or Conflict says what is wrong.

    An item left out is the order's only one; with several it must be named.
    """
    kind = raw.get("kind")
    if kind not in KINDS:
        raise BadInput(
            "The kind of change is unknown.", field="kind", value=kind, allowed=", ".join(KINDS)
        )
    order, item = str(raw.get("purchase_order_id") or ""), str(raw.get("item_id") or "")
    rows = supply_notices.open_lines(shop, order) if order or kind in ("day", "quantity") else []
    if rows and rows[0]["supplier_id"] != supplier_id:
        raise Conflict(
            f"{order} is an order to {rows[0]['supplier_id']}, but {supplier_id} wrote.",
            hint="Look who may speak for this order.",
            field="purchase_order_id",
            value=order,
        )
    if kind == "day":
        new_day = str(raw.get("new_day") or "")
        supply_notices.day_us(new_day)
        return Change(kind=kind, supplier_id=supplier_id, purchase_order_id=order, new_day=new_day)
    item = item or _only_item(rows)
    quantity, price = 0.0, 0
    if kind == "quantity":
        quantity = _quantity(rows, order, item, raw.get("quantity"))
    if kind == "price":
        price = _price(shop, raw)
    return Change(
        kind=kind,
        supplier_id=supplier_id,
        purchase_order_id=order,
        item_id=item,
        quantity=quantity,
        price_minor=price,
    )


def read_changes(
    shop: Any, notice: Mapping[str, Any], read: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return what was read as changes that could be accepted, or with what is missing."""
    found = []
    for one in read:
        raw = _raw(shop, one)
        if raw is None:
            continue
        try:
            change_of(shop, str(notice["supplier_id"]), raw)
            missing = ""
        except (BadInput, Conflict, NotFound) as problem:
            missing = problem.message
        found.append({**raw, "missing": missing, "questions": list(one["questions"])})
    return found


def consequences(shop: Any, change: Change) -> dict[str, Any]:
    """Return what a change would touch; nothing is written."""
    rows = [
        row
        for row in supply_reports.open_purchases(shop.warehouse)
        if (row["purchase_order_id"] == change.purchase_order_id or not change.purchase_order_id)
        and (not change.item_id or row["item_id"] == change.item_id)
        and row["supplier_id"] == change.supplier_id
    ]
    told: dict[str, Any] = {
        "kind": change.kind,
        "purchase_order_id": change.purchase_order_id or None,
        "supplier_id": change.supplier_id,
        "days_later": 0.0,
        "orders": [],
    }
    if change.kind == "day":
        told = {**told, **_of_day(shop, change)}
    elif change.kind == "quantity":
        lost = sum(row["quantity"] for row in rows) - change.quantity
        told["orders"] = supply_notices.waiting_for_units(shop, rows, lost)
    items = list(dict.fromkeys([row["item_id"] for row in rows] or [change.item_id]))
    outlook = stock_outlook.look(shop, items, _changed(change, rows))
    shown = told.pop("items", None) or [
        {"item_id": i, "title": next((r["title"] for r in rows if r["item_id"] == i), None)}
        for i in items
    ]
    told["items"] = [{**one, **outlook[one["item_id"]]} for one in shown]
    told["others"] = [_others(shop, item, change) for item in items[:20]]
    return told


def accept(
    shop: Any, notice_id: str, changes: Sequence[Change], operator: str
) -> list[dict[str, Any]]:
    """Write the changes as events, note who accepted, tell whose promise changed."""
    notice = supply_notices.open_notice(shop, notice_id)
    if not changes:
        raise BadInput("Nothing was chosen to accept.", field="changes", allowed="1 or more")
    for one in changes:
        if one.supplier_id != notice["supplier_id"]:
            raise Conflict(
                f"The change is of {one.supplier_id}, but {notice['supplier_id']} wrote.",
                field="supplier_id",
                value=one.supplier_id,
            )
    touched = [consequences(shop, one) for one in changes]
    events = [_event(shop, one, operator) for one in changes]
    orders = sorted({one.purchase_order_id for one in changes} - {""})
    append(shop, [*events, supply_notices.judged("accept_notice", notice_id, operator, orders)])
    for found in touched:
        for order in found["orders"]:
            body = {**order, "purchase_order_id": found["purchase_order_id"]}
            key = f"{notice_id}.{order['order_id']}"[:100]
            webhooks.send(shop, "supply.promise_changed", body, key)
    return touched


def _event(shop: Any, change: Change, operator: str) -> Event:
    common: dict[str, Any] = {
        "occurred_at": clock.now(),
        "supplier_id": change.supplier_id,
        "source": operator,
        "reason": "supplier notice",
    }
    if change.kind == "price":
        return Event(
            event_id=ids.new_id("terms"),
            kind="supplier",
            item_id=change.item_id,
            price_minor=change.price_minor,
            currency=shop.settings.currency,
            properties=_kept_terms(shop, change),
            **common,
        )
    if change.kind == "discontinued":
        return Event(
            event_id=ids.new_id("terms"),
            kind="supplier",
            item_id=change.item_id,
            status="ended",
            **common,
        )
    order: dict[str, Any] = {"event_id": ids.new_id("po"), "kind": "purchase_order"}
    order["purchase_order_id"] = change.purchase_order_id
    if change.kind == "quantity":
        line = Line(item_id=change.item_id, quantity=change.quantity)
        return Event(**order, lines=[line], **common)
    day = clock.from_us(supply_notices.day_us(change.new_day))
    return Event(**order, promised_at=day, **common)


def _kept_terms(shop: Any, change: Change) -> dict[str, Any]:
    """Return the other terms of the item, which a later event would replace by nothing."""
    names = (
        *("lead_time_days", "minimum_quantity", "pack_size", "order_cost_minor"),
        *("minimum_value_minor", "shelf_life_days", "volume_per_unit"),
    )
    row = supply_reports.terms_of(shop.warehouse, change.supplier_id, change.item_id) or {}
    return {name: row[name] for name in names if row.get(name) is not None}


def _of_day(shop: Any, change: Change) -> dict[str, Any]:
    return supply_notices.consequences(shop, change.purchase_order_id, change.new_day)


def _changed(change: Change, rows: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], Any]:
    if change.kind == "day":
        day = supply_notices.day_us(change.new_day)
        return {(r["purchase_order_id"], r["item_id"]): {"day_us": day} for r in rows}
    if change.kind == "quantity":
        return {
            (r["purchase_order_id"], r["item_id"]): {
                "units": max(0.0, change.quantity - r["received"])
            }
            for r in rows
        }
    return {}


def _others(shop: Any, item: str, change: Change) -> dict[str, Any]:
    """Return who sells the product, best first, with the new price where that is the change."""
    found = supplier_choice.choices(shop, item_id=item)
    rows = found[0]["suppliers"] if found else []
    if change.kind == "discontinued":
        rows = [row for row in rows if row["supplier_id"] != change.supplier_id]
    if change.kind == "price":
        rows = [
            row
            if row["supplier_id"] != change.supplier_id
            else {
                **row,
                "price_minor": change.price_minor,
                "total_minor": round(
                    row["total_minor"] + change.price_minor - row["price_minor"], 2
                ),
            }
            for row in rows
        ]
        rows = sorted(rows, key=lambda row: row["total_minor"])
    return {"item_id": item, "suppliers": rows}


def _raw(shop: Any, one: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what one finding says as the fields of a change; None where it changes nothing."""
    fields, order = one["fields"], one["purchase_order_id"]
    if one["kind"] in ("delay", "early"):
        return {"kind": "day", "purchase_order_id": order, "new_day": one["new_day"] or ""}
    item = fields.get("item")
    if one["kind"] == "price":
        return {
            "kind": "price",
            "item_id": item or _item_of(shop, order),
            "price": fields.get("new_price"),
            "currency": one["currency"],
        }
    if one["kind"] == "discontinued":
        return {"kind": "discontinued", "item_id": item or _item_of(shop, order)}
    confirmed, short = fields.get("quantity_confirmed"), fields.get("quantity_short")
    if confirmed is None and short is None:
        return None
    if confirmed is None:
        rows = _rows(shop, order, item)
        confirmed = max(0.0, rows[0]["quantity"] - short) if len(rows) == 1 else None
    return {"kind": "quantity", "purchase_order_id": order, "item_id": item, "quantity": confirmed}


def _rows(shop: Any, order: str | None, item: str | None) -> list[dict[str, Any]]:
    return [
        row
        for row in supply_reports.open_purchases(shop.warehouse)
        if row["purchase_order_id"] == order and (item is None or row["item_id"] == item)
    ]


def _item_of(shop: Any, order: str | None) -> str:
    rows = _rows(shop, order, None)
    return rows[0]["item_id"] if len(rows) == 1 else ""


def _only_item(rows: Sequence[Mapping[str, Any]]) -> str:
    if len(rows) == 1:
        return str(rows[0]["item_id"])
    raise BadInput(
        f"The product is not named, and the order has {len(rows)}.",
        hint="Say which product the message means.",
        field="item_id",
        allowed=", ".join(str(row["item_id"]) for row in rows[:20]) or "a product id",
    )


def _quantity(rows: Sequence[Mapping[str, Any]], order: str, item: str, given: Any) -> float:
    row = next((one for one in rows if one["item_id"] == item), None)
    if row is None:
        raise BadInput(
            f"{order} has no open '{item[:60]}'.",
            field="item_id",
            value=item,
            allowed=", ".join(str(one["item_id"]) for one in rows[:20]),
        )
    good = isinstance(given, int | float) and not isinstance(given, bool)
    if not good or not row["received"] <= given <= 10 * row["quantity"]:
        raise BadInput(
            f"quantity must be the units that come in all, {row['received']:g} came already, "
            f"but is {given!r}.",
            field="quantity",
            value=given,
            allowed=f"{row['received']:g} to {10 * row['quantity']:g}",
        )
    return float(given)


def _price(shop: Any, raw: Mapping[str, Any]) -> int:
    own = shop.settings.currency
    currency = raw.get("currency") or own
    if currency != own:
        raise BadInput(
            f"The price is in {currency}, the shop counts in {own}.",
            hint="Ask for the price in the shop's currency, or enter it.",
            field="currency",
            value=currency,
            allowed=own,
        )
    price = raw.get("price")
    if not isinstance(price, int | float) or isinstance(price, bool) or not 0 < price < 1e9:
        raise BadInput("price must be above 0.", field="price", value=price, allowed="above 0")
    return money.to_minor(price, own)
