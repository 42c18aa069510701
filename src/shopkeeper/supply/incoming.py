"""What suppliers have under way, as the promise of a missing product reads it.

Kept from the same events as the table purchase_orders: a later event of a purchase order
replaces the quantities it names and the promised day; a delivery told twice counts once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

ENDED = ("cancelled", "closed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """Units of a product that an open purchase order still brings, and when it should."""

    purchase_order_id: str
    item_id: str
    supplier_id: str
    location_id: str
    units: float
    expected_us: int | None


@dataclass(slots=True)
class _Purchase:
    supplier_id: str = ""
    location_id: str = ""
    promised: tuple[int, int] = (-1, 0)  # when told, the day
    ended: bool = False
    ordered: dict[str, tuple[int, float]] = field(default_factory=dict)  # item -> when told, units
    arrived: dict[tuple[str, str, str], float] = field(default_factory=dict)


class Purchases:
    """All purchase orders by id, open or not; ``of`` answers for one product."""

    def __init__(self) -> None:
        self._all: dict[str, _Purchase] = {}
        self._of_item: dict[str, set[str]] = {}

    def order(
        self, event: Mapping[str, Any], at_us: int, lines: Iterable[tuple[str, float]]
    ) -> None:
        """Take a purchase_order event."""
        name = event["purchase_order_id"]
        one = self._all.setdefault(name, _Purchase())
        one.supplier_id = event.get("supplier_id") or one.supplier_id
        one.location_id = event.get("location_id") or one.location_id
        one.ended = one.ended or event.get("status") in ENDED
        promised = event.get("promised_us")
        if promised is not None and at_us >= one.promised[0]:
            one.promised = (at_us, promised)
        for item_id, units in lines:
            if at_us >= one.ordered.get(item_id, (-1, 0.0))[0]:
                one.ordered[item_id] = (at_us, units)
            self._of_item.setdefault(item_id, set()).add(name)

    def deliver(self, event: Mapping[str, Any], lines: Iterable[tuple[str, float]]) -> None:
        """Take a delivery event of a purchase order."""
        one = self._all.setdefault(event["purchase_order_id"], _Purchase())
        for item_id, units in lines:
            one.arrived[item_id, event.get("shipment_id") or "", f"{units:g}"] = units

    def of(self, item_id: str) -> list[Incoming]:
        """Return what is under way of a product, the earliest first, undated last."""
        found = []
        for name in self._of_item.get(item_id, ()):
            one = self._all[name]
            came = sum(units for key, units in one.arrived.items() if key[0] == item_id)
            left = one.ordered[item_id][1] - came
            if one.ended or left <= 0:
                continue
            found.append(
                Incoming(
                    purchase_order_id=name,
                    item_id=item_id,
                    supplier_id=one.supplier_id,
                    location_id=one.location_id,
                    units=left,
                    expected_us=one.promised[1] if one.promised[0] >= 0 else None,
                )
            )
        far = 2**62
        return sorted(found, key=lambda x: (x.expected_us or far, x.purchase_order_id))
