"""Turn what a checkout sent into a Request, or say which field is wrong.

Coordinates are kept to three decimals (about 100 m): near enough for a distance, too coarse for
a doorbell. An address itself never comes here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shopkeeper.base.errors import BadInput, shorten
from shopkeeper.supply.schema import Line, Order

MAX_LINES = 200
MAX_ID = 128
MAX_QUANTITY = 1e6
MAX_HOLD_MINUTES = 7 * 24 * 60
HOLD_MINUTES = 30
FIELDS = ("order_id", "items", "to", "carrier", "reserve", "hold_minutes", "customer_id")
TO_FIELDS = ("latitude", "longitude", "zone")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One checkout: what goes where. ``reserve`` False asks for a promise and holds nothing."""

    order: Order
    carrier: str | None = None
    reserve: bool = True
    hold_minutes: int = HOLD_MINUTES
    customer_id: str | None = None


def parse(raw: Mapping[str, Any]) -> Request:
    """Return the validated request; BadInput names the field, its value and what is allowed.

    >>> parse({"order_id": "o1", "items": [{"item_id": "mug"}]}).order.lines[0].quantity
    1.0
    """
    if not isinstance(raw, Mapping):
        raise _bad("request", raw, "a JSON object")
    for name in raw:
        if name not in (*FIELDS, "keys"):
            raise _bad(str(name), raw[name], ", ".join(FIELDS), "has a field that nobody knows")
    latitude, longitude, zone = _destination(raw.get("to"))
    reserve = raw.get("reserve", True)
    if not isinstance(reserve, bool):
        raise _bad("reserve", reserve, "true or false")
    order = Order(
        order_id=_text("order_id", raw.get("order_id")),
        lines=_lines(raw.get("items")),
        destination=zone,
        latitude=latitude,
        longitude=longitude,
    )
    return Request(
        order=order,
        carrier=None if raw.get("carrier") is None else _text("carrier", raw["carrier"]),
        reserve=reserve,
        hold_minutes=_hold(raw.get("hold_minutes", HOLD_MINUTES)),
        customer_id=None
        if raw.get("customer_id") is None
        else _text("customer_id", raw["customer_id"]),
    )


def recorded(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request as it goes on the record: its place no nearer than about 100 m.

    >>> recorded({"order_id": "o", "to": {"latitude": 39.90423, "longitude": 116.40741}})["to"]
    {'latitude': 39.904, 'longitude': 116.407}
    """
    to = raw.get("to")
    if not isinstance(to, Mapping):
        return dict(raw)
    coarse = {k: round(v, 3) if isinstance(v, float) else v for k, v in to.items()}
    return {**raw, "to": coarse}


def coordinates(latitude: Any, longitude: Any, where: str) -> tuple[float, float]:
    """Return a place to three decimals; BadInput for zero, swapped or impossible coordinates.

    >>> coordinates(39.9042, 116.4074, "to")
    (39.904, 116.407)
    """
    numbers = []
    for name, value in (("latitude", latitude), ("longitude", longitude)):
        good = isinstance(value, int | float) and not isinstance(value, bool)
        if not good or not math.isfinite(value):
            raise _bad(f"{where}.{name}", value, "a number of degrees")
        numbers.append(float(value))
    north, east = numbers
    if north == 0 and east == 0:
        raise BadInput(
            f"{where} is 0, 0, a place in the sea that stands for an address nobody found.",
            hint="Look the address up again, or leave the coordinates out and send to.zone.",
            field=f"{where}.latitude",
            value=0,
            code="coordinates_zero",
        )
    if abs(north) > 90 and abs(east) <= 90 and abs(north) <= 180:
        raise BadInput(
            f"{where}.latitude is {north:g}: latitude and longitude seem to be swapped.",
            hint=f"Send latitude {east:g} and longitude {north:g}.",
            field=f"{where}.latitude",
            value=north,
            allowed="-90 to 90",
            code="coordinates_swapped",
        )
    if abs(north) > 90:
        raise _bad(f"{where}.latitude", north, "-90 to 90 degrees")
    if abs(east) > 180:
        raise _bad(f"{where}.longitude", east, "-180 to 180 degrees")
    return round(north, 3), round(east, 3)


def _destination(value: Any) -> tuple[float | None, float | None, str]:
    if value is None:
        return None, None, ""
    if not isinstance(value, Mapping):
        raise _bad("to", value, "an object with latitude and longitude, or zone")
    for name in value:
        if name not in TO_FIELDS:
            raise _bad(f"to.{name}", "…", ", ".join(TO_FIELDS), "has a field that nobody knows")
    zone = "" if value.get("zone") is None else _text("to.zone", value["zone"])
    if value.get("latitude") is None and value.get("longitude") is None:
        return None, None, zone
    return *coordinates(value.get("latitude"), value.get("longitude"), "to"), zone


def _lines(value: Any) -> tuple[Line, ...]:
    if not isinstance(value, list | tuple) or not 0 < len(value) <= MAX_LINES:
        raise _bad("items", value, f"a list of 1 to {MAX_LINES} products")
    units: dict[str, float] = {}
    for place, one in enumerate(value):
        where = f"items[{place}]"
        if not isinstance(one, Mapping):
            raise _bad(where, one, "an object with item_id and quantity")
        item_id = _text(f"{where}.item_id", one.get("item_id"))
        for name in one:
            if name not in ("item_id", "quantity"):
                raise _bad(f"{where}.{name}", one[name], "item_id, quantity", "has a stray field")
        quantity = one.get("quantity", 1)
        number = isinstance(quantity, int | float) and not isinstance(quantity, bool)
        if not number or not math.isfinite(quantity) or not 0 < quantity <= MAX_QUANTITY:
            raise _bad(f"{where}.quantity", quantity, f"above 0, at most {MAX_QUANTITY:g}")
        # The same product twice is one line: it ships together or not at all.
        units[item_id] = units.get(item_id, 0.0) + float(quantity)
    return tuple(Line(sku=item_id, quantity=quantity) for item_id, quantity in units.items())


def _hold(value: Any) -> int:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or not 1 <= value <= MAX_HOLD_MINUTES:
        raise _bad("hold_minutes", value, f"a whole number from 1 to {MAX_HOLD_MINUTES}")
    return int(value)


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_ID:
        raise _bad(name, value, f"a text of 1 to {MAX_ID} characters")
    return value


def _bad(name: str, value: Any, allowed: str, fact: str | None = None) -> BadInput:
    said = f"{name} must be {allowed}, but is {shorten(value)!r}."
    return BadInput(
        f"The request {fact}: {name}." if fact else said,
        hint="docs/reference/supply.md describes the request.",
        field=name,
        value=value,
        allowed=allowed,
    )
