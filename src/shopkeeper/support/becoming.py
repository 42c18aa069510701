"""What each line of a change should become: a variant that is wished, offered, or refused."""

from __future__ import annotations

import re

from shopkeeper.support.acts import Act, act
from shopkeeper.support.desk import Desk
from shopkeeper.support.records import Item, Line
from shopkeeper.support.state import Pick, Task
from shopkeeper.support.wishes import Wish, choose, read_wish

_OTHER_THING = re.compile(
    r"\b(?:for|to|into) (?:an?|another|some) (?!one\b|new|different|other|better|similar|version|"
    r"bigger|smaller|cheaper)\w+",
    re.I,
)


def fill_variants(task: Task, desk: Desk) -> Act | None:
    """Fill what each picked line should become; ask where several variants fit."""
    for pick in task.picks:
        if pick.new_item_id or pick.skip:
            continue
        line = desk.line(pick.order_id, pick.item_id)
        if line is None:
            pick.skip = True
            continue
        variants = desk.variants(line.family)
        wish = read_wish(target_words(pick.wish), variants, line.options)
        _like_another(wish, pick, line, desk)
        desk.note("get_product", ok=True, product=line.family)
        if wish.empty and _OTHER_THING.search(pick.wish):
            return act("deny_family", "terms", product=line.name)
        if wish.empty:
            others = [one for one in variants if one.available and one.item_id != line.item_id]
            if task.asked.get("ask_variant", 0) == 0 and others:
                return _ask_variant(task, pick, line, others, desk, "wish")
            wish.same = True
        found = choose(wish, variants, line.options, line.item_id)
        if len(found) == 1:
            pick.new_item_id = found[0].item_id
        elif found:
            return _ask_variant(task, pick, line, found, desk, "several")
        else:
            return _no_variant(task, pick, line, wish, desk)
    return None


def target_words(text: str) -> str:
    """Return what a line should become: the words after "to" or "for", else all of them.

    >>> target_words("from black to a red one")
    ' a red one'
    """
    pieces = re.split(r"\b(?:to|into|for)\b|换成|改成", text, maxsplit=1)
    return pieces[1] if len(pieces) > 1 else text


def _ask_variant(
    task: Task, pick: Pick, line: Line, found: list[Item], desk: Desk, why: str
) -> Act:
    task.facts["variant_of"] = f"{pick.order_id}|{pick.item_id}"
    order = desk.order(pick.order_id)
    return act(
        "ask_variant",
        f"item:{line.family}",
        product=line.name,
        now=dict(line.options),
        why=why,
        options=[
            {
                "item_id": one.item_id,
                "options": dict(one.options),
                "price": desk.money(one.price_minor or 0, order),
            }
            for one in found[:12]
        ],
    )


def _no_variant(task: Task, pick: Pick, line: Line, wish: Wish, desk: Desk) -> Act:
    """Say that it cannot be had, and which near ones can."""
    variants = [one for one in desk.variants(line.family) if one.available]
    near = [
        one
        for one in variants
        if any(one.options.get(name) in hits for name, hits in wish.must.items())
    ]
    task.facts["variant_of"] = f"{pick.order_id}|{pick.item_id}"
    order = desk.order(pick.order_id)
    kind = "deny_same" if wish.same else "deny_variant"
    return act(
        kind,
        f"item:{line.family}",
        product=line.name,
        options=[
            {
                "item_id": one.item_id,
                "options": dict(one.options),
                "price": desk.money(one.price_minor or 0, order),
            }
            for one in (near or variants)[:12]
            if one.item_id != line.item_id
        ],
    )


def _like_another(wish: Wish, pick: Pick, line: Line, desk: Desk) -> None:
    """Read "the same type as the one I received" as the options of that other line."""
    if not re.search(
        r"\b(?:same|type|one)\b[^.]*\b(?:already|received|other|pending)\b", pick.wish, re.I
    ):
        return
    others = [
        other
        for order in desk.orders()
        for other in order.lines
        if other.family == line.family
        and order.order_id != pick.order_id
        and other.item_id != line.item_id
    ]
    if others:
        wish.item_id = others[0].item_id
