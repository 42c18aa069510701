"""Canned answers: the shop's own sentences that operators send with one click, per language.

They are the rule ``canned`` of capability support: JSON with a list of texts for ``en`` and
``zh``. Each change is an event, so it is known who changed them and when.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from shopkeeper.base import clock, ids
from shopkeeper.base.errors import BadInput
from shopkeeper.data import support_tables
from shopkeeper.data.events import Event

RULE = "canned"
MOST, LONGEST = 30, 1000
LANGUAGES = ("en", "zh")


def texts(warehouse: Any, language: str) -> list[str]:
    """Return the shop's own canned answers of a language, in their order; none by default."""
    found = json.loads(support_tables.rule(warehouse, RULE) or "{}")
    return [str(one) for one in found.get(language, [])]


def keep(shop: Any, language: str, wanted: Sequence[str], *, operator: str) -> list[str]:
    """Replace the canned answers of one language; empty ones are left out.

    Raises
    ------
    BadInput
        If the language is not ours, there are too many texts, or one is too long.
    """
    if language not in LANGUAGES:
        raise BadInput("language must be en or zh.", field="language", value=language)
    kept = list(dict.fromkeys(one.strip() for one in wanted if one.strip()))
    if len(kept) > MOST or any(len(one) > LONGEST for one in kept):
        raise BadInput(
            f"Canned answers are up to {MOST} texts of up to {LONGEST} characters.",
            field="texts",
            value=len(kept),
            allowed=f"{MOST} texts",
        )
    shop.warehouse.refresh()
    held = json.loads(support_tables.rule(shop.warehouse, RULE) or "{}")
    event = Event(
        event_id=ids.new_id("rule"),
        kind="rule",
        occurred_at=clock.now(),
        label=RULE,
        text=json.dumps({**held, language: kept}, ensure_ascii=False),
        status="active",
        source=operator,
        properties={"capability": "support"},
    )
    shop.record(event).result()
    return kept
