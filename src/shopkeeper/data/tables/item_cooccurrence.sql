-- item_cooccurrence: what is bought together. lift is observed over expected baskets, shrunk
-- towards 1 by 10 pseudo-baskets; items below 5 baskets and baskets above 60 items say nothing.
-- inputs: order_lines
-- grain: one row per ordered pair, the 50 strongest per item
-- keys: item_id, other_item_id
-- partition: none
-- build: whole
-- refresh: day
WITH bought AS (
    SELECT DISTINCT order_id, item_id
    FROM order_lines
),
baskets AS (
    SELECT count(DISTINCT order_id) AS n FROM bought
),
popular AS (
    SELECT item_id, count(*) AS n, row_number() OVER (ORDER BY item_id) AS item
    FROM bought
    GROUP BY item_id
    HAVING count(*) >= 5
),
sizes AS (
    SELECT order_id, row_number() OVER (ORDER BY order_id) AS basket
    FROM bought
    GROUP BY order_id
    HAVING count(*) BETWEEN 2 AND 60
),
thin AS (
    SELECT s.basket, p.item
    FROM bought AS b
    JOIN sizes AS s ON b.order_id = s.order_id
    JOIN popular AS p ON b.item_id = p.item_id
),
pairs AS (
    SELECT a.item AS a, b.item AS b, count(*) AS together
    FROM thin AS a
    JOIN thin AS b ON a.basket = b.basket AND a.item < b.item
    GROUP BY a.item, b.item
    HAVING count(*) >= 3
),
both_ways AS (
    SELECT a, b, together FROM pairs
    UNION ALL
    SELECT b AS a, a AS b, together FROM pairs
),
lifted AS (
    SELECT
        p.item_id,
        q.item_id AS other_item_id,
        w.together,
        (w.together + 10.0) / nullif(CAST(p.n AS DOUBLE) * q.n / nullif(t.n, 0) + 10.0, 0) AS lift
    FROM both_ways AS w
    JOIN popular AS p ON w.a = p.item
    JOIN popular AS q ON w.b = q.item
    CROSS JOIN baskets AS t
),
ranked AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY item_id ORDER BY lift DESC, together DESC, other_item_id) AS place
    FROM lifted
)
SELECT item_id, other_item_id, together, lift
FROM ranked
WHERE place <= 50
