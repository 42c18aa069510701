"""The shop's terms as numbers and switches: what may be promised, changed, taken back, and when.

They come from the ``rule`` events of capability ``support`` (rule id ``terms``, text is JSON);
what a shop does not say is the default here. The dialogue promises nothing that is not in them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from shopkeeper.base.errors import BadInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the shop allows. Days count from delivery, hours are local to ``utc_offset_hours``."""

    version: str = "default"
    return_days: int = 30
    exchange_days: int = 30
    refund_days_low: int = 5  # business days until money arrives, from … to
    refund_days_high: int = 7
    refund_review_minor: int = 20_000  # refunds from here on are looked at by a person
    fraud_review_probability: float = 0.5
    refund_to: str = "original"  # original | original_or_gift_card
    change_once: bool = False  # items of an order may be changed only once
    change_keeps_family: bool = True
    cancel_reasons: tuple[str, ...] = ()  # empty: any reason, none asked for
    cancel_lines: bool = False  # single lines of an order may be cancelled
    identify: str = "session"  # session | conversation
    ask_method: bool = False  # whether a method of payment is asked for
    open_hour: int = 9
    close_hour: int = 18
    utc_offset_hours: int = 0
    open_days: tuple[int, ...] = (0, 1, 2, 3, 4)  # Monday is 0
    delivered_after_days: int = 3  # an order without a parcel counts as delivered then; 0: never
    coupon_codes: tuple[str, ...] = ()
    confirm_minutes: int = 10

    def __post_init__(self) -> None:
        for name, low, high in (
            ("return_days", 0, 3650),
            ("exchange_days", 0, 3650),
            ("confirm_minutes", 1, 1440),
            ("open_hour", 0, 24),
            ("close_hour", 0, 24),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise BadInput(
                    f"{name} must be {low} to {high}, but is {value}.",
                    hint="Correct the rule `terms` of support.",
                    field=name,
                    value=value,
                    allowed=f"{low} to {high}",
                )


def read_terms(text: str | None) -> Terms:
    """Return the terms of a rule's text; names that nobody knows and wrong types are refused.

    >>> read_terms('{"return_days": 14}').return_days
    14
    """
    if not text:
        return Terms()
    try:
        given: Mapping[str, Any] = json.loads(text)
    except ValueError as problem:
        raise _bad("terms", text, "a JSON object") from problem
    if not isinstance(given, dict):
        raise _bad("terms", text, "a JSON object")
    known = {one.name: one for one in fields(Terms)}
    made: dict[str, Any] = {}
    for name, value in given.items():
        if name not in known:
            raise _bad(name, value, ", ".join(known))
        default = known[name].default
        if isinstance(default, tuple):
            if not isinstance(value, list):
                raise _bad(name, value, "a list")
            made[name] = tuple(value)
        elif isinstance(default, bool) != isinstance(value, bool):
            raise _bad(name, value, type(default).__name__)
        elif isinstance(default, float) and isinstance(value, int | float):
            made[name] = float(value)
        elif not isinstance(value, type(default)):
            raise _bad(name, value, type(default).__name__)
        else:
            made[name] = value
    return Terms(**made)


def _bad(name: str, value: Any, allowed: str) -> BadInput:
    return BadInput(
        f"The terms of support do not take {name} = {value!r}.",
        hint="docs/reference/support.md lists the terms.",
        field=name,
        value=value,
        allowed=allowed,
    )
