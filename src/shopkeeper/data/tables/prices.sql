-- prices: what an item cost from a moment on, as the shop said.
-- inputs: events
-- grain: one row per price event, and per item event that carries a price
-- keys: event_id
-- partition: dt
-- build: append
SELECT item_id, occurred_us, dt, price_minor, currency, kind AS source, location_id, event_id, seq
FROM events
WHERE kind IN ('price', 'item') AND item_id IS NOT NULL AND price_minor IS NOT NULL
