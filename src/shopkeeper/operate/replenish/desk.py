"""The planner's desk: which proposals are asked for, as rows, as CSV; one place for all doors."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import msgspec

from shopkeeper.base.errors import BadInput, NotFound
from shopkeeper.data import proposals as tables
from shopkeeper.inventory.telling import REASONS
from shopkeeper.operate.replenish import states

URGENCY = {"high": 0.5, "middle": 0.2, "low": 0.0}  # least probability of running out now
COLUMNS = (
    *("decision_id", "state", "cycle", "item_id", "title", "location_id", "supplier_id"),
    *("quantity", "proposed_quantity", "unit_cost_minor", "value_minor", "order_by"),
    *("expected_receipt", "p_stockout_now", "p_stockout_after", "cost_of_nothing_minor"),
    *("abc", "xyz", "advice", "edited_by", "edit_reason", "purchase_order_id", "reasons"),
)
MOST_ROWS = 100_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which proposals: a state or "open" or "all"; ``urgency`` one of URGENCY."""

    state: str = "open"
    supplier: str = ""
    cycle: str = ""
    urgency: str = "low"
    text: str = ""
    order: str = "urgency"

    @property
    def filters(self) -> dict[str, Any]:
        """The same as the tables ask for it."""
        named = {"open": tables.OPEN, "all": ()}
        return {
            "states": named.get(self.state, (self.state,)),
            "supplier": self.supplier,
            "cycle": self.cycle,
            "urgency": URGENCY[self.urgency],
            "text": self.text,
        }


def wanted(**given: str | None) -> Wanted:
    """Return the filter of raw words; a wrong one is named with what is allowed."""
    found = Wanted(**{name: value for name, value in given.items() if value})
    _one_of("state", found.state, ("open", "all", *tables.STATES))
    _one_of("urgency", found.urgency, tuple(URGENCY))
    _one_of("order", found.order, tuple(tables.ORDERS))
    return found


def rows(shop: Any, asked: Wanted, *, offset: int = 0, limit: int = 100) -> list[dict[str, Any]]:
    """Return proposals as they stand, in the order asked for, with reasons and numbers."""
    shop.warehouse.refresh()
    found = tables.listed(
        shop.warehouse, **asked.filters, order=asked.order, offset=offset, limit=limit
    )
    return [plain(one) for one in found]


def ids(shop: Any, asked: Wanted) -> list[str]:
    """Return the ids of all proposals that fit."""
    shop.warehouse.refresh()
    return tables.ids(shop.warehouse, **asked.filters, limit=states.MOST_AT_ONCE)


def totals(shop: Any, asked: Wanted, by: str) -> list[dict[str, Any]]:
    """Return count, value and cost of doing nothing per group."""
    return tables.totals(shop.warehouse, by=by, **asked.filters)


def one(shop: Any, decision_id: str) -> dict[str, Any]:
    """Return one proposal as it stands."""
    found = tables.by_ids(shop.warehouse, [decision_id])
    if not found:
        raise NotFound(
            f"There is no proposal '{decision_id}'.",
            hint="`shopkeeper proposals list --state all` shows their ids.",
            field="proposal",
            value=decision_id,
        )
    return plain(found[0])


def plain(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of the table with its reasons and numbers read, not as text."""
    value = msgspec.json.decode(found["value"] or "{}")
    reasons = msgspec.json.decode(found["reasons"] or "[]")
    told = {name: v for name, v in found.items() if name not in ("value", "reasons")}
    told["numbers"] = value.get("numbers") or {}
    told["reasons"] = [
        {**reason, "text": REASONS.get(reason["code"], reason["code"])} for reason in reasons
    ]
    return told


def change(
    shop: Any, decision_id: str, quantity: Any, *, operator: str, why: str
) -> dict[str, Any]:
    """Order another quantity than was proposed: the planner's word, with who and why."""
    if not why.strip():
        raise BadInput(
            "A changed quantity needs a reason.",
            hint="Say why, such as 'the supplier has only two pallets'; it stands on the record.",
            field="why",
            value=why,
            allowed="a text",
        )
    states.act(shop, "edit", [decision_id], operator=operator, reason=why, quantity=quantity)
    return one(shop, decision_id)


def export(shop: Any, asked: Wanted) -> str:
    """Return proposals as CSV (RFC 4180) with one header row; money in minor units.

    Text that a spreadsheet would run as a formula gets an apostrophe in front.
    """
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for found in rows(shop, asked, limit=MOST_ROWS):
        told = found | {"reasons": " ".join(one["code"] for one in found["reasons"])}
        writer.writerow([_cell(told[name]) for name in COLUMNS])
    return sink.getvalue()


def asked_words(asked: Wanted) -> dict[str, str]:
    """Return the filter as words that are not the default, for addresses."""
    return {k: v for k, v in asdict(asked).items() if v != getattr(Wanted(), k)}


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _one_of(name: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise BadInput(
            f"{name} must be one of {', '.join(allowed)}, but is '{value[:60]}'.",
            field=name,
            value=value,
            allowed=", ".join(allowed),
        )
