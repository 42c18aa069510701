-- reservation_lines: units set aside for orders, and set free again, as told.
-- inputs: events
-- grain: one row per line of a reservation event
-- keys: event_id, line
-- partition: dt
-- build: append
SELECT
    order_id, location_id, status, decision_id, promised_us, ends_us, label AS carrier,
    l.item_id AS item_id, l.quantity AS quantity, source, occurred_us, dt, l.line AS line, event_id, seq
FROM (
    SELECT
        order_id, location_id, status, decision_id, promised_us, ends_us, label, source,
        occurred_us, dt, event_id, seq, unnest(lines) AS l
    FROM events
    WHERE kind = 'reservation' AND lines IS NOT NULL
) AS with_lines
