-- rules: the shop's rules as they stand: the last event of each capability and rule id.
-- inputs: events
-- grain: one row per capability and rule
-- keys: capability, rule_id
-- partition: none
-- build: whole
SELECT capability, rule_id, status, text, reason, operator, starts_us, ends_us, properties, occurred_us, dt, event_id, seq
FROM (
    SELECT
        properties ->> '$.capability' AS capability,
        label AS rule_id,
        status, text, reason,
        coalesce(source, 'unknown') AS operator,
        starts_us, ends_us, properties, occurred_us, dt, event_id, seq,
        row_number() OVER (
            PARTITION BY properties ->> '$.capability', label ORDER BY occurred_us DESC, seq DESC
        ) AS place
    FROM events
    WHERE kind = 'rule'
) AS told
WHERE place = 1
