"""What a recogniser finds: an Entity, and what it may know: Known."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

KINDS = (
    "order",
    "product",
    "money",
    "date",
    "phone",
    "email",
    "size",
    "colour",
    "quantity",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """Something named in a text.

    kind        one of KINDS
    value       the one writing for equal things: order id, item id, "12.50 USD", "2026-11-23"
    text        as the customer wrote it; ``start`` and ``end`` are its place in the original
    score       0 to 1: 1 is written exactly so, less is a guess (a typing error, a meaning)
    facts       what else is known: a date's last day, an amount in minor units, other candidates
    """

    kind: str
    value: str
    text: str
    start: int
    end: int
    score: float = 1.0
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A product that may be named. ``names``: title, other names and languages, sku."""

    item_id: str
    names: tuple[str, ...]


class Products(Protocol):
    """Finds products in a normal text: (start, end, item id, score, other candidates)."""

    def find(self, text: str) -> Sequence[tuple[int, int, str, float, tuple[str, ...]]]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a shop tells the recognisers.

    today           the customer's day, from which "yesterday" counts
    order_pattern   a regular expression of the shop's order numbers (whole match, ignoring case)
    currency        of amounts that name none
    day_first       1/12/2026 is the first of December
    products        index of the catalogue; None: products are not looked for
    sizes, colours  the shop's own options beside the usual ones
    """

    today: datetime.date
    order_pattern: str = r"[A-Z]{1,4}-?\d{4,14}|#[A-Z]{0,2}\d{4,14}|\d{6,20}"
    currency: str = "USD"
    day_first: bool = False
    products: Products | None = None
    sizes: tuple[str, ...] = ()
    colours: tuple[str, ...] = ()
