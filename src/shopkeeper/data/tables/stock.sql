-- stock: units counted on hand at a place.
-- inputs: events
-- grain: one row per stock_level event
-- keys: event_id
-- partition: dt
-- build: append
SELECT item_id, location_id, occurred_us, dt, quantity, event_id, seq
FROM events
WHERE kind = 'stock_level' AND item_id IS NOT NULL
