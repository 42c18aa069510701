-- supplier_terms: the terms a supplier named, in general (no item_id) or for one product.
-- inputs: events
-- grain: one row per supplier event
-- keys: event_id
-- partition: dt
-- build: append
SELECT
    supplier_id, item_id, title, price_minor, currency, coalesce(status, 'active') AS status,
    TRY_CAST(properties ->> '$.lead_time_days' AS DOUBLE) AS lead_time_days,
    TRY_CAST(properties ->> '$.minimum_quantity' AS DOUBLE) AS minimum_quantity,
    TRY_CAST(properties ->> '$.pack_size' AS DOUBLE) AS pack_size,
    TRY_CAST(properties ->> '$.order_cost_minor' AS DOUBLE) AS order_cost_minor,
    TRY_CAST(properties ->> '$.minimum_value_minor' AS DOUBLE) AS minimum_value_minor,
    TRY_CAST(properties ->> '$.shelf_life_days' AS DOUBLE) AS shelf_life_days,
    TRY_CAST(properties ->> '$.volume_per_unit' AS DOUBLE) AS volume_per_unit,
    properties ->> '$.price_breaks' AS price_breaks,
    properties ->> '$.order_weekdays' AS order_weekdays,
    coalesce(properties ->> '$.returnable' = 'true', FALSE) AS returnable,
    source, occurred_us, dt, event_id, seq
FROM events
WHERE kind = 'supplier'
