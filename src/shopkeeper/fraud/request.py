"""Turn what a caller sent into a Request, or say which field is wrong.

``person`` must have become ``keys`` before (data/person_keys.py): this file refuses clear
personal data, card numbers in any field, and numbers and times that no payment has.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shopkeeper.base import clock
from shopkeeper.base.errors import BadInput, shorten
from shopkeeper.data.privacy import find_card_number, hide_card_numbers
from shopkeeper.fraud.schema import KEYED, KINDS, Request

MAX_ID = 128
MAX_ITEMS = 200
MAX_AMOUNT_MINOR = 10**11  # a thousand million in a currency with cents
FUTURE_US = 10 * 60 * 1_000_000  # how far a sender's clock may run ahead
EARLIEST_US = 946_684_800_000_000  # 2000-01-01
_TEXTS = ("payment_id", "order_id", "customer_id", "session_id", "terminal_id")
_COUNTRIES = ("card_country", "billing_country", "shipping_country", "ip_country")
FIELDS = (
    *("kind", "amount_minor", "currency", "occurred_at", "signup_at", "items", "keys"),
    *("card_bin", "declines", "disposable_email"),
    *_TEXTS,
    *_COUNTRIES,
)


def parse(raw: Mapping[str, Any]) -> Request:
    """Return the validated request; BadInput names the field, its value and what is allowed.

    >>> parse({"payment_id": "p1", "amount_minor": 1250, "currency": "EUR"}).amount_minor
    1250
    """
    if not isinstance(raw, Mapping):
        raise _bad("request", raw, "a JSON object")
    for name in raw:
        if name == "person":
            raise _bad("person", "…", "keys; the runtime hashes person before it is judged")
        if name not in FIELDS:
            raise _bad(shorten(str(name)), raw[name], ", ".join(FIELDS))
    kind = raw.get("kind", "payment")
    if kind not in KINDS:
        raise _bad("kind", kind, ", ".join(KINDS))
    texts = {name: _text(name, raw.get(name)) for name in _TEXTS}
    if texts["payment_id"] is None:
        raise _bad("payment_id", None, f"a text of 1 to {MAX_ID} characters")
    items = _items(raw.get("items"))
    terminal = texts.pop("terminal_id")
    known = {"customer": texts["customer_id"], "terminal": terminal}
    known["item"] = items[0] if items else None
    known["card_bin"] = card_bin = _bin(raw.get("card_bin"))
    entities = {name: value for name, value in known.items() if value is not None}
    keys = _keys(raw.get("keys"))
    entities.update({KEYED[name]: value for name, value in keys.items()})
    occurred_us = _moment("occurred_at", raw.get("occurred_at"))
    amount = raw.get("amount_minor", 0 if kind == "account" else None)
    return Request(
        kind=kind,
        amount_minor=_whole("amount_minor", amount, MAX_AMOUNT_MINOR),
        currency=_currency(raw.get("currency", "XXX" if kind == "account" else None)),
        occurred_us=occurred_us,
        signup_us=_moment("signup_at", raw.get("signup_at")),
        keys=keys,
        entities=entities,
        items=items,
        card_bin=card_bin,
        declines=None if raw.get("declines") is None else _whole("declines", raw["declines"], 1000),
        disposable_email=_flag("disposable_email", raw.get("disposable_email")),
        **{name: _country(name, raw.get(name)) for name in _COUNTRIES},  # type: ignore[arg-type]
        **texts,  # type: ignore[arg-type]
    )


def _text(name: str, value: Any, longest: int = MAX_ID) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise _bad(name, value, f"a text of 1 to {longest} characters")
    if not value.isprintable():
        raise _bad(name, value, "a text without control characters")
    if len(value) >= 14 and find_card_number(value):
        raise BadInput(
            f"{name} holds a card number.",
            hint="Send the provider's fingerprint of the card, its BIN and last four at most.",
            field=name,
            code="card_number",
        )
    return value


def _items(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list | tuple) or len(value) > MAX_ITEMS:
        raise _bad("items", value, f"a list of up to {MAX_ITEMS} item ids")
    texts = (_text(f"items[{place}]", one) for place, one in enumerate(value))
    return tuple(one for one in texts if one is not None)


def _keys(value: Any) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise _bad("keys", value, "an object of hashes")
    found = {}
    for name, one in value.items():
        if name not in KEYED:
            raise _bad(f"keys.{shorten(str(name))}", one, ", ".join(KEYED))
        text = _text(f"keys.{name}", one)
        if text is not None:
            found[name] = text
    return found


def _whole(name: str, value: Any, most: int) -> int:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole and isinstance(value, float) and math.isfinite(value) and value == int(value):
        value, whole = int(value), True
    if not whole or not 0 <= value <= most:
        raise _bad(name, value, f"a whole number from 0 to {most}")
    return int(value)


def _currency(value: Any) -> str:
    if not (isinstance(value, str) and len(value) == 3 and value.isascii() and value.isupper()):
        raise _bad("currency", value, "three capital letters, as in EUR")
    return value


def _country(name: str, value: Any) -> str | None:
    if value is None:
        return None
    if not (isinstance(value, str) and len(value) == 2 and value.isascii() and value.isalpha()):
        raise _bad(name, value, "two letters, as in DE")
    return value.upper()


def _bin(value: Any) -> str | None:
    if value is None:
        return None
    if not (
        isinstance(value, str) and value.isascii() and value.isdigit() and 6 <= len(value) <= 8
    ):
        raise _bad("card_bin", value, "the first 6 to 8 digits of the card, as a text")
    return value


def _flag(name: str, value: Any) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise _bad(name, value, "true or false")
    return value


def _moment(name: str, value: Any) -> int | None:
    """Return microseconds of an ISO moment; naive ones are UTC, the future is refused."""
    if value is None:
        return None
    latest = clock.now_us() + FUTURE_US
    allowed = f"a moment from 2000-01-01 to {clock.iso(latest)[:19]}Z"
    try:
        at_us = clock.to_us(datetime.fromisoformat(value)) if isinstance(value, str) else None
    except (ValueError, OverflowError):
        at_us = None
    if at_us is None or not EARLIEST_US <= at_us <= latest:
        raise _bad(name, value, allowed)
    return at_us


def _bad(name: str, value: Any, allowed: str) -> BadInput:
    shown = shorten(value)
    if isinstance(shown, int | float) and not isinstance(shown, bool):
        text = str(shown)
        shown = "[card number]" if find_card_number(text) else shown
    elif isinstance(shown, str):
        # A card number in the wrong field must not come back in the error, nor reach a log.
        shown = hide_card_numbers(shown)
    return BadInput(
        f"{hide_card_numbers(name)} must be {allowed}, but is {shown!r}.",
        hint="docs/reference/fraud.md describes the request.",
        field=hide_card_numbers(name),
        value=shown,
        allowed=allowed,
    )
