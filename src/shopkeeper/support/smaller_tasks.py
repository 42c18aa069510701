"""Tasks that change where an order goes, how it is paid, or give a coupon."""

from __future__ import annotations

from typing import Any

from shopkeeper.support import allowed, records
from shopkeeper.support.acts import act
from shopkeeper.support.addresses import read_address
from shopkeeper.support.desk import Desk, method_of
from shopkeeper.support.records import Order
from shopkeeper.support.resolve import (
    fill_address,
    fill_picks,
    named_orders,
    orders_shown,
    place_said,
)
from shopkeeper.support.state import Task, Write
from shopkeeper.support.steps import Step, asks, denied


def address(task: Task, desk: Desk) -> Step:
    """Send open orders elsewhere, or change the default address."""
    writes, acts = [], []
    targets: list[Order] = []
    default = task.facts.get("default") == "yes"
    if not default or task.facts.get("orders") or task.facts.get("all_orders"):
        found = _which_to_readdress(task, desk)
        if isinstance(found, Step):
            return found
        targets = found
    known = desk.address is not None and desk.previous is None
    if not task.place and not known and read_address(task.text) is None:
        task.place = place_said(task.text, targets, desk)
    _, source, asked = fill_address(task, desk)
    if asked:
        return asks(asked)
    args: dict[str, Any] = {"from": source}
    for order in targets:
        if why_not := allowed.may_change_address(order, desk.terms):
            acts.append(why_not)
            continue
        writes.append(
            Write(
                tool="change_address",
                order_id=order.order_id,
                version=order.version,
                args=dict(args),
            )
        )
    profile = desk.profile()
    if default and profile:
        writes.append(
            Write(tool="change_default_address", version=profile.version, args=dict(args))
        )
    return Step(acts=acts, writes=writes, over=not writes)


def _which_to_readdress(task: Task, desk: Desk) -> list[Order] | Step:
    open_ = [one for one in desk.orders() if one.status in (records.OPEN, records.CHANGED)]
    if task.facts.get("all_orders"):
        return open_
    if task.order_ids:
        orders, unknown = named_orders(task, desk)
        # "the same as order B": the first number is the order, the last the address.
        return asks(unknown) if unknown else orders[:1]
    if task.mentions:
        fill_picks(task, desk)
        wanted = {p.order_id for p in task.picks}
        return [one for one in desk.orders() if one.order_id in wanted]
    orders, _ = named_orders(task, desk)
    source = task.place.removeprefix("order:")
    candidates = [one for one in orders if one in open_] or open_
    candidates = [one for one in candidates if one.order_id != source] or candidates
    if len(candidates) == 1:
        return candidates
    if not candidates:
        return denied(act("nothing_eligible", task="address"))
    if desk.state.order_id in {one.order_id for one in candidates}:
        return [one for one in candidates if one.order_id == desk.state.order_id]
    return asks(act("ask_order", **orders_shown(candidates, desk)))


def payment(task: Task, desk: Desk) -> Step:
    """Pay an open order otherwise."""
    orders, unknown = named_orders(task, desk)
    if unknown:
        return asks(unknown)
    open_ = [one for one in (orders or desk.orders()) if one.status == records.OPEN]
    if len(open_) != 1:
        if not open_:
            return denied(act("nothing_eligible", task="payment"))
        return asks(act("ask_order", **orders_shown(open_, desk)))
    order = open_[0]
    if not task.method:
        profile = desk.profile()
        rows = [
            {"kind": m.kind, "brand": m.brand, "last_four": m.last_four}
            for m in (profile.methods if profile else ())
        ]
        return asks(act("ask_method", methods=rows))
    method = method_of(task.method.split("|")[0], desk.profile(), order)
    if method is None or method.method_id == order.method_id:
        return asks(act("deny_method", "profile", why="other", order=order.order_id))
    if why_not := allowed.may_pay(method, order.total_minor):
        return asks(why_not)
    write = Write(
        tool="change_payment",
        order_id=order.order_id,
        version=order.version,
        args={"method_id": method.method_id, "amount_minor": order.total_minor},
    )
    return Step(writes=[write])


def coupon(task: Task, desk: Desk) -> Step:
    """Give the coupon of the terms, once in a conversation."""
    codes = [c for c in desk.terms.coupon_codes if c not in task.facts.get("used", "").split("|")]
    had = any(one.tool == "coupon" for one in desk.state.tried)
    if not codes or had or desk.customer_id is None:
        return denied(act("deny_coupon", "terms"))
    return Step(writes=[Write(tool="coupon", args={"code": codes[0]})])
