"""What people do with proposals: approve, reject, edit, send. Each deed is an event.

proposed ── approve ──► approved ── send ──► sent ─► confirmed ─► partly_received ─► closed
    │  └─ edit ─┘  ▲         │ reject            (states of the purchase order, from its events)
    └─ reject ─► rejected    ▼
       expire ─► expired   rejected

The state is a view over the events (tables/proposals.sql); nothing is edited. Sending makes one
purchase order per supplier and location and tells the shop's own systems by webhook.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from shopkeeper.base import clock, ids, log
from shopkeeper.base.errors import BadInput, Conflict, NotFound
from shopkeeper.data import proposals as tables
from shopkeeper.data.events import Event, Line
from shopkeeper.operate import webhooks
from shopkeeper.operate.replenish import lots

ALLOWED: dict[str, tuple[str, ...]] = {
    "approve": ("proposed",),
    "reject": ("proposed", "approved"),
    "edit": ("proposed", "approved"),
    "expire": ("proposed",),
    "send": ("approved",),
}
TOPIC = "inventory.purchase_order_sent"
MOST_AT_ONCE = 2000
MOST_REASON = 500
_LETTERS = str.maketrans("0123456789", "ghijklmnop")


def act(
    shop: Any,
    label: str,
    decision_ids: Sequence[str],
    *,
    operator: str,
    reason: str | None = None,
    quantity: float | None = None,
) -> list[dict[str, Any]]:
    """Do one thing to proposals, all of them or none, and return them as they stand then.

    Raises
    ------
    BadInput
        If the deed is unknown, none or too many are named, or an edit has no fitting quantity.
    NotFound
        If there is no such proposal; names the first.
    Conflict
        If one is in a state that does not allow it; names it and its state.
    """
    found = _allowed(shop, label, decision_ids)
    if label == "send":
        return _send(shop, found, operator)
    if label == "edit":
        quantity = next(lots.check(shop, one, quantity) for one in found)
    reason = (reason or "").strip()[:MOST_REASON] or None
    at = clock.now_us()
    shop.append_events(
        [deed(label, one, at, operator, reason=reason, quantity=quantity) for one in found],
        source="desk",
    )
    log.info("proposals.acted", label=label, count=len(found), operator=operator)
    return tables.by_ids(shop.warehouse, [one["decision_id"] for one in found])


def deed(
    label: str,
    one: Mapping[str, Any],
    at_us: int,
    operator: str,
    *,
    reason: str | None = None,
    quantity: float | None = None,
    event_id: str | None = None,
    **facts: Any,
) -> Event:
    """Return the action event of one deed on one proposal."""
    properties: dict[str, Any] = {"capability": "inventory", "subject": one["item_id"], **facts}
    if quantity is not None:
        properties["quantity"] = quantity
    return Event(
        event_id=event_id or ids.new_id("act"),
        kind="action",
        occurred_at=clock.from_us(at_us),
        label=label,
        decision_id=one["decision_id"],
        item_id=one["item_id"],
        location_id=one["location_id"] or None,
        reason=reason,
        source=operator,
        properties=properties,
    )


def letters(*parts: str, size: int = 10) -> str:
    """Return an id made of content, of letters only: no run of digits looks like a card."""
    digest = hashlib.blake2b("\x1f".join(parts).encode(), digest_size=size).hexdigest()
    return digest.translate(_LETTERS)


def _allowed(shop: Any, label: str, decision_ids: Iterable[str]) -> list[dict[str, Any]]:
    wanted = list(dict.fromkeys(decision_ids))
    if label not in ALLOWED:
        raise BadInput(
            f"There is no deed '{label}'.", field="label", value=label, allowed=", ".join(ALLOWED)
        )
    if not 1 <= len(wanted) <= MOST_AT_ONCE:
        raise BadInput(
            f"1 to {MOST_AT_ONCE} proposals can be named, but there are {len(wanted)}.",
            hint="`shopkeeper proposals list` shows their ids.",
            field="proposals",
            value=len(wanted),
            allowed=f"1 to {MOST_AT_ONCE}",
        )
    held = {one["decision_id"]: one for one in tables.by_ids(shop.warehouse, wanted)}
    for name in wanted:
        if name not in held:
            raise NotFound(f"There is no proposal '{name}'.", field="proposal", value=name)
        state = held[name]["state"]
        if state not in ALLOWED[label]:
            raise Conflict(
                f"Proposal {name} is {state}; {label} needs {' or '.join(ALLOWED[label])}.",
                hint="Reload the list: somebody was faster, or the plan has moved on.",
                field="state",
                value=state,
                allowed=", ".join(ALLOWED[label]),
            )
    return [held[name] for name in wanted]


def _send(shop: Any, found: Sequence[dict[str, Any]], operator: str) -> list[dict[str, Any]]:
    """Make one purchase order per supplier and location, with one line per product."""
    at = clock.now_us()
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for one in found:
        if not one["supplier_id"]:
            raise BadInput(
                f"Proposal {one['decision_id']} of {one['item_id']} names no supplier.",
                hint="Import its terms: shopkeeper import suppliers FILE; the next plan uses them.",
                field="supplier_id",
            )
        groups.setdefault((one["supplier_id"], one["location_id"]), []).append(one)
    bodies = []
    for (supplier, location), some in sorted(groups.items()):
        po = "po-" + letters(supplier, location, *sorted(one["decision_id"] for one in some))
        events = [_purchase_order(shop, po, supplier, location, some, at)]
        events += [deed("send", one, at, operator, purchase_order_id=po) for one in some]
        shop.append_events(events, source="desk")
        bodies.append(order_body(po, supplier, location, some))
    for body in bodies:
        webhooks.send(shop, TOPIC, body, body["purchase_order_id"])
        log.info("purchase_order.sent", lines=len(body["lines"]), value_minor=body["value_minor"])
    return tables.by_ids(shop.warehouse, [one["decision_id"] for one in found])


def order_body(
    po: str, supplier: str, location: str, some: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return a purchase order as webhooks tell it."""
    return {
        "purchase_order_id": po,
        "supplier_id": supplier,
        "location_id": location,
        "value_minor": sum(one["value_minor"] for one in some),
        "lines": [
            {
                "item_id": one["item_id"],
                "quantity": one["quantity"],
                "unit_cost_minor": one["unit_cost_minor"],
                "expected_receipt": one["expected_receipt"],
                "proposal": one["decision_id"],
            }
            for one in some
        ],
    }


def _purchase_order(
    shop: Any, po: str, supplier: str, location: str, some: Sequence[dict[str, Any]], at_us: int
) -> Event:
    due = max((one["expected_receipt"] for one in some if one["expected_receipt"]), default=None)
    merged: dict[str, Line] = {}
    for one in some:
        line = merged.setdefault(
            one["item_id"],
            Line(item_id=one["item_id"], quantity=0.0, price_minor=one["unit_cost_minor"]),
        )
        line.quantity += one["quantity"]
    return Event(
        event_id=po,
        kind="purchase_order",
        occurred_at=clock.from_us(at_us),
        purchase_order_id=po,
        supplier_id=supplier,
        location_id=location or None,
        status="sent",
        currency=shop.settings.currency,
        promised_at=_midnight(due) if due else None,
        lines=list(merged.values()),
        source="shopkeeper",
    )


def _midnight(day: str) -> Any:
    from datetime import UTC, datetime

    return datetime.fromisoformat(day).replace(tzinfo=UTC)
