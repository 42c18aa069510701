"""What the terms allow, as code: each check returns None, or the act that says why not.

The only place where a write is judged. It is asked when a task is planned and once more when it
is committed, on the order as it is then.
"""

from __future__ import annotations

from collections.abc import Sequence

from shopkeeper.base.clock import DAY_US
from shopkeeper.support import records
from shopkeeper.support.acts import Act, act
from shopkeeper.support.records import Item, Line, Method, Order, Profile
from shopkeeper.support.terms import Terms

IMMEDIATE = "gift_card"


def may_cancel(order: Order) -> Act | None:
    """Only what has not left the house can be cancelled."""
    if order.status == records.OPEN:
        return None
    return act("deny_cancel", f"order:{order.order_id}", order=order.order_id, status=order.status)


def may_return(order: Order, terms: Terms, now_us: int) -> Act | None:
    """Only what was delivered, within the days of the terms, comes back."""
    source = f"order:{order.order_id}"
    if order.status != records.DELIVERED:
        return act("deny_return", source, order=order.order_id, status=order.status)
    if _too_late(order, terms.return_days, now_us):
        return act("deny_return_late", "terms", order=order.order_id, days=terms.return_days)
    return None


def may_change(order: Order, terms: Terms, now_us: int) -> Act | None:
    """Open orders can be changed, delivered ones exchanged, each within the terms."""
    source = f"order:{order.order_id}"
    if order.status == records.OPEN:
        return None
    if order.status != records.DELIVERED:
        kind = "deny_change" if order.status == records.CHANGED else "deny_exchange"
        return act(kind, source, order=order.order_id, status=order.status)
    if _too_late(order, terms.exchange_days, now_us):
        return act("deny_return_late", "terms", order=order.order_id, days=terms.exchange_days)
    return None


def may_change_address(order: Order, terms: Terms) -> Act | None:
    """Only what has not left the house goes elsewhere."""
    if order.status in (records.OPEN, records.CHANGED):
        return None
    return act("deny_address", f"order:{order.order_id}", order=order.order_id, status=order.status)


def may_become(line: Line, item: Item, terms: Terms) -> Act | None:
    """A line becomes another variant of the same product that can be had."""
    if terms.change_keeps_family and item.family != line.family:
        return act("deny_family", "terms", product=line.name)
    if not item.available:
        return act("deny_variant", f"item:{item.item_id}", product=line.name)
    return None


def refund_target(
    method: Method | None, order: Order, profile: Profile | None, terms: Terms
) -> Act | None:
    """Money goes back the way it came, or to a gift card where the terms say so."""
    if method is None:
        return act("deny_method", "terms", why="unknown")
    if method.method_id == order.method_id or method.kind == "original":
        return None
    if method.kind == "gift_card" and terms.refund_to == "original_or_gift_card":
        return None
    return act("deny_method", "terms", why=terms.refund_to, order=order.order_id)


def may_pay(method: Method | None, amount_minor: int) -> Act | None:
    """A gift card must hold what it is to pay."""
    if method is None:
        return act("deny_method", "profile", why="unknown")
    short = method.balance_minor is not None and amount_minor > method.balance_minor
    return act("deny_balance", "profile", why="balance") if short else None


def needs_review(amount_minor: int, probability: float | None, terms: Terms) -> str:
    """Return why a person must look at a refund first, or nothing.

    >>> needs_review(100, 0.9, Terms())
    'fraud'
    """
    if probability is not None and probability >= terms.fraud_review_probability:
        return "fraud"
    return "amount" if amount_minor >= terms.refund_review_minor else ""


def reason_allowed(reason: str, terms: Terms) -> bool:
    """Say whether a reason for cancelling is one of the terms; all are where none is listed."""
    return not terms.cancel_reasons or reason in terms.cancel_reasons


def difference(order: Order, changes: Sequence[tuple[Line, Item]]) -> int:
    """Return what the new variants cost above the old ones, minor units; below 0 goes back."""
    return sum((item.price_minor or 0) - line.price_minor for line, item in changes)


def _too_late(order: Order, days: int, now_us: int) -> bool:
    return order.delivered_us is not None and now_us - order.delivered_us > days * DAY_US
