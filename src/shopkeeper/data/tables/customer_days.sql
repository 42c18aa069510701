-- customer_days: on which days a customer was seen.
-- inputs: events
-- grain: one row per customer and day
-- keys: customer_id, dt
-- partition: dt
-- build: partition
SELECT
    customer_id, dt, count(*) AS events, min(occurred_us) AS first_us, max(occurred_us) AS last_us
FROM events
WHERE customer_id IS NOT NULL AND kind <> 'decision'
GROUP BY customer_id, dt
