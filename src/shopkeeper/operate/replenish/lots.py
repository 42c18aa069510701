"""Whether a planner's quantity can be bought: above nothing, above the minimum, whole packs."""

from __future__ import annotations

from collections.abc import Mapping
from math import floor, isfinite
from typing import Any

from shopkeeper.base import clock
from shopkeeper.base.errors import BadInput
from shopkeeper.inventory.schema import SupplyTerms
from shopkeeper.inventory.terms import supply_terms

MOST_UNITS = 1e9


def check(shop: Any, one: Mapping[str, Any], quantity: Any) -> float:
    """Return a quantity that the proposal's supplier sells.

    Raises
    ------
    BadInput
        With code not_a_quantity, below_minimum or not_whole_packs; names what would fit.
    """
    number = _number(quantity)
    terms = terms_of(shop, one)
    if terms is None:
        return number
    pack = max(terms.pack_size, 1e-9)
    smallest = _up(max(terms.minimum_quantity, pack), pack)
    if number < terms.minimum_quantity - 1e-9:
        raise BadInput(
            f"{terms.supplier_id} sells {one['item_id']} from {terms.minimum_quantity:g} units on, "
            f"but quantity is {number:g}.",
            hint=f"Order {smallest:g}, or reject the proposal.",
            field="quantity",
            value=number,
            allowed=f"{smallest:g} or more, in packs of {pack:g}",
            code="below_minimum",
        )
    packs = number / pack
    if abs(packs - round(packs)) > 1e-6:
        below, above = max(floor(packs) * pack, smallest), _up(number, pack)
        near = f"{below:g} or {above:g}" if below != above else f"{above:g}"
        raise BadInput(
            f"{terms.supplier_id} sells {one['item_id']} in packs of {pack:g}, "
            f"but quantity is {number:g}.",
            hint=f"Order {near}.",
            field="quantity",
            value=number,
            allowed=f"multiples of {pack:g}",
            code="not_whole_packs",
        )
    return number


def terms_of(shop: Any, one: Mapping[str, Any]) -> SupplyTerms | None:
    """Return the terms of a proposal's supplier for its product, None where nobody told them."""
    [offers] = supply_terms(shop.warehouse, [one["item_id"]], clock.now_us())
    return next((offer for offer in offers if offer.supplier_id == one["supplier_id"]), None)


def _number(quantity: Any) -> float:
    plain = isinstance(quantity, int | float) and not isinstance(quantity, bool)
    if not plain or not isfinite(quantity) or not 0 < quantity <= MOST_UNITS:
        raise BadInput(
            f"quantity must be above 0, but is {quantity!r}.",
            hint="To order nothing, reject the proposal.",
            field="quantity",
            value=quantity,
            allowed="above 0",
            code="not_a_quantity",
        )
    return float(quantity)


def _up(number: float, pack: float) -> float:
    return -floor(-(number / pack) + 1e-9) * pack
