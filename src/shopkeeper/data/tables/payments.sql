-- payments: payments that were attempted, with the identifiers they share, hashed.
-- inputs: events
-- grain: one row per payment event
-- keys: event_id
-- partition: dt
-- build: append
SELECT
    payment_id, order_id, customer_id, session_id, value_minor, currency,
    coalesce(status, 'captured') AS status,
    coalesce(status, 'captured') IN ('declined', 'failed', 'refused') AS declined,
    reason,
    person_keys ->> '$.card_fingerprint' AS card_key,
    person_keys ->> '$.device_id' AS device_key,
    person_keys ->> '$.ip' AS ip_key,
    person_keys ->> '$.email' AS email_key,
    person_keys ->> '$.phone' AS phone_key,
    person_keys ->> '$.address' AS address_key,
    properties, source, occurred_us, received_us, dt, event_id, seq
FROM events
WHERE kind = 'payment'
