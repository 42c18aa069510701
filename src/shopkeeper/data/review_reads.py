"""Reviews with words: which were not judged yet, and what they come to per product."""

from __future__ import annotations

from typing import Any

from shopkeeper.data.reports import Tables, rows


def unjudged(warehouse: Tables, model: str, most: int) -> list[dict[str, Any]]:
    """Return reviews with a text that this model has not judged, the oldest first."""
    return rows(
        warehouse,
        """
        SELECT e.event_id AS review_id, e.item_id, e.text, e.occurred_us, e.seq
        FROM events AS e
        WHERE e.kind = 'rating' AND e.text IS NOT NULL AND e.item_id IS NOT NULL
            AND NOT EXISTS (
                SELECT 1 FROM review_sentiment AS s
                WHERE s.review_id = e.event_id AND s.model = $model)
        ORDER BY e.seq LIMIT $most
        """,
        {"model": model, "most": most},
    )


def of_item(warehouse: Tables, item_id: str) -> dict[str, Any] | None:
    """Return a product's row of ``item_review_features``, None where no review was judged."""
    found = rows(warehouse, "SELECT * FROM item_review_features WHERE item_id = ?", [item_id])
    return found[0] if found else None
