"""The shop's rules for ordering: defaults of schema.Rules, changed by a rule event of the log."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import msgspec

from shopkeeper.base.errors import BadInput
from shopkeeper.data import proposals as tables
from shopkeeper.inventory import policy
from shopkeeper.inventory.schema import Rules

RULE_ID = "ordering"
_KINDS = {field.name: field.type for field in dataclasses.fields(Rules)}


def held(warehouse: Any) -> Rules:
    """Return the rules that hold in the tables."""
    text = tables.rule_text(warehouse, RULE_ID)
    return parse(msgspec.json.decode(text)) if text else Rules()


def parse(given: Mapping[str, Any], base: Rules | None = None) -> Rules:
    """Return rules with some values changed.

    Raises
    ------
    BadInput
        If a name is unknown or a value does not fit; names it.
    """
    changed: dict[str, Any] = {}
    for name, value in given.items():
        if name not in _KINDS:
            raise BadInput(
                f"There is no ordering rule '{name}'.",
                field=name,
                value=value,
                allowed=", ".join(_KINDS),
            )
        changed[name] = _typed(name, value)
    rules = dataclasses.replace(base or Rules(), **changed)
    policy.check(rules)
    return rules


def _typed(name: str, value: Any) -> Any:
    kind = str(_KINDS[name])
    if value is None and "None" in kind:
        return None
    if kind.startswith("str"):
        return str(value)
    try:
        if isinstance(value, bool):
            raise ValueError
        number = float(value)
        if number != number:
            raise ValueError
    except (TypeError, ValueError):
        raise BadInput(
            f"{name} must be a number, but is {value!r}.", field=name, value=value, allowed="number"
        ) from None
    if name.endswith("_minor"):
        if number < 0:
            raise BadInput(
                f"{name} must be 0 or more, but is {value}.",
                field=name,
                value=value,
                allowed=">= 0",
            )
        return round(number)
    return number
