-- parcel_ends: how a customer's parcel ended: delivered, failed or returned.
-- inputs: events
-- grain: one row per delivery event of a customer's order
-- keys: event_id
-- partition: dt
-- build: append
SELECT
    shipment_id, order_id, coalesce(status, 'delivered') AS status, decision_id,
    occurred_us, received_us, dt, event_id, seq
FROM events
WHERE kind = 'delivery' AND supplier_id IS NULL AND purchase_order_id IS NULL
