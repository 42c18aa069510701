"""The capabilities that this shop runs, by name: their index cards, imported when asked for."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

from shopkeeper.base.errors import NotFound
from shopkeeper.learn.contracts import Capability

# name -> module that holds CAPABILITY, in the order of the house.
MODULES = {
    "recommend": "shopkeeper.recommend.capability",
    "inventory": "shopkeeper.inventory.capability",
    "fraud": "shopkeeper.fraud.capability",
    "support": "shopkeeper.support.capability",
    "supply": "shopkeeper.supply.capability",
}
# Asked and trained by name like the five, and followed by a running shop, but none of them: what
# is foretold of a customer decides nothing by itself.
BESIDE = {
    "behaviour": "shopkeeper.recommend.behaviour.card",
    "session": "shopkeeper.recommend.session.card",
}


def get(name: str) -> Capability:
    """Return the index card of a capability; NotFound names those there are."""
    module = MODULES.get(name) or BESIDE.get(name)
    if module is None:
        raise NotFound(
            f"There is no capability '{name}'.",
            hint=f"This shop has: {', '.join((*MODULES, *BESIDE))}.",
            field="capability",
            value=name,
            allowed=", ".join((*MODULES, *BESIDE)),
        )
    card: Capability = importlib.import_module(module).CAPABILITY
    return card


def all_of(names: Sequence[str] = ()) -> list[Capability]:
    """Return the cards of the names given, or of every capability."""
    return [get(name) for name in (names or MODULES)]
