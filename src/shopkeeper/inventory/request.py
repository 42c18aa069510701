"""Read a question about stock; every wrong field is named with what is allowed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shopkeeper.base.errors import BadInput
from shopkeeper.inventory.schema import Request

_NUMBERS = {
    "service_level": (0.5, 0.999),
    "lead_time_days": (0.0, 400.0),
    "review_period_days": (0.0, 400.0),
    "budget_minor": (0.0, 1e15),
}
_TEXTS = ("sku", "location", "supplier_id")


def parse(raw: Mapping[str, Any]) -> Request:
    """Return the request of a raw dict."""
    allowed = (*_TEXTS, *_NUMBERS)
    for name in raw:
        if name not in allowed:
            raise BadInput(
                f"inventory knows no field '{name}'.",
                field=name,
                value=raw[name],
                allowed=", ".join(allowed),
            )
    sku = raw.get("sku")
    if not isinstance(sku, str) or not sku:
        raise BadInput("sku must be a text that is not empty.", field="sku", value=sku)
    for name in ("location", "supplier_id"):
        if not isinstance(raw.get(name, ""), str):
            raise BadInput(f"{name} must be a text.", field=name, value=raw[name])
    found = {name: _number(name, raw[name]) for name in _NUMBERS if raw.get(name) is not None}
    budget = found.pop("budget_minor", None)
    return Request(
        sku=sku,
        location=raw.get("location", ""),
        supplier_id=raw.get("supplier_id") or None,
        budget_minor=None if budget is None else round(budget),
        **found,
    )


def _number(name: str, value: Any) -> float:
    low, high = _NUMBERS[name]
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    if not plain or not low <= value <= high:
        raise BadInput(
            f"{name} must be a number from {low:g} to {high:g}, but is {value!r}.",
            field=name,
            value=value,
            allowed=f"{low:g} to {high:g}",
        )
    return float(value)
