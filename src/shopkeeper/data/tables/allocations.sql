-- allocations: from where each order ships, as last decided, and how it stands.
-- Of an order that was allocated again only the last decision counts. held: set aside at
-- checkout; waiting: the order came; shipped: all of it left; ended: nothing is held any more.
-- inputs: reservation_lines, shipments, orders
-- grain: one row per order and location
-- keys: order_id, location_id
-- partition: none
-- build: whole
WITH latest AS (
    SELECT order_id, decision_id, occurred_us
    FROM (
        SELECT
            order_id, decision_id, occurred_us,
            row_number() OVER (PARTITION BY order_id ORDER BY occurred_us DESC, seq DESC, line) AS age
        FROM reservation_lines
        WHERE status = 'held'
    ) AS told
    WHERE age = 1
),
parts AS (
    SELECT
        r.order_id, r.location_id,
        min(r.decision_id) AS decision_id,
        min(r.carrier) AS carrier,
        min(r.promised_us) AS promised_us,
        min(r.ends_us) AS ends_us,
        min(r.occurred_us) AS held_us,
        min(r.dt) AS dt,
        count(*) AS lines,
        sum(r.quantity) AS units
    FROM reservation_lines AS r
    JOIN latest AS l ON r.order_id = l.order_id AND r.decision_id = l.decision_id
    WHERE r.status = 'held'
    GROUP BY r.order_id, r.location_id
),
freed AS (
    SELECT order_id, max(occurred_us) AS freed_us
    FROM reservation_lines
    WHERE status = 'free'
    GROUP BY order_id
),
gone AS (
    SELECT order_id, location_id, sum(quantity) AS units, min(occurred_us) AS shipped_us
    FROM shipments
    WHERE order_id IS NOT NULL
    GROUP BY order_id, location_id
)
SELECT
    p.order_id, p.location_id, p.decision_id, o.customer_id, p.carrier, p.lines, p.units,
    p.promised_us, p.held_us, p.ends_us, o.occurred_us AS ordered_us, g.shipped_us,
    coalesce(g.units, 0) AS shipped_units,
    CASE
        WHEN g.units >= p.units THEN 'shipped'
        WHEN o.status IN ('cancelled', 'refunded') THEN 'cancelled'
        WHEN f.freed_us >= p.held_us THEN 'ended'
        WHEN o.order_id IS NOT NULL THEN 'waiting'
        ELSE 'held'
    END AS state,
    p.dt
FROM parts AS p
LEFT JOIN orders AS o ON p.order_id = o.order_id
LEFT JOIN gone AS g ON p.order_id = g.order_id AND p.location_id = g.location_id
LEFT JOIN freed AS f ON p.order_id = f.order_id
