-- activity: how many events of which kind came per hour; what freshness and charts read.
-- inputs: events
-- grain: one row per hour, kind and source
-- keys: hour_us, kind, source
-- partition: dt
-- build: partition
SELECT
    dt,
    occurred_us - occurred_us % 3600000000 AS hour_us,
    kind,
    coalesce(source, '') AS source,
    count(*) AS events,
    count(DISTINCT customer_id) AS customers,
    max(occurred_us) AS last_occurred_us,
    max(received_us) AS last_received_us
FROM events
GROUP BY dt, occurred_us - occurred_us % 3600000000, kind, coalesce(source, '')
