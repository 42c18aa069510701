"""What the shop says of its customers, as far as recommendations may use it.

Attributes are the ``properties`` of ``customer`` events: an age group, a household's size. They
come only from the shop; nothing is derived, and ``person`` never gets here. The setting
``customer_attributes`` says which may be used: all, none, or names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

Attributes = Mapping[str, Any]
NONE: Attributes = {}


class Known:
    """The latest attributes per customer; an older event that arrives late changes nothing."""

    def __init__(self) -> None:
        self.names: frozenset[str] | None = None  # those that may be used; None: all
        self._told: dict[str, tuple[int, Any]] = {}

    def take(self, customer: str, told: Any, at_us: int) -> None:
        """Take a customer's attributes whole: an object, or the JSON text of a table."""
        if at_us >= self._told.get(customer, (at_us, None))[0]:
            self._told[customer] = (at_us, told)

    def of(self, customer: str | None) -> Attributes:
        """Return what may be used of a customer; empty where nothing is known."""
        if customer is None or (found := self._told.get(customer)) is None:
            return NONE
        return allowed(read(found[1]), self.names)

    def all(self) -> dict[str, Attributes]:
        """Return what may be used of every customer."""
        return {customer: self.of(customer) for customer in self._told}


def read(told: Any) -> Attributes:
    """Return attributes from an object, the JSON text of one, or nothing."""
    if not told:
        return NONE
    found: Attributes = msgspec.json.decode(told) if isinstance(told, str) else told
    return found


def allowed(told: Attributes, names: frozenset[str] | None) -> Attributes:
    """Return the attributes that a shop lets recommendations use.

    >>> allowed({"age": "25-34", "income": 3}, frozenset({"age"}))
    {'age': '25-34'}
    """
    if names is None:
        return told
    return {name: value for name, value in told.items() if name in names}


def names_of(setting: str) -> frozenset[str] | None:
    """Return the names that the setting allows, None for all of them.

    >>> names_of("all") is None, names_of("none"), sorted(names_of("age, size") or ())
    (True, frozenset(), ['age', 'size'])
    """
    said = setting.strip()
    if said.lower() == "all":
        return None
    if said.lower() in ("none", ""):
        return frozenset()
    return frozenset(part.strip() for part in said.split(",") if part.strip())


def attach(state: Any, shop: Any) -> None:
    """Let a live state use the attributes that the shop's settings allow."""
    state.attributes.names = names_of(shop.settings.customer_attributes)
