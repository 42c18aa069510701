-- suppliers: the terms that hold now: a supplier's last word in general and for each product.
-- inputs: supplier_terms
-- grain: one row per supplier and product, and one per supplier with item_id ''
-- keys: supplier_id, item_id
-- partition: none
-- build: key
SELECT
    supplier_id, item_id, title, price_minor, currency, status, lead_time_days, minimum_quantity,
    pack_size, order_cost_minor, minimum_value_minor, shelf_life_days, volume_per_unit, price_breaks,
    order_weekdays, returnable, source, occurred_us
FROM (
    SELECT
        supplier_id, coalesce(item_id, '') AS item_id, title, price_minor, currency, status,
        lead_time_days, minimum_quantity, pack_size, order_cost_minor, minimum_value_minor,
        shelf_life_days, volume_per_unit, price_breaks, order_weekdays, returnable, source, occurred_us,
        row_number() OVER (
            PARTITION BY supplier_id, coalesce(item_id, '') ORDER BY occurred_us DESC, seq DESC
        ) AS age
    FROM supplier_terms
) AS told
WHERE age = 1
