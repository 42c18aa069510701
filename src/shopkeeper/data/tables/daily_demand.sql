-- daily_demand: units of an item bought on a day. Sales: a stock-out cuts them off.
-- inputs: order_lines
-- grain: one row per item and day with a sale
-- keys: item_id, dt
-- partition: dt
-- build: partition
SELECT
    item_id,
    dt,
    sum(quantity) AS units,
    count(DISTINCT order_id) AS orders,
    CAST(sum(net_minor) AS BIGINT) AS net_minor
FROM order_lines
GROUP BY item_id, dt
