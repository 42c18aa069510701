-- cart_removals: products that left a cart without being bought.
-- inputs: events
-- grain: one row per remove_from_cart event
-- keys: event_id
-- partition: dt
-- build: append
SELECT customer_id, session_id, item_id, occurred_us, dt, event_id, seq
FROM events
WHERE kind = 'remove_from_cart' AND item_id IS NOT NULL
