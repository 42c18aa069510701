-- route_stops: the stops of each route plan as they stand: planned, done, failed or skipped.
-- inputs: events
-- grain: one row per plan and stop
-- keys: decision_id, stop_id
-- partition: none
-- build: whole
SELECT
    decision_id, stop_id, order_id, location_id, status, reason, vehicle_id, position,
    latitude, longitude, arrive_us, opens_us, closes_us, demand, told_us AS occurred_us, dt, event_id, seq
FROM (
    SELECT
        decision_id,
        coalesce(label, order_id) AS stop_id,
        first_value(order_id) OVER w AS order_id,
        first_value(location_id) OVER w AS location_id,
        status, reason,
        first_value(properties ->> '$.vehicle_id') OVER w AS vehicle_id,
        first_value(position) OVER w AS position,
        first_value(TRY_CAST(properties ->> '$.latitude' AS DOUBLE)) OVER w AS latitude,
        first_value(TRY_CAST(properties ->> '$.longitude' AS DOUBLE)) OVER w AS longitude,
        first_value(promised_us) OVER w AS arrive_us,
        first_value(starts_us) OVER w AS opens_us,
        first_value(ends_us) OVER w AS closes_us,
        first_value(quantity) OVER w AS demand,
        occurred_us AS told_us, dt, event_id, seq,
        row_number() OVER (
            PARTITION BY decision_id, coalesce(label, order_id) ORDER BY occurred_us DESC, seq DESC
        ) AS age
    FROM events
    WHERE kind = 'stop' AND decision_id IS NOT NULL
    WINDOW w AS (
        PARTITION BY decision_id, coalesce(label, order_id) ORDER BY occurred_us, seq
        ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
    )
) AS told
WHERE age = 1
