"""What happened in visits, act by act, and which orders there were."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from shopkeeper.data.reports import Tables

KINDS = (
    *("page_view", "view_item", "view_item_list", "search", "select_item", "add_to_wishlist"),
    *("add_to_cart", "remove_from_cart", "begin_checkout"),
)

_ACTS = f"""
SELECT session_id, customer_id, kind, item_id, occurred_us, seq
FROM events
WHERE kind IN ({", ".join(f"'{kind}'" for kind in KINDS)})
    AND coalesce(session_id, customer_id) IS NOT NULL AND occurred_us >= $since_us
ORDER BY occurred_us, seq
"""
_ORDERS = """
SELECT session_id, customer_id, min(occurred_us) AS occurred_us, min(seq) AS seq
FROM order_lines
WHERE coalesce(session_id, customer_id) IS NOT NULL AND occurred_us >= $since_us
GROUP BY order_id, session_id, customer_id
ORDER BY occurred_us, seq
"""

_TOTALS = """
SELECT customer_id, count(*) AS orders, max(occurred_us) AS last_us
FROM orders
WHERE customer_id IS NOT NULL AND occurred_us < $before_us
GROUP BY customer_id
"""


def acts(warehouse: Tables, since_us: int) -> list[dict[str, Any]]:
    """Return the acts of visits from a moment on, by time."""
    return rows(warehouse.sql(_ACTS, {"since_us": since_us}))


def orders(warehouse: Tables, since_us: int = 0) -> list[dict[str, Any]]:
    """Return orders' sessions, customers, moments and places in the log, by time."""
    return rows(warehouse.sql(_ORDERS, {"since_us": since_us}))


def totals(warehouse: Tables, before_us: int) -> dict[str, tuple[int, int]]:
    """Return customer -> (orders before a moment, when the last of them was)."""
    found = warehouse.sql(_TOTALS, {"before_us": before_us})
    names = ("customer_id", "orders", "last_us")
    customer, count, last = (found[name].to_pylist() for name in names)
    return {c: (int(n), int(at)) for c, n, at in zip(customer, count, last, strict=True)}


def last_order_seq(warehouse: Tables) -> int:
    """Return the place in the log of the newest order that the tables hold, 0 for none."""
    newest = warehouse.sql("SELECT max(seq) AS seq FROM order_lines")["seq"][0].as_py()
    return int(newest or 0)


def prices(warehouse: Tables) -> dict[str, int]:
    """Return item -> price in minor units, where known."""
    found = warehouse.sql("SELECT item_id, price_minor FROM items WHERE price_minor > 0")
    return dict(zip(found["item_id"].to_pylist(), found["price_minor"].to_pylist(), strict=True))


def rows(table: pa.Table) -> list[dict[str, Any]]:
    """Return a table as plain dicts."""
    found: list[dict[str, Any]] = table.to_pylist()
    return found
