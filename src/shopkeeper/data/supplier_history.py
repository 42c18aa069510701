"""What a shop ordered from its suppliers and when it came, a row per purchase order and product."""

from __future__ import annotations

from typing import Any

from shopkeeper.data.warehouse import Warehouse

# A cancelled order says nothing of a supplier. Closed short, it came when the last part came.
_HISTORY = """
SELECT supplier_id, item_id, location_id, ordered_us, promised_us, quantity, received, price_minor,
    CASE
        WHEN state = 'closed' THEN last_received_us
        WHEN received >= quantity THEN last_received_us
    END AS received_us
FROM purchase_orders
WHERE state <> 'cancelled' AND supplier_id IS NOT NULL
    AND NOT starts_with(supplier_id, 'transfer:')  -- our own warehouses
    AND NOT (state = 'closed' AND last_received_us IS NULL)
ORDER BY ordered_us, purchase_order_id, item_id
"""


def history(warehouse: Warehouse) -> list[dict[str, Any]]:
    """Return past and open purchase orders by moment ordered; ``received_us`` None: open."""
    return warehouse.sql(_HISTORY).to_pylist()


_OFFERS = """
WITH terms AS (
    SELECT s.supplier_id, s.item_id, s.price_minor, s.currency,
        coalesce(s.lead_time_days, g.lead_time_days) AS lead_time_days,
        coalesce(s.minimum_quantity, 0) AS minimum_quantity,
        coalesce(s.order_cost_minor, g.order_cost_minor, 0) AS order_cost_minor
    FROM suppliers AS s
    LEFT JOIN suppliers AS g ON s.supplier_id = g.supplier_id AND g.item_id = ''
    WHERE s.item_id <> '' AND s.price_minor IS NOT NULL AND s.status = 'active'
        AND coalesce(g.status, 'active') = 'active' AND ($item = '' OR s.item_id = $item)
),
demand AS (
    SELECT item_id, sum(quantity) AS units FROM order_lines
    WHERE occurred_us >= $since GROUP BY item_id
),
chosen AS (
    SELECT t.item_id, coalesce(any_value(d.units), 0) AS units
    FROM terms AS t LEFT JOIN demand AS d ON t.item_id = d.item_id
    GROUP BY t.item_id HAVING count(*) >= $least
    ORDER BY units DESC, t.item_id LIMIT $most OFFSET $offset
)
SELECT t.*, i.title, c.units,
    (SELECT count(*) FROM purchase_orders AS p
     WHERE p.supplier_id = t.supplier_id AND p.state <> 'cancelled') AS orders
FROM chosen AS c
JOIN terms AS t ON c.item_id = t.item_id
LEFT JOIN items AS i ON c.item_id = i.item_id
ORDER BY c.units DESC, t.item_id, t.supplier_id
"""


def offers(
    warehouse: Warehouse, since_us: int, item_id: str, least: int, most: int, offset: int
) -> list[dict[str, Any]]:
    """Return suppliers' terms per product: products of ``least`` offers or more, most sold first.

    ``units`` ordered by customers since a moment; ``orders`` placed with the supplier ever.
    """
    given = {"since": since_us, "item": item_id, "least": least, "most": most, "offset": offset}
    return warehouse.sql(_OFFERS, given).to_pylist()
