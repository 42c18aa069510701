"""What the recommended slates looked like, day by day: variety, kinds, and what came of them."""

from __future__ import annotations

from typing import Any

from shopkeeper.base import clock
from shopkeeper.data.reports import Tables


def by_day(warehouse: Tables, days: int, *, now_us: int | None = None) -> list[dict[str, Any]]:
    """Return one row per day with decisions of recommend, oldest first.

    Keys: dt, slates, coverage (distinct items shown / items on offer), shelves (distinct
    categories per slate), repeat_share and discovery_share (items that the customer had bought
    before, and not; of known customers), clicked and bought (outcomes per slate).
    """
    since_us = (clock.now_us() if now_us is None else now_us) - days * clock.DAY_US
    found = warehouse.sql(
        """
        WITH shown AS (
            SELECT decision_id, customer_id, occurred_us, dt, l.item_id AS item_id
            FROM (
                SELECT decision_id, customer_id, occurred_us, dt, unnest(lines) AS l
                FROM events
                WHERE kind = 'decision' AND occurred_us >= $since_us AND lines IS NOT NULL
                    AND properties ->> '$.capability' = 'recommend'
            ) AS told
        ),
        first_bought AS (
            SELECT customer_id, item_id, min(occurred_us) AS first_us
            FROM order_lines WHERE customer_id IS NOT NULL GROUP BY customer_id, item_id
        ),
        marked AS (
            SELECT s.decision_id, s.dt, s.item_id, i.category,
                CASE WHEN s.customer_id IS NULL THEN NULL
                    WHEN f.first_us < s.occurred_us THEN 1.0 ELSE 0.0 END AS again
            FROM shown AS s
            LEFT JOIN items AS i ON s.item_id = i.item_id
            LEFT JOIN first_bought AS f
                ON s.customer_id = f.customer_id AND s.item_id = f.item_id
        ),
        slates AS (
            SELECT decision_id, dt, count(DISTINCT category) AS shelves
            FROM marked GROUP BY decision_id, dt
        ),
        per_slate AS (
            SELECT dt, count(*) AS slates, avg(shelves) AS shelves FROM slates GROUP BY dt
        ),
        per_day AS (
            SELECT dt, count(DISTINCT item_id) AS items, avg(again) AS again
            FROM marked GROUP BY dt
        ),
        came AS (
            SELECT s.dt,
                count(DISTINCT CASE WHEN o.label = 'select_item' THEN s.decision_id END) AS clicked,
                count(DISTINCT CASE WHEN o.label = 'purchase' THEN s.decision_id END) AS bought
            FROM slates AS s LEFT JOIN outcomes AS o ON s.decision_id = o.decision_id
            GROUP BY s.dt
        ),
        offer AS (SELECT greatest(count(*), 1) AS items FROM items WHERE in_catalogue)
        SELECT d.dt, p.slates, d.items * 1.0 / f.items AS coverage, p.shelves,
            d.again AS repeat_share, 1 - d.again AS discovery_share,
            c.clicked * 1.0 / p.slates AS clicked, c.bought * 1.0 / p.slates AS bought
        FROM per_day AS d
        JOIN per_slate AS p ON d.dt = p.dt
        JOIN came AS c ON d.dt = c.dt
        CROSS JOIN offer AS f
        ORDER BY d.dt
        """,
        {"since_us": since_us},
    )
    rows: list[dict[str, Any]] = found.to_pylist()
    return rows
