"""What supply knows at this moment: places, units on hand, tariffs, what suppliers bring.

``LiveState`` is built from the tables at start (rebuild.py) and kept by ``apply``, event by
event, in whatever order they come; both give the same state. Units on hand at a place are its
last count, plus what suppliers delivered since, less what left since. Units free are those less
what is held for other orders (data/reservations.py).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shopkeeper.base import clock
from shopkeeper.base.errors import ShopError
from shopkeeper.data.reservations import Ended
from shopkeeper.supply.incoming import Purchases
from shopkeeper.supply.schema import Rules, Warehouse
from shopkeeper.supply.tariffs import DEFAULT_TARIFF, Tariff, rules_of, tariff_of

KINDS = frozenset(
    (
        *("location", "stock_level", "delivery", "shipment", "purchase", "cancel"),
        *("reservation", "purchase_order", "rule"),
    )
)
Cell = tuple[str, str]  # (location_id, item_id)


@dataclass(slots=True)
class _Shelf:
    """One product at one place: the last count, and what moved since."""

    counted_us: int = -1
    counted: float = 0.0
    # What moved -> (when, units); the name makes a move told twice count once.
    moves: dict[tuple[str, ...], tuple[int, float]] = field(default_factory=dict)

    def count(self, at_us: int, units: float) -> None:
        if at_us < self.counted_us:
            return
        self.counted_us, self.counted = at_us, units
        self.moves = {name: move for name, move in self.moves.items() if move[0] > at_us}

    def move(self, name: tuple[str, ...], at_us: int, units: float) -> None:
        known = self.moves.get(name)
        if at_us > self.counted_us and (known is None or at_us < known[0]):
            self.moves[name] = (at_us, units)

    def units(self) -> float:
        if self.counted_us < 0 and not self.moves:
            return 0.0
        return max(0.0, self.counted + sum(units for _, units in self.moves.values()))


class LiveState:
    """Places, shelves and tariffs; ``seq`` the last event taken."""

    def __init__(self) -> None:
        self.seq = 0
        self.places: dict[str, tuple[int, Warehouse, bool]] = {}  # when told, what, open
        self.shelves: dict[Cell, _Shelf] = {}
        self.items: set[str] = set()
        self.rule_texts: dict[str, tuple[int, str | None]] = {}
        self.allocated: set[str] = set()  # orders whose units are held until they leave
        self.cancelled: set[str] = set()
        self.sold: dict[str, list[tuple[Cell, tuple[str, ...]]]] = {}
        self.purchases = Purchases()
        self.held: set[str] = set()  # orders with live holds
        self.reservations: Any = None
        # What the log said of held orders and the reservations do not know yet.
        self._pending: list[Ended] = []
        self._tariffs: dict[str, Tariff] | None = None
        self._rules: Rules | None = None

    def apply(self, event: Mapping[str, Any]) -> None:
        """Take one event: a mapping of Event's fields, with ``occurred_us`` and maybe ``seq``."""
        kind, at_us = event["kind"], event["occurred_us"]
        seq = event.get("seq") or 0
        if 0 < seq <= self.seq:
            return
        if kind in KINDS:
            getattr(self, f"_{kind}")(event, at_us, seq)
        self.seq = max(self.seq, seq)

    # --- one kind each

    def _location(self, event: Mapping[str, Any], at_us: int, seq: int) -> None:
        place = event["location_id"]
        known = self.places.get(place)
        if known is not None and known[0] > at_us:
            return
        facts = event.get("properties") or {}
        warehouse = Warehouse(
            warehouse_id=place,
            latitude=float(facts.get("latitude") or 0.0),
            longitude=float(facts.get("longitude") or 0.0),
            opens_s=int(float(facts.get("opens_minute") or 0) * 60),
            closes_s=int(float(facts.get("closes_minute") or 1440) * 60),
            pick_minor=int(facts.get("pick_minor") or 0),
        )
        self.places[place] = (at_us, warehouse, event.get("status", "open") in (None, "open"))

    def _stock_level(self, event: Mapping[str, Any], at_us: int, seq: int) -> None:
        self.shelf(event.get("location_id"), event["item_id"]).count(at_us, event["quantity"])

    def _delivery(self, event: Mapping[str, Any], at_us: int, seq: int) -> None:
        order, supplier = event.get("purchase_order_id"), event.get("supplier_id")
        if event.get("order_id") is not None or (order is None and supplier is None):
            return
        lines = _lines(event)
        if order is not None:
            self.purchases.deliver(event, lines)
        for item_id, units in lines:
            # Told twice, the same shipment of the same purchase order counts once.
            name = ("in", order or "", event.get("shipment_id") or "", f"{units:g}")
            self.shelf(event.get("location_id"), item_id).move(name, at_us, units)

    def _shipment(self, event: Mapping[str, Any], at_us: int, seq: int) -> None:
        order = event.get("order_id")
        if event.get("supplier_id") is not None or event.get("purchase_order_id") is not None:
            return
        place = event.get("location_id") or ""
        units: dict[str, float] = {}
        for item_id, quantity in _lines(event):
            units[item_id] = units.get(item_id, 0.0) + quantity
        for item_id, quantity in units.items():
            name = ("out", event.get("shipment_id") or "")
            self.shelf(place, item_id).move(name, at_us, -quantity)
        if order is not None:
            # It leaves by this shipment, so it did not leave when it was sold.
            self._unsell(order)
            self.allocated.add(order)
            self.note_end(event, seq)

    def _purchase(self, event: Mapping[str, Any], at_us: int, seq: int) -> None:
        order = event["order_id"]
        self.note_end(event, seq)
        place = event.get("location_id") or ""
        if order in self.allocated or order in self.cancelled or place not in self.places:
            return
        units: dict[str, float] = {}
        for item_id, quantity in _lines(event):
            units[item_id] = units.get(item_id, 0.0) + quantity
        for item_id, quantity in units.items():
            if (place, item_id) in self.shelves:
                self.sell(order, (place, item_id), at_us, quantity)

    def _cancel(self, event: Mapping[str, Any], at_us: int, seq: int) -> None:
        self.cancelled.add(event["order_id"])
        self._unsell(event["order_id"])
        self.note_end(event, seq)

    def _purchase_order(self, event: Mapping[str, Any], at_us: int, seq: int) -> None:
        promised = event.get("promised_us")
        if promised is None and event.get("promised_at") is not None:
            promised = clock.to_us(datetime.fromisoformat(event["promised_at"]))
        self.purchases.order({**event, "promised_us": promised}, at_us, _lines(event))

    def _reservation(self, event: Mapping[str, Any], at_us: int, seq: int) -> None:
        order = event["order_id"]
        if event["status"] == "held":
            self.allocated.add(order)
            self.held.add(order)
            self._unsell(order)

    def _rule(self, event: Mapping[str, Any], at_us: int, seq: int) -> None:
        if (event.get("properties") or {}).get("capability") != "supply":
            return
        known = self.rule_texts.get(event["label"])
        if known is None or known[0] <= at_us:
            active = event["status"] == "active"
            self.rule_texts[event["label"]] = (at_us, event["text"] if active else None)
            self._tariffs = self._rules = None

    def note_end(self, event: Mapping[str, Any], seq: int) -> None:
        """Keep what a purchase, shipment or cancel means for an order's holds."""
        order, kind = event["order_id"], event["kind"]
        if order not in self.held:
            return
        units: dict[str, float] = {}
        if kind == "shipment":
            for item_id, quantity in _lines(event):
                units[item_id] = units.get(item_id, 0.0) + quantity
        self._pending.append(
            Ended(
                order_id=order,
                why={"purchase": "bought", "shipment": "shipped"}.get(kind, "cancelled"),
                seq=seq,
                location_id=event.get("location_id") or "",
                units=units or None,
            )
        )

    def take_pending(self) -> list[Ended]:
        """Return what the reservations do not know yet, and forget it."""
        taken, self._pending = self._pending, []
        return taken

    def tell_reservations(self) -> None:
        """Apply to the holds what the log said since; mostly that is nothing."""
        if not self._pending:
            return
        pending = self.take_pending()
        try:
            self.reservations.settle(pending)
        except ShopError:
            self.put_back(pending)
            raise

    def put_back(self, pending: list[Ended]) -> None:
        """Keep what could not be told to the reservations for the next time."""
        self._pending = [*pending, *self._pending]

    def sell(self, order: str, cell: Cell, at_us: int, units: float) -> None:
        """Note that an order took units where it was sold; a later allocation takes it back."""
        name = ("sold", order)
        self.shelves[cell].move(name, at_us, -units)
        self.sold.setdefault(order, []).append((cell, name))

    def _unsell(self, order: str) -> None:
        for cell, name in self.sold.pop(order, ()):
            self.shelves[cell].moves.pop(name, None)

    # --- reading

    def shelf(self, place: str | None, item_id: str) -> _Shelf:
        """Return the shelf of a product at a place, made when there is none."""
        self.items.add(item_id)
        return self.shelves.setdefault((place or "", item_id), _Shelf())

    def tariffs(self) -> dict[str, Tariff]:
        """Return what carriers cost; a stand-in where no rule names a carrier."""
        if self._tariffs is None:
            found = {
                name.removeprefix("carrier:"): tariff_of(name.removeprefix("carrier:"), text)
                for name, (_, text) in self.rule_texts.items()
                if name.startswith("carrier:") and text is not None
            }
            self._tariffs = found or {DEFAULT_TARIFF.carrier: DEFAULT_TARIFF}
        return self._tariffs

    def rules(self) -> Rules:
        """Return the costs and limits that the shop set, else the defaults."""
        if self._rules is None:
            _, text = self.rule_texts.get("allocation", (0, None))
            self._rules = Rules() if text is None else rules_of(json.loads(text))
        return self._rules

    def open_places(self) -> list[Warehouse]:
        """Return the warehouses that take orders now, by id."""
        return [
            warehouse for place, (_, warehouse, is_open) in sorted(self.places.items()) if is_open
        ]

    def on_hand(self, items: Sequence[str]) -> dict[Cell, float]:
        """Return units on hand of some products at the open places."""
        found = {}
        for warehouse in self.open_places():
            for item_id in items:
                shelf = self.shelves.get((warehouse.warehouse_id, item_id))
                if shelf is not None:
                    found[warehouse.warehouse_id, item_id] = shelf.units()
        return found


def _lines(event: Mapping[str, Any]) -> list[tuple[str, float]]:
    """Return (item_id, units) of an event that has lines, or one product of its own."""
    lines = event.get("lines")
    if lines:
        return [(line["item_id"], float(line.get("quantity", 1.0))) for line in lines]
    if event.get("item_id") is not None:
        return [(event["item_id"], float(event.get("quantity") or 0.0))]
    return []
