"""Questions that the records answer at once: where is it, what is in it, how much, which options.

Every answer is an act whose facts are the customer's own records, with the record as its source.
"""

from __future__ import annotations

import re
from typing import Any

from shopkeeper.support import allowed, records
from shopkeeper.support import questions_about_goods as goods
from shopkeeper.support.acts import Act, Day, act
from shopkeeper.support.desk import Desk
from shopkeeper.support.frames import order_ids
from shopkeeper.support.records import Line, Order
from shopkeeper.support.references import orders_of, orders_said
from shopkeeper.support.resolve import orders_shown
from shopkeeper.support.state import Task

QUESTIONS = (
    "track", "status", "count", "options", "stock", "recommend", "total_refund", "difference",
    "spent", "dearest", "cheapest", "which_address", "line_facts", "refund_status", "balance",
    "undo", "eligible", "split",
)  # fmt: skip

# What only somebody signed in can ask.
OWN = ("track", "status", "spent", "dearest", "which_address", "refund_status", "balance")

# These wait until what was asked for besides is done.
AFTER = ("total_refund", "difference", "balance", "spent", "eligible")


def answer(task: Task, desk: Desk) -> list[Act]:
    """Return what answers a question."""
    if task.kind in OWN and desk.customer_id is None:
        return [act("ask_sign_in")]
    work = {
        "track": _track,
        "status": _status,
        "count": goods.count,
        "options": goods.options,
        "stock": goods.stock,
        "recommend": goods.recommend,
        "total_refund": _total_refund,
        "difference": _difference,
        "spent": _spent,
        "dearest": _dearest,
        "cheapest": goods.cheapest,
        "which_address": _which_address,
        "line_facts": _line_facts,
        "refund_status": _refund_status,
        "balance": _balance,
        "undo": _undo,
        "eligible": _eligible,
        "split": _split,
    }[task.kind]
    return work(task, desk)


def _order_meant(task: Task, desk: Desk, *, default: bool = True) -> Order | None:
    if task.order_ids:
        found = orders_of(task.order_ids, desk.orders())
        desk.note("get_order", ok=bool(found), order_id=task.order_ids[0])
        return found[0] if found else None
    said = orders_said(task.text, desk.orders())
    if said:
        return said[0]
    named = {n for told in task.mentions for n in told["names"].split("|")}
    some = [o for o in desk.orders() if any(line.name in named for line in o.lines)]
    if some:
        return some[0]
    if desk.state.order_id and (found_one := desk.order(desk.state.order_id)):
        return found_one
    return desk.orders()[0] if default and desk.orders() else None


def _track(task: Task, desk: Desk) -> list[Act]:
    order = _order_meant(task, desk)
    if order is None:
        if task.order_ids:
            return [act("ask_order_again", said=task.order_ids[0])]
        return [act("no_orders")]
    desk.state.order_id = order.order_id
    source = f"order:{order.order_id}"
    desk.note("get_tracking", ok=True, order_id=order.order_id)
    if not order.parcels:
        # Old orders count as delivered though nobody sent us a parcel of theirs.
        kind = "inform_no_parcel" if order.status == "delivered" else "inform_unshipped"
        return [act(kind, source, order=order.order_id, status=order.status)]
    told = []
    for parcel in order.parcels:
        late = bool(
            parcel.promised_us and not parcel.delivered_us and parcel.promised_us < desk.now_us
        )
        facts: dict[str, Any] = {
            "order": order.order_id,
            "tracking": parcel.tracking,
            "carrier": parcel.carrier,
        }
        where = f"shipment:{parcel.shipment_id}"
        if parcel.delivered_us or order.status == records.DELIVERED:
            at = Day(at_us=parcel.delivered_us) if parcel.delivered_us else None
            told.append(act("inform_delivered", where, **facts, at=at))
        elif order.status in (records.CANCELLED, records.RETURNING, records.EXCHANGING):
            told.append(act("inform_tracking", where, **facts))
        elif late or parcel.late_reason:
            told.append(
                act(
                    "inform_late",
                    where,
                    **facts,
                    promised=Day(at_us=parcel.promised_us) if parcel.promised_us else None,
                    why=parcel.late_reason,
                )
            )
        elif parcel.promised_us:
            told.append(act("inform_arrival", where, **facts, at=Day(at_us=parcel.promised_us)))
        else:
            told.append(act("inform_tracking", where, **facts))
    return told


def _status(task: Task, desk: Desk) -> list[Act]:
    if task.order_ids:
        found = orders_of(task.order_ids, desk.orders())
        desk.note("get_order", ok=bool(found), order_id=task.order_ids[0])
        if not found:
            return [act("ask_order_again", said=task.order_ids[0])]
        return [_told(one, desk) for one in found]
    some = orders_said(task.text, desk.orders())
    if len(some) == 1:
        return [_told(some[0], desk)]
    if not desk.orders():
        return [act("no_orders")]
    if len(desk.orders()) == 1:
        return [_told(desk.orders()[0], desk)]
    return [act("inform_orders", "orders", **orders_shown(some or desk.orders(), desk))]


def _told(order: Order, desk: Desk) -> Act:
    desk.state.order_id = order.order_id
    return act(
        "inform_order",
        f"order:{order.order_id}",
        order=order.order_id,
        status=order.status,
        placed=Day(at_us=order.placed_us) if order.placed_us else None,
        names=[line.name for line in order.lines],
        total=desk.money(order.total_minor, order),
        address=order.address.one_line() if order.address else "",
    )


def _total_refund(task: Task, desk: Desk) -> list[Act]:
    # What is planned or done in this conversation; else what everything that can go back comes to.
    return [act("inform_total_refund", "conversation", total=desk.money(desk.state.refund_minor))]


def _difference(task: Task, desk: Desk) -> list[Act]:
    amount = -desk.state.refund_minor
    kind = "inform_to_pay" if amount >= 0 else "inform_total_refund"
    return [act(kind, "conversation", total=desk.money(abs(amount)))]


def _spent(task: Task, desk: Desk) -> list[Act]:
    named = {n for told in task.mentions for n in told["names"].split("|")}
    if (
        named
        and not task.order_ids
        and not re.search(r"\border\b[^.]*\b(?:total|price)", task.text)
    ):
        lines = [
            (o, line)
            for o in desk.orders()
            if o.status != records.CANCELLED
            for line in o.lines
            if line.name in named
        ]
        if lines:
            total = sum(line.price_minor * line.quantity for _, line in lines)
            names = sorted({line.name for _, line in lines})
            return [act("inform_spent", "orders", what=names, total=desk.money(total))]
    order = _order_meant(task, desk)
    if order is None:
        return [act("no_orders")]
    source = f"order:{order.order_id}"
    gone = [
        w for w in desk.state.tried if w.order_id == order.order_id and w.tool == "return_items"
    ]
    if gone and re.search(r"\bremain\w*|\brest\b|剩", task.text, re.I):
        kept = order.total_minor - desk.state.refund_minor
        return [act("inform_rest", source, order=order.order_id, total=desk.money(kept, order))]
    return [
        act(
            "inform_total", source, order=order.order_id, total=desk.money(order.total_minor, order)
        )
    ]


def _dearest(task: Task, desk: Desk) -> list[Act]:
    order = _order_meant(task, desk)
    if order is None:
        return [act("no_orders")]
    line = max(order.lines, key=lambda one: one.price_minor)
    return [_line_told(order, line, desk)]


def _which_address(task: Task, desk: Desk) -> list[Act]:
    order = _order_meant(task, desk)
    profile = desk.profile()
    told = []
    if order and order.address:
        told.append(
            act(
                "inform_address",
                f"order:{order.order_id}",
                order=order.order_id,
                address=order.address.one_line(),
            )
        )
    elif profile and profile.address:
        told.append(act("inform_default_address", "profile", address=profile.address.one_line()))
    return told or [act("address_not_shown")]


def _line_facts(task: Task, desk: Desk) -> list[Act]:
    named = {n for told in task.mentions for n in told["names"].split("|")}
    ids = orders_of(order_ids(task.text), desk.orders())
    pool = ids or desk.orders()
    pairs = [(o, line) for o in pool for line in o.lines if line.name in named]
    if not pairs:
        items = goods.items_meant(task, desk) if named or len(task.text.split()) < 25 else []
        there = [one for one in items if one.available]
        return [goods.listed(there, desk)] if there else [act("unknown_product")]
    live = [pair for pair in pairs if pair[0].status != records.CANCELLED] or pairs
    return [_line_told(order, line, desk) for order, line in live[:4]]


def _line_told(order: Order, line: Line, desk: Desk) -> Act:
    return act(
        "inform_line",
        f"order:{order.order_id}",
        order=order.order_id,
        product=line.name,
        options=dict(line.options),
        price=desk.money(line.price_minor, order),
    )


def _refund_status(task: Task, desk: Desk) -> list[Act]:
    order = _order_meant(task, desk, default=False)
    back = [
        one
        for one in desk.orders()
        if one.refunded_minor or one.status in (records.CANCELLED, records.RETURNING)
    ]
    order = order if order in back else (back[0] if back else order)
    if order is None or order not in back:
        return [act("no_refund")]
    source = f"order:{order.order_id}"
    days = {"low": desk.terms.refund_days_low, "high": desk.terms.refund_days_high}
    if order.refunded_minor:
        total = desk.money(order.refunded_minor, order)
        return [act("inform_refunded", source, order=order.order_id, total=total, **days)]
    return [act("inform_refund_waits", source, order=order.order_id, status=order.status, **days)]


def _balance(task: Task, desk: Desk) -> list[Act]:
    profile = desk.profile()
    card = next(
        (m for m in (profile.methods if profile else ()) if m.balance_minor is not None), None
    )
    if card is None or card.balance_minor is None:
        return [act("no_balance")]
    return [act("inform_balance", "profile", total=desk.money(card.balance_minor))]


def _undo(task: Task, desk: Desk) -> list[Act]:
    return [act("deny_undo", "terms")]


def _eligible(task: Task, desk: Desk) -> list[Act]:
    """Say whether something could come back, without beginning it."""
    named = {n for told in task.mentions for n in told["names"].split("|")}
    pairs = [(o, line) for o in desk.orders() for line in o.lines if line.name in named]
    if task.facts.get("of") == "cancel" and (named or re.search(r"\bitems?\b|单件", task.text)):
        return [act("deny_cancel_line", "terms")]
    if not pairs:
        return [act("nothing_eligible", task="return")]
    order, line = pairs[0]
    why_not = allowed.may_return(order, desk.terms, desk.now_us)
    if why_not:
        return [why_not]
    days = desk.terms.return_days
    return [act("inform_eligible", "terms", product=line.name, order=order.order_id, days=days)]


def _split(task: Task, desk: Desk) -> list[Act]:
    return [act("deny_split", "terms")]
