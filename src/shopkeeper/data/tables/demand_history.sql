-- demand_history: units of a product asked for on a day at the place that keeps its stock.
-- Demand counts when ordered, at the order's own location if the product's stock was ever counted
-- there, else where it is counted first by name, else at '' (the shop as a whole). one_off are
-- units of bulk orders: 20 times the product's middle order or more; they stay in units.
-- Days without a row asked for nothing, from the first row on.
-- inputs: order_demand, stock
-- grain: one row per product, location and day with an order
-- keys: item_id, location_id, dt
-- partition: none
-- build: key
WITH kept AS (
    SELECT DISTINCT item_id, coalesce(location_id, '') AS location_id
    FROM stock
),
main AS (
    SELECT item_id, min(location_id) AS location_id FROM kept GROUP BY item_id
),
placed AS (
    SELECT
        o.item_id,
        coalesce(k.location_id, m.location_id, '') AS location_id,
        o.dt, o.order_id, o.ordered, o.units, o.returned, o.net_minor, o.discount_minor, o.unreal,
        row_number() OVER (PARTITION BY o.item_id ORDER BY o.units, o.order_id, o.location_id) AS place,
        count(*) OVER (PARTITION BY o.item_id) AS orders
    FROM order_demand AS o
    LEFT JOIN kept AS k ON o.item_id = k.item_id AND o.location_id = k.location_id
    LEFT JOIN main AS m ON o.item_id = m.item_id
),
middle AS (
    SELECT item_id, greatest(max(units), 1) AS units
    FROM placed
    WHERE orders >= 10 AND place * 2 <= orders + 1
    GROUP BY item_id
)
SELECT
    p.item_id,
    p.location_id,
    p.dt,
    sum(p.units) AS units,
    sum(p.ordered) AS ordered,
    sum(p.returned) AS returned,
    sum(CASE WHEN p.units >= 20 * m.units THEN p.units ELSE 0 END) AS one_off,
    count(DISTINCT p.order_id) AS orders,
    CAST(sum(p.net_minor) AS BIGINT) AS net_minor,
    CAST(sum(p.discount_minor) AS BIGINT) AS discount_minor
FROM placed AS p
LEFT JOIN middle AS m ON p.item_id = m.item_id
GROUP BY p.item_id, p.location_id, p.dt
