"""The seven write tools of the published retail tasks, on the database as it is published.

Each does to the database what the published one does and refuses what that refuses.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_REASONS = ("no longer needed", "ordered by mistake")


class Refused(Exception):
    """A tool refused its call; with a policy in code this must never happen."""


def cancel(db: dict[str, Any], order_id: str, reason: str) -> None:
    """Cancel an open order; every payment goes back the way it came."""
    order = _order_in(db, order_id, "pending")
    if reason not in _REASONS:
        raise Refused(f"reason {reason}")
    methods = db["users"][order["user_id"]]["payment_methods"]
    back = []
    for payment in order["payment_history"]:
        name = payment["payment_method_id"]
        back.append(payment | {"transaction_type": "refund"})
        if methods[name]["source"] == "gift_card":
            methods[name]["balance"] = round(methods[name]["balance"] + payment["amount"], 2)
    order["payment_history"] += back
    order |= {"status": "cancelled", "cancel_reason": reason}


def give_back(db: dict[str, Any], order_id: str, item_ids: list[str], method: str) -> None:
    """Ask a delivered order's items back, the money to the paid method or a gift card."""
    order = _order_in(db, order_id, "delivered")
    methods = db["users"][order["user_id"]]["payment_methods"]
    paid = order["payment_history"][0]["payment_method_id"]
    if method not in methods or (methods[method]["source"] != "gift_card" and method != paid):
        raise Refused(f"refund to {method}")
    _need_items(order, item_ids)
    order |= {
        "status": "return requested",
        "return_items": sorted(item_ids),
        "return_payment_method_id": method,
    }


def exchange(
    db: dict[str, Any], order_id: str, item_ids: list[str], new_ids: list[str], method: str
) -> None:
    """Exchange items of a delivered order for others of the same products."""
    order = _order_in(db, order_id, "delivered")
    cost, _ = _cost(db, order, item_ids, new_ids)
    _need_balance(db, order, method, cost)
    order |= {
        "status": "exchange requested",
        "exchange_items": sorted(item_ids),
        "exchange_new_items": sorted(new_ids),
        "exchange_payment_method_id": method,
        "exchange_price_difference": round(cost, 2),
    }


def modify_items(
    db: dict[str, Any], order_id: str, item_ids: list[str], new_ids: list[str], method: str
) -> None:
    """Change items of an open order; once only, after which the order is fixed."""
    order = _order_in(db, order_id, "pending")
    if any(a == b for a, b in zip(item_ids, new_ids, strict=False)):
        raise Refused("the same item again")
    cost, last = _cost(db, order, item_ids, new_ids)
    _need_balance(db, order, method, cost)
    order["payment_history"].append(
        {
            "transaction_type": "payment" if cost > 0 else "refund",
            "amount": abs(cost),
            "payment_method_id": method,
        }
    )
    card = db["users"][order["user_id"]]["payment_methods"][method]
    if card["source"] == "gift_card":
        card["balance"] = round(card["balance"] - cost, 2)
    for old, new in zip(item_ids, new_ids, strict=True):
        line = next(one for one in order["items"] if one["item_id"] == old)
        # The published tool gives every changed line the last variant's price and options.
        line |= {"item_id": new, "price": last["price"], "options": last["options"]}
    order["status"] = "pending (item modified)"


def modify_payment(db: dict[str, Any], order_id: str, method: str) -> None:
    """Pay an open order otherwise."""
    order = _order_in(db, order_id, "pending", "pending (item modified)")
    methods = db["users"][order["user_id"]]["payment_methods"]
    history = order["payment_history"]
    if method not in methods or len(history) != 1 or history[0]["payment_method_id"] == method:
        raise Refused(f"pay with {method}")
    amount, paid = history[0]["amount"], history[0]["payment_method_id"]
    _need_balance(db, order, method, amount)
    history += [
        {"transaction_type": "payment", "amount": amount, "payment_method_id": method},
        {"transaction_type": "refund", "amount": amount, "payment_method_id": paid},
    ]
    for name, sign in ((method, -1), (paid, 1)):
        if methods[name]["source"] == "gift_card":
            methods[name]["balance"] = round(methods[name]["balance"] + sign * amount, 2)


def modify_address(db: dict[str, Any], order_id: str, address: dict[str, str]) -> None:
    """Send an open order elsewhere."""
    _order_in(db, order_id, "pending", "pending (item modified)")["address"] = address


def _order_in(db: dict[str, Any], order_id: str, *statuses: str) -> dict[str, Any]:
    order: dict[str, Any] | None = db["orders"].get(order_id)
    if order is None or order["status"] not in statuses:
        raise Refused(f"order {order_id} is {order['status'] if order else 'unknown'}")
    return order


def _need_items(order: Mapping[str, Any], item_ids: list[str]) -> None:
    held = [one["item_id"] for one in order["items"]]
    if any(item_ids.count(one) > held.count(one) for one in item_ids):
        raise Refused("items that are not in the order")


def _cost(
    db: dict[str, Any], order: Mapping[str, Any], item_ids: list[str], new_ids: list[str]
) -> tuple[float, dict[str, Any]]:
    _need_items(order, item_ids)
    if len(item_ids) != len(new_ids) or not item_ids:
        raise Refused("as many new items as old ones")
    cost, variant = 0.0, {}
    for old, new in zip(item_ids, new_ids, strict=True):
        line = next(one for one in order["items"] if one["item_id"] == old)
        variant = db["products"][line["product_id"]]["variants"].get(new)
        if variant is None or not variant["available"]:
            raise Refused(f"item {new} cannot be had")
        cost += variant["price"] - line["price"]
    return cost, variant


def _need_balance(db: dict[str, Any], order: Mapping[str, Any], method: str, cost: float) -> None:
    card = db["users"][order["user_id"]]["payment_methods"].get(method)
    if card is None or (card["source"] == "gift_card" and card["balance"] < cost):
        raise Refused(f"pay {cost:.2f} with {method}")
