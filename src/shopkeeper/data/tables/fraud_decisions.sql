-- fraud_decisions: what was decided of payments, refunds and account events, and what for.
-- inputs: events
-- grain: one row per fraud decision
-- keys: decision_id
-- partition: dt
-- build: append
SELECT
    decision_id,
    value ->> '$.payment_id' AS payment_id,
    value ->> '$.order_id' AS order_id,
    customer_id,
    coalesce(value ->> '$.kind', 'payment') AS kind,
    value ->> '$.outcome' AS outcome,
    TRY_CAST(value ->> '$.probability' AS DOUBLE) AS probability,
    coalesce(value ->> '$.calibrated' = 'true', FALSE) AS calibrated,
    TRY_CAST(value ->> '$.amount_minor' AS BIGINT) AS amount_minor,
    value ->> '$.currency' AS currency,
    TRY_CAST(value ->> '$.saved_minor' AS DOUBLE) AS saved_minor,
    TRY_CAST(value ->> '$.explored_loss_minor' AS DOUBLE) AS explored_loss_minor,
    TRY_CAST(value ->> '$.costs_minor.approve' AS DOUBLE) AS cost_approve_minor,
    TRY_CAST(value ->> '$.cost_minor' AS DOUBLE) AS cost_minor,
    coalesce(value ->> '$.audited' = 'true', FALSE) AS audited,
    value ->> '$.rule' AS rule,
    value ->> '$.rules' AS rules,
    value ->> '$.shadow' AS shadow,
    value ->> '$.ring' AS ring,
    value ->> '$.features' AS features,
    value ->> '$.challenger.model' AS challenger,
    TRY_CAST(value ->> '$.challenger.probability' AS DOUBLE) AS challenger_probability,
    value ->> '$.challenger.outcome' AS challenger_outcome,
    value ->> '$.shadow_model.model' AS shadow_model,
    TRY_CAST(value ->> '$.shadow_model.probability' AS DOUBLE) AS shadow_model_probability,
    value ->> '$.shadow_model.outcome' AS shadow_model_outcome,
    arm, model, fallback, propensity, latency_ms, reasons, request, occurred_us, dt, event_id, seq
FROM (
    SELECT
        decision_id, customer_id, occurred_us, dt, event_id, seq,
        properties ->> '$.model' AS model,
        properties ->> '$.arm' AS arm,
        coalesce(properties ->> '$.fallback' = 'true', FALSE) AS fallback,
        TRY_CAST(properties ->> '$.propensity' AS DOUBLE) AS propensity,
        TRY_CAST(properties ->> '$.latency_ms' AS DOUBLE) AS latency_ms,
        properties ->> '$.value' AS value,
        properties ->> '$.reasons' AS reasons,
        properties ->> '$.request' AS request
    FROM events
    WHERE kind = 'decision' AND properties ->> '$.capability' = 'fraud'
) AS told
