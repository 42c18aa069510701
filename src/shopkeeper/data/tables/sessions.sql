-- sessions: visits. A session_id names one; without it 30 minutes of silence end a visit.
-- inputs: events
-- grain: one row per visit
-- keys: session_key
-- partition: none
-- build: whole
WITH acts AS (
    SELECT
        coalesce(session_id, customer_id) AS visitor, session_id, customer_id, kind, occurred_us, seq
    FROM events
    WHERE
        coalesce(session_id, customer_id) IS NOT NULL
        AND kind IN (
            'page_view', 'view_item', 'view_item_list', 'search', 'add_to_cart', 'remove_from_cart',
            'add_to_wishlist', 'begin_checkout', 'purchase', 'select_item', 'less_like_this', 'rating'
        )
),
gaps AS (
    SELECT
        *,
        lag(occurred_us) OVER (PARTITION BY visitor ORDER BY occurred_us, seq) AS before_us
    FROM acts
),
numbered AS (
    SELECT
        *,
        sum(CASE WHEN before_us IS NULL OR occurred_us - before_us > 1800000000 THEN 1 ELSE 0 END)
            OVER (PARTITION BY visitor ORDER BY occurred_us, seq ROWS UNBOUNDED PRECEDING) AS visit
    FROM gaps
)
SELECT
    concat(visitor, '#', CAST(min(occurred_us) AS VARCHAR)) AS session_key,
    min(session_id) AS session_id,
    min(customer_id) AS customer_id,
    min(occurred_us) AS started_us,
    max(occurred_us) AS ended_us,
    count(*) AS events,
    count(*) FILTER (WHERE kind = 'view_item') AS views,
    count(*) FILTER (WHERE kind = 'add_to_cart') AS carts,
    count(*) FILTER (WHERE kind = 'purchase') AS purchases
FROM numbered
GROUP BY visitor, visit
