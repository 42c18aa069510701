-- orders: one order with what it holds and how it ended.
-- A thank-you page that was loaded twice sends the same lines again: they count once.
-- ``hold`` says whether fraud holds it: held, released, cancelled, or null.
-- inputs: order_lines, refunds, order_holds
-- grain: one row per order_id
-- keys: order_id
-- partition: none
-- build: key
WITH lines AS (
    SELECT
        order_id, item_id, line, quantity, net_minor,
        min(customer_id) AS customer_id,
        min(session_id) AS session_id,
        min(occurred_us) AS occurred_us,
        min(dt) AS dt,
        min(currency) AS currency,
        min(location_id) AS location_id
    FROM order_lines
    GROUP BY order_id, item_id, line, quantity, net_minor
),
placed AS (
    SELECT
        order_id,
        min(customer_id) AS customer_id,
        min(session_id) AS session_id,
        min(occurred_us) AS occurred_us,
        min(dt) AS dt,
        count(*) AS lines,
        sum(quantity) AS units,
        CAST(sum(net_minor) AS BIGINT) AS net_minor,
        min(currency) AS currency,
        min(location_id) AS location_id
    FROM lines
    GROUP BY order_id
),
back AS (
    SELECT
        order_id,
        bool_or(kind = 'cancel') AS cancelled,
        bool_or(kind = 'refund') AS refunded,
        bool_or(kind = 'refund' AND value_minor IS NULL AND item_id IS NULL) AS all_back,
        CAST(sum(CASE WHEN kind = 'refund' THEN coalesce(value_minor, 0) ELSE 0 END) AS BIGINT) AS refunded_minor
    FROM refunds
    GROUP BY order_id
)
SELECT
    p.order_id,
    p.customer_id,
    p.session_id,
    p.occurred_us,
    p.dt,
    p.lines,
    p.units,
    p.net_minor,
    p.currency,
    p.location_id,
    CASE
        WHEN b.cancelled THEN 'cancelled'
        WHEN b.all_back OR (b.refunded AND b.refunded_minor >= p.net_minor) THEN 'refunded'
        WHEN b.refunded THEN 'partly_refunded'
        ELSE 'placed'
    END AS status,
    CASE WHEN b.all_back THEN p.net_minor ELSE coalesce(b.refunded_minor, 0) END AS refunded_minor,
    h.hold
FROM placed AS p
LEFT JOIN back AS b ON p.order_id = b.order_id
LEFT JOIN order_holds AS h ON p.order_id = h.order_id
