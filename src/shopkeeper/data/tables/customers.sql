-- customers: who was ever seen, with their orders and latest attributes.
-- inputs: customer_days, orders, customer_attributes
-- grain: one row per customer_id
-- keys: customer_id
-- partition: none
-- build: key
WITH seen AS (
    SELECT customer_id, min(first_us) AS first_seen_us, max(last_us) AS last_seen_us
    FROM customer_days
    GROUP BY customer_id
),
bought AS (
    SELECT
        customer_id,
        min(occurred_us) AS first_order_us,
        max(occurred_us) AS last_order_us,
        count(*) AS orders,
        sum(units) AS units,
        CAST(sum(net_minor) AS BIGINT) AS net_minor
    FROM orders
    WHERE customer_id IS NOT NULL AND status <> 'cancelled'
    GROUP BY customer_id
),
latest AS (
    SELECT
        customer_id, properties, language,
        row_number() OVER (PARTITION BY customer_id ORDER BY occurred_us DESC, seq DESC) AS age
    FROM customer_attributes
)
SELECT
    s.customer_id,
    s.first_seen_us,
    s.last_seen_us,
    b.first_order_us,
    b.last_order_us,
    coalesce(b.orders, 0) AS orders,
    coalesce(b.units, 0.0) AS units,
    coalesce(b.net_minor, 0) AS net_minor,
    a.properties,
    a.language
FROM seen AS s
LEFT JOIN bought AS b ON s.customer_id = b.customer_id
LEFT JOIN latest AS a ON s.customer_id = a.customer_id AND a.age = 1
