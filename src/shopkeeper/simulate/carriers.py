"""Seeded warehouses, addresses, carriers and deliveries for a shop whose orders are real.

The region is made up: a coast to the west, four warehouses, households around six towns. What a
carrier says of itself and how long it truly takes differ; the truth is TRUTH. Everything carries
``source="simulated"``. Same arguments, same events. It knows nothing of files, stores or models.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from shopkeeper.base import clock
from shopkeeper.base.clock import DAY_US
from shopkeeper.data.events import Event

SOURCE = "simulated"
HOUR_US = 3_600_000_000
KM_PER_DEGREE = 111.2
# id -> title, latitude, longitude. "central" is where the simulated stockroom keeps its stock.
WAREHOUSES = {
    "central": ("Central warehouse", 41.08, -84.02),
    "east": ("East warehouse", 41.02, -83.28),
    "north": ("North warehouse", 41.62, -83.92),
    "south": ("South warehouse", 40.46, -84.18),
}
TOWNS = (
    *((41.05, -83.98, 0.10, 0.40), (41.60, -83.95, 0.07, 0.15), (41.00, -83.32, 0.07, 0.15)),
    *((40.48, -84.15, 0.07, 0.15), (41.32, -83.55, 0.09, 0.10), (40.75, -83.70, 0.08, 0.05)),
)
TARIFFS: dict[str, dict[str, float]] = {
    "van": {"parcel_minor": 260, "km_minor": 5, "days": 1, "km_per_day": 400, "most_km": 70},
    "post": {"parcel_minor": 520, "km_minor": 0.4, "unit_minor": 4, "days": 2, "km_per_day": 600},
    "express": {"parcel_minor": 890, "km_minor": 0.6, "days": 1, "km_per_day": 900},
}
VEHICLES: dict[str, dict[str, Any]] = {
    f"van-{n}": {
        "capacity": 60,
        "depot_id": "central" if n <= 3 else "north",
        "starts": "08:00",
        "ends": "17:00",
        "fixed_minor": 4000,
        "km_minor": 45,
        "hour_minor": 2200,
    }
    for n in range(1, 5)
}
# carrier -> chances of 0, 1, 2 … days beyond what it says; post gets worse with distance.
TRUTH = {
    "van": (0.88, 0.09, 0.03),
    "post": (0.52, 0.27, 0.12, 0.06, 0.03),
    "express": (0.80, 0.14, 0.06),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Basket:
    """A real order: who, when, and its products."""

    order_id: str
    customer_id: str
    ordered_us: int


def address(customer_id: str, seed: int) -> tuple[float, float]:
    """Return where a customer lives, the same for the same seed.

    >>> address("1", 7) == address("1", 7)
    True
    """
    digest = hashlib.sha256(f"{seed}:{customer_id}".encode()).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:8]))
    town = TOWNS[int(rng.choice(len(TOWNS), p=[t[3] for t in TOWNS]))]
    north, east = rng.normal(0, town[2], 2)
    return round(town[0] + float(north), 4), round(town[1] + float(east) * 1.3, 4)


def set_up(at_us: int) -> list[Event]:
    """Return the warehouses, tariffs and vehicles, as of a moment."""
    found = [
        Event(
            event_id=f"sim-location-{name}",
            kind="location",
            occurred_at=clock.from_us(at_us),
            location_id=name,
            title=title,
            category="warehouse",
            source=SOURCE,
            properties={
                "latitude": north,
                "longitude": east,
                "opens_minute": 420,
                "closes_minute": 1260,
                "pick_minor": 60,
            },
        )
        for name, (title, north, east) in WAREHOUSES.items()
    ]
    texts = {f"carrier:{name}": facts for name, facts in TARIFFS.items()}
    texts |= {f"vehicle:{name}": facts for name, facts in VEHICLES.items()}
    texts["allocation"] = {"split_minor": 60, "late_day_minor": 40, "scarcity_weight": 0.1}
    texts["transfer"] = {"parcel_minor": 600, "km_minor": 8, "unit_minor": 4, "days": 1}
    found += [
        Event(
            event_id=f"sim-rule-{name.replace(':', '-')}",
            kind="rule",
            occurred_at=clock.from_us(at_us),
            label=name,
            status="active",
            text=json.dumps(facts),
            source=SOURCE,
            properties={"capability": "supply"},
        )
        for name, facts in texts.items()
    ]
    return found


def counts(
    units: Sequence[tuple[str, float]], at_us: int, rng: np.random.Generator
) -> Iterator[Event]:
    """Yield a stock count per product: all of it at central, shares of it elsewhere."""
    for item_id, on_hand in units:
        central = max(0.0, float(np.floor(on_hand)))
        for place in WAREHOUSES:
            share = (
                1.0 if place == "central" else float(rng.choice([0, 0.2, 0.5], p=[0.3, 0.4, 0.3]))
            )
            if place != "central" and share == 0:
                continue
            yield Event(
                event_id=f"sim-count-{place}-{item_id}",
                kind="stock_level",
                occurred_at=clock.from_us(at_us),
                item_id=item_id,
                location_id=place,
                quantity=float(np.floor(central * share)),
                source=SOURCE,
            )


def parcels(
    baskets: Iterable[Basket], until_us: int, seed: int, rng: np.random.Generator
) -> Iterator[Event]:
    """Yield a shipment, and where it came by ``until_us`` a delivery, per basket."""
    for basket in baskets:
        north, east = address(basket.customer_id, seed)
        place, km = min(
            ((name, road_km(w[1], w[2], north, east)) for name, w in WAREHOUSES.items()),
            key=lambda one: one[1],
        )
        carrier = "van"
        if km >= 60 or rng.random() >= 0.6:
            carrier = str(rng.choice(["post", "express"], p=[0.75, 0.25]))
        tariff = TARIFFS[carrier]
        stated = int(np.ceil(tariff["days"] + km / tariff["km_per_day"]))
        late = int(rng.choice(len(TRUTH[carrier]), p=TRUTH[carrier]))
        if carrier == "post" and km > 60 and rng.random() < 0.3:
            late += 1
        shipped_us = basket.ordered_us + int(rng.integers(4, 20)) * HOUR_US
        arrive_us = (basket.ordered_us // DAY_US + stated + late) * DAY_US
        arrive_us += int(rng.integers(9, 18)) * HOUR_US
        promised_us = (basket.ordered_us // DAY_US + stated + 2) * DAY_US - 1_000_000
        if shipped_us > until_us:
            continue
        name = f"sim-parcel-{basket.order_id}"
        yield Event(
            event_id=name,
            kind="shipment",
            occurred_at=clock.from_us(shipped_us),
            shipment_id=name,
            order_id=basket.order_id,
            location_id=place,
            label=carrier,
            promised_at=clock.from_us(promised_us),
            source=SOURCE,
            properties={"distance_km": round(km, 1)},
        )
        arrive_us = max(arrive_us, shipped_us + HOUR_US)
        if arrive_us <= until_us:
            yield Event(
                event_id=f"{name}-end",
                kind="delivery",
                occurred_at=clock.from_us(arrive_us),
                shipment_id=name,
                order_id=basket.order_id,
                status="failed" if rng.random() < 0.01 else "delivered",
                source=SOURCE,
            )


def notice(
    supplier_id: str, purchase_order: str, days: int, at_us: int, language: str = "en"
) -> Event:
    """Return a supplier's message that a purchase order comes later."""
    texts = {
        "en": (
            f"Dear customer, purchase order {purchase_order} will be delayed by {days} days "
            "because of a machine breakdown at our plant. Sorry for the trouble."
        ),
        "zh": f"您好，采购单 {purchase_order} 因设备故障将延迟 {days} 天到货，敬请谅解。",
    }
    return Event(
        event_id=f"sim-notice-{language}-{purchase_order}"[:128],
        kind="message",
        occurred_at=clock.from_us(at_us),
        conversation_id=f"supplier-{supplier_id}",
        supplier_id=supplier_id,
        text=texts[language],
        language=language,
        source=SOURCE,
        properties={"direction": "in"},
    )


def road_km(north: float, east: float, other_north: float, other_east: float) -> float:
    """Return about the road's kilometres between two places of the region."""
    across = (north - other_north) * KM_PER_DEGREE
    along = (east - other_east) * KM_PER_DEGREE * np.cos(np.radians(41.0))
    return float(1.3 * np.hypot(across, along))
