"""Questions about products: which there are, what they cost, whether they can be had, what fits."""

from __future__ import annotations

import re

from shopkeeper.support.acts import Act, Day, act
from shopkeeper.support.desk import Desk
from shopkeeper.support.naming import mentions
from shopkeeper.support.options import mentioned, values_of
from shopkeeper.support.records import Item
from shopkeeper.support.state import Task

STOCK = "stock"  # what the runtime answers with units and arrivals
# What a question about goods is made of beside the goods: "do you have … in stock", 你们有…吗.
_AROUND = re.compile(
    r"\b(?:do|does|did|you|your|have|has|sell|carry|any|some|is|are|the|an?|in|out of|back in|of|on"
    r"|stock|available|still|there|it|when|will|be|can|i|get|buy|right now|please|shop|store"
    r"|how|much|what|which|price|cost)\b"
    r"|你们|你家|店里|请问|有没有|有货|缺货|补货|还有|没有|什么时候|现在|多少钱|价格|有|卖|吗|么|呢|的|[?？!！。,，]",
    re.I,
)
_SELLS = re.compile(
    r"^\W*(?:请问)?(?:你们|你家|店里)?(?:还)?(?:有没有|有|卖).{1,16}(?:吗|么|[?？])\W*$"
)


def goods_in(text: str) -> str:
    """Return what of a question names the goods; the whole text where nothing else is left.

    >>> goods_in("Do you have any coffee in stock?").strip()
    'coffee'
    """
    left = " ".join(_AROUND.sub(" ", text).split())
    return left or text


def items_meant(task: Task, desk: Desk) -> list[Item]:
    """Return the variants of the product that a question names: of own orders, else catalogue."""
    names = [n for told in task.mentions for n in told["names"].split("|")]
    for order in desk.orders():
        for line in order.lines:
            if line.name in names:
                return desk.variants(line.family)
    found = desk.book.find_items(goods_in(task.text))
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
    """Say whether a product can be had, and when more comes."""
    found = desk.book.find_items(goods_in(task.text))
    desk.note("search_products", ok=bool(found), words=task.text[:60])
    if not found:
        return [act("unknown_product")]
    one = found[0]
    if STOCK not in desk.given:
        desk.asks.append({"capability": STOCK, "request": {"items": [one.item_id]}})
        return [act("wait")]
    told = ((desk.given[STOCK] or {}).get("items") or {}).get(one.item_id)
    desk.note("get_stock", ok=told is not None)
    price = desk.money(one.price_minor) if one.price_minor is not None else None
    source = f"item:{one.item_id}"
    if not one.available or (told is not None and told["units"] < 1):
        if told is not None and told["arrives_us"] is not None:
            at = Day(at_us=told["arrives_us"])
            return [act("inform_arrives", source, product=one.name, at=at)]
        return [act("inform_out_of_stock", source, product=one.name, price=price)]
    return [act("inform_in_stock", source, product=one.name, price=price)]


def sold_here(text: str, desk: Desk) -> list[Act] | None:
    """Read 你们有牛奶吗 as a question about stock where such a product is sold; else None."""
    if not _SELLS.search(text) or not desk.book.find_items(goods_in(text)):
        return None
    return stock(Task(kind="stock", text=text), desk)


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
