"""What support may say about stock: free units, and when a supplier brings more.

Asked of the live state of supply, so a sale of a second ago counts. None where no warehouse was
ever counted: then the catalogue's word is all there is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shopkeeper.base import clock

NAME = "stock"


def answer(runtime: Any, raw: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return ``items``: id -> units free now and the next arrival; unknown products are left out.

    ``units`` are what the shelves hold less what is set aside for orders, never below 0.
    """
    live = runtime.live.get("supply")
    if live is None or live.state is None:
        return None
    items = [str(one) for one in raw["items"]]
    now_us = clock.now_us()
    with live.lock:
        state = live.state
        known = [one for one in items if one in state.items]
        shelves = state.on_hand(known)
        held: Mapping[tuple[str, str], float] = {}
        if state.reservations is not None:
            held = state.reservations.held(known, seq=state.seq, now_us=now_us, without=())
        coming = {one: state.purchases.of(one) for one in known}
    found: dict[str, Any] = {}
    for one in known:
        units = sum(
            max(0.0, count - held.get(cell, 0.0))
            for cell, count in shelves.items()
            if cell[1] == one
        )
        dated = [c for c in coming[one] if c.expected_us is not None and c.expected_us >= now_us]
        found[one] = {
            "units": units,
            "arrives_us": dated[0].expected_us if dated else None,
            "arrives_at": clock.iso(dated[0].expected_us) if dated else None,
            "arriving_units": dated[0].units if dated else None,
        }
    return {"items": found}
