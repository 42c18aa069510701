-- review_sentiment: how each review feels, and how it judges each side; -1 bad to 1 good, null: not said.
-- A judgement is a label that operate/reviews.py makes of a review's text; it counts from the review's own time.
-- inputs: events
-- grain: one row per judgement of a review
-- keys: event_id
-- partition: dt
-- build: append
SELECT
    properties ->> '$.review_id' AS review_id,
    item_id,
    score AS sentiment,
    CAST(properties ->> '$.logistics' AS DOUBLE) AS logistics,
    CAST(properties ->> '$.quality' AS DOUBLE) AS quality,
    CAST(properties ->> '$.price' AS DOUBLE) AS price,
    CAST(properties ->> '$.service' AS DOUBLE) AS service,
    CAST(properties ->> '$.size' AS DOUBLE) AS size,
    properties ->> '$.model' AS model,
    occurred_us, dt, event_id, seq
FROM events
WHERE kind = 'label' AND label = 'review_sentiment' AND item_id IS NOT NULL
