"""What an answer to our question fills in: which line, which order, which variant, why, where to.

``fill`` returns whether the answer said something that the question asked for.
"""

from __future__ import annotations

import re

from shopkeeper.support import lexicon as lex
from shopkeeper.support.desk import Desk, methods_said, ordinal, reason_said
from shopkeeper.support.frames import order_ids
from shopkeeper.support.naming import mentions
from shopkeeper.support.options import mentioned, values_of
from shopkeeper.support.records import Line, Order
from shopkeeper.support.references import order_place, orders_of, orders_said
from shopkeeper.support.resolve import as_dict, place_said
from shopkeeper.support.state import Pick, Task
from shopkeeper.support.wishes import choose, read_wish

_ALL = re.compile(r"\b(?:all|both|each|everything)\b|全部|都要|都是|两个都", re.I)
_ANY = re.compile(
    r"\b(?:any|either|whichever|closest|nearest|doesn'?t matter|don'?t care)\b|随便|都行", re.I
)
_NOT_KNOWN = re.compile(
    r"\b(?:don'?t|do not|can'?t) (?:know|remember|have)\b|\bnot sure\b|不知道|不记得|忘了", re.I
)


def fill(ask: str, task: Task, text: str, desk: Desk) -> bool:
    """Fill a task from the answer to what was asked; see the module."""
    method = methods_said(text)
    if method:
        task.method = "|".join(method)
    work = {
        "ask_item": _item,
        "ask_order": _order,
        "ask_order_again": _order,
        "ask_variant": _variant,
        "deny_variant": _variant,
        "deny_same": _variant,
        "deny_family": _variant,
        "ask_reason": _reason,
        "ask_address": _address,
    }.get(ask)
    done = work(task, text, desk) if work else False
    return done or (
        bool(method) and ask in ("ask_method", "deny_method", "deny_balance", "confirm")
    )


def _item(task: Task, text: str, desk: Desk) -> bool:
    """Take one or more of the lines that were shown."""
    shown = [tuple(one.split("|", 1)) for one in desk.state.choices]
    pairs = [
        (order, line)
        for order_id, item_id in shown
        if (order := desk.order(order_id)) and (line := desk.line(order_id, item_id))
    ]
    chosen = _chosen(text, pairs, desk)
    place = task.facts.pop("mention", None)
    told = task.mentions[int(place)] if place is not None else None
    if not chosen:
        if place is not None:
            task.facts["mention"] = place
        fresh = mentions(text, desk.names())
        if fresh and not pairs:
            task.mentions += [as_dict(one) for one in fresh]
            return True
        return False
    if told is not None:
        told["done"] = "yes"
    for order, line in chosen:
        wish = told["after"] if told else task.text
        task.picks.append(Pick(order_id=order.order_id, item_id=line.item_id, wish=wish))
    return True


def _chosen(text: str, pairs: list[tuple[Order, Line]], desk: Desk) -> list[tuple[Order, Line]]:
    place = ordinal(text, len(pairs))
    if place is not None:
        return [pairs[place]]
    ids = order_ids(text)
    if ids:
        wanted = {one.order_id for one in orders_of(ids, desk.orders())}
        some = [pair for pair in pairs if pair[0].order_id in wanted]
        if some:
            return some
    some = [pair for pair in pairs if pair[1].item_id in text]
    if some:
        return some
    kept = []
    for order, line in pairs:
        said = mentioned(text, values_of(desk.variants(line.family)))
        if said and all(line.options.get(name) in hits for name, hits in said.items()):
            kept.append((order, line))
    if _ALL.search(text) or re.search(r"\btwo\b|两", text):
        return kept or pairs
    if len(kept) == 1:
        return kept
    if kept:
        pairs = kept
    by_order = orders_said(text, [one for one, _ in pairs])
    by_order = by_order or order_place(text, [one for one, _ in pairs])
    some = [pair for pair in pairs if pair[0] in by_order]
    if some and len(some) < len(pairs):
        return some[:1]
    if re.search(r"\bmore expensive\b|贵", text, re.I):
        return [max(pairs, key=lambda pair: pair[1].price_minor)]
    if re.search(r"\b(?:less expensive|cheaper)\b|便宜", text, re.I):
        return [min(pairs, key=lambda pair: pair[1].price_minor)]
    named = mentions(text, [line.name for _, line in pairs])
    names = {name for one in named for name in one.names}
    some = [pair for pair in pairs if pair[1].name in names]
    if some and len({line.item_id for _, line in some}) == len(some):
        return some
    if kept or _ANY.search(text):
        return pairs[:1]
    return []


def _order(task: Task, text: str, desk: Desk) -> bool:
    ids = order_ids(text, [one.order_id for one in desk.orders()]) or tuple(
        re.findall(r"\b[A-Za-z]{0,3}[-_]?\d{2,}\b", text)
    )
    if ids:
        task.order_ids = list(ids)
        return True
    shown = [one for one in (desk.order(n) for n in desk.state.choices) if one]
    if _ALL.search(text) and shown:
        task.order_ids = [one.order_id for one in shown]
        return True
    place = ordinal(text, len(shown))
    if place is not None:
        task.order_ids = [shown[place].order_id]
        return True
    said = orders_said(text, shown or desk.orders())
    named = mentions(text, desk.names())
    if named:
        names = {name for one in named for name in one.names}
        said = [
            o for o in (said or shown or desk.orders()) if any(x.name in names for x in o.lines)
        ]
    if said:
        task.order_ids = [said[0].order_id]
        return True
    if _NOT_KNOWN.search(text):
        task.order_ids = []
        return True
    return False


def _variant(task: Task, text: str, desk: Desk) -> bool:
    """Choose among the variants that were shown."""
    told = task.facts.get("variant_of", "")
    pick = next((p for p in task.picks if f"{p.order_id}|{p.item_id}" == told), None)
    line = desk.line(pick.order_id, pick.item_id) if pick else None
    if pick is None or line is None:
        return False
    shown = [one for one in (desk.book.item(n) for n in desk.state.choices) if one]
    place = ordinal(text, len(shown))
    wish = read_wish(text, desk.variants(line.family), line.options)
    if wish.item_id:
        pick.new_item_id = wish.item_id
        return True
    if place is not None and wish.empty:
        pick.new_item_id = shown[place].item_id
        return True
    if wish.empty and (_ANY.search(text) or (lex.YES.search(text) and len(shown) == 1)) and shown:
        pick.new_item_id = shown[0].item_id
        return True
    if wish.empty:
        return False
    among = shown if desk.state.ask == "ask_variant" and shown else desk.variants(line.family)
    found = choose(wish, among, line.options, line.item_id)
    if not found:
        found = choose(wish, desk.variants(line.family), line.options, line.item_id)
    if len(found) == 1 or (found and desk.state.ask == "ask_variant" and len(found) < len(shown)):
        pick.new_item_id = found[0].item_id
        return True
    pick.wish = text if desk.state.ask != "ask_variant" else f"{pick.wish}, {text}"
    return bool(found)


def _reason(task: Task, text: str, desk: Desk) -> bool:
    task.reason = reason_said(text) or task.reason
    task.asked["ask_reason"] = task.asked.get("ask_reason", 0) + 1
    return bool(task.reason)


def _address(task: Task, text: str, desk: Desk) -> bool:
    if desk.address is not None:
        return True
    targets = [one for one in (desk.order(n) for n in task.order_ids) if one]
    task.place = place_said(text, targets, desk)
    return bool(task.place)
