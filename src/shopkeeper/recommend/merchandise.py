"""The shop's say: rules that pin, boost, bury, take out or hold places for products.

A rule is data, the text of a ``rule`` event: an action, which items, where, for whom, and from
when to when. The last event of a rule id counts; ``live`` is the only status that acts. This
file reads and judges rules and says which items they name; policy.py lets them act, and the
filters that protect customers (sold out, hidden, excluded …) keep the last word over them.

    {"action": "boost", "factor": 1.5, "items": {"brand": "Leaf House"}, "placements": ["home"]}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
import numpy as np

from shopkeeper.base import clock
from shopkeeper.base.clock import DAY_US
from shopkeeper.base.errors import BadInput, shorten
from shopkeeper.recommend.catalogue import Catalogue
from shopkeeper.recommend.schema import PLACEMENTS

ACTIONS = ("pin", "boost", "bury", "filter", "share", "diversify")
AMOUNTS = {
    "pin": "position",
    "boost": "factor",
    "bury": "factor",
    "share": "share",
    "diversify": "strength",
}
STATUSES = ("draft", "live", "ended")
SEGMENTS = ("new", "returning", "anonymous")
SELECTORS = (
    "item_ids",
    "category",
    "brand",
    "min_price_minor",
    "max_price_minor",
    "new_days",
    "min_cover_days",
    "min_margin_percent",
)
MOST_RULES = 200
MOST_ITEMS = 500
_FIELDS = ("action", "items", "placements", "segment", *dict.fromkeys(AMOUNTS.values()), "note")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of the shop.

    ``items`` a selector: what it names must all hold (ids, a category path and below, a brand,
    a price span in minor units, created within days, stock for days at the present pace, a margin
    over the supplier's price in per cent of the price). ``position`` from 1, for pin; ``factor``
    multiplies scores, above 1 for boost and below for bury; ``share`` of the slots, for share;
    ``strength`` of the dislike of likeness, 0 to 1, for diversify, which may name no items.
    ``segment``: None everybody, else new, returning, anonymous, or customer ids.
    """

    rule_id: str
    status: str
    action: str
    items: Mapping[str, Any]
    placements: tuple[str, ...] = PLACEMENTS
    segment: str | tuple[str, ...] | None = None
    position: int = 1
    factor: float = 1.0
    share: float = 0.0
    strength: float = 0.0
    note: str = ""
    starts_us: int | None = None
    ends_us: int | None = None

    def acts(self, at_us: int, placement: str) -> bool:
        """Return whether the rule is live here and now."""
        return (
            self.status == "live"
            and placement in self.placements
            and (self.starts_us is None or at_us >= self.starts_us)
            and (self.ends_us is None or at_us < self.ends_us)
        )

    def speaks_of(self, customer_id: str | None, purchases: int) -> bool:
        """Return whether the rule is for this subject; ``purchases`` counts her lines so far."""
        if self.segment is None:
            return True
        if isinstance(self.segment, tuple):
            return customer_id in self.segment
        kind = "anonymous" if customer_id is None else "returning" if purchases else "new"
        return self.segment == kind


def read(
    rule_id: str,
    status: str,
    text: str,
    *,
    starts_us: int | None = None,
    ends_us: int | None = None,
) -> Rule:
    """Return the rule of an event's fields; BadInput names the field, its value, what is allowed.

    >>> read("r1", "live", '{"action": "pin", "items": {"item_ids": ["a"]}}').position
    1
    """
    if status not in STATUSES:
        raise _bad("status", status, ", ".join(STATUSES))
    try:
        raw = msgspec.json.decode(text)
    except msgspec.DecodeError as problem:
        raise _bad("text", text, f"a JSON object ({problem})") from None
    if not isinstance(raw, dict):
        raise _bad("text", raw, "a JSON object")
    for name in raw:
        if name not in _FIELDS:
            raise _bad(str(name), raw[name], f"one of {', '.join(_FIELDS)}")
    action = raw.get("action")
    if action not in ACTIONS:
        raise _bad("action", action, ", ".join(ACTIONS))
    if starts_us is not None and ends_us is not None and ends_us <= starts_us:
        raise _bad("ends_at", ends_us, "after starts_at")
    return Rule(
        rule_id=rule_id,
        status=status,
        action=action,
        items=_selector(raw.get("items"), action),
        placements=_placements(raw.get("placements")),
        segment=_segment(raw.get("segment")),
        starts_us=starts_us,
        ends_us=ends_us,
        note=str(raw.get("note", ""))[:400],
        **_amount(raw, action),
    )


@dataclass(slots=True)
class Merchandise:
    """The shop's rules as they stand, newest event of each id, and the items that they name."""

    rules: dict[str, Rule] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    _told_us: dict[str, int] = field(default_factory=dict)
    _masks: dict[str, tuple[Any, np.ndarray]] = field(default_factory=dict)

    def apply(self, event: Mapping[str, Any]) -> None:
        """Take one ``rule`` event; another capability's is none of ours."""
        if _properties(event).get("capability") != "recommend":
            return
        rule_id, at_us = event["label"], event["occurred_us"]
        if at_us < self._told_us.get(rule_id, at_us):
            return
        self._told_us[rule_id] = at_us
        self._masks.pop(rule_id, None)
        try:
            self.rules[rule_id] = read(
                rule_id,
                event["status"],
                event["text"],
                starts_us=_moment_us(event, "starts"),
                ends_us=_moment_us(event, "ends"),
            )
            self.broken.pop(rule_id, None)
        except BadInput as problem:
            # Posted as a bare event, past our checks: it does not act, and the console says why.
            self.rules.pop(rule_id, None)
            self.broken[rule_id] = problem.message

    def acting(
        self, at_us: int, placement: str, customer_id: str | None, purchases: int
    ) -> list[Rule]:
        """Return the rules that act on one request, in the order of their ids."""
        if not self.rules:
            return []
        return [
            rule
            for _, rule in sorted(self.rules.items())
            if rule.acts(at_us, placement) and rule.speaks_of(customer_id, purchases)
        ]

    def named(self, rule: Rule, catalogue: Catalogue, at_us: int) -> np.ndarray:
        """Return the mask (n_items,) of what a rule names."""
        # What is new changes with the day; the rest with the catalogue.
        # Stock moves all day: what is judged by it is judged again every quarter of an hour.
        span = DAY_US // 96 if "min_cover_days" in rule.items else DAY_US
        stamp = (rule, len(catalogue), catalogue.version, at_us // span)
        known = self._masks.get(rule.rule_id)
        if known is None or known[0] != stamp:
            known = (stamp, matches(rule.items, catalogue, at_us))
            self._masks[rule.rule_id] = known
        return known[1]


def matches(items: Mapping[str, Any], catalogue: Catalogue, at_us: int) -> np.ndarray:
    """Return the mask (n_items,) of the items that a selector names: all its parts must hold."""
    mask = np.ones(len(catalogue), dtype=bool)
    if (ids := items.get("item_ids")) is not None:
        mask[:] = False
        mask[catalogue.index.rows(ids)] = True
    if (category := items.get("category")) is not None:
        mask &= catalogue.within(category)
    if (brand := items.get("brand")) is not None:
        code = catalogue.brands.get(brand)
        mask &= catalogue.column("brand") == (-2 if code is None else code)
    price = catalogue.column("price")
    if (low := items.get("min_price_minor")) is not None:
        mask &= price >= low
    if (high := items.get("max_price_minor")) is not None:
        mask &= (price >= 0) & (price <= high)
    if (days := items.get("new_days")) is not None:
        created = catalogue.column("created")
        mask &= (created <= at_us) & (created > at_us - days * DAY_US)
    if (days := items.get("min_cover_days")) is not None:
        mask &= catalogue.cover_days(at_us) >= days
    if (percent := items.get("min_margin_percent")) is not None:
        # Boundaries are the shop's round numbers: 0.3 in binary must not miss 30.
        mask &= catalogue.margin() * 100 >= percent - 1e-9
    return mask


def _properties(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the properties of a log event (an object) or of a table row (its JSON)."""
    told = event.get("properties") or {}
    found: Mapping[str, Any] = msgspec.json.decode(told) if isinstance(told, str) else told
    return found


def _moment_us(event: Mapping[str, Any], name: str) -> int | None:
    """Return a moment of a log event (ISO text) or of a table row (microseconds)."""
    told = event.get(f"{name}_us")
    if told is None and (text := event.get(f"{name}_at")) is not None:
        told = clock.to_us(datetime.fromisoformat(text))
    return told


def _selector(raw: Any, action: str) -> dict[str, Any]:
    if action == "diversify" and not raw:
        return {}
    if not isinstance(raw, dict) or not raw:
        raise _bad("items", raw, f"an object with some of {', '.join(SELECTORS)}")
    for name, value in raw.items():
        if name not in SELECTORS:
            raise _bad(f"items.{name}", value, f"one of {', '.join(SELECTORS)}")
        if name == "item_ids":
            good = isinstance(value, list) and 0 < len(value) <= MOST_ITEMS
            if not good or not all(isinstance(one, str) and one for one in value):
                raise _bad("items.item_ids", value, f"1 to {MOST_ITEMS} item ids")
        elif name in ("category", "brand"):
            if not isinstance(value, str) or not value:
                raise _bad(f"items.{name}", value, "a text")
        elif not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise _bad(f"items.{name}", value, "a whole number, 0 or more")
    if action == "pin" and "item_ids" not in raw:
        raise _bad("items", raw, "item_ids, for a pin")
    return dict(raw)


def _placements(raw: Any) -> tuple[str, ...]:
    if raw is None:
        return PLACEMENTS
    if not isinstance(raw, list) or not raw or not set(map(str, raw)) <= set(PLACEMENTS):
        raise _bad("placements", raw, f"a list of {', '.join(PLACEMENTS)}")
    return tuple(raw)


def _segment(raw: Any) -> str | tuple[str, ...] | None:
    if raw is None or raw in SEGMENTS:
        return None if raw is None else str(raw)
    good = isinstance(raw, list) and 0 < len(raw) <= MOST_ITEMS
    if good and all(isinstance(one, str) and one for one in raw):
        return tuple(raw)
    raise _bad("segment", raw, f"{', '.join(SEGMENTS)}, or a list of customer ids")


def _amount(raw: Mapping[str, Any], action: str) -> dict[str, Any]:
    """Return the one number that the action takes; the others are refused."""
    wants = AMOUNTS.get(action)
    for name in ("position", "factor", "share", "strength"):
        if name in raw and name != wants:
            raise _bad(name, raw[name], f"absent on {action}")
    if wants is None or (wants == "position" and "position" not in raw):
        return {}
    value = raw.get(wants)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    low, high = {"pin": (1, 100), "boost": (1, 100)}.get(action, (0, 1))
    if not number or not low <= float(value or 0) <= high:
        raise _bad(wants, value, f"a number from {low} to {high} on {action}")
    return {wants: int(value or 1) if wants == "position" else float(value or 0)}


def _bad(name: str, value: Any, allowed: str) -> BadInput:
    return BadInput(
        f"A merchandising rule's {name} must be {allowed}, but is {shorten(value)!r}.",
        hint="docs/how-to/merchandise.md shows one rule of each action.",
        field=name,
        value=value,
        allowed=allowed,
    )
