-- purchase_order_lines: what was ordered from suppliers, as told; a later event of the same id adds what changed.
-- inputs: events
-- grain: one row per line of a purchase_order event, one for an event without lines
-- keys: event_id, line
-- partition: dt
-- build: append
SELECT
    purchase_order_id, supplier_id, location_id, status, promised_us, currency, decision_id, source,
    l.item_id AS item_id, l.quantity AS quantity, l.price_minor AS price_minor,
    occurred_us, dt, l.line AS line, event_id, seq
FROM (
    SELECT
        purchase_order_id, supplier_id, location_id, status, promised_us, currency, decision_id,
        source, occurred_us, dt, event_id, seq, unnest(lines) AS l
    FROM events
    WHERE kind = 'purchase_order' AND lines IS NOT NULL
) AS with_lines
UNION ALL
SELECT
    purchase_order_id, supplier_id, location_id, status, promised_us, currency, decision_id, source,
    item_id, quantity, price_minor, occurred_us, dt, 0 AS line, event_id, seq
FROM events
WHERE kind = 'purchase_order' AND lines IS NULL
