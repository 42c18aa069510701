-- locations: warehouses, shops and depots as they stand: the last event of each.
-- inputs: events
-- grain: one row per location_id
-- keys: location_id
-- partition: none
-- build: whole
SELECT
    location_id, title, status, category,
    TRY_CAST(properties ->> '$.latitude' AS DOUBLE) AS latitude,
    TRY_CAST(properties ->> '$.longitude' AS DOUBLE) AS longitude,
    TRY_CAST(properties ->> '$.opens_minute' AS DOUBLE) AS opens_minute,
    TRY_CAST(properties ->> '$.closes_minute' AS DOUBLE) AS closes_minute,
    TRY_CAST(properties ->> '$.pick_minor' AS BIGINT) AS pick_minor,
    source, occurred_us, dt, event_id, seq
FROM (
    SELECT
        location_id, title, status, category, properties, source, occurred_us, dt, event_id, seq,
        row_number() OVER (PARTITION BY location_id ORDER BY occurred_us DESC, seq DESC) AS age
    FROM events
    WHERE kind = 'location' AND location_id IS NOT NULL
) AS told
WHERE age = 1
