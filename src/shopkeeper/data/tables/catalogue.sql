-- catalogue: every catalogue entry ever sent, and every end of one; `items` keeps the latest.
-- inputs: events
-- grain: one row per item or item_removed event
-- keys: event_id
-- partition: dt
-- build: append
SELECT
    item_id, kind, title, description, category, brand, price_minor, currency, available, hidden,
    replenishable, image_url, url, properties, occurred_us, dt, event_id, seq
FROM events
WHERE kind IN ('item', 'item_removed') AND item_id IS NOT NULL
