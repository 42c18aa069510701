-- items: the catalogue as it stands; an item known only from orders or views has no title.
-- inputs: catalogue, prices, interactions
-- grain: one row per item_id
-- keys: item_id
-- partition: none
-- build: key
WITH latest AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY item_id ORDER BY occurred_us DESC, seq DESC) AS age,
        min(occurred_us) OVER (PARTITION BY item_id) AS created_us
    FROM catalogue
),
priced AS (
    SELECT
        item_id, price_minor, currency,
        row_number() OVER (PARTITION BY item_id ORDER BY occurred_us DESC, seq DESC) AS age
    FROM prices
),
used AS (
    SELECT item_id, min(occurred_us) AS first_us, max(occurred_us) AS last_us
    FROM interactions
    GROUP BY item_id
)
SELECT
    coalesce(c.item_id, u.item_id) AS item_id,
    c.title,
    c.description,
    c.category,
    c.brand,
    coalesce(p.price_minor, c.price_minor) AS price_minor,
    coalesce(p.currency, c.currency) AS currency,
    CASE WHEN c.kind = 'item_removed' THEN FALSE ELSE coalesce(c.available, TRUE) END AS available,
    coalesce(c.hidden, FALSE) OR coalesce(c.kind = 'item_removed', FALSE) AS hidden,
    c.replenishable,
    c.image_url,
    c.url,
    coalesce(c.created_us, u.first_us) AS created_us,
    coalesce(c.occurred_us, u.last_us) AS updated_us,
    c.properties,
    coalesce(c.kind = 'item', FALSE) AS in_catalogue
FROM (SELECT * FROM latest WHERE age = 1) AS c
FULL JOIN used AS u ON c.item_id = u.item_id
LEFT JOIN (SELECT * FROM priced WHERE age = 1) AS p ON coalesce(c.item_id, u.item_id) = p.item_id
