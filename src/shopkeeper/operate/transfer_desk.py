"""What people do about transfers, as events: accept one way's goods, say they left or came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shopkeeper.base import clock, ids, log
from shopkeeper.base.clock import DAY_US
from shopkeeper.base.errors import BadInput, Conflict, NotFound
from shopkeeper.data import transfer_reads
from shopkeeper.data.events import Event, Line
from shopkeeper.data.reservations import FOREVER_US, Hold
from shopkeeper.learn.contracts import Decision, Reason
from shopkeeper.operate import stock_transfers
from shopkeeper.operate.replenish import states
from shopkeeper.operate.runtime import to_event
from shopkeeper.operate.stock_transfers import Proposed
from shopkeeper.operate.supply_desk import append
from shopkeeper.supply import reserve
from shopkeeper.supply.rebuild import attach, rebuild
from shopkeeper.supply.transfers import Transfer

STATES = ("left", "arrived")


def accept(shop: Any, from_id: str, to_id: str, operator: str) -> str:
    """Carry out what is proposed from one place to another now; returns the transfer's id.

    The units are held where they are, count as on order where they go, and what stock planning
    proposed to buy is bought less. Conflict where nothing is proposed there any more.
    """
    shop.warehouse.refresh()
    state = rebuild(shop.warehouse)
    attach(state, shop)
    found = stock_transfers.propose(shop, state)
    some = [
        one
        for one in (found.plan.transfers if found else ())
        if (one.from_id, one.to_id) == (from_id, to_id)
    ]
    if found is None or not some:
        raise Conflict(
            f"Nothing is to be moved from {from_id[:60]} to {to_id[:60]} any more.",
            hint="Look at the transfers again.",
            field="from_id",
            value=from_id,
        )
    now_us = clock.now_us()
    name = f"tr-{ids.new_id('t').removeprefix('t_')}"
    decision = _decision(found, some, name, operator, now_us)
    holds = [
        Hold(
            order_id=name,
            location_id=from_id,
            item_id=one.sku,
            quantity=float(one.units),
            decision_id=decision.decision_id,
            made_us=now_us,
            expires_us=FOREVER_US,
        )
        for one in some
    ]
    if not reserve.take(state, holds, now_us):
        raise Conflict(
            f"Units at {from_id} were sold meanwhile.", hint="Look again.", field="from_id"
        )
    days = found.ways[from_id, to_id].days
    append(shop, [to_event(decision), *_events(some, name, decision.decision_id, now_us, days)])
    _buy_less(shop, found, some, operator)
    log.info("supply.transfer_accepted", units=sum(one.units for one in some), items=len(some))
    return name


def mark(shop: Any, transfer_id: str, status: str, operator: str) -> None:
    """Say that a transfer left or arrived; what arrives has left."""
    if status not in STATES:
        raise BadInput(
            "The status is unknown.", field="status", value=status, allowed=", ".join(STATES)
        )
    shop.warehouse.refresh()
    rows = transfer_reads.lines(shop.warehouse, transfer_id)
    if not rows:
        raise NotFound(f"There is no transfer '{transfer_id[:60]}'.", field="transfer_id")
    [known] = [r for r in transfer_reads.made(shop.warehouse, 500) if _is(r, transfer_id)]
    if known["received"] >= known["units"]:
        raise Conflict(f"The transfer {transfer_id} has arrived already.", field="status")
    if status == "left" and known["left_us"] is not None:
        raise Conflict(f"The transfer {transfer_id} has left already.", field="status")
    lines = [Line(item_id=row["item_id"], quantity=row["quantity"]) for row in rows]
    events = []
    if known["left_us"] is None:
        events.append(
            Event(
                event_id=f"{transfer_id}.left",
                kind="shipment",
                occurred_at=clock.now(),
                shipment_id=transfer_id,
                order_id=transfer_id,
                location_id=known["from_id"],
                label="transfer",
                lines=lines,
                source=operator,
            )
        )
    if status == "arrived":
        events.append(
            Event(
                event_id=f"{transfer_id}.arrived",
                kind="delivery",
                occurred_at=clock.now(),
                shipment_id=transfer_id,
                purchase_order_id=transfer_id,
                supplier_id=known["supplier_id"],
                location_id=known["to_id"],
                lines=lines,
                source=operator,
            )
        )
    append(shop, events)


def _is(row: Mapping[str, Any], transfer_id: str) -> bool:
    return bool(row["transfer_id"] == transfer_id)


def _events(
    some: Sequence[Transfer], name: str, decision_id: str, now_us: int, days: float
) -> list[Event]:
    lines = [Line(item_id=one.sku, quantity=float(one.units)) for one in some]
    from_id, to_id = some[0].from_id, some[0].to_id
    return [
        Event(
            event_id=f"{name}.held",
            kind="reservation",
            occurred_at=clock.from_us(now_us),
            order_id=name,
            location_id=from_id,
            decision_id=decision_id,
            status="held",
            label="transfer",
            lines=lines,
            source="shopkeeper",
        ),
        Event(
            event_id=f"{name}.order",
            kind="purchase_order",
            occurred_at=clock.from_us(now_us),
            purchase_order_id=name,
            supplier_id=f"{transfer_reads.PREFIX}{from_id}",
            location_id=to_id,
            status="sent",
            promised_at=clock.from_us(now_us + int(days * DAY_US)),
            lines=lines,
            source="shopkeeper",
        ),
    ]


def _decision(
    found: Proposed, some: Sequence[Transfer], name: str, operator: str, now_us: int
) -> Decision:
    one = some[0]
    told = stock_transfers.plain(found)["transfers"]
    [way] = [w for w in told if (w["from_id"], w["to_id"]) == (one.from_id, one.to_id)]
    facts = {"units": way["units"], "from": one.from_id, "to": one.to_id, "source": found.source}
    return Decision(
        decision_id=ids.new_id("dec"),
        capability="supply",
        subject=name,
        as_of_us=now_us,
        model="transfers-milp",
        fallback=False,
        fallback_reason=None,
        arm=None,
        propensity=None,
        value={"kind": "transfer", "transfer_id": name, "operator": operator, **way},
        reasons=(Reason(code="moved_before_buying", facts=facts),),
        request={"from_id": one.from_id, "to_id": one.to_id},
        latency_ms=0.0,
    )


def _buy_less(shop: Any, found: Proposed, some: Sequence[Transfer], operator: str) -> None:
    """Lower the purchases that the transfer stands in for, on the record as edits."""
    for one in some:
        proposal = found.instead.get((one.to_id, one.sku))
        if proposal is None:
            continue
        left = found.plan.bought.get((one.to_id, one.sku), 0)
        why = f"{one.units} come from {one.from_id}"
        if left > 0:
            states.act(
                shop, "edit", [proposal], operator=operator, reason=why, quantity=float(left)
            )
        else:
            states.act(shop, "reject", [proposal], operator=operator, reason=why)
