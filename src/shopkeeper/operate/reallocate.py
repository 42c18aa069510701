"""The batch every few minutes: orders not yet picked are allocated together and moved if it pays.

Moved are the holds of all changed orders in one transaction, against what the log says of the
stock at that moment; if somebody took a unit meanwhile, nothing moves and the next batch tries
again. Each moved order gets a decision of its own; a promised day never gets later in silence: the
webhook ``supply.promise_changed`` tells it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from shopkeeper.base import clock, ids, log
from shopkeeper.base.clock import DAY_US
from shopkeeper.base.errors import BadInput
from shopkeeper.data import supply_reports
from shopkeeper.data.events import Event, Line
from shopkeeper.data.reservations import EPSILON, FOREVER_US
from shopkeeper.learn.contracts import Choice, Decision, Reason, Task
from shopkeeper.operate import late_risk, webhooks
from shopkeeper.operate.runtime import to_event
from shopkeeper.supply import allocation, fallback, policy, reallocation, reserve
from shopkeeper.supply import features as made_of
from shopkeeper.supply import request as requests
from shopkeeper.supply.allocation_program import Task as Batch
from shopkeeper.supply.features import Features
from shopkeeper.supply.reallocation import Move
from shopkeeper.supply.rebuild import attach, rebuild
from shopkeeper.supply.request import Request
from shopkeeper.supply.schema import Allocation, Lane, Order, Stock
from shopkeeper.supply.state import LiveState

MOST_ORDERS = 2000
OLDEST_DAYS = 60
SECONDS = 20.0
LEAST_MINOR = 50  # a move must save so much per order, or it is not worth a picker's confusion
MODEL = "batch-milp"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One order of the batch: what it asked for, what it was told, and what is open to it."""

    request: Request
    features: Features
    lanes: list[Lane]
    order: Order
    places: list[str | None]
    row: Mapping[str, Any]


def job(task: Task) -> dict[str, Any]:
    """Run one batch; twice in a row the second finds nothing to move."""
    task.tell(None, "allocating")
    return run(task.shop)


def run(
    shop: Any,
    *,
    seconds: float = SECONDS,
    least_minor: int = LEAST_MINOR,
    dry: bool = False,
    state: LiveState | None = None,
) -> dict[str, Any]:
    """Allocate the waiting orders together and carry out what pays; return what came of it.

    ``dry``: only say what would move. ``state``: what is known, where it was just built.
    """
    shop.warehouse.refresh()
    now_us = clock.now_us()
    since_us = now_us - OLDEST_DAYS * DAY_US
    rows = supply_reports.movable_orders(shop.warehouse, since_us, MOST_ORDERS)
    facts: dict[str, Any] = {"orders": len(rows), "moved": 0, "saved_minor": 0, "later": 0}
    if not rows:
        if not dry:
            shop.reservations.put_prices({}, (), made_us=now_us)
        return facts | {"status": "nothing_waits"}
    if state is None:
        state = rebuild(shop.warehouse)
        attach(state, shop)
    if not state.open_places():
        return facts | {"status": "no_warehouse"}
    cases = _cases(shop, state, rows, now_us)
    facts["unreadable"] = len(rows) - len(cases)
    batch = _batch(state, cases, now_us)
    places = {case.order.order_id: case.places for case in cases}
    by_order = {case.order.order_id: case for case in cases}
    found = reallocation.improve(
        batch,
        places,
        keeps=lambda order, made: _keeps(by_order[order.order_id], made),
        seconds=seconds,
        least_minor=least_minor,
    )
    facts |= {
        "status": found.status,
        "gap": round(found.gap, 5),
        "before_minor": found.before_minor,
        "after_minor": found.after_minor,
        "scarce_shelves": len(found.prices),
        "seconds": round(found.seconds, 2),
    }
    if dry:
        return facts | {"would_move": [_told(move) for move in found.moves]}
    shop.reservations.put_prices(found.prices, found.items, made_us=now_us)
    return facts | _carry_out(shop, state, [(m, by_order[m.order_id]) for m in found.moves], now_us)


def _cases(
    shop: Any, state: LiveState, rows: Sequence[Mapping[str, Any]], now_us: int
) -> list[_Case]:
    model = late_risk.model_of(shop)
    gone = _overheld(state, rows, now_us)
    cases = []
    for row in rows:
        try:
            request = requests.parse({**row["request"], "reserve": True})
            features = made_of.features_at(state, request, now_us)
        except BadInput as problem:
            log.warning("supply.batch_left_out", order=row["order_id"], reason=problem.message)
            continue
        predict = fallback.predict if model is None else model.predict
        lanes = policy.lanes_of(request, features, predict(features))
        where = {line["item_id"]: line for line in row["value"]["lines"]}
        own = {(ln["warehouse_id"], ln["carrier"]) for ln in where.values() if ln["warehouse_id"]}
        order = dataclasses.replace(
            request.order, placed_us=row["ordered_us"], promised_us=_promised_us(row)
        )
        # Whose units are gone takes whatever way there is.
        if not any((ln["warehouse_id"], ln["item_id"]) in gone for ln in where.values()):
            names = frozenset(f"{place}/{carrier}" for place, carrier in own)
            level = features.rules.promise_level
            lanes = reallocation.in_time(order, lanes, level, now_us, names)
        open_ways = {lane.warehouse_id for lane in lanes}
        places = [where[ln.sku]["warehouse_id"] if ln.sku in where else None for ln in order.lines]
        # A warehouse that closed for good has no way any more: its lines are to be moved.
        places = [place if place in open_ways else None for place in places]
        cases.append(
            _Case(
                request=request,
                features=features,
                lanes=lanes,
                order=order,
                places=places,
                row=row,
            )
        )
    return cases


def _overheld(
    state: LiveState, rows: Sequence[Mapping[str, Any]], now_us: int
) -> set[tuple[str, str]]:
    """Return the shelves that have fewer units than are held of them."""
    items = sorted({line["item_id"] for row in rows for line in row["value"]["lines"]})
    held = state.reservations.held(items, seq=state.seq, now_us=now_us)
    there = state.on_hand(items)
    return {cell for cell, units in held.items() if units > there.get(cell, 0.0) + EPSILON}


def _batch(state: LiveState, cases: Sequence[_Case], now_us: int) -> Batch:
    """Return the program's task: the stock that is free to all these orders together."""
    items = sorted({line.sku for case in cases for line in case.order.lines})
    mine = [case.order.order_id for case in cases]
    held = state.reservations.held(items, seq=state.seq, now_us=now_us, without=mine)
    on_hand = state.on_hand(items)
    free = {cell: max(0.0, units - held.get(cell, 0.0)) for cell, units in on_hand.items()}
    return reallocation.no_scarcity(
        Batch(
            orders=[case.order for case in cases],
            stock=Stock(units=free),
            lanes={case.order.order_id: case.lanes for case in cases},
            rules=state.rules(),
            late_days={
                case.order.order_id: reallocation.late_days(case.order, case.lanes, now_us)
                for case in cases
            },
        )
    )


def _carry_out(
    shop: Any, state: LiveState, moves: Sequence[tuple[Move, _Case]], now_us: int
) -> dict[str, Any]:
    """Take the units of all moves at once, then write decisions and tell changed promises."""
    if not moves:
        return {}
    made = [(move, case, ids.new_id("dec"), _value(move, case)) for move, case in moves]
    holds = [hold for _, _, name, value in made for hold in reserve.holds_of(value, name, now_us)]
    empty = [move.order_id for move, _ in moves]
    if not reserve.take(state, holds, now_us, empty):
        log.info("supply.batch_overtaken", moves=len(moves))
        return {"status": "overtaken"}
    events, later = [], 0
    for move, case, name, value in made:
        events.append(to_event(_decision(move, case, name, value, now_us)))
        held = reserve.events_of(value, name, now_us, FOREVER_US)
        events += held or [_freed(move, case, name, now_us)]
    shop.append_events(events, source="supply")
    for move, case, name, value in made:
        old, new = case.row["value"]["promise"], value["promise"]
        if _by(old) == _by(new):
            continue
        later += _later(old, new)
        webhooks.send(
            shop,
            "supply.promise_changed",
            {
                "order_id": move.order_id,
                "decision_id": name,
                "promised": _by(old),
                "would_be": _by(new),
                "reason": "stock_gone" if move.forced else "reallocated",
            },
            name,
        )
    saved = sum(move.saved_minor for move, _ in moves)
    log.info("supply.batch_moved", orders=len(moves), saved_minor=saved, later=later)
    return {"moved": len(moves), "saved_minor": saved, "later": later}


def _keeps(case: _Case, made: Allocation) -> bool:
    """Return whether an allocation comes by the promise, or by when it would come as it is."""
    old = case.row["value"]["promise"]
    if old is None:
        return True
    new = _choice(case, made).value["promise"]
    if not _later(old, new):
        return True
    before = allocation.judged(_alone(case), case.order, case.places, "now")
    return not _later(_choice(case, before).value["promise"] or old, new)


def _alone(case: _Case) -> Batch:
    lanes = {case.order.order_id: case.lanes}
    return Batch(
        orders=[case.order], stock=case.features.stock, lanes=lanes, rules=case.features.rules
    )


def _choice(case: _Case, made: Allocation) -> Choice:
    return policy.choice_of(case.request, case.features, made, case.lanes, learned=True)


def _value(move: Move, case: _Case) -> dict[str, Any]:
    """Return the decision's value; a promise that is still kept stays as it was told."""
    value = _choice(case, move.after).value
    old, new = case.row["value"]["promise"], value["promise"]
    # An order that waited for a supplier and is served now comes sooner, one whose units are gone
    # maybe later: both are told. Else what was promised stays.
    served = not case.row["value"]["complete"] and value["complete"]
    if old is not None and not (served and not _later(old, new)):
        stays = not move.forced or not _later(old, new)
        value = {**value, "promise": old} if stays else value
    return {**value, "replaces": case.row["decision_id"], "held_until": None}


def _decision(move: Move, case: _Case, name: str, value: dict[str, Any], now_us: int) -> Decision:
    facts = {
        "saved_minor": move.saved_minor,
        "from": list(move.before.warehouses),
        "to": list(move.after.warehouses),
    }
    return Decision(
        decision_id=name,
        capability="supply",
        subject=move.order_id,
        as_of_us=now_us,
        model=MODEL,
        fallback=False,
        fallback_reason=None,
        arm=None,
        propensity=None,
        value=value,
        reasons=(Reason(code="stock_gone" if move.forced else "reallocated", facts=facts),),
        request=requests.recorded(case.row["request"]),
        latency_ms=0.0,
    )


def _freed(move: Move, case: _Case, name: str, now_us: int) -> Event:
    """Return that an order holds nothing any more."""
    lines = [
        Line(item_id=line["item_id"], quantity=line["quantity"])
        for line in case.row["value"]["lines"]
        if line["warehouse_id"]
    ]
    return Event(
        event_id=f"{name}.free",
        kind="reservation",
        occurred_at=clock.from_us(now_us),
        order_id=move.order_id,
        location_id=move.before.warehouses[0] if move.before.warehouses else None,
        decision_id=name,
        status="free",
        lines=lines,
        source="shopkeeper",
    )


def _told(move: Move) -> dict[str, Any]:
    return {
        "order_id": move.order_id,
        "from": list(move.before.warehouses),
        "to": list(move.after.warehouses),
        "saved_minor": move.saved_minor,
    }


def _promised_us(row: Mapping[str, Any]) -> int | None:
    told = row["value"]["promise"]
    return None if told is None else clock.to_us(datetime.fromisoformat(told["arrive_by"]))


def _by(told: Mapping[str, Any] | None) -> str | None:
    return None if told is None else str(told["arrive_by"])


def _later(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> bool:
    if old is None:
        return False
    return new is None or datetime.fromisoformat(new["arrive_by"]) > datetime.fromisoformat(
        old["arrive_by"]
    )
