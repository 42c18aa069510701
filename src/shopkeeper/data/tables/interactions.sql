-- interactions: who did what with which item, when; a purchase gives one row per line.
-- inputs: events
-- grain: one row per event, and per line of a purchase
-- keys: event_id, line
-- partition: dt
-- build: append
SELECT
    customer_id, session_id, item_id, kind, occurred_us, dt,
    coalesce(quantity, 1.0) AS quantity,
    session_id AS basket, rating, decision_id, 0 AS line, event_id, seq
FROM events
WHERE
    kind IN ('add_to_cart', 'view_item', 'select_item', 'rating', 'add_to_wishlist', 'less_like_this')
    AND item_id IS NOT NULL
UNION ALL
SELECT
    customer_id, session_id, l.item_id AS item_id, kind, occurred_us, dt,
    l.quantity AS quantity,
    order_id AS basket, NULL AS rating, decision_id, l.line AS line, event_id, seq
FROM (
    SELECT
        customer_id, session_id, kind, occurred_us, dt, order_id, decision_id, event_id, seq,
        unnest(lines) AS l
    FROM events
    WHERE kind = 'purchase'
) AS purchases
