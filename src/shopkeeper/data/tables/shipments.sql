-- shipments: goods that left a location, each line; order_id says for which customer's order.
-- inputs: events
-- grain: one row per line of a shipment event, one for an event without lines
-- keys: event_id, line
-- partition: dt
-- build: append
SELECT
    shipment_id, order_id, purchase_order_id, supplier_id, location_id, decision_id,
    label AS carrier, status, promised_us, properties ->> '$.zone' AS zone,
    TRY_CAST(properties ->> '$.distance_km' AS DOUBLE) AS distance_km,
    l.item_id AS item_id, l.quantity AS quantity, source, occurred_us, dt, l.line AS line, event_id, seq
FROM (
    SELECT
        shipment_id, order_id, purchase_order_id, supplier_id, location_id, decision_id, label,
        status, promised_us, properties, source, occurred_us, dt, event_id, seq, unnest(lines) AS l
    FROM events
    WHERE kind = 'shipment' AND lines IS NOT NULL
) AS with_lines
UNION ALL
SELECT
    shipment_id, order_id, purchase_order_id, supplier_id, location_id, decision_id,
    label AS carrier, status, promised_us, properties ->> '$.zone' AS zone,
    TRY_CAST(properties ->> '$.distance_km' AS DOUBLE) AS distance_km,
    item_id, quantity, source, occurred_us, dt, 0 AS line, event_id, seq
FROM events
WHERE kind = 'shipment' AND lines IS NULL
