"""Choose from where an order ships and which day is promised; say why, and what others cost.

With a trained model of lead times the cheapest allocation is taken; without one the nearest
warehouse that has everything, which the decision says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shopkeeper.base import clock
from shopkeeper.learn.contracts import Choice, Reason
from shopkeeper.supply import checkout
from shopkeeper.supply.features import Features
from shopkeeper.supply.incoming import Incoming
from shopkeeper.supply.promise import Prediction, promise
from shopkeeper.supply.request import Request
from shopkeeper.supply.schema import Allocation, Lane, Promise


def choose(request: Request, features: Features, prediction: Prediction) -> Choice:
    """Return the allocation and promise of one order, with at least one reason."""
    lanes = lanes_of(request, features, prediction)
    order, rules = request.order, features.rules
    if prediction.learned:
        late = _late_days(lanes, rules.promise_level)
        prices = features.prices if features.priced else None
        allocation = checkout.best(
            order, features.stock, lanes, rules, late, prices, features.priced or None
        )
    else:
        allocation = checkout.nearest(order, features.stock, lanes, rules, features.distance_km)
    return choice_of(request, features, allocation, lanes, learned=prediction.learned)


def choice_of(
    request: Request,
    features: Features,
    allocation: Allocation,
    lanes: Sequence[Lane],
    *,
    learned: bool,
) -> Choice:
    """Return an allocation as a choice, with its promise and its reasons."""
    waits = {line.sku: _enough(features, line.sku, line.quantity) for line in allocation.short}
    promised = _promised(request, features, allocation, lanes, waits)
    return Choice(
        subject=request.order.order_id,
        value=_value(request, features, allocation, promised, lanes, waits),
        reasons=_reasons(features, allocation, lanes, waits, learned=learned),
    )


def lanes_of(request: Request, features: Features, prediction: Prediction) -> list[Lane]:
    """Return the ways that are open: carriers that go so far, the one asked for if any."""
    found = []
    for warehouse in features.warehouses:
        km = features.distance_km[warehouse.warehouse_id]
        for tariff in features.tariffs.values():
            if request.carrier is not None and tariff.carrier != request.carrier:
                continue
            if tariff.most_km and km is not None and km > tariff.most_km:
                continue
            parcel = tariff.parcel_minor + tariff.km_minor * (km or 0.0) + warehouse.pick_minor
            found.append(
                Lane(
                    warehouse_id=warehouse.warehouse_id,
                    carrier=tariff.carrier,
                    destination=features.zone,
                    parcel_minor=round(parcel),
                    unit_minor=round(tariff.unit_minor),
                    lead_time=prediction.lead_times[warehouse.warehouse_id, tariff.carrier],
                )
            )
    return found


def _late_days(lanes: Sequence[Lane], level: float) -> dict[tuple[str, str], float]:
    """Return how many days later each lane's promise is than the quickest one's."""
    days = {
        (lane.warehouse_id, lane.carrier): lane.lead_time.at(level)
        for lane in lanes
        if lane.lead_time is not None
    }
    quickest = min(days.values(), default=0.0)
    return {pair: found - quickest for pair, found in days.items()}


def _enough(features: Features, sku: str, units: float) -> tuple[Incoming, ...]:
    """Return the open purchase orders that together bring the units, earliest first."""
    found: list[Incoming] = []
    for one in features.incoming.get(sku, ()):
        if units <= 0:
            break
        found.append(one)
        units -= one.units
    return tuple(found) if units <= 0 else ()


def _promised(
    request: Request,
    features: Features,
    allocation: Allocation,
    lanes: Sequence[Lane],
    waits: Mapping[str, tuple[Incoming, ...]],
) -> Promise | None:
    if any(not coming for coming in waits.values()):
        return None
    by_pair = {(lane.warehouse_id, lane.carrier): lane.lead_time for lane in lanes}
    used = {(x.warehouse_id or "", x.carrier) for x in allocation.lines if x.warehouse_id}
    times = [time for pair in sorted(used) if (time := by_pair[pair]) is not None]
    if waits and lanes:
        slowest = max((x.lead_time for x in lanes if x.lead_time), key=lambda t: t.mean_days)
        times.append(slowest)
    coming = [one for some in waits.values() for one in some]
    return promise(
        request.order.order_id, features.as_of_us, times, features.rules.promise_level, coming
    )


def _value(
    request: Request,
    features: Features,
    allocation: Allocation,
    promised: Promise | None,
    lanes: Sequence[Lane],
    waits: Mapping[str, tuple[Incoming, ...]],
) -> dict[str, Any]:
    cost = {(lane.warehouse_id, lane.carrier): lane.parcel_minor for lane in lanes}
    parcels = []
    for name in allocation.warehouses:
        some = [line for line in allocation.lines if line.warehouse_id == name]
        parcels.append(
            {
                "warehouse_id": name,
                "carrier": some[0].carrier,
                "lines": len(some),
                "units": sum(line.quantity for line in some),
                "parcel_minor": cost[name, some[0].carrier],
                "distance_km": _rounded(features.distance_km.get(name)),
            }
        )
    held_until = features.as_of_us + request.hold_minutes * 60_000_000
    reserved = request.reserve and bool(parcels)
    return {
        "kind": "allocation",
        "order_id": request.order.order_id,
        "lines": [
            {
                "item_id": line.sku,
                "quantity": line.quantity,
                "warehouse_id": line.warehouse_id,
                "carrier": line.carrier,
            }
            for line in allocation.lines
        ],
        "parcels": parcels,
        "cost_minor": allocation.cost_minor,
        "parts_minor": dict(allocation.parts),
        "others_minor": dict(allocation.others),
        "distance_km": {k: _rounded(v) for k, v in features.distance_km.items()},
        "method": allocation.method,
        "complete": not allocation.short,
        "promise": None if promised is None else _told(promised),
        "waits_for": {
            sku: [{"purchase_order_id": x.purchase_order_id, "units": x.units} for x in coming]
            for sku, coming in waits.items()
        },
        "reserved": reserved,
        "held_until": clock.iso(held_until) if reserved else None,
    }


def _told(promised: Promise) -> dict[str, Any]:
    return {
        "arrive_by": clock.iso(promised.arrive_by_us),
        "likely": clock.iso(promised.likely_us),
        "level": promised.level,
        "source": promised.source,
        "observed": promised.observed,
    }


def _reasons(
    features: Features,
    allocation: Allocation,
    lanes: Sequence[Lane],
    waits: Mapping[str, tuple[Incoming, ...]],
    *,
    learned: bool,
) -> tuple[Reason, ...]:
    found: list[Reason] = []
    used = allocation.warehouses
    if not lanes:
        found.append(Reason(code="unreachable", facts={"carriers": sorted(features.tariffs)}))
    complete = {w: cost for w, cost in allocation.others.items() if cost is not None}
    if len(used) == 1:
        [name] = used
        facts: dict[str, Any] = {
            "warehouse_id": name,
            "cost_minor": allocation.cost_minor,
            "distance_km": _rounded(features.distance_km.get(name)),
        }
        rivals = {w: cost for w, cost in complete.items() if w != name}
        if not learned:
            found.append(Reason(code="nearest", facts=facts))
        elif not rivals and not allocation.short:
            found.append(Reason(code="only_complete", facts=facts))
        else:
            if rivals:
                next_best = min(rivals, key=lambda w: (rivals[w], w))
                facts |= {"next": next_best, "next_minor": rivals[next_best]}
            found.append(Reason(code="cheapest", facts=facts))
    elif used:
        code = "split_cheaper" if complete else "split_needed"
        best = min(complete.values(), default=None)
        facts = {"warehouses": list(used), "cost_minor": allocation.cost_minor, "whole_minor": best}
        found.append(Reason(code=code, facts=facts))
    for line in allocation.short:
        code = _why_short(features, line.sku, waits.get(line.sku, ()))
        free = sum(features.stock.at(w.warehouse_id, line.sku) for w in features.warehouses)
        facts = {"item_id": line.sku, "quantity": line.quantity, "free": free}
        facts["purchase_orders"] = [x.purchase_order_id for x in waits.get(line.sku, ())]
        found.append(Reason(code=code, facts=facts))
    return tuple(found)


def _why_short(features: Features, sku: str, coming: tuple[Incoming, ...]) -> str:
    if coming:
        return "waits_for_supplier"
    if sku not in features.known:
        return "not_stocked"
    whole = any(features.stock.at(w.warehouse_id, sku) > 0 for w in features.warehouses)
    return "too_few" if whole else "sold_out"


def _rounded(km: float | None) -> float | None:
    return None if km is None else round(km, 1)
