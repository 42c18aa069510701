-- order_holds: orders that fraud held, and whether they still are: held, released or cancelled.
-- inputs: fraud_cases
-- grain: one row per order_id that was ever held
-- keys: order_id
-- partition: none
-- build: key
SELECT
    order_id,
    CASE
        WHEN bool_or(state = 'cancelled') THEN 'cancelled'
        WHEN bool_or(state = 'held') THEN 'held'
        ELSE 'released'
    END AS hold,
    min(occurred_us) AS held_us,
    max(decided_us) AS decided_us,
    max_by(decision_id, occurred_us) AS decision_id
FROM fraud_cases
WHERE order_id IS NOT NULL AND outcome IN ('review', 'block') AND state <> 'closed'
GROUP BY order_id
