"""Make an allocation hold: take its units in one transaction and say so in the log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from shopkeeper.base import clock
from shopkeeper.base.errors import ShopError
from shopkeeper.data.events import Event, Line
from shopkeeper.data.reservations import FOREVER_US, Ended, Hold
from shopkeeper.learn.contracts import Choice
from shopkeeper.supply.request import Request
from shopkeeper.supply.state import LiveState


def commit(
    state: LiveState, request: Request, choice: Choice, decision_id: str
) -> Sequence[Event] | None:
    """Set the units of a choice aside; None if somebody took them since it was made.

    A preview (``reserve`` false) holds nothing.
    """
    if not request.reserve or state.reservations is None:
        return ()
    now_us = clock.now_us()
    expires_us = now_us + request.hold_minutes * 60_000_000
    holds = holds_of(choice.value, decision_id, now_us, expires_us)
    if not take(state, holds, now_us):
        return None
    state.held.add(request.order.order_id)
    state.allocated.add(request.order.order_id)
    return events_of(choice.value, decision_id, now_us, expires_us)


def take(state: LiveState, holds: Sequence[Hold], now_us: int, empty: Sequence[str] = ()) -> bool:
    """Take units of any orders at once, by what this process knows of the stock.

    ``empty``: orders among them that hold nothing any more.
    """
    items = sorted({hold.item_id for hold in holds})
    pending: list[Ended] = state.take_pending()
    try:
        taken: bool = state.reservations.take(
            holds, state.on_hand(items), seq=state.seq, now_us=now_us, settle=pending, empty=empty
        )
    except ShopError:
        state.put_back(pending)
        raise
    return taken


def holds_of(
    value: dict[str, Any], decision_id: str, now_us: int, expires_us: int = FOREVER_US
) -> list[Hold]:
    """Return the holds that an allocation's value asks for."""
    return [
        Hold(
            order_id=value["order_id"],
            location_id=line["warehouse_id"],
            item_id=line["item_id"],
            quantity=line["quantity"],
            decision_id=decision_id,
            made_us=now_us,
            expires_us=expires_us,
        )
        for line in value["lines"]
        if line["warehouse_id"]
    ]


def events_of(value: dict[str, Any], decision_id: str, now_us: int, expires_us: int) -> list[Event]:
    """Return one reservation event per warehouse of an allocation."""
    promised = value["promise"]
    found = []
    for parcel in value["parcels"]:
        place = parcel["warehouse_id"]
        found.append(
            Event(
                event_id=f"{decision_id}.{place}",
                kind="reservation",
                occurred_at=clock.from_us(now_us),
                order_id=value["order_id"],
                location_id=place,
                decision_id=decision_id,
                status="held",
                label=parcel["carrier"] or None,
                lines=[
                    Line(item_id=line["item_id"], quantity=line["quantity"])
                    for line in value["lines"]
                    if line["warehouse_id"] == place
                ],
                promised_at=None if promised is None else clock.from_us(_us(promised["arrive_by"])),
                ends_at=None if expires_us >= FOREVER_US else clock.from_us(expires_us),
                source="shopkeeper",
            )
        )
    return found


def _us(iso: str) -> int:
    return clock.to_us(datetime.fromisoformat(iso))
