"""Names in a text (orders, products, money, dates …) with the place where they were written.

Recognisers are plain functions ``find(Normalised, Known) -> list[Entity]``, tried in the order
of RECOGNISERS; of two that overlap the earlier one keeps the place.
"""

from __future__ import annotations

from collections.abc import Callable

from shopkeeper.language.entities import contact, dates, money, options, orders, products
from shopkeeper.language.entities.kinds import KINDS, Entity, Known, Product
from shopkeeper.language.normalise import Normalised, normalise

__all__ = ["KINDS", "Entity", "Known", "Product", "recognise"]

RECOGNISERS: tuple[Callable[[Normalised, Known], list[Entity]], ...] = (
    contact.find,
    products.find,
    money.find,
    dates.find,
    orders.find,
    options.find,
)


def recognise(text: str | Normalised, known: Known) -> tuple[Entity, ...]:
    """Return the entities of a text in order of place, none overlapping another.

    >>> import datetime
    >>> known = Known(today=datetime.date(2026, 11, 24))
    >>> [(e.kind, e.value) for e in recognise("订单 A10023 昨天付了 59.9 元", known)]
    [('order', 'A10023'), ('date', '2026-11-23'), ('money', '59.90 CNY')]
    """
    made = text if isinstance(text, Normalised) else normalise(text)
    found: list[Entity] = []
    for recogniser in RECOGNISERS:
        for entity in recogniser(made, known):
            if all(entity.end <= other.start or entity.start >= other.end for other in found):
                found.append(entity)
    return tuple(sorted(found, key=lambda entity: entity.start))
