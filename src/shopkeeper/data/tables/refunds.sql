-- refunds: money that went back and orders that were cancelled.
-- inputs: events
-- grain: one row per refund or cancel event and per line where it names lines
-- keys: event_id, line
-- partition: dt
-- build: append
SELECT
    order_id,
    customer_id,
    kind,
    coalesce(l.item_id, item_id) AS item_id,
    occurred_us,
    dt,
    coalesce(l.quantity, quantity) AS quantity,
    CASE
        WHEN l.item_id IS NULL THEN value_minor
        ELSE CAST(round(l.quantity * coalesce(l.price_minor, 0)) AS BIGINT) - coalesce(l.discount_minor, 0)
    END AS value_minor,
    currency,
    reason,
    coalesce(l.line, 0) AS line,
    event_id,
    seq
FROM (
    SELECT
        order_id, customer_id, kind, item_id, occurred_us, dt, quantity, value_minor, currency, reason,
        event_id, seq, unnest(lines) AS l
    FROM events
    WHERE kind IN ('refund', 'cancel') AND lines IS NOT NULL
    UNION ALL
    SELECT
        order_id, customer_id, kind, item_id, occurred_us, dt, quantity, value_minor, currency, reason,
        event_id, seq, NULL AS l
    FROM events
    WHERE kind IN ('refund', 'cancel') AND lines IS NULL
) AS money_back
