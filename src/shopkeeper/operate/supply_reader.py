"""What the reader finds in a supplier's message, as proposed changes for the one who judges.

Only purchase orders open with the supplier who wrote count as known. ``apply_certain`` changes a
day or a quantity without a person, and only where nothing is left to ask.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from shopkeeper.base import clock
from shopkeeper.base.errors import Conflict, NotFound
from shopkeeper.data import supply_reports
from shopkeeper.language.model import from_settings
from shopkeeper.operate import notice_changes
from shopkeeper.supply import notice_model, notices
from shopkeeper.supply.models import notice_kinds
from shopkeeper.supply.schema import NOTICE_FIELDS, Context, NoticeEvent, OpenOrder

MOST_DAYS = 60  # a day that moves further is for a person to look at
RULE = "rule:certain-notice"


def context(shop: Any, notice: Mapping[str, Any]) -> Context:
    """Return what the reader may look at: the writer's open orders and the message's day."""
    lines: dict[str, list[dict[str, Any]]] = {}
    for row in supply_reports.open_purchases(shop.warehouse):
        if row["supplier_id"] == notice["supplier_id"]:
            lines.setdefault(row["purchase_order_id"], []).append(row)
    orders = []
    for name, rows in lines.items():
        promised = [r["promised_us"] for r in rows if r["promised_us"] is not None]
        orders.append(
            OpenOrder(
                purchase_order=name,
                supplier_id=notice["supplier_id"],
                items=tuple(r["item_id"] for r in rows),
                quantities=tuple(float(r["outstanding"]) for r in rows),
                ordered_day="",
                expected_day=clock.iso(max(promised))[:10] if promised else "",
                titles=tuple(r["title"] or "" for r in rows),
            )
        )
    return Context(
        open_orders=tuple(orders),
        today=clock.iso(notice["occurred_us"])[:10],
        supplier_id=notice["supplier_id"],
    )


def proposals(shop: Any, notice: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return each event read in a message with the day it proposes; nothing is written."""
    known = context(shop, notice)
    return _proposed(notices.read(notice["text"] or "", known, _kind), known)


def reread(shop: Any, notice_id: str) -> list[dict[str, Any]]:
    """Return what the shop's language model reads in a message and its text bears out.

    Raises
    ------
    Conflict
        If the shop names no language model.
    ModelUnavailable
        If it does not answer in time.
    """
    model = from_settings(shop.settings)
    if model is None:
        raise Conflict(
            "No language model is set, so the rules alone read messages.",
            hint="Set language_model_url to an OpenAI-compatible address.",
            field="language_model_url",
        )
    shop.warehouse.refresh()
    notice = supply_reports.notice(shop.warehouse, notice_id)
    if notice is None:
        raise NotFound(f"There is no notice '{notice_id[:60]}'.", field="notice_id")
    known = context(shop, notice)
    return _proposed(notice_model.read_with(model, notice["text"] or "", known), known)


def _proposed(events: Sequence[NoticeEvent], known: Context) -> list[dict[str, Any]]:
    expected = {order.purchase_order: order.expected_day for order in known.open_orders}
    return [
        {
            "kind": event.kind,
            "fields": {
                name: getattr(event, name)
                for name in NOTICE_FIELDS
                if getattr(event, name) not in (None, False)
            },
            "currency": event.currency,
            "purchase_order_id": event.purchase_order if event.order_known else None,
            "new_day": _new_day(event, expected),
            "automatic": event.automatic,
            "confidence": event.confidence,
            "questions": list(event.questions),
            "spans": {
                name: {"start": span.start, "end": span.end, "text": span.text}
                for name, span in event.spans.items()
            },
        }
        for event in events
    ]


def _kind(text: str) -> tuple[str, float]:
    """Return the classifier's guess; it trains on the first message that no rule reads."""
    return notice_kinds.trained()(text)


def apply_certain(shop: Any, notice_id: str) -> list[dict[str, Any]]:
    """Carry out what a message says, as the rule for certain ones; Conflict where it is not.

    Certain: one event only, its order open and written letter by letter, every value with its
    place, nothing to ask, and a day from today to MOST_DAYS from the old one or a quantity of at
    most what was ordered. A price or an end is for a person.
    """
    shop.warehouse.refresh()
    notice = supply_reports.notice(shop.warehouse, notice_id)
    if notice is None:
        raise NotFound(f"There is no notice '{notice_id[:60]}'.", field="notice_id")
    found = proposals(shop, notice)
    doubt = _doubt(shop, found, context(shop, notice))
    if doubt:
        raise Conflict(
            f"The notice is not certain: {doubt}.", hint="Judge it yourself.", field="notice_id"
        )
    [raw] = notice_changes.read_changes(shop, notice, found)
    change = notice_changes.change_of(shop, notice["supplier_id"], raw)
    return notice_changes.accept(shop, notice_id, [change], RULE)


def _doubt(shop: Any, found: list[dict[str, Any]], known: Context) -> str:
    if len(found) != 1:
        return f"it says {len(found)} things"
    [one] = found
    if one["kind"] not in ("delay", "early", "quantity", "confirmed"):
        return f"it is about {one['kind']}"
    if one["questions"]:
        return "; ".join(one["questions"])
    if not one["automatic"]:
        return f"confidence {one['confidence']:.2f}"
    if one["kind"] in ("delay", "early"):
        return _day_doubt(one, known)
    read = notice_changes.read_changes(shop, {"supplier_id": known.supplier_id}, found)
    if len(read) != 1:
        return "it changes nothing"
    [change] = read
    if change["missing"]:
        return str(change["missing"])
    ordered = sum(
        row["quantity"]
        for row in supply_reports.open_purchases(shop.warehouse)
        if row["purchase_order_id"] == change["purchase_order_id"]
        and change["item_id"] in (None, row["item_id"])
    )
    more = change["quantity"] > ordered
    return f"{change['quantity']:g} units are more than the {ordered:g} ordered" if more else ""


def _day_doubt(one: Mapping[str, Any], known: Context) -> str:
    if one["new_day"] is None:
        return "it names no day"
    expected = {order.purchase_order: order.expected_day for order in known.open_orders}
    old = expected[one["purchase_order_id"]]
    new = date.fromisoformat(one["new_day"])
    if not old or abs((new - date.fromisoformat(old)).days) > MOST_DAYS:
        return f"from {old or 'no day'} to {one['new_day']} is more than {MOST_DAYS} days"
    if one["new_day"] < known.today:
        return f"{one['new_day']} is past"
    return ""


def _new_day(event: NoticeEvent, expected: Mapping[str, str]) -> str | None:
    if event.new_date:
        return event.new_date
    old = expected.get(event.purchase_order or "")
    if event.days_late is None or not old:
        return None
    return (date.fromisoformat(old) + timedelta(days=event.days_late)).isoformat()
