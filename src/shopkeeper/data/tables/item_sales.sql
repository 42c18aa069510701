-- item_sales: how much of an item was ever sold, and when last; what ranks a search.
-- inputs: daily_demand
-- grain: one row per item that was ever sold
-- keys: item_id
-- partition: none
-- build: key
SELECT
    item_id,
    sum(units) AS units,
    CAST(sum(orders) AS BIGINT) AS orders,
    CAST(sum(net_minor) AS BIGINT) AS net_minor,
    min(dt) AS first_dt,
    max(dt) AS last_dt
FROM daily_demand
GROUP BY item_id
