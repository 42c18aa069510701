-- customer_attributes: what the shop said about a customer; `customers` keeps the latest.
-- inputs: events
-- grain: one row per customer event
-- keys: event_id
-- partition: dt
-- build: append
SELECT customer_id, properties, language, occurred_us, dt, event_id, seq
FROM events
WHERE kind = 'customer' AND customer_id IS NOT NULL
