-- item_review_features: what reviews say of a product, as numbers for models: feeling, and each side.
-- Means are over the reviews that speak of the side; null where none does. The last judgement of a review counts.
-- inputs: review_sentiment
-- grain: one row per item_id that has judged reviews
-- keys: item_id
-- partition: none
-- build: whole
SELECT
    item_id,
    count(*) AS reviews,
    avg(sentiment) AS sentiment,
    avg(CASE WHEN sentiment < -0.25 THEN 1.0 ELSE 0.0 END) AS negative_share,
    avg(logistics) AS logistics, count(logistics) AS logistics_n,
    avg(quality) AS quality, count(quality) AS quality_n,
    avg(price) AS price, count(price) AS price_n,
    avg(service) AS service, count(service) AS service_n,
    avg(size) AS size, count(size) AS size_n,
    max(occurred_us) AS occurred_us,
    max(dt) AS dt
FROM (
    SELECT *, row_number() OVER (PARTITION BY review_id ORDER BY seq DESC) AS age
    FROM review_sentiment
) AS told
WHERE age = 1
GROUP BY item_id
