-- order_demand: what an order asked for of each product, net of what was cancelled; none where the order is fraud or a test.
-- A page that was loaded twice sends the same lines again: they count once. Refunds do not lower
-- demand: the product was wanted; they stand apart as returned.
-- inputs: order_lines, refunds, labels
-- grain: one row per order, product and location
-- keys: order_id, item_id, location_id
-- partition: none
-- build: key
WITH lines AS (
    SELECT
        order_id, item_id, line, quantity, net_minor, discount_minor,
        coalesce(min(location_id), '') AS location_id,
        min(occurred_us) AS occurred_us,
        min(dt) AS dt,
        min(seq) AS seq
    FROM order_lines
    GROUP BY order_id, item_id, line, quantity, net_minor, discount_minor
),
wanted AS (
    SELECT
        order_id, item_id, location_id,
        sum(quantity) AS ordered,
        CAST(sum(net_minor) AS BIGINT) AS net_minor,
        CAST(sum(discount_minor) AS BIGINT) AS discount_minor,
        min(occurred_us) AS occurred_us,
        min(dt) AS dt,
        min(seq) AS seq
    FROM lines
    GROUP BY order_id, item_id, location_id
),
whole AS (
    SELECT
        order_id,
        bool_or(kind = 'cancel' AND item_id IS NULL) AS cancelled,
        bool_or(kind = 'refund' AND item_id IS NULL AND value_minor IS NULL) AS all_back
    FROM refunds
    GROUP BY order_id
),
parts AS (
    SELECT
        order_id, item_id,
        sum(CASE WHEN kind = 'cancel' THEN coalesce(quantity, 1) ELSE 0 END) AS cancelled,
        sum(CASE WHEN kind = 'refund' THEN coalesce(quantity, 1) ELSE 0 END) AS returned
    FROM refunds
    WHERE item_id IS NOT NULL
    GROUP BY order_id, item_id
),
judged AS (
    SELECT order_id, bool_or(label IN ('fraud', 'chargeback', 'test')) AS unreal
    FROM labels
    WHERE order_id IS NOT NULL
    GROUP BY order_id
)
SELECT
    w.order_id,
    w.item_id,
    w.location_id,
    w.ordered,
    CASE
        WHEN coalesce(j.unreal, FALSE) OR coalesce(a.cancelled, FALSE) THEN 0
        ELSE greatest(w.ordered - coalesce(p.cancelled, 0), 0)
    END AS units,
    CASE
        WHEN coalesce(a.all_back, FALSE) THEN w.ordered
        ELSE least(w.ordered, coalesce(p.returned, 0))
    END AS returned,
    coalesce(j.unreal, FALSE) AS unreal,
    w.net_minor,
    w.discount_minor,
    w.occurred_us,
    w.dt,
    w.seq
FROM wanted AS w
LEFT JOIN whole AS a ON w.order_id = a.order_id
LEFT JOIN parts AS p ON w.order_id = p.order_id AND w.item_id = p.item_id
LEFT JOIN judged AS j ON w.order_id = j.order_id
