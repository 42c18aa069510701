"""From a plan to a write: show it, wait for a plain yes, judge it again, and only then let it go.

A confirmation is bound to the conversation, the exact arguments and the version of each order;
it expires, is used once, and whatever changed meanwhile makes it stale. Yes and no are read by
rules, never by a model.
"""

from __future__ import annotations

import hashlib
from typing import Any

from shopkeeper.base.clock import DAY_US
from shopkeeper.support import allowed, records
from shopkeeper.support.acts import Act, act
from shopkeeper.support.desk import Desk, method_of
from shopkeeper.support.records import Method, Order
from shopkeeper.support.state import Pending, Task, Tried, Write

MINUTE_US = DAY_US // 1440


def show(task: Task, writes: list[Write], desk: Desk) -> Act:
    """Put writes up for confirmation and return the act that says them in full."""
    state = desk.state
    state.pending = Pending(
        nonce=f"{state.conversation_id}:{state.turn}",
        writes=writes,
        expires_us=desk.now_us + desk.terms.confirm_minutes * MINUTE_US,
        task=task,
    )
    return act("confirm", "plan", entries=[entry(one, desk) for one in writes])


def entry(write: Write, desk: Desk) -> dict[str, Any]:
    """Return a write as the facts that a sentence about it may use."""
    order = desk.order(write.order_id) if write.order_id else None
    facts: dict[str, Any] = {"tool": write.tool, "order": write.order_id}
    ids = write.args.get("item_ids", [])
    news = write.args.get("new_item_ids", [])
    lines = []
    for place, item_id in enumerate(ids):
        line = desk.line(write.order_id, item_id)
        new = desk.book.item(news[place]) if place < len(news) else None
        lines.append(
            {
                "name": line.name if line else item_id,
                "options": dict(line.options) if line else {},
                "new_options": dict(new.options) if new else None,
                "new_name": new.name if new else "",
                "price": desk.money(line.price_minor * line.quantity if line else 0, order),
            }
        )
    facts["lines"] = lines
    if order and not lines:
        facts["names"] = [line.name for line in order.lines]
    if "amount_minor" in write.args:
        facts["amount"] = desk.money(abs(write.args["amount_minor"]), order)
        facts["to_pay"] = write.tool in ("change_items", "exchange_items") and (
            write.args["amount_minor"] > 0
        )
        facts["even"] = write.args["amount_minor"] == 0
    if "method_id" in write.args:
        profile = desk.profile()
        method = profile.method(write.args["method_id"]) if profile else None
        facts["method"] = _told(method)
    facts["reason"] = write.args.get("reason", "")
    facts["code"] = write.args.get("code", "")
    if "from" in write.args:
        address = address_of(write, desk)
        facts["address"] = address.one_line() if address else ""
    return facts


def address_of(write: Write, desk: Desk) -> records.Address | None:
    """Return the address that a write means; one said in the chat is kept outside the state."""
    source = write.args.get("from", "")
    if source == "given":
        found = desk.address
        return found if isinstance(found, records.Address) else None
    if source == "profile":
        profile = desk.profile()
        return profile.address if profile else None
    order = desk.order(source.removeprefix("order:"))
    return order.address if order else None


def commit(desk: Desk) -> tuple[list[Act], list[Write]]:
    """Judge what was confirmed on the records as they are now; return what to say and to do."""
    state = desk.state
    pending, state.pending = state.pending, None
    assert pending is not None
    if pending.nonce in state.used:
        return [act("already_done")], []
    if desk.now_us > pending.expires_us:
        state.tasks.insert(0, pending.task)
        return [act("stale_confirmation", why="expired")], []
    if outdated := stale(pending.writes, desk):
        state.tasks.insert(0, pending.task)
        return [outdated], []
    review = _review(pending.writes, desk)
    if review is None:
        state.pending = pending  # waits for the fraud score
        return [act("wait")], []
    acts: list[Act] = []
    done: list[Write] = []
    state.used.append(pending.nonce)
    for write in pending.writes:
        if review and write.tool in ("refund",):
            state.tried.append(
                Tried(tool=write.tool, outcome=f"review:{review}", order_id=write.order_id)
            )
            state.reviewed.append(write)
            state.handed_over = f"refund_{review}"
            acts.append(act("review_refund", "terms", order=write.order_id))
            continue
        acts.append(act("done", f"order:{write.order_id}", **entry(write, desk)))
        done.append(write)
        desk.see(write, address_of(write, desk))
        state.tried.append(Tried(tool=write.tool, outcome="done", order_id=write.order_id))
        state.refund_minor += _back(write)
        if write.order_id:
            state.order_id = write.order_id
    return acts, done


def stale(writes: list[Write], desk: Desk) -> Act | None:
    """Return why a plan no longer fits the records or the terms, None when it does."""
    for write in writes:
        if write.tool in ("change_default_address", "coupon"):
            continue
        order = desk.order(write.order_id)
        if order is None or order.version != write.version:
            return act("stale_confirmation", why="changed", order=write.order_id)
        if not _still_allowed(write, order, desk):
            return act("stale_confirmation", why="terms", order=write.order_id)
        if write.args.get("from") == "given" and desk.address is None:
            return act("stale_confirmation", why="address", order=write.order_id)
    return None


def _still_allowed(write: Write, order: Order, desk: Desk) -> bool:
    if write.tool == "cancel_order":
        return allowed.may_cancel(order) is None
    if write.tool == "return_items":
        return allowed.may_return(order, desk.terms, desk.now_us) is None
    if write.tool in ("change_items", "exchange_items"):
        return allowed.may_change(order, desk.terms, desk.now_us) is None
    if write.tool == "change_address":
        return allowed.may_change_address(order, desk.terms) is None
    return True


def _review(writes: list[Write], desk: Desk) -> str | None:
    """Return why a person must look at it first, nothing, or None while fraud is being asked."""
    money = [one for one in writes if one.tool == "refund"]
    if not money:
        return ""
    amount = sum(int(one.args["amount_minor"]) for one in money)
    if "fraud" not in desk.given:
        desk.asks.append(
            {
                "capability": "fraud",
                "request": {
                    "payment_id": _refund_id(money[0].order_id, desk),
                    "customer_id": desk.customer_id,
                    "order_id": money[0].order_id,
                    "amount_minor": amount,
                    "currency": desk.money(0, desk.order(money[0].order_id)).currency,
                    "kind": "refund",
                },
            }
        )
        return None
    found = desk.given["fraud"] or {}
    probability = found.get("probability")
    desk.note("fraud_score", ok=probability is not None)
    if found.get("outcome") in ("review", "block"):
        return "fraud"
    return allowed.needs_review(amount, probability, desk.terms)


def _refund_id(order_id: str, desk: Desk) -> str:
    """Return one id for one confirmed plan, in letters: fraud refuses what may be a card."""
    told = f"{desk.state.conversation_id}|{desk.state.turn}|{order_id}"
    digest = hashlib.blake2b(told.encode(), digest_size=12).hexdigest()
    return "refund_" + digest.translate(str.maketrans("0123456789", "ghijklmnop"))


def _back(write: Write) -> int:
    """Return what a write brings back to the customer, minor units; below 0 is paid."""
    amount = int(write.args.get("amount_minor", 0))
    if write.tool in ("return_items", "cancel_order", "refund"):
        return amount
    return -amount if write.tool in ("change_items", "exchange_items") else 0


def _told(method: Method | None) -> dict[str, str]:
    if method is None:
        return {"kind": "original", "brand": "", "last_four": ""}
    return {"kind": method.kind, "brand": method.brand, "last_four": method.last_four}


def original_of(order: Order, desk: Desk) -> Method | None:
    """Return the method with which an order was paid."""
    return method_of("original", desk.profile(), order)
