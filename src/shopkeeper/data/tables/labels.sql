-- labels: what somebody or something judged, and from when on it was known.
-- label_us is when we knew: the later of occurred and received. History that was imported
-- (source import or demo) was known when it happened.
-- inputs: events
-- grain: one row per label, outcome or chargeback event
-- keys: event_id
-- partition: dt
-- build: append
-- as of: label_us
SELECT
    coalesce(decision_id, payment_id, conversation_id, order_id, item_id, customer_id) AS subject,
    CASE
        WHEN decision_id IS NOT NULL THEN 'decision'
        WHEN payment_id IS NOT NULL THEN 'payment'
        WHEN conversation_id IS NOT NULL THEN 'conversation'
        WHEN order_id IS NOT NULL THEN 'order'
        WHEN item_id IS NOT NULL THEN 'item'
        WHEN customer_id IS NOT NULL THEN 'customer'
    END AS subject_kind,
    CASE WHEN kind = 'chargeback' THEN 'chargeback' ELSE label END AS label,
    score,
    CASE
        WHEN coalesce(source, '') IN ('import', 'demo') THEN occurred_us
        ELSE greatest(occurred_us, received_us)
    END AS label_us,
    occurred_us, dt, kind, coalesce(source, kind) AS source, reason,
    customer_id, order_id, item_id, decision_id, payment_id, event_id, seq
FROM events
WHERE kind IN ('label', 'outcome', 'chargeback')
