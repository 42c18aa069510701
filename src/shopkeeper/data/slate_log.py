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
ORDER BY occurred_us DESC, decision_id
LIMIT $most
"""
_SEEN = """
SELECT i.decision_id, i.item_id, min(i.position) AS position
FROM impressions AS i
WHERE i.decision_id IS NOT NULL AND i.occurred_us >= $since_us
GROUP BY i.decision_id, i.item_id
"""
_SHOWN = """
SELECT d.decision_id, d.customer_id, d.occurred_us, i.item_id, min(i.position) AS position
FROM decisions AS d
JOIN impressions AS i ON d.decision_id = i.decision_id
WHERE d.capability = 'recommend' AND d.customer_id IS NOT NULL
    AND d.occurred_us >= $since_us AND d.occurred_us < $until_us
GROUP BY d.decision_id, d.customer_id, d.occurred_us, i.item_id
ORDER BY d.occurred_us, d.decision_id, position
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


_ORDERS = """
SELECT order_id, customer_id, item_id, occurred_us, CAST(sum(net_minor) AS BIGINT) AS net_minor,
    sum(quantity) AS quantity
FROM order_lines
WHERE customer_id IS NOT NULL AND occurred_us > $since_us AND occurred_us <= $until_us
GROUP BY order_id, customer_id, item_id, occurred_us
ORDER BY occurred_us, order_id, item_id
"""
_SHELVES = """
SELECT i.item_id, i.category, coalesce(s.lines, 0) AS lines
FROM items AS i
LEFT JOIN (SELECT item_id, count(*) AS lines FROM order_lines GROUP BY item_id) AS s
    ON i.item_id = s.item_id
WHERE i.category IS NOT NULL
ORDER BY lines DESC, i.item_id
"""


def orders(warehouse: Tables, since_us: int, until_us: int) -> list[dict[str, Any]]:
    """Return what known customers ordered in (since, until], a row per order and item, by time."""
    given = {"since_us": since_us, "until_us": until_us}
    found: list[dict[str, Any]] = warehouse.sql(_ORDERS, given).to_pylist()
    return found


def shelves(warehouse: Tables) -> list[tuple[str, str]]:
    """Return (item, category), what is bought most first."""
    found = warehouse.sql(_SHELVES)
    return list(zip(found["item_id"].to_pylist(), found["category"].to_pylist(), strict=True))


def drawn(
    warehouse: Tables, since_us: int, until_us: int, *, most: int = 100_000
) -> list[dict[str, Any]]:
    """Return the latest slates with drawn places, oldest first; ``explored`` as recorded."""
    given = {"since_us": since_us, "until_us": until_us, "most": most}
    found: list[dict[str, Any]] = warehouse.sql(_DRAWN, given).to_pylist()
    return [row | {"explored": json.loads(row["explored"])} for row in reversed(found)]


def seen(warehouse: Tables, since_us: int) -> dict[tuple[str, str], int]:
    """Return (decision, item) -> position from 0 of all that was seen."""
    found = warehouse.sql(_SEEN, {"since_us": since_us})
    names = ("decision_id", "item_id", "position")
    decision, item, position = (found[name].to_pylist() for name in names)
    return {(d, i): int(p) for d, i, p in zip(decision, item, position, strict=True)}


def shown(warehouse: Tables, since_us: int, until_us: int) -> list[dict[str, Any]]:
    """Return what known customers saw of recorded slates, a row per item, by time."""
    given = {"since_us": since_us, "until_us": until_us}
    found: list[dict[str, Any]] = warehouse.sql(_SHOWN, given).to_pylist()
    return found


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
