"""What a row of places, parcels or carriers becomes: checked, and maybe more than one event."""

from __future__ import annotations

from typing import Any

import msgspec

from shopkeeper.data.events import Event

FAILED = ("failed", "returned", "lost", "undeliverable")


class Unfit(ValueError):
    """A row that cannot be: which field, and why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field, self.message = field, message


def place(event: Event) -> list[Event]:
    """Return a location whose coordinates can be; Unfit says zero, swapped or off the earth."""
    facts = _facts(event)
    north, east = facts.get("latitude"), facts.get("longitude")
    if (north is None) != (east is None):
        missing = "latitude" if north is None else "longitude"
        raise Unfit(missing, f"{missing} is empty, but the other half of the place is given.")
    if north is not None and east is not None:
        if north == 0 and east == 0:
            raise Unfit("latitude", "0, 0 is a place in the sea: the address was not found.")
        if abs(north) > 90 and abs(east) <= 90:
            raise Unfit("latitude", f"{north:g}, {east:g} seem to be swapped: latitude is to 90.")
        if abs(north) > 90 or abs(east) > 180:
            raise Unfit("latitude", f"{north:g}, {east:g} is no place on earth.")
    opens, closes = facts.get("opens_minute"), facts.get("closes_minute")
    if opens is not None and closes is not None and not 0 <= opens < closes <= 2880:
        raise Unfit("closes_minute", f"It opens at minute {opens:g} and closes at {closes:g}.")
    return [event]


def parcel(event: Event) -> list[Event]:
    """Return a parcel that left and, where the row says so, its arrival or failure."""
    end, status = event.ends_at, (event.status or "").strip().lower()
    event.ends_at = event.status = None
    if status in FAILED and end is None:
        end = event.occurred_at
    if end is None:
        return [event]
    if end < event.occurred_at:
        raise Unfit("delivered_at", "It arrived before it left.")
    arrived = Event(
        event_id=f"{event.event_id}.end"[:128],
        kind="delivery",
        occurred_at=end,
        shipment_id=event.shipment_id,
        order_id=event.order_id,
        location_id=event.location_id,
        status="failed" if status in FAILED else "delivered",
    )
    return [event, arrived]


def tariff(event: Event) -> list[Event]:
    """Return what a carrier costs as a rule of supply."""
    facts = _facts(event)
    name = (event.label or "").removeprefix("carrier:")
    if not name.strip():
        raise Unfit("carrier", "carrier is empty.")
    wrong = next((k for k, v in facts.items() if v < 0), None)
    if wrong is not None:
        raise Unfit(wrong, f"{wrong} must be 0 or more, but is {facts[wrong]:g}.")
    event.label = f"carrier:{name}"
    event.status = "off" if (event.status or "").lower() in ("off", "ended", "no") else "active"
    event.text = msgspec.json.encode(facts).decode()
    event.properties = {"capability": "supply"}
    return [event]


def _facts(event: Event) -> dict[str, Any]:
    held = event.properties
    return dict(held) if isinstance(held, dict) else {}
