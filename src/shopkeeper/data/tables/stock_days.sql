-- stock_days: the stock ledger by day: last count, plus deliveries from suppliers, less orders since.
-- A count sets the books right. in_stock_share is the share of the day with stock above zero;
-- days without a row are as the day before ended. Nothing is known before the first count.
-- inputs: stock, order_demand, delivery_lines
-- grain: one row per product, location and day with a movement
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
arrived AS (
    SELECT item_id, coalesce(location_id, '') AS location_id, quantity, min(occurred_us) AS occurred_us,
        min(dt) AS dt, min(seq) AS seq
    FROM delivery_lines
    WHERE item_id IS NOT NULL AND order_id IS NULL
        AND (purchase_order_id IS NOT NULL OR supplier_id IS NOT NULL)
    GROUP BY item_id, coalesce(location_id, ''), purchase_order_id, shipment_id, quantity
),
moves AS (
    SELECT item_id, coalesce(location_id, '') AS location_id, occurred_us, dt, seq,
        quantity AS counted, 0.0 AS received, 0.0 AS sold
    FROM stock
    UNION ALL
    SELECT item_id, location_id, occurred_us, dt, seq, NULL, coalesce(quantity, 0), 0.0 FROM arrived
    UNION ALL
    SELECT item_id, location_id, occurred_us, dt, seq, NULL, 0.0, units FROM order_demand WHERE units > 0
),
placed AS (
    SELECT
        v.item_id, coalesce(k.location_id, m.location_id) AS location_id,
        v.occurred_us, v.dt, v.seq, v.counted, v.received, v.sold
    FROM moves AS v
    JOIN main AS m ON v.item_id = m.item_id
    LEFT JOIN kept AS k ON v.item_id = k.item_id AND v.location_id = k.location_id
),
eras AS (
    SELECT
        *,
        sum(CASE WHEN counted IS NULL THEN 0 ELSE 1 END) OVER (
            PARTITION BY item_id, location_id ORDER BY occurred_us, seq, received, sold
            ROWS UNBOUNDED PRECEDING
        ) AS era
    FROM placed
),
books AS (
    SELECT
        item_id, location_id, occurred_us, dt, seq, received, sold, counted,
        max(counted) OVER (PARTITION BY item_id, location_id, era)
        + sum(received - sold) OVER (
            PARTITION BY item_id, location_id, era ORDER BY occurred_us, seq, received, sold
            ROWS UNBOUNDED PRECEDING
        ) AS on_hand
    FROM eras
    WHERE era > 0
),
around AS (
    SELECT
        *,
        lag(on_hand) OVER w AS before,
        lag(dt) OVER w AS before_dt,
        lead(occurred_us) OVER w AS next_us,
        row_number() OVER (
            PARTITION BY item_id, location_id, dt ORDER BY occurred_us DESC, seq DESC, received DESC, sold DESC
        ) AS last
    FROM books
    WINDOW w AS (PARTITION BY item_id, location_id ORDER BY occurred_us, seq, received, sold)
),
spans AS (
    SELECT
        item_id, location_id, dt, received, sold, counted, on_hand, last,
        counted - before AS adjusted,
        CASE
            WHEN before_dt = dt OR coalesce(before, on_hand) <= 0 THEN 0
            ELSE occurred_us % 86400000000
        END
        + CASE
            WHEN on_hand <= 0 THEN 0
            ELSE least(coalesce(next_us - occurred_us, 86400000000), 86400000000 - occurred_us % 86400000000)
        END AS in_stock_us
    FROM around
)
SELECT
    item_id,
    location_id,
    dt,
    max(CASE WHEN last = 1 THEN on_hand END) AS on_hand,
    min(on_hand) AS least_on_hand,
    sum(received) AS received,
    sum(sold) AS sold,
    sum(adjusted) AS adjusted,
    count(counted) AS counts,
    least(sum(in_stock_us) / 86400000000.0, 1.0) AS in_stock_share
FROM spans
GROUP BY item_id, location_id, dt
