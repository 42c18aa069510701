-- actions: what operators did: approved, rejected, noted, assigned; capability and subject say on what.
-- inputs: events
-- grain: one row per action event
-- keys: event_id
-- partition: dt
-- build: append
SELECT
    properties ->> '$.capability' AS capability,
    properties ->> '$.subject' AS subject,
    label, status, reason, text,
    coalesce(source, 'unknown') AS operator,
    decision_id, customer_id, order_id, item_id,
    properties, occurred_us, dt, event_id, seq
FROM events
WHERE kind = 'action'
