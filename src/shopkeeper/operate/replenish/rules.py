"""Change the shop's rules for ordering, on the record."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import msgspec

from shopkeeper.base import clock, ids
from shopkeeper.data.events import Event
from shopkeeper.inventory.rules import RULE_ID, held, parse
from shopkeeper.inventory.schema import Rules


def rules_of(shop: Any) -> Rules:
    """Return the rules that hold now."""
    return held(shop.warehouse)


def change(shop: Any, given: Mapping[str, Any], operator: str) -> Rules:
    """Put changed rules on the record; they hold from the next plan on."""
    rules = parse(given, rules_of(shop))
    whole = {k: v for k, v in dataclasses.asdict(rules).items() if v != getattr(Rules(), k)}
    event = Event(
        event_id=ids.new_id("rule"),
        kind="rule",
        occurred_at=clock.from_us(clock.now_us()),
        label=RULE_ID,
        status="active",
        text=msgspec.json.encode(whole).decode(),
        source=operator,
        properties={"capability": "inventory"},
    )
    shop.append_events([event], source="console")
    return rules
