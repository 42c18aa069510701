-- proposals_made: purchase proposals as the nightly cycle made them; `proposals` says how they stand.
-- inputs: events
-- grain: one row per inventory decision of a review cycle
-- keys: decision_id
-- partition: dt
-- build: append
SELECT
    decision_id, item_id, location_id, supplier_id, model, cycle, quantity, unit_cost_minor, value_minor,
    order_by, expected_receipt, p_stockout_now, p_stockout_after, cost_of_nothing_minor, advice, abc, xyz,
    value, reasons, occurred_us, dt, event_id, seq
FROM (
    SELECT
        decision_id,
        (properties ->> '$.value') ->> '$.sku' AS item_id,
        coalesce((properties ->> '$.value') ->> '$.location', '') AS location_id,
        (properties ->> '$.value') ->> '$.supplier_id' AS supplier_id,
        properties ->> '$.model' AS model,
        (properties ->> '$.value') ->> '$.cycle' AS cycle,
        TRY_CAST((properties ->> '$.value') ->> '$.quantity' AS DOUBLE) AS quantity,
        TRY_CAST((properties ->> '$.value') ->> '$.unit_cost_minor' AS BIGINT) AS unit_cost_minor,
        TRY_CAST((properties ->> '$.value') ->> '$.value_minor' AS BIGINT) AS value_minor,
        (properties ->> '$.value') ->> '$.order_by' AS order_by,
        (properties ->> '$.value') ->> '$.expected_receipt' AS expected_receipt,
        TRY_CAST((properties ->> '$.value') ->> '$.p_stockout_now' AS DOUBLE) AS p_stockout_now,
        TRY_CAST((properties ->> '$.value') ->> '$.p_stockout_after' AS DOUBLE) AS p_stockout_after,
        TRY_CAST((properties ->> '$.value') ->> '$.cost_of_nothing_minor' AS BIGINT) AS cost_of_nothing_minor,
        (properties ->> '$.value') ->> '$.advice' AS advice,
        (properties ->> '$.value') ->> '$.abc' AS abc,
        (properties ->> '$.value') ->> '$.xyz' AS xyz,
        properties ->> '$.value' AS value,
        properties ->> '$.reasons' AS reasons,
        occurred_us, dt, event_id, seq
    FROM events
    WHERE kind = 'decision' AND properties ->> '$.capability' = 'inventory'
) AS decided
WHERE cycle IS NOT NULL
