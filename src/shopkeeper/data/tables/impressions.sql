-- impressions: which recommended item was seen, where and at which position.
-- inputs: events
-- grain: one row per line of an impression event
-- keys: event_id, line
-- partition: dt
-- build: append
SELECT
    decision_id, placement, customer_id, session_id, l.item_id AS item_id,
    coalesce(l.position, l.line) AS position, occurred_us, dt, l.line AS line, event_id, seq
FROM (
    SELECT
        decision_id, placement, customer_id, session_id, occurred_us, dt, event_id, seq,
        unnest(lines) AS l
    FROM events
    WHERE kind = 'impression'
) AS seen
