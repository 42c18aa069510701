"""What the shop showed by chance, what was seen of it, and what came of it, for learning from acts.

Rows of recommend's own record: slates with drawn places, impressions and outcomes that name them.
"""

from __future__ import annotations

import json
from typing import Any

from shopkeeper.data.reports import Tables

_DRAWN = """
SELECT decision_id, occurred_us, placement, model, customer_id, session_id,
    (value ->> '$.explored') AS explored
FROM decisions
WHERE capability = 'recommend' AND occurred_us >= $since_us AND occurred_us < $until_us
    AND (value ->> '$.explored') IS NOT NULL
ORDER BY occurred_us, decision_id
"""
_SEEN = """
SELECT i.decision_id, i.item_id, min(i.position) AS position
FROM impressions AS i
WHERE i.decision_id IS NOT NULL AND i.occurred_us >= $since_us
GROUP BY i.decision_id, i.item_id
"""
_TAKEN = """
SELECT o.decision_id, o.item_id, o.label, min(o.occurred_us) AS occurred_us,
    CAST(sum(coalesce(o.value_minor, 0)) AS BIGINT) AS value_minor
FROM outcomes AS o
WHERE o.occurred_us >= $since_us AND o.item_id IS NOT NULL
    AND o.label IN ('select_item', 'view_item', 'add_to_cart', 'purchase')
GROUP BY o.decision_id, o.item_id, o.label
"""
_COUNTS = """
SELECT count(*) AS slates,
    count(*) FILTER (WHERE (value ->> '$.explored') IS NOT NULL) AS drawn,
    count(*) FILTER (WHERE decision_id IN (SELECT decision_id FROM impressions)) AS seen
FROM decisions
WHERE capability = 'recommend' AND occurred_us >= $since_us AND occurred_us < $until_us
"""


def drawn(warehouse: Tables, since_us: int, until_us: int) -> list[dict[str, Any]]:
    """Return the slates with drawn places, oldest first; ``explored`` as recorded (a dict)."""
    given = {"since_us": since_us, "until_us": until_us}
    found: list[dict[str, Any]] = warehouse.sql(_DRAWN, given).to_pylist()
    return [row | {"explored": json.loads(row["explored"])} for row in found]


def seen(warehouse: Tables, since_us: int) -> dict[tuple[str, str], int]:
    """Return (decision, item) -> position from 0 of all that was seen."""
    found = warehouse.sql(_SEEN, {"since_us": since_us})
    names = ("decision_id", "item_id", "position")
    decision, item, position = (found[name].to_pylist() for name in names)
    return {(d, i): int(p) for d, i, p in zip(decision, item, position, strict=True)}


def taken(warehouse: Tables, since_us: int) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """Return (decision, item) -> what came of it: label, first moment, money in minor units."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in warehouse.sql(_TAKEN, {"since_us": since_us}).to_pylist():
        found.setdefault((row["decision_id"], row["item_id"]), []).append(row)
    return found


def counts(warehouse: Tables, since_us: int, until_us: int) -> dict[str, int]:
    """Return how many slates of recommend there are, have drawn places, and were seen."""
    given = {"since_us": since_us, "until_us": until_us}
    [row] = warehouse.sql(_COUNTS, given).to_pylist()
    return {name: int(value) for name, value in row.items()}
