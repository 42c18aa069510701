-- searches: what was looked for.
-- inputs: events
-- grain: one row per search event
-- keys: event_id
-- partition: dt
-- build: append
SELECT customer_id, session_id, query, language, quantity AS results, occurred_us, dt, event_id, seq
FROM events
WHERE kind = 'search'
