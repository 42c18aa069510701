-- order_lines: one product of one purchase, as it was bought; refunds stand in `refunds`.
-- inputs: events
-- grain: one row per line of a purchase event
-- keys: event_id, line
-- partition: dt
-- build: append
SELECT
    order_id,
    customer_id,
    session_id,
    l.item_id AS item_id,
    occurred_us,
    dt,
    l.quantity AS quantity,
    l.price_minor AS price_minor,
    coalesce(l.discount_minor, 0) AS discount_minor,
    CAST(round(l.quantity * coalesce(l.price_minor, 0)) AS BIGINT) - coalesce(l.discount_minor, 0) AS net_minor,
    currency,
    location_id,
    l.line AS line,
    event_id,
    seq
FROM (
    SELECT
        order_id, customer_id, session_id, occurred_us, dt, currency, location_id, event_id, seq,
        unnest(lines) AS l
    FROM events
    WHERE kind = 'purchase'
) AS purchases
