"""What the customer wants done, step by step: each kind of task plans its writes or asks.

``advance`` moves one task as far as it goes: an act that asks, acts that refuse, or a plan of
writes that is shown for confirmation. Nothing is written here; commit.py does, after a yes.
"""

from __future__ import annotations

from itertools import groupby

from shopkeeper.support import allowed, records
from shopkeeper.support.acts import Act, act
from shopkeeper.support.becoming import fill_variants
from shopkeeper.support.desk import Desk
from shopkeeper.support.records import Method, Order
from shopkeeper.support.references import ELIGIBLE
from shopkeeper.support.resolve import (
    fill_methods,
    fill_picks,
    named_orders,
    orders_shown,
)
from shopkeeper.support.smaller_tasks import address, coupon, payment
from shopkeeper.support.state import Pick, Task, Write
from shopkeeper.support.steps import Step, asks, denied

KINDS = ("return", "cancel", "change", "refund", "address", "payment", "coupon")

REFUND_TOOLS = ("return_items", "refund", "cancel_order")


def advance(task: Task, desk: Desk) -> Step:
    """Move a task on; see Step."""
    work = {
        "return": _return,
        "cancel": _cancel,
        "change": _change,
        "refund": _refund,
        "address": address,
        "payment": payment,
        "coupon": coupon,
    }[task.kind]
    return work(task, desk)


def _return(task: Task, desk: Desk) -> Step:
    if over := _over_already(task, desk):
        return denied(*over)
    if missing := fill_picks(task, desk):
        return _open_instead(task, desk, missing)
    acts, writes = [], []
    for order, picks in _by_order(task, desk):
        why_not = allowed.may_return(order, desk.terms, desk.now_us)
        if why_not:
            if order.status == records.OPEN and not task.asked.get("offer_cancel"):
                return Step(acts=[why_not, act("offer_cancel", order=order.order_id)])
            acts.append(why_not)
            continue
        method, asked = _refund_method(task, desk, order)
        if asked:
            return Step(acts=[*acts, asked])
        lines = [line for p in picks if (line := desk.line(order.order_id, p.item_id))]
        amount = sum(line.price_minor * line.quantity for line in lines)
        writes.append(
            Write(
                tool="return_items",
                order_id=order.order_id,
                version=order.version,
                args={
                    "item_ids": [line.item_id for line in lines],
                    "method_id": method.method_id if method else "original",
                    "amount_minor": amount,
                },
            )
        )
    return Step(acts=acts, writes=writes, over=not writes)


def _over_already(task: Task, desk: Desk) -> list[Act]:
    """Return why none of the orders named by number can come back, nothing where one still can."""
    named = [one for one in (desk.order(name) for name in task.order_ids) if one is not None]
    over = (records.CANCELLED, records.RETURNING, records.EXCHANGING)
    if not named or task.picks or any(one.status not in over for one in named):
        return []
    why = [allowed.may_return(one, desk.terms, desk.now_us) for one in named]
    return [one for one in why if one is not None]


def _open_instead(task: Task, desk: Desk, missing: Act) -> Step:
    """When nothing delivered fits, look whether an open order is meant, and offer to cancel it."""
    if missing.kind in ("nothing_eligible", "ask_item") and not task.picks:
        open_ = [one for one in desk.orders() if one.status == records.OPEN]
        if missing.kind == "nothing_eligible" and len(open_) == 1 and not task.mentions:
            order = open_[0]
            task.order_ids = [order.order_id]
            why_not = allowed.may_return(order, desk.terms, desk.now_us)
            assert why_not is not None
            return Step(acts=[why_not, act("offer_cancel", order=order.order_id)])
    return asks(missing)


def _refund_method(task: Task, desk: Desk, order: Order) -> tuple[Method | None, Act | None]:
    method, asked = fill_methods(task, desk, order)
    if asked is None:
        asked = allowed.refund_target(method, order, desk.profile(), desk.terms)
    return method, asked


def _refund(task: Task, desk: Desk) -> Step:
    """Money back without the goods: small and trusted at once, else a person decides."""
    if not task.mentions and not task.picks and not task.everything:
        task.kind = "return"
        return _return(task, desk)
    if missing := fill_picks(task, desk):
        return asks(missing)
    writes, acts = [], []
    for order, picks in _by_order(task, desk):
        if order.status in (records.CANCELLED, records.RETURNING):
            acts.append(act("deny_return", order=order.order_id, status=order.status))
            continue
        if order.status == records.OPEN:
            return Step(acts=[act("offer_cancel", order=order.order_id)])
        lines = [line for p in picks if (line := desk.line(order.order_id, p.item_id))]
        amount = sum(line.price_minor * line.quantity for line in lines)
        writes.append(
            Write(
                tool="refund",
                order_id=order.order_id,
                version=order.version,
                args={
                    "item_ids": [line.item_id for line in lines],
                    "method_id": "original",
                    "amount_minor": amount,
                    "reason": task.reason or "customer_request",
                },
            )
        )
    return Step(acts=acts, writes=writes, over=not writes)


def _cancel(task: Task, desk: Desk) -> Step:
    if not task.resolved:
        step = _which_to_cancel(task, desk)
        if step is not None:
            return step
        task.resolved = True
    orders = [one for one in (desk.order(n) for n in task.order_ids) if one]
    acts, kept = [], []
    for order in orders:
        why_not = allowed.may_cancel(order)
        if why_not:
            acts.append(why_not)
        else:
            kept.append(order)
    if not kept:
        return denied(*acts)
    if not allowed.reason_allowed(task.reason, desk.terms):
        if task.reason and task.asked.get("ask_reason"):
            acts.append(act("deny_reason", "terms", reasons=list(desk.terms.cancel_reasons)))
        return Step(acts=[*acts, act("ask_reason", reasons=list(desk.terms.cancel_reasons))])
    writes = [
        Write(
            tool="cancel_order",
            order_id=one.order_id,
            version=one.version,
            args={
                "reason": task.reason or "customer_request",
                "method_id": one.method_id,
                "amount_minor": one.total_minor,
            },
        )
        for one in kept
    ]
    if task.method:
        # Money of a cancelled order goes back the way it came; say so before asking for a yes.
        for order in kept:
            method, _ = fill_methods(task, desk, order)
            if method and method.method_id != order.method_id:
                why = act("deny_method", "terms", why="original", order=order.order_id)
                task.method = ""
                return Step(acts=[*acts, why], writes=[], over=task.facts.get("strict") == "yes")
    return Step(acts=acts, writes=writes)


def _which_to_cancel(task: Task, desk: Desk) -> Step | None:
    """Fill ``order_ids`` of a cancellation; None when they stand."""
    orders, unknown = named_orders(task, desk)
    if unknown:
        return asks(unknown)
    if task.facts.get("all_orders"):
        task.order_ids = [o.order_id for o in desk.orders() if o.status == records.OPEN]
        return None if task.order_ids else denied(act("nothing_eligible", task="cancel"))
    if task.mentions:
        return _lines_to_cancel(task, desk)
    open_ = [one for one in (orders or desk.orders()) if one.status == records.OPEN]
    if task.order_ids and orders:
        task.order_ids = [one.order_id for one in orders]
        return None
    if desk.state.order_id and "it" in task.text.lower().split():
        task.order_ids = [desk.state.order_id]
        return None
    if len(open_) == 1:
        task.order_ids = [open_[0].order_id]
        return None
    if not open_:
        if orders:
            task.order_ids = [one.order_id for one in orders[:1]]
            return None
        return denied(act("nothing_eligible", task="cancel"))
    return asks(act("ask_order", **orders_shown(open_, desk)))


def _lines_to_cancel(task: Task, desk: Desk) -> Step | None:
    """Single lines: whole orders where all lines are meant or the customer agrees to it."""
    names = {n for told in task.mentions for n in told["names"].split("|")}
    hits = [(o, line) for o in desk.orders() for line in o.lines if line.name in names]
    if hits and not any(o.status == records.OPEN for o, _ in hits):
        task.kind = "return"
        return Step(acts=[act("cancel_means_return"), *_return(task, desk).acts])
    if missing := fill_picks(task, desk):
        return asks(missing)
    orders = {p.order_id for p in task.picks}
    whole = all(
        {line.item_id for line in order.lines} <= {p.item_id for p in task.picks}
        for order in (desk.order(n) for n in orders)
        if order
    )
    if whole or task.facts.get("whole") == "yes" or "whole order" in task.text.lower():
        task.order_ids = sorted(orders, key=[o.order_id for o in desk.orders()].index)
        return None
    return Step(
        acts=[
            act("deny_cancel_line", "terms"),
            act("offer_cancel_all", orders=sorted(orders)),
        ]
    )


def _change(task: Task, desk: Desk) -> Step:
    if missing := fill_picks(task, desk):
        return asks(missing)
    acts: list[Act] = []
    for order, picks in _by_order(task, desk):
        if why_not := allowed.may_change(order, desk.terms, desk.now_us):
            acts.append(why_not)
            for pick in picks:
                pick.skip = True
    if all(p.skip for p in task.picks):
        return denied(*acts)
    if asked := fill_variants(task, desk):
        return Step(acts=[*acts, asked])
    writes = []
    for order, picks in _by_order(task, desk):
        step = _changes(task, desk, order, picks)
        if isinstance(step, Act):
            return Step(acts=[*acts, step])
        writes.append(step)
    return Step(acts=acts, writes=writes, over=not writes)


def _changes(task: Task, desk: Desk, order: Order, picks: list[Pick]) -> Write | Act:
    pairs = []
    for pick in picks:
        line, item = desk.line(order.order_id, pick.item_id), desk.book.item(pick.new_item_id or "")
        if line is None or item is None:
            return act("ask_item", lines=[], missing=pick.new_item_id or "")
        if why_not := allowed.may_become(line, item, desk.terms):
            pick.new_item_id = None
            return why_not
        pairs.append((line, item))
    cost = allowed.difference(order, pairs)
    method, asked = fill_methods(task, desk, order)
    if asked is None:
        asked = allowed.may_pay(method, cost)
    if asked:
        return asked
    return Write(
        tool="change_items" if order.status == records.OPEN else "exchange_items",
        order_id=order.order_id,
        version=order.version,
        args={
            "item_ids": [line.item_id for line, _ in pairs],
            "new_item_ids": [item.item_id for _, item in pairs],
            "method_id": method.method_id if method else "original",
            "amount_minor": cost,
        },
    )


def _by_order(task: Task, desk: Desk) -> list[tuple[Order, list[Pick]]]:
    """Return the picks by order, in the order in which they were named."""
    place: dict[str, int] = {}
    for pick in task.picks:
        place.setdefault(pick.order_id, len(place))
    live = [one for one in task.picks if not one.skip]
    live.sort(key=lambda one: place[one.order_id])
    grouped = []
    for order_id, some in groupby(live, key=lambda one: one.order_id):
        order = desk.order(order_id)
        if order is not None:
            grouped.append((order, list(some)))
    return grouped


def eligible(kind: str) -> tuple[str, ...]:
    """Return the statuses of orders that a kind of task can be about."""
    return ELIGIBLE.get(kind, ())
