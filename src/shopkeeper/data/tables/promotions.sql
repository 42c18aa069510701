-- promotions: which item is promoted from when to when.
-- inputs: events
-- grain: one row per line of a promotion event
-- keys: event_id, line
-- partition: dt
-- build: append
SELECT
    promotion_id, l.item_id AS item_id, starts_us, ends_us, label, properties,
    l.discount_minor AS discount_minor, l.line AS line, occurred_us, dt, event_id, seq
FROM (
    SELECT
        promotion_id, starts_us, ends_us, label, properties, occurred_us, dt, event_id, seq,
        unnest(lines) AS l
    FROM events
    WHERE kind = 'promotion'
) AS promoted
