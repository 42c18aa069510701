"""What a rule may name: every feature of the registry, and plain facts of the request.

One place says which names there are, of which type, and where their values come from, so that a
rule is checked, run live and back-tested on the same words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from shopkeeper.fraud.registry import REGISTRY
from shopkeeper.fraud.rules_language import FLAG, NUMBER, TEXT
from shopkeeper.fraud.schema import Features, Request

# name -> (attribute of the Request, what it is)
FACTS: dict[str, tuple[str, str]] = {
    "request_kind": ("kind", "payment, refund or account"),
    "currency": ("currency", "three capital letters"),
    "card_bin": ("card_bin", "first 6 to 8 digits of the card"),
    "card_country": ("card_country", "two letters"),
    "billing_country": ("billing_country", "two letters"),
    "shipping_country": ("shipping_country", "two letters"),
    "ip_country": ("ip_country", "two letters"),
    "customer_id": ("customer_id", "the shop's id of the customer"),
}
NAMES: dict[str, str] = {
    **dict.fromkeys(FACTS, TEXT),
    **{name: FLAG if one.kind == "flag" else NUMBER for name, one in REGISTRY.items()},
}
# identifier kind of lists.py -> where a request holds it
_PLAIN = ("customer_id", "card_bin")
_HASHED = ("card_fingerprint", "device_id", "ip", "email", "phone", "address", "email_domain")


def row_of(request: Request, features: Features, names: Iterable[str]) -> dict[str, Any]:
    """Return the values of some names; NaN becomes missing inside the language."""
    row, values = features.row, features.values
    found: dict[str, Any] = {}
    for name in names:
        place = row.get(name)
        if place is not None:
            found[name] = float(values[place])
        elif name in FACTS:
            found[name] = getattr(request, FACTS[name][0])
    return found


def recorded_row(request: Mapping[str, Any], features: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same of a decision on the record: features that are 0 were left out there."""
    found: dict[str, Any] = {name: features.get(name, 0.0) for name in REGISTRY}
    for name, (attribute, _) in FACTS.items():
        found[name] = request.get(attribute)
    found["request_kind"] = request.get("kind", "payment")
    return found


def identifiers(request: Request) -> dict[str, str | None]:
    """Return what the lists may name of a request, by kind."""
    found: dict[str, str | None] = {name: request.keys.get(name) for name in _HASHED}
    for name in _PLAIN:
        found[name] = getattr(request, name)
    found["country"] = request.card_country or request.billing_country
    return found


def recorded_features(features: Features) -> dict[str, float | None]:
    """Return the features for the record: zeros are left out, unknown ones are None."""
    values = np.round(features.values, 6).tolist()
    return {
        name: None if value != value else value
        for name, value in zip(features.names, values, strict=True)
        if value != 0.0
    }
