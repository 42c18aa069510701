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
    AND NOT (state = 'closed' AND last_received_us IS NULL)
ORDER BY ordered_us, purchase_order_id, item_id
"""


def history(warehouse: Warehouse) -> list[dict[str, Any]]:
    """Return past and open purchase orders by moment ordered; ``received_us`` None: open."""
    return warehouse.sql(_HISTORY).to_pylist()
