-- decisions: what shopkeeper decided, with the facts of the decision taken out of its properties.
-- inputs: events
-- grain: one row per decision event
-- keys: decision_id
-- partition: dt
-- build: append
SELECT
    decision_id,
    properties ->> '$.capability' AS capability,
    properties ->> '$.subject' AS subject,
    customer_id,
    session_id,
    placement,
    properties ->> '$.model' AS model,
    coalesce(properties ->> '$.fallback' = 'true', FALSE) AS fallback,
    properties ->> '$.fallback_reason' AS fallback_reason,
    properties ->> '$.arm' AS arm,
    TRY_CAST(properties ->> '$.propensity' AS DOUBLE) AS propensity,
    occurred_us,
    dt,
    TRY_CAST(properties ->> '$.latency_ms' AS DOUBLE) AS latency_ms,
    properties ->> '$.value' AS value,
    properties ->> '$.reasons' AS reasons,
    properties ->> '$.request' AS request,
    event_id,
    seq
FROM events
WHERE kind = 'decision'
