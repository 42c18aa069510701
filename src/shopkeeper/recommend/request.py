"""Turn what a caller sent into a Request, or say which field is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shopkeeper.base.errors import BadInput, shorten
from shopkeeper.recommend.schema import PLACEMENTS, Request

MAX_LIMIT = 100
MAX_ITEMS = 200
MAX_EXCLUDE = 1000
MAX_ID = 128
FIELDS = (
    "placement",
    "customer_id",
    "session_id",
    "items",
    "limit",
    "exclude",
    "category",
    "include_bought",
)
_NEEDS_ITEMS = ("product", "bought_together")


def parse(raw: Mapping[str, Any]) -> Request:
    """Return the validated request; BadInput names the field, its value and what is allowed.

    >>> parse({"placement": "home", "customer_id": "900"}).limit
    10
    """
    if not isinstance(raw, Mapping):
        raise _bad("request", raw, "a JSON object")
    for name in raw:
        if name not in FIELDS:
            raise _bad(str(name), raw[name], ", ".join(FIELDS), "has a field that nobody knows")
    placement = raw.get("placement", "home")
    if placement not in PLACEMENTS:
        raise _bad("placement", placement, ", ".join(PLACEMENTS))
    items = _ids("items", raw.get("items"), MAX_ITEMS)
    if placement in _NEEDS_ITEMS and not items:
        raise _bad("items", [], f"at least one item id on placement {placement}")
    again = raw.get("include_bought")
    if again is not None and not isinstance(again, bool):
        raise _bad("include_bought", again, "true or false")
    return Request(
        placement=placement,
        customer_id=_text("customer_id", raw.get("customer_id")),
        session_id=_text("session_id", raw.get("session_id")),
        items=items,
        limit=_limit(raw.get("limit", 10)),
        exclude=_ids("exclude", raw.get("exclude"), MAX_EXCLUDE),
        category=_text("category", raw.get("category"), 400),
        include_bought=again,
    )


def _limit(value: Any) -> int:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or not 1 <= value <= MAX_LIMIT:
        raise _bad("limit", value, f"a whole number from 1 to {MAX_LIMIT}")
    return int(value)


def _text(name: str, value: Any, longest: int = MAX_ID) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise _bad(name, value, f"a text of 1 to {longest} characters")
    return value


def _ids(name: str, value: Any, most: int) -> tuple[str, ...]:
    if value is None:
        return ()
    good = isinstance(value, list | tuple) and len(value) <= most
    if not good or not all(isinstance(v, str) and 0 < len(v) <= MAX_ID for v in value):
        raise _bad(name, value, f"a list of up to {most} item ids")
    return tuple(value)


def _bad(name: str, value: Any, allowed: str, fact: str | None = None) -> BadInput:
    said = f"{name} must be {allowed}, but is {shorten(value)!r}."
    return BadInput(
        f"The request {fact}: {name}." if fact else said,
        hint="docs/reference/recommend.md describes the request.",
        field=name,
        value=value,
        allowed=allowed,
    )
