-- outcomes: what came of a decision; any later event that names it is one.
-- inputs: events
-- grain: one row per event that names a decision, and per line of a purchase or refund
-- keys: event_id, line
-- partition: dt
-- build: append
SELECT
    decision_id,
    CASE WHEN kind = 'outcome' THEN label ELSE kind END AS label,
    occurred_us, received_us, dt, item_id, value_minor, order_id, customer_id, kind, 0 AS line, event_id, seq
FROM events
WHERE
    decision_id IS NOT NULL
    AND kind NOT IN ('decision', 'impression', 'view_item_list')
    AND lines IS NULL
UNION ALL
SELECT
    decision_id,
    CASE WHEN kind = 'outcome' THEN label ELSE kind END AS label,
    occurred_us, received_us, dt,
    l.item_id AS item_id,
    CAST(round(l.quantity * coalesce(l.price_minor, 0)) AS BIGINT) - coalesce(l.discount_minor, 0) AS value_minor,
    order_id, customer_id, kind, l.line AS line, event_id, seq
FROM (
    SELECT
        decision_id, kind, label, occurred_us, received_us, dt, order_id, customer_id, event_id, seq,
        unnest(lines) AS l
    FROM events
    WHERE
        decision_id IS NOT NULL
        AND kind NOT IN ('decision', 'impression', 'view_item_list')
        AND lines IS NOT NULL
) AS with_lines
