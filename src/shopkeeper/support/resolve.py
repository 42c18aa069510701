"""From words to records: fill a task's lines, orders, variants, methods and addresses.

Each function fills what it can and returns the act that asks for or refuses the rest, or None
when nothing is missing.
"""

from __future__ import annotations

import re
from typing import Any

from shopkeeper.support import records
from shopkeeper.support.acts import Act, act
from shopkeeper.support.desk import Desk, method_of
from shopkeeper.support.frames import Frame
from shopkeeper.support.naming import Mention
from shopkeeper.support.records import Address, Line, Method, Order
from shopkeeper.support.references import (
    ELIGIBLE,
    Found,
    lines_of,
    order_place,
    orders_of,
    orders_said,
    places_said,
)
from shopkeeper.support.state import Pick, Task

MOST_SHOWN = 8

_SAME_ORDER = re.compile(r"\bsame order\b|同一.?订单", re.I)

_COMPANION = re.compile(r"\bwith (?:the|my|your|a) *$", re.I)

_PRONOUN = re.compile(r"\b(?:it|its|them|that|this|those|these)\b|它|这个|那个|这件|那件", re.I)


def task_of(frame: Frame) -> Task:
    """Return a task that wants what a frame says."""
    return Task(
        kind=frame.verb,
        text=frame.text,
        mentions=[as_dict(one) for one in frame.mentions],
        order_ids=list(frame.order_ids),
        everything=frame.all_items or frame.all_orders,
        facts={
            **frame.extra,
            **({"all_orders": "yes"} if frame.all_orders else {}),
            **({"all_items": "yes"} if frame.all_items else {}),
            **(
                {"except": "|".join(n for one in frame.excluded for n in one.names)}
                if frame.excluded
                else {}
            ),
        },
    )


def as_dict(mention: Mention) -> dict[str, str]:
    """Return a mention as plain texts, for the state."""
    return {
        "names": "|".join(mention.names),
        "before": mention.before,
        "after": mention.after,
        "plural": "yes" if mention.plural else "",
        "number": str(mention.number or ""),
    }


def as_mention(told: dict[str, str]) -> Mention:
    """Return the mention that ``as_dict`` wrote."""
    return Mention(
        names=tuple(told["names"].split("|")),
        before=told["before"],
        after=told["after"],
        start=0,
        plural=told.get("plural") == "yes",
        number=int(told.get("number") or 0),
    )


def named_orders(task: Task, desk: Desk) -> tuple[list[Order], Act | None]:
    """Return the orders that a task names by number, words or focus; an act when one is unknown."""
    if task.order_ids:
        found = orders_of(task.order_ids, desk.orders())
        if not found:
            desk.note("get_order", ok=False, order_id=task.order_ids[0])
            return [], act("ask_order_again", said=task.order_ids[0])
        for one in found:
            desk.note("get_order", ok=True, order_id=one.order_id)
        return found, None
    statuses = ELIGIBLE.get(task.kind, ())
    wrong = set(task.facts.get("not", "").split("|"))
    pool = [one for one in desk.orders() if one.order_id not in wrong]
    if wrong - {""}:
        some = [one for one in pool if not statuses or one.status in statuses]
        return some or pool, None
    if task.mentions:
        # What is said of status or time belongs to each product; only a place is of the order.
        return order_place(task.text, desk.orders()) if task.kind != "address" else [], None
    said = orders_said(task.text, desk.orders())
    some = [one for one in said if one.status in statuses] if statuses else said
    return some or said, None


def fill_picks(task: Task, desk: Desk) -> Act | None:
    """Fill the lines that a return, exchange or change is about."""
    orders, unknown = named_orders(task, desk)
    if unknown:
        return unknown
    task.mentions = _without_companions(task, desk, orders)
    if task.facts.get("companion"):
        orders = [
            one for one in desk.orders() if one.order_id in task.facts["companion"].split("|")
        ]
    if task.facts.get("all_items") and task.kind == "change":
        task.mentions = []
    if not task.mentions and not task.picks:
        return _without_mention(task, desk, orders)
    if _SAME_ORDER.search(task.text) and len(task.mentions) > 1:
        orders = _holding_all(task, orders or desk.orders()) or orders
    for place, told in enumerate(task.mentions):
        if told.get("done"):
            continue
        asked = _fill_mention(task, told, place, desk, orders)
        if asked:
            return asked
    if not task.picks:
        return act("ask_item", **_items_shown(task, desk, orders))
    return None


def _fill_mention(
    task: Task, told: dict[str, str], place: int, desk: Desk, orders: list[Order]
) -> Act | None:
    mention = as_mention(told)
    found = lines_of(
        mention,
        task.kind,
        desk.orders(),
        desk.variant_map(),
        within=orders,
        loose=task.facts.get("loose") == "yes",
    )
    if orders and not task.order_ids and not _eligible(found, task):
        # Words like "just received" were said of the thing, not of the order it is in.
        found = lines_of(mention, task.kind, desk.orders(), desk.variant_map(), loose=False)
    taken = {(p.order_id, p.item_id) for p in task.picks}
    if not found.lines:
        told["done"] = "none"
        task.facts["missing"] = mention.names[0]
        return None
    pairs = list(found.lines)
    if not found.sure:
        fresh = [p for p in pairs if (p[0].order_id, p[1].item_id) not in taken]
        pairs = fresh or pairs
        focus = [p for p in pairs if p[0].order_id in {one.order_id for one in task.picks}]
        if len(pairs) > 1 and len(focus) == 1:
            pairs = focus
    if len(pairs) > 1 and not found.sure:
        same = {(o.order_id, line.item_id) for o, line in pairs}
        if len(same) > 1:
            task.facts["mention"] = str(place)
            return act("ask_item", **_shown(pairs[:MOST_SHOWN], desk))
        pairs = pairs[:1]
    told["done"] = "yes"
    for order, line in pairs:
        held = sum(one.item_id == line.item_id for one in order.lines)
        had = [p for p in task.picks if (p.order_id, p.item_id) == (order.order_id, line.item_id)]
        if len(had) >= held:
            # Named twice, meant once; the later words say more.
            had[-1].wish = mention.after if len(mention.after.strip(" .,")) > 3 else had[-1].wish
            continue
        task.picks.append(Pick(order_id=order.order_id, item_id=line.item_id, wish=mention.after))
    return None


def _eligible(found: Found, task: Task) -> bool:
    statuses = ELIGIBLE.get(task.kind, ())
    return any(order.status in statuses for order, _ in found.lines) or not statuses


def _without_mention(task: Task, desk: Desk, orders: list[Order]) -> Act | None:
    """Fill from "everything", from the item ids said, from the focus, else ask."""
    excluded = set(filter(None, task.facts.get("except", "").split("|")))
    statuses = ELIGIBLE.get(task.kind, ())
    pool = orders or [one for one in desk.orders() if one.status in statuses]
    said_ids = set(re.findall(r"\b\d{6,}\b|\b[\w-]{8,}\b", task.text))
    by_id = [(o, line) for o in desk.orders() for line in o.lines if line.item_id in said_ids]
    if by_id:
        task.picks += [_pick(o, line, task.text) for o, line in by_id[:1]]
        return None
    if task.everything or excluded or task.facts.get("loose"):
        if task.kind == "return":
            pool = [one for one in pool if one.status == records.DELIVERED]
        if len(pool) > 1 and not orders and not task.facts.get("all_orders") and excluded:
            holding = [o for o in pool if any(line.name in excluded for line in o.lines)]
            pool = holding[:1] or pool
        for order in pool:
            for line in order.lines:
                if line.name not in excluded:
                    task.picks.append(_pick(order, line, task.text))
        return None if task.picks else act("ask_order", **orders_shown(pool or desk.orders(), desk))
    if _PRONOUN.search(task.text) and desk.state.item_ids:
        for order in desk.orders():
            for line in order.lines:
                if line.item_id in desk.state.item_ids and order.order_id == desk.state.order_id:
                    task.picks.append(_pick(order, line, task.text))
        if task.picks:
            return None
    lines = [(o, line) for o in pool for line in o.lines]
    if len(lines) == 1:
        task.picks.append(_pick(*lines[0], task.text))
        return None
    if not orders and len(pool) > 1:
        return act("ask_order", **orders_shown(pool, desk))
    if not lines:
        return act("nothing_eligible", task=task.kind)
    return act("ask_item", **_shown(lines[:MOST_SHOWN], desk))


def fill_methods(task: Task, desk: Desk, order: Order) -> tuple[Method | None, Act | None]:
    """Return the method of payment for an order of a task, or the act that asks for it."""
    profile = desk.profile()
    if not task.method:
        if not desk.terms.ask_method or (profile is not None and len(profile.methods) == 1):
            return method_of("original", profile, order), None
        return None, act(
            "ask_method", methods=[_method(m) for m in (profile.methods if profile else ())]
        )
    for kind in task.method.split("|"):
        found = method_of(kind, profile, order)
        if found:
            return found, None
    return None, act("deny_method", "profile", why="unknown", order=order.order_id)


def fill_address(task: Task, desk: Desk) -> tuple[Address | None, str, Act | None]:
    """Return the address that is meant, where it is from, or the act that asks for it."""
    if task.place == "previous" and desk.previous is not None:
        desk.address = desk.previous
        return desk.previous, "given", None
    if desk.address is not None and not task.place:
        return desk.address, "given", None
    if task.place.startswith("order:"):
        order = desk.order(task.place.removeprefix("order:"))
        return (order.address if order else None), task.place, None
    profile = desk.profile()
    if task.place == "profile":
        return (profile.address if profile else None), task.place, None
    return None, "", act("ask_address")


def place_said(text: str, targets: list[Order], desk: Desk) -> str:
    """Return where a text says that an address stands: profile, order:ID, or nothing."""
    if desk.previous and re.search(r"\b(?:back|original|previous|old)\b|原来", text, re.I):
        return "previous"
    ids = orders_of(_ids_after_as(text), desk.orders())
    if ids:
        return f"order:{ids[0].order_id}"
    profile = desk.profile()
    own = profile.address if profile else None
    said = places_said(re.split(r"\bto\b", text)[-1]) or places_said(text)
    target_ids = {one.order_id for one in targets}
    for state in said:
        if own and own.state == state and targets:
            return "profile"
        for order in desk.orders():
            if order.address and order.address.state == state and order.order_id not in target_ids:
                return f"order:{order.order_id}"
    if re.search(r"\b(?:default|profile)\b|默认", text, re.I):
        return "profile"
    return ""


def _ids_after_as(text: str) -> list[str]:
    match = re.search(r"\b(?:same as|as in|from|like)\b[^#W]*#?(W?\d{4,}[\w-]*)", text)
    return [match[1]] if match else []


def _without_companions(task: Task, desk: Desk, orders: list[Order]) -> list[dict[str, str]]:
    """Take "with the vacuum cleaner" as a word about the order, not as one more line."""
    if task.kind == "change":
        return task.mentions
    kept: list[dict[str, str]] = []
    for told in task.mentions:
        if kept and _COMPANION.search(told["before"]):
            names = set(told["names"].split("|"))
            holding = [
                one.order_id
                for one in (orders or desk.orders())
                if any(line.name in names for line in one.lines)
            ]
            task.facts["companion"] = "|".join(holding)
            continue
        kept.append(told)
    return kept


def _holding_all(task: Task, orders: list[Order]) -> list[Order]:
    wanted = [set(told["names"].split("|")) for told in task.mentions]
    return [
        one
        for one in orders
        if all(any(line.name in names for line in one.lines) for names in wanted)
    ]


def _pick(order: Order, line: Line, wish: str) -> Pick:
    return Pick(order_id=order.order_id, item_id=line.item_id, wish=wish)


def _items_shown(task: Task, desk: Desk, orders: list[Order]) -> dict[str, Any]:
    statuses = ELIGIBLE.get(task.kind, ())
    pool = orders or [one for one in desk.orders() if not statuses or one.status in statuses]
    shown = _shown([(o, line) for o in pool for line in o.lines][:MOST_SHOWN], desk)
    return shown | {"missing": task.facts.get("missing", "")}


def _shown(pairs: list[tuple[Order, Line]], desk: Desk) -> dict[str, Any]:
    return {
        "lines": [
            {
                "order": order.order_id,
                "item_id": line.item_id,
                "name": line.name,
                "options": dict(line.options),
                "price": desk.money(line.price_minor, order),
            }
            for order, line in pairs
        ],
        "missing": "",
    }


def orders_shown(orders: list[Order], desk: Desk) -> dict[str, Any]:
    """Return orders as facts of an act."""
    return {
        "orders": [
            {
                "order": one.order_id,
                "status": one.status,
                "placed_us": one.placed_us,
                "names": [line.name for line in one.lines][:4],
                "total": desk.money(one.total_minor, one),
            }
            for one in orders[:MOST_SHOWN]
        ]
    }


def _method(method: Method) -> dict[str, str]:
    return {"kind": method.kind, "brand": method.brand, "last_four": method.last_four}
