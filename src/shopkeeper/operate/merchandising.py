"""The merchandiser's work: save a rule, list the rules, and see what one would change first.

A rule is saved as an event of kind ``rule``; the running server acts by it in the next answer.
A preview asks the live model for real customers' slates with and without the rule and leaves no
record.
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from shopkeeper.base import clock, ids
from shopkeeper.base.errors import BadInput, StoreUnavailable
from shopkeeper.data.events import Event
from shopkeeper.recommend.merchandise import MOST_RULES, Merchandise, Rule, read
from shopkeeper.recommend.policy import choose
from shopkeeper.recommend.request import parse

CAPABILITY = "recommend"
MOST_CUSTOMERS = 200
_RULE_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One customer's slate without and with the rule, as item ids."""

    customer_id: str | None
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a rule would change: counts over all slates, and the slates that it changes."""

    slates: int
    changed: int
    slots: int
    slots_changed: int
    entering: tuple[tuple[str, int], ...]  # item id, slates; most first
    leaving: tuple[tuple[str, int], ...]
    examples: tuple[Change, ...]


def save(
    shop: Any,
    rule_id: str,
    status: str,
    body: Mapping[str, Any],
    *,
    operator: str,
    starts_at: str | None = None,
    ends_at: str | None = None,
) -> Rule:
    """Check a rule and put it on the record; the last one of an id counts.

    ``body`` as in recommend/merchandise.py; moments in ISO 8601, UTC without a zone.
    """
    rule = checked(rule_id, status, body, starts_at=starts_at, ends_at=ends_at)
    known = {row["rule_id"] for row in standing(shop)}
    if rule_id not in known and len(known) >= MOST_RULES:
        raise BadInput(
            f"The shop has {len(known)} merchandising rules.",
            hint="Change an ended one instead of adding another.",
            field="rule_id",
            value=rule_id,
            allowed=f"up to {MOST_RULES} rules",
        )
    shop.append_events(
        [
            Event(
                event_id=ids.new_id("rule"),
                kind="rule",
                occurred_at=clock.now(),
                label=rule_id,
                status=status,
                text=msgspec.json.encode(body).decode(),
                source=operator,
                starts_at=None if rule.starts_us is None else clock.from_us(rule.starts_us),
                ends_at=None if rule.ends_us is None else clock.from_us(rule.ends_us),
                properties={"capability": CAPABILITY},
            )
        ],
        source="console",
    )
    return rule


def checked(
    rule_id: str,
    status: str,
    body: Mapping[str, Any],
    *,
    starts_at: str | None = None,
    ends_at: str | None = None,
) -> Rule:
    """Return the rule of what somebody sent, or say which field is wrong."""
    if not _RULE_ID.fullmatch(rule_id):
        raise BadInput(
            f"A rule's id must be small letters, digits and hyphens, but is '{rule_id[:80]}'.",
            hint="For example autumn-tea.",
            field="rule_id",
            value=rule_id,
            allowed="1 to 60 of a-z 0-9 -",
        )
    text = msgspec.json.encode(body).decode()
    return read(
        rule_id,
        status,
        text,
        starts_us=_moment("starts_at", starts_at),
        ends_us=_moment("ends_at", ends_at),
    )


def standing(shop: Any) -> list[dict[str, Any]]:
    """Return the merchandising rules on record, the live ones first, as plain values."""
    shop.warehouse.refresh()
    found = []
    for row in shop.warehouse.table("rules").to_pylist():
        if row["capability"] != CAPABILITY:
            continue
        kept = Merchandise()
        kept.apply(row | {"label": row["rule_id"]})
        rule = kept.rules.get(row["rule_id"])
        found.append(
            {
                "rule_id": row["rule_id"],
                "status": row["status"],
                "body": msgspec.json.decode(row["text"]) if rule else {},
                "problem": kept.broken.get(row["rule_id"]),
                "starts_at": _iso(row["starts_us"]),
                "ends_at": _iso(row["ends_us"]),
                "operator": row["operator"],
                "changed_at": clock.iso(row["occurred_us"]),
            }
        )
    order = {"live": 0, "draft": 1}
    return sorted(found, key=lambda one: (order.get(one["status"], 2), one["rule_id"]))


def preview(
    runtime: Any,
    rule: Rule,
    customers: Sequence[str | None],
    *,
    placement: str = "home",
    limit: int = 10,
    items: Sequence[str] = (),
) -> Preview:
    """Return what a rule would change on a placement for some customers, as if it were live."""
    live = runtime.live[CAPABILITY]
    if live.state is None:
        raise StoreUnavailable(f"recommend cannot answer: {live.state_fault}.")
    if not 1 <= len(customers) <= MOST_CUSTOMERS:
        raise BadInput(
            f"A preview takes 1 to {MOST_CUSTOMERS} customers, but got {len(customers)}.",
            field="customers",
            value=len(customers),
            allowed=f"1 to {MOST_CUSTOMERS}",
        )
    acting = dataclasses.replace(rule, status="live", starts_us=None, ends_us=None)
    changes = []
    for customer in customers:
        raw: dict[str, Any] = {"placement": placement, "limit": limit}
        raw |= {"customer_id": customer} if customer else {}
        raw |= {"items": list(items)} if items else {}
        changes.append(_change(live, raw, customer, acting))
    return _summed(changes, limit)


def _change(live: Any, raw: dict[str, Any], customer: str | None, rule: Rule) -> Change:
    with live.lock:
        request = parse(raw)
        features = live.card.features(live.state, request, clock.now_us())
        predict = live.model.predict if live.model is not None else live.card.fallback
        prediction = predict(features)
        kept = dict(features.merchandise.rules)
        slates = []
        for rules in (
            {name: one for name, one in kept.items() if name != rule.rule_id},
            kept | {rule.rule_id: rule},
        ):
            seen = dataclasses.replace(
                features, merchandise=Merchandise(rules=rules), exploration=None
            )
            made = choose(request, seen, prediction)
            slates.append(tuple(item["item_id"] for item in made.value["items"]))
    return Change(customer_id=customer, before=slates[0], after=slates[1])


def _summed(changes: list[Change], limit: int) -> Preview:
    entering: Counter[str] = Counter()
    leaving: Counter[str] = Counter()
    moved = 0
    for one in changes:
        entering.update(set(one.after) - set(one.before))
        leaving.update(set(one.before) - set(one.after))
        moved += sum(a != b for a, b in zip(one.before, one.after, strict=False))
        moved += abs(len(one.before) - len(one.after))
    different = tuple(one for one in changes if one.before != one.after)
    return Preview(
        slates=len(changes),
        changed=len(different),
        slots=len(changes) * limit,
        slots_changed=moved,
        entering=tuple(entering.most_common(10)),
        leaving=tuple(leaving.most_common(10)),
        examples=different[:5],
    )


def _moment(field: str, text: str | None) -> int | None:
    if not text:
        return None
    try:
        return clock.to_us(datetime.fromisoformat(text))
    except ValueError as problem:
        raise BadInput(
            f"{field} must be a moment, but is '{text[:60]}'.",
            hint="For example 2026-12-01 or 2026-12-01T08:00.",
            field=field,
            value=text,
            allowed="ISO 8601",
        ) from problem


def _iso(at_us: int | None) -> str | None:
    return None if at_us is None else clock.iso(at_us)
