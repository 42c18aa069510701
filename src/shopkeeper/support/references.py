"""Which of the customer's own orders and lines a frame means.

Reads only the orders handed in, which are the signed-in customer's; a number that is not among
them is unknown here, whoever's it is. More than one line left means: ask.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from shopkeeper.support import records
from shopkeeper.support.naming import Mention
from shopkeeper.support.options import mentioned, values_of
from shopkeeper.support.records import Item, Line, Order

_STATES = {
    "TX": "texas", "WA": "washington|seattle", "DC": "washington,? d\\.?c",
    "NY": "new york|nyc|big apple",
    "CA": "california|los angeles|\\bla\\b|san francisco|san diego|san jose",
    "IL": "illinois|chicago",
    "CO": "colorado|denver", "FL": "florida|miami", "PA": "pennsylvania|philadelphia",
    "AZ": "arizona|phoenix", "NC": "north carolina|charlotte", "OH": "ohio|columbus",
    "IN": "indiana|indianapolis",
}  # fmt: skip
# Where the words about what it should become begin.
_TARGET = re.compile(r"\b(?:to|for|into)\b|换成|改成")
# verb -> statuses of orders that it can mean, likeliest first.
ELIGIBLE = {
    "return": (records.DELIVERED,),
    "change": (records.OPEN, records.DELIVERED),
    "cancel": (records.OPEN,),
    "address": (records.OPEN,),
    "payment": (records.OPEN,),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Lines that a mention can mean; ``sure`` when all of them are meant."""

    lines: tuple[tuple[Order, Line], ...]
    sure: bool


def normal_id(text: str) -> str:
    """Return an order number without what customers leave out or add.

    >>> normal_id("#w12") == normal_id("12")
    True
    """
    return re.sub(r"^[#\s]*[a-z]*[-_]?", "", text.lower())


def orders_of(ids: Sequence[str], orders: Sequence[Order]) -> list[Order]:
    """Return the orders that the numbers name exactly, else by their digits alone."""
    exact = [
        o
        for one in ids
        for o in orders
        if o.order_id.lower().lstrip("#") == one.lower().lstrip("#")
    ]
    if exact:
        return exact
    return [o for one in ids for o in orders if one and normal_id(o.order_id) == normal_id(one)]


def orders_said(text: str, orders: Sequence[Order]) -> list[Order]:
    """Return the orders that words single out: a place, latest, pending, cancelled."""
    found = list(orders)
    place = order_place(text, found)
    if place:
        found = place
    for pattern, statuses in (
        (r"\bcancel(?:l?ed)\b|已取消", (records.CANCELLED,)),
        (r"\bpending\b|未发货|待发货", (records.OPEN,)),
        (r"\b(?:delivered|received)\b|已收到|收到的", (records.DELIVERED,)),
    ):
        if re.search(pattern, text, re.I):
            some = [one for one in found if one.status in statuses]
            found = some or found
    if re.search(
        r"\b(?:latest|last|most recent(?:ly)?|newest|recent)\b|最近|最新|上一单|刚(?:下|买)",
        text,
        re.I,
    ):
        found = found[:1]
    elif re.search(r"\bold(?:er|est)\b|最早", text, re.I):
        found = found[-1:]
    return found if len(found) < len(orders) or len(orders) == 1 else []


def order_place(text: str, orders: Sequence[Order]) -> list[Order]:
    """Return the orders that go to a place which the text names."""
    for state, pattern in _STATES.items():
        match = re.search(pattern, text, re.I)
        if match and not re.search(r"\bto (?:my |your |the )?$", text[: match.start()]):
            some = [one for one in orders if one.address and one.address.state == state]
            if some:
                return some
    return []


def places_said(text: str) -> list[str]:
    """Return the state codes that a text names, in order."""
    hits = []
    for state, pattern in _STATES.items():
        if match := re.search(pattern, text, re.I):
            hits.append((match.start(), state))
    if any(state == "DC" for _, state in hits):
        hits = [one for one in hits if one[1] != "WA"]
    return [state for _, state in sorted(hits)]


def lines_of(
    mention: Mention,
    verb: str,
    orders: Sequence[Order],
    variants: dict[str, list[Item]],
    *,
    within: Sequence[Order] = (),
    loose: bool = False,
) -> Found:
    """Return the lines that a mention means for a verb.

    Parameters
    ----------
    variants
        Family -> its variants, to understand words like "the 17-inch one".
    within
        Orders that were named; empty: all of the customer's.
    loose
        "cancel or return": lines of any order that could be either.
    """
    pool = list(within or orders)
    statuses = ELIGIBLE.get(verb, ())
    if loose:
        statuses = (records.OPEN, records.DELIVERED)
    found = [(o, line) for o in pool for line in o.lines if line.name in mention.names]
    eligible = [pair for pair in found if pair[0].status in statuses] if statuses else found
    found = eligible or found
    found = _by_status_words(mention, found)
    found = _by_options(mention, found, variants)
    found = _by_price(mention, found)
    if len(found) <= 1:
        return Found(lines=tuple(found), sure=True)
    if mention.plural and (not mention.number or len(found) == mention.number):
        return Found(lines=tuple(found), sure=True)
    # The same product twice in one order is two units of it, and "the tablet" is one of them.
    return Found(lines=tuple(found), sure=False)


def _by_status_words(mention: Mention, found: list[tuple[Order, Line]]) -> list[tuple[Order, Line]]:
    words = f"{mention.before} {re.split(_TARGET, mention.after)[0][:40]}"
    for pattern, status in (
        (r"\bpending\b|\bjust (?:ordered|bought|placed)\b|未发货", records.OPEN),
        (r"\b(?:received|delivered)\b|收到", records.DELIVERED),
    ):
        if re.search(pattern, words, re.I):
            some = [pair for pair in found if pair[0].status == status]
            found = some or found
    return found


def _by_options(
    mention: Mention, found: list[tuple[Order, Line]], variants: dict[str, list[Item]]
) -> list[tuple[Order, Line]]:
    source = re.split(_TARGET, mention.after)[0]
    words = f"{mention.before} {source}"
    kept = []
    for order, line in found:
        values = values_of(variants.get(line.family, []))
        said = mentioned(words, values)
        if all(line.options.get(name) in hits for name, hits in said.items()):
            kept.append((order, line))
    return kept or found


def _by_price(mention: Mention, found: list[tuple[Order, Line]]) -> list[tuple[Order, Line]]:
    words = f"{mention.before} {mention.after[:60]}"
    if len(found) < 2:
        return found
    if re.search(r"\b(?:less expensive|cheaper)\b|便宜的那", words, re.I):
        return [min(found, key=lambda pair: pair[1].price_minor)]
    if re.search(r"\bmore expensive\b|贵的那", words, re.I):
        return [max(found, key=lambda pair: pair[1].price_minor)]
    return found
