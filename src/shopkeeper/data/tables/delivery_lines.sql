-- delivery_lines: goods that arrived, as told; the same delivery told twice stands here twice.
-- inputs: events
-- grain: one row per line of a delivery event, one for an event without lines
-- keys: event_id, line
-- partition: dt
-- build: append
SELECT
    shipment_id, purchase_order_id, supplier_id, location_id, order_id, customer_id,
    l.item_id AS item_id, l.quantity AS quantity, status, source,
    occurred_us, dt, l.line AS line, event_id, seq
FROM (
    SELECT
        shipment_id, purchase_order_id, supplier_id, location_id, order_id, customer_id, status,
        source, occurred_us, dt, event_id, seq, unnest(lines) AS l
    FROM events
    WHERE kind = 'delivery' AND lines IS NOT NULL
) AS with_lines
UNION ALL
SELECT
    shipment_id, purchase_order_id, supplier_id, location_id, order_id, customer_id,
    item_id, quantity, status, source, occurred_us, dt, 0 AS line, event_id, seq
FROM events
WHERE kind = 'delivery' AND lines IS NULL
