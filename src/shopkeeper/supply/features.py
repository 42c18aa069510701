"""The features of one checkout: warehouses, distances, free units, tariffs, what is under way."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shopkeeper.base.errors import BadInput
from shopkeeper.supply.incoming import Incoming
from shopkeeper.supply.request import Request
from shopkeeper.supply.schema import Rules, Stock, Warehouse
from shopkeeper.supply.state import Cell, LiveState
from shopkeeper.supply.tariffs import Tariff

EARTH_KM = 6371.0
ROAD_FACTOR = 1.3  # road over straight line; a usual mean for towns and country
FAR_KM = 3000.0
PRICES_US = 3_600_000_000  # a batch's prices speak for an hour


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What a checkout may be decided on. ``distance_km`` by warehouse, None where unknown."""

    as_of_us: int
    warehouses: Sequence[Warehouse]
    distance_km: Mapping[str, float | None]
    stock: Stock  # free units, for the products asked for
    on_hand: Mapping[Cell, float]
    tariffs: Mapping[str, Tariff]
    rules: Rules
    known: frozenset[str]  # the products asked for that any place ever stocked
    incoming: Mapping[str, Sequence[Incoming]]  # by product, the earliest first
    zone: str = ""
    # What the last batch found units to be worth, and the products that it spoke of.
    prices: Mapping[Cell, float] = field(default_factory=dict)
    priced: frozenset[str] = frozenset()


def features_at(state: LiveState, request: Request, as_of_us: int) -> Features:
    """Return the features of one checkout; BadInput if there is no place to ship from."""
    warehouses = state.open_places()
    if not warehouses:
        raise BadInput(
            "No open warehouse is known, so nothing can be promised.",
            hint="Send an event of kind location per warehouse (docs/how-to/plan-deliveries.md).",
            field="location_id",
            code="no_warehouse",
        )
    order = request.order
    items = [line.sku for line in order.lines]
    on_hand = state.on_hand(items)
    held: Mapping[Cell, float] = {}
    prices, priced = {}, frozenset[str]()
    if state.reservations is not None:
        state.tell_reservations()
        held = state.reservations.held(
            items, seq=state.seq, now_us=as_of_us, without=(order.order_id,)
        )
        prices, priced = state.reservations.prices(items, since_us=as_of_us - PRICES_US)
    distance = {w.warehouse_id: distance_to(w, order.latitude, order.longitude) for w in warehouses}
    _check_swapped(warehouses, request)
    free = {cell: max(0.0, units - held.get(cell, 0.0)) for cell, units in on_hand.items()}
    return Features(
        as_of_us=as_of_us,
        warehouses=warehouses,
        distance_km=distance,
        stock=Stock(units=free),
        on_hand=on_hand,
        tariffs=state.tariffs(),
        rules=state.rules(),
        known=frozenset(item for item in items if item in state.items),
        incoming={item: state.purchases.of(item) for item in items},
        zone=order.destination,
        prices=prices,
        priced=priced,
    )


def distance_to(
    warehouse: Warehouse, latitude: float | None, longitude: float | None
) -> float | None:
    """Return road kilometres from a warehouse, None where either place is unknown."""
    if latitude is None or longitude is None:
        return None
    if warehouse.latitude == 0 and warehouse.longitude == 0:
        return None
    return ROAD_FACTOR * haversine_km(warehouse.latitude, warehouse.longitude, latitude, longitude)


def haversine_km(north: float, east: float, other_north: float, other_east: float) -> float:
    """Return kilometres over the sphere between two places in degrees.

    >>> round(haversine_km(52.52, 13.405, 48.137, 11.575))
    504
    """
    a, b = math.radians(north), math.radians(other_north)
    across = math.sin((b - a) / 2) ** 2
    along = math.sin(math.radians(other_east - east) / 2) ** 2
    return 2 * EARTH_KM * math.asin(math.sqrt(across + math.cos(a) * math.cos(b) * along))


def _check_swapped(warehouses: Sequence[Warehouse], request: Request) -> None:
    """Refuse a place on the far side of the world that would be near if swapped."""
    north, east = request.order.latitude, request.order.longitude
    if north is None or east is None or abs(east) > 90:
        return
    as_sent = _nearest_km(warehouses, north, east)
    swapped = _nearest_km(warehouses, east, north)
    if as_sent > FAR_KM and swapped < FAR_KM / 3:
        raise BadInput(
            f"to lies {as_sent:,.0f} km from the nearest warehouse; latitude and longitude seem "
            f"to be swapped (then it would be {swapped:,.0f} km).",
            hint=f"Send latitude {east:g} and longitude {north:g}.",
            field="to.latitude",
            value=north,
            code="coordinates_swapped",
        )


def _nearest_km(warehouses: Sequence[Warehouse], north: float, east: float) -> float:
    found = [distance_to(warehouse, north, east) for warehouse in warehouses]
    return min((km for km in found if km is not None), default=0.0)
