-- session_links: which customer a session belonged to, by every event that carried both ids.
-- inputs: events
-- grain: one row per day, session and customer
-- keys: dt, session_id, customer_id
-- partition: dt
-- build: partition
SELECT dt, session_id, customer_id, max(occurred_us) AS occurred_us, max(seq) AS seq
FROM events
WHERE session_id IS NOT NULL AND customer_id IS NOT NULL AND kind <> 'decision'
GROUP BY dt, session_id, customer_id
