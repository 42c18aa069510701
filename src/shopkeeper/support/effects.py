"""What a write makes of an order or a profile: pure, so that a turn can go on from its own writes.

The live state applies the same function when the write's event arrives from the log; both see
the same order with the same version.
"""

from __future__ import annotations

from dataclasses import replace

from shopkeeper.support import records
from shopkeeper.support.records import Address, Book, Line, Method, Order, Profile
from shopkeeper.support.state import Write

_STATUS = {
    "cancel_order": records.CANCELLED,
    "return_items": records.RETURNING,
    "exchange_items": records.EXCHANGING,
}


def after(order: Order, write: Write, book: Book, address: Address | None) -> Order:
    """Return the order as the write leaves it."""
    changed = replace(order, version=order.version + 1)
    if write.tool in _STATUS:
        return replace(changed, status=_STATUS[write.tool])
    if write.tool == "change_items":
        news = dict(zip(write.args["item_ids"], write.args["new_item_ids"], strict=True))
        lines = tuple(_becomes(line, news.get(line.item_id), book) for line in order.lines)
        return replace(changed, lines=lines, status=records.CHANGED)
    if write.tool == "change_address":
        return replace(changed, address=address)
    if write.tool == "change_payment":
        return replace(changed, method_id=write.args["method_id"])
    if write.tool == "refund":
        return replace(changed, refunded_minor=order.refunded_minor + write.args["amount_minor"])
    return changed


def after_profile(
    profile: Profile, write: Write, order: Order | None, address: Address | None
) -> Profile:
    """Return the profile as the write leaves it: address, gift card, version."""
    changed = replace(profile, version=profile.version + 1)
    if write.tool == "change_default_address":
        return replace(changed, address=address)
    amount = int(write.args.get("amount_minor", 0))
    if write.tool == "cancel_order" and order is not None:
        return replace(changed, methods=_paid_back(profile, order.method_id, amount))
    if write.tool == "change_items":
        return replace(changed, methods=_paid_back(profile, write.args["method_id"], -amount))
    return changed


def _becomes(line: Line, new_id: str | None, book: Book) -> Line:
    item = book.item(new_id) if new_id else None
    if item is None:
        return line
    return replace(
        line,
        item_id=item.item_id,
        name=item.name,
        options=item.options,
        price_minor=item.price_minor or 0,
    )


def _paid_back(profile: Profile, method_id: str, amount: int) -> tuple[Method, ...]:
    return tuple(
        replace(one, balance_minor=one.balance_minor + amount)
        if one.method_id == method_id and one.balance_minor is not None
        else one
        for one in profile.methods
    )
