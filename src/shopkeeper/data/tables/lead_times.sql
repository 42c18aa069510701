-- lead_times: from ordering to the first receipt; an open order is censored: it took at least so long.
-- Cancelled orders say nothing and are left out; lead_time_days is null while nothing arrived.
-- inputs: purchase_orders
-- grain: one row per purchase order and product
-- keys: purchase_order_id, item_id
-- partition: none
-- build: key
SELECT
    purchase_order_id, item_id, supplier_id, location_id, ordered_us, promised_us,
    first_received_us AS received_us,
    (first_received_us - ordered_us) / 86400000000.0 AS lead_time_days,
    (promised_us - ordered_us) / 86400000000.0 AS promised_days,
    first_received_us IS NULL AS censored,
    quantity, received, state, dt
FROM purchase_orders
WHERE state <> 'cancelled' AND NOT (state = 'closed' AND first_received_us IS NULL)
