"""A supplier's message becomes a proposed change; a person accepts or rejects it.

A message is data, never an instruction: reading changes nothing. The purchase order is taken from
the text only where it stands there letter by letter and is open; the new day is said by the person
who judges. Accepting writes the purchase order's new day, so stock planning and promises follow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from shopkeeper.base import clock, ids
from shopkeeper.base.clock import DAY_US
from shopkeeper.base.errors import BadInput, Conflict, NotFound
from shopkeeper.data import supply_reports
from shopkeeper.data.events import Event
from shopkeeper.operate import webhooks
from shopkeeper.operate.supply_desk import CAPABILITY, append

DEMAND_DAYS = 28
MOST_ORDERS = 200


def named_orders(shop: Any, text: str) -> list[dict[str, Any]]:
    """Return the open purchase orders that a text names exactly, with the span of each."""
    found: dict[str, dict[str, Any]] = {}
    for row in supply_reports.open_purchases(shop.warehouse):
        name = row["purchase_order_id"]
        start = text.find(name)
        # A longer id that begins like this one is another order.
        if start < 0 or text[start + len(name) : start + len(name) + 1].isalnum():
            continue
        one = found.setdefault(
            name,
            {
                "purchase_order_id": name,
                "supplier_id": row["supplier_id"],
                "promised_us": row["promised_us"],
                "start": start,
                "end": start + len(name),
                "items": 0,
                "units": 0.0,
            },
        )
        one["items"] += 1
        one["units"] += row["outstanding"]
    return sorted(found.values(), key=lambda one: one["start"])


def consequences(shop: Any, purchase_order_id: str, new_day: str) -> dict[str, Any]:
    """Return what a purchase order's new day would touch: products, stock-outs, promises.

    ``out_days`` of a product: how many days of the usual demand come between the old and the new
    day. BadInput for a day that does not read as YYYY-MM-DD, NotFound for an order nobody knows.
    """
    lines = open_lines(shop, purchase_order_id)
    new_us = day_us(new_day)
    since = clock.now_us() - DEMAND_DAYS * DAY_US
    items = []
    for row in lines:
        per_day = supply_reports.daily_units(shop.warehouse, row["item_id"], since) / DEMAND_DAYS
        later = None if row["promised_us"] is None else (new_us - row["promised_us"]) / DAY_US
        items.append(
            {
                "item_id": row["item_id"],
                "title": row["title"],
                "units": row["outstanding"],
                "expected_us": row["promised_us"],
                "new_us": new_us,
                "units_per_day": round(per_day, 2),
                "units_missed": round(per_day * max(0.0, later or 0.0), 1),
            }
        )
    old = [row["promised_us"] for row in lines if row["promised_us"] is not None]
    moved_us = new_us - max(old) if old else 0
    return {
        "purchase_order_id": purchase_order_id,
        "supplier_id": lines[0]["supplier_id"],
        "days_later": round(moved_us / DAY_US, 1),
        "items": items,
        "orders": _waiting(shop, purchase_order_id, [r["item_id"] for r in lines], moved_us),
    }


def accept(
    shop: Any, notice_id: str, purchase_order_id: str, new_day: str, operator: str
) -> dict[str, Any]:
    """Move the purchase order's day, note who accepted, and tell whose promise changed."""
    notice = open_notice(shop, notice_id)
    found = consequences(shop, purchase_order_id, new_day)
    if notice["supplier_id"] != found["supplier_id"]:
        raise Conflict(
            f"{purchase_order_id} is an order to {found['supplier_id']}, "
            f"but {notice['supplier_id']} wrote.",
            hint="Look who may speak for this order.",
            field="purchase_order_id",
            value=purchase_order_id,
        )
    moved = Event(
        event_id=ids.new_id("po"),
        kind="purchase_order",
        occurred_at=clock.now(),
        purchase_order_id=purchase_order_id,
        supplier_id=found["supplier_id"],
        promised_at=clock.from_us(day_us(new_day)),
        source=operator,
        reason="supplier notice",
    )
    append(shop, [moved, judged("accept_notice", notice_id, operator, [purchase_order_id])])
    for order in found["orders"]:
        webhooks.send(
            shop,
            "supply.promise_changed",
            {**order, "purchase_order_id": purchase_order_id},
            f"{notice_id}.{order['order_id']}"[:100],
        )
    return found


def reject(shop: Any, notice_id: str, operator: str) -> None:
    """Note that a message changes nothing."""
    open_notice(shop, notice_id)
    append(shop, [judged("reject_notice", notice_id, operator, ())])


def open_notice(shop: Any, notice_id: str) -> dict[str, Any]:
    """Return a message that nobody judged yet; NotFound or Conflict otherwise."""
    shop.warehouse.refresh()
    notice = supply_reports.notice(shop.warehouse, notice_id)
    if notice is None:
        raise NotFound(f"There is no notice '{notice_id[:60]}'.", field="notice_id")
    if notice["state"] != "open":
        raise Conflict(
            f"The notice is {notice['state']} already, by {notice['operator']}.", field="notice_id"
        )
    return notice


def open_lines(shop: Any, purchase_order_id: str) -> list[dict[str, Any]]:
    """Return what an open purchase order still brings; NotFound where there is none."""
    rows = supply_reports.open_purchases(shop.warehouse)
    lines = [row for row in rows if row["purchase_order_id"] == purchase_order_id]
    if not lines:
        raise NotFound(
            f"There is no open purchase order '{purchase_order_id[:60]}'.",
            field="purchase_order_id",
            value=purchase_order_id,
        )
    return lines


def _waiting(
    shop: Any, purchase_order_id: str, items: list[str], moved_us: int
) -> list[dict[str, Any]]:
    """Return orders promised from this purchase order, and where their promise would move."""
    found = []
    for row in supply_reports.waiting_for(shop.warehouse, items)[:MOST_ORDERS]:
        value: Mapping[str, Any] = row["value"]
        named = {one["purchase_order_id"] for some in value["waits_for"].values() for one in some}
        if purchase_order_id not in named or value["promise"] is None:
            continue
        old = datetime.fromisoformat(value["promise"]["arrive_by"])
        new = old + timedelta(microseconds=max(0, moved_us))
        found.append(
            {
                "order_id": row["subject"],
                "decision_id": row["decision_id"],
                "promised": value["promise"]["arrive_by"],
                "would_be": clock.iso(clock.to_us(new)),
            }
        )
    return found


def waiting_for_units(
    shop: Any, rows: Sequence[Mapping[str, Any]], lost: float
) -> list[dict[str, Any]]:
    """Return orders promised from some purchase lines that would wait longer without ``lost``.

    First asked is first served: what is left goes to the oldest, the others have no day any more.
    """
    found: list[dict[str, Any]] = []
    if lost <= 0:
        return found
    for row in rows:
        left = row["outstanding"] - lost
        for one in supply_reports.waiting_for(shop.warehouse, [row["item_id"]])[:MOST_ORDERS]:
            value = one["value"]
            named = {x["purchase_order_id"] for x in value["waits_for"].get(row["item_id"], ())}
            if row["purchase_order_id"] not in named:
                continue
            left -= sum(x["quantity"] for x in value["lines"] if x["item_id"] == row["item_id"])
            if left < 0:
                found.append(
                    {
                        "order_id": one["subject"],
                        "decision_id": one["decision_id"],
                        "promised": (value["promise"] or {}).get("arrive_by"),
                        "would_be": None,
                    }
                )
    return found


def judged(label: str, notice_id: str, operator: str, orders: Sequence[str]) -> Event:
    """Return the action of judging a message, with the purchase orders that it changed."""
    facts = {"capability": CAPABILITY, "notice_id": notice_id, "subject": notice_id}
    if orders:
        facts["purchase_order_id"] = ", ".join(orders)[:400]
    return Event(
        event_id=ids.new_id("act"),
        kind="action",
        occurred_at=clock.now(),
        label=label,
        source=operator,
        properties=dict(facts),
    )


def day_us(text: str) -> int:
    """Return noon of a day written YYYY-MM-DD; BadInput says that other forms are ambiguous."""
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as problem:
        raise BadInput(
            f"The new day must be written YYYY-MM-DD, but is '{text[:40]}'.",
            hint="A day such as 03/04/05 can be read in three ways; ask the supplier.",
            field="new_day",
            value=text,
            allowed="such as 2026-12-03",
        ) from problem
    return clock.to_us(day) + 12 * 3_600_000_000
