"""Questions about products: which there are, what they cost, whether they can be had, what fits."""

from __future__ import annotations

from shopkeeper.support.acts import Act, act
from shopkeeper.support.desk import Desk
from shopkeeper.support.naming import mentions
from shopkeeper.support.options import mentioned, values_of
from shopkeeper.support.records import Item
from shopkeeper.support.state import Task


def items_meant(task: Task, desk: Desk) -> list[Item]:
    """Return the variants of the product that a question names: of own orders, else catalogue."""
    names = [n for told in task.mentions for n in told["names"].split("|")]
    for order in desk.orders():
        for line in order.lines:
            if line.name in names:
                return desk.variants(line.family)
    found = desk.book.find_items(task.text)
    desk.note("search_products", ok=bool(found), words=task.text[:60])
    return desk.variants(found[0].family) if found else []


def count(task: Task, desk: Desk) -> list[Act]:
    """Say how many variants of a product there are."""
    found = items_meant(task, desk)
    if not found:
        return [act("unknown_product")]
    there = [one for one in found if one.available]
    source = f"item:{found[0].family}"
    return [act("inform_count", source, product=found[0].name, n=len(there))]


def options(task: Task, desk: Desk) -> list[Act]:
    """List the variants of a product."""
    found = items_meant(task, desk)
    there = [one for one in found if one.available]
    if not there:
        return [act("unknown_product")]
    told = mentions(task.text, [there[0].name])
    said = mentioned(task.text if told else "", values_of(found))
    some = [o for o in there if all(o.options.get(k) in v for k, v in said.items())] or there
    return [listed(some, desk)]


def listed(items: list[Item], desk: Desk) -> Act:
    """Return the act that lists variants with prices."""
    return act(
        "inform_options",
        f"item:{items[0].family}",
        product=items[0].name,
        options=[
            {
                "item_id": one.item_id,
                "options": dict(one.options),
                "price": desk.money(one.price_minor or 0),
            }
            for one in items[:12]
        ],
    )


def cheapest(task: Task, desk: Desk) -> list[Act]:
    """Say which variant costs least."""
    there = [one for one in items_meant(task, desk) if one.available]
    if not there:
        return [act("unknown_product")]
    return [listed([min(there, key=lambda one: one.price_minor or 0)], desk)]


def stock(task: Task, desk: Desk) -> list[Act]:
    """Say whether a product can be had."""
    found = desk.book.find_items(task.text)
    desk.note("search_products", ok=bool(found), words=task.text[:60])
    if not found:
        return [act("unknown_product")]
    one = found[0]
    kind = "inform_in_stock" if one.available else "inform_out_of_stock"
    price = desk.money(one.price_minor) if one.price_minor is not None else None
    return [act(kind, f"item:{one.item_id}", product=one.name, price=price)]


def recommend(task: Task, desk: Desk) -> list[Act]:
    """Recommend by the capability that does."""
    if "recommend" not in desk.given:
        last = desk.orders()[0].lines if desk.orders() else ()
        items = list(desk.cart) or [line.item_id for line in last][:5]
        desk.asks.append(
            {
                "capability": "recommend",
                "request": {
                    "placement": "cart" if items else "home",
                    "customer_id": desk.customer_id,
                    "items": items,
                    "limit": 3,
                },
            }
        )
        return [act("wait")]
    slate = desk.given["recommend"] or {}
    items = slate.get("items", [])
    desk.note("recommend", ok=bool(items))
    if not items:
        return [act("no_recommendation")]
    return [
        act(
            "recommend",
            f"decision:{slate.get('decision_id', '')}",
            items=[
                {
                    "name": one["title"] or one["item_id"],
                    "price": desk.money(one["price_minor"]) if one["price_minor"] else None,
                    "why": one["reasons"][0],
                }
                for one in items
            ],
        )
    ]
