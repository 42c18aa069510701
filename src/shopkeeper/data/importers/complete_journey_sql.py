"""The questions that complete_journey.py asks of the data's Parquet files, in DuckDB's dialect.

Run at build time only and never on an event log, so not bound to what other engines know.
"""

from __future__ import annotations

# The till's clock: the data's UTC minus the hours of US Eastern time, whose summer ran from
# 12 March 07:00 to 5 November 06:00 UTC in 2017. A day then begins at midnight in the store.
_STORE_TIME = """
moment - CASE WHEN moment >= TIMESTAMP '2017-03-12 07:00:00'
  AND moment < TIMESTAMP '2017-11-05 06:00:00' THEN INTERVAL 4 HOURS ELSE INTERVAL 5 HOURS END
"""
# Gasoline is counted in thousandths of a gallon; every other quantity is in pieces. A line with
# quantity 0 and money is one piece; with neither it is a till's note on a coupon, not a sale.
# Whole numbers throughout: price is the shelf price per unit rounded up to a cent, and what
# that adds goes into the discount, so round(quantity * price) - discount is exact. A product
# that ends in half a cent takes the next price, so that every way of rounding agrees.
LINES = f"""
CREATE TABLE lines AS
WITH raw AS (
  SELECT t.basket_id, t.household_id, t.store_id, t.product_id, t.transaction_timestamp AS moment,
    CASE WHEN starts_with(p.product_type, 'GASOLINE') AND t.quantity >= 100 THEN t.quantity
         WHEN t.quantity = 0 THEN 1000
         ELSE t.quantity * 1000 END AS milli,
    t.quantity = 0 AND t.sales_value = 0 AS is_note,
    CAST(round(t.sales_value * 100) AS BIGINT) AS net,
    CAST(round(t.retail_disc * 100) + round(t.coupon_match_disc * 100) AS BIGINT) AS own,
    CAST(round(t.coupon_disc * 100) AS BIGINT) AS coupon
  FROM read_parquet(?) t LEFT JOIN read_parquet(?) p USING (product_id)
), priced AS (
  SELECT * REPLACE ({_STORE_TIME} AS moment),
    ((net + own) * 1000 + milli - 1) // milli AS price FROM raw
), settled AS (
  SELECT * EXCLUDE (price),
    price + CASE WHEN milli * price % 1000 = 500 THEN 1 ELSE 0 END AS price FROM priced
)
SELECT *, (milli * price + 500) // 1000 - net AS discount FROM settled
"""
OURS = """
CREATE TABLE ours AS SELECT * FROM lines
WHERE len(CAST(? AS BIGINT[])) = 0 OR list_contains(CAST(? AS BIGINT[]), household_id)
"""
BASKETS = """
SELECT basket_id, any_value(household_id) AS household_id, any_value(store_id) AS store_id,
  epoch_us(min(moment)) AS at_us, CAST(sum(coupon) AS BIGINT) AS coupon,
  list(product_id ORDER BY product_id) FILTER (NOT is_note) AS product_ids,
  list(milli ORDER BY product_id) FILTER (NOT is_note) AS millis,
  list(price ORDER BY product_id) FILTER (NOT is_note) AS prices,
  list(discount ORDER BY product_id) FILTER (NOT is_note) AS discounts,
  CAST(sum(net) FILTER (NOT is_note) AS BIGINT) AS net
FROM ours GROUP BY basket_id
HAVING count(*) FILTER (NOT is_note) > 0
ORDER BY at_us, basket_id
"""
ITEMS = """
WITH sold AS (
  SELECT product_id, arg_max(price, (moment, basket_id)) AS price
  FROM lines WHERE NOT is_note GROUP BY 1
), ids AS (
  SELECT product_id FROM read_parquet(?) UNION SELECT product_id FROM lines
)
SELECT product_id, p.department, p.brand, p.product_category, p.product_type, p.package_size,
  p.manufacturer_id, sold.price
FROM ids LEFT JOIN read_parquet(?) p USING (product_id) LEFT JOIN sold USING (product_id)
WHERE CAST(? AS BOOLEAN) OR product_id IN (SELECT product_id FROM ours)
ORDER BY product_id
"""
CUSTOMERS = """
SELECT household_id, d.* EXCLUDE (household_id)
FROM (SELECT DISTINCT household_id FROM ours) LEFT JOIN read_parquet(?) d USING (household_id)
ORDER BY household_id
"""
# A store is one bit of a 128-bit number (112 stores report): counting distinct stores by
# bit_or and bit_count takes a quarter of the time of count(DISTINCT) over 20.9 million rows.
PROMOTIONS = """
WITH stores AS (
  SELECT store_id, CAST(row_number() OVER (ORDER BY store_id) - 1 AS INTEGER) AS bit,
    count(*) OVER () AS n
  FROM (SELECT DISTINCT store_id FROM read_parquet(?))
), shares AS (
  SELECT week, product_id, any_value(n) AS n,
    bit_count(bit_or(CASE WHEN mailer_location <> '0' THEN CAST(1 AS HUGEINT) << bit ELSE 0 END))
      AS in_mailer,
    bit_count(bit_or(CASE WHEN display_location <> '0' THEN CAST(1 AS HUGEINT) << bit ELSE 0 END))
      AS on_display
  FROM read_parquet(?) JOIN stores USING (store_id) GROUP BY week, product_id
), kinds AS (
  SELECT week, 'mailer' AS kind, product_id, in_mailer / n AS share FROM shares
  UNION ALL SELECT week, 'display', product_id, on_display / n FROM shares
)
SELECT week, kind, list(product_id ORDER BY product_id) AS product_ids
FROM kinds WHERE share >= ? GROUP BY week, kind ORDER BY week, kind
"""
# First and last moment are those of all households, so that a part gets the same shift.
FACTS = """
SELECT (SELECT epoch_us(min(moment)) FROM lines), (SELECT epoch_us(max(moment)) FROM lines),
  count(DISTINCT basket_id), count(DISTINCT household_id), count(*), count(*) FILTER (is_note),
  CAST(sum(net) AS BIGINT)
FROM ours
"""
# A household that shops often, and what it buys most of all that is not fuel.
EXAMPLE = """
WITH best AS (
  SELECT household_id FROM ours GROUP BY household_id
  ORDER BY count(DISTINCT basket_id) DESC, household_id LIMIT 1
)
SELECT CAST(household_id AS VARCHAR), CAST(product_id AS VARCHAR)
FROM ours JOIN best USING (household_id)
WHERE NOT is_note AND milli % 1000 = 0
GROUP BY household_id, product_id ORDER BY count(*) DESC, product_id LIMIT 1
"""
# The products that sold lately and in many weeks, dearest turnover first, by day of the store.
SELLERS = """
WITH ends AS (SELECT max(moment) AS last FROM lines), kept AS (
  SELECT l.product_id, arg_max(l.price, l.moment) AS price, sum(l.net) AS net
  FROM ours l JOIN ends ON TRUE JOIN read_parquet(?) p USING (product_id)
  WHERE NOT l.is_note AND NOT list_contains(CAST(? AS VARCHAR[]), coalesce(p.department, ''))
    AND NOT starts_with(coalesce(p.product_type, ''), 'GASOLINE')
  GROUP BY l.product_id, ends.last
  HAVING max(l.moment) >= ends.last - INTERVAL 56 DAY
    AND count(DISTINCT date_trunc('week', l.moment)) >= ?
  ORDER BY net DESC, l.product_id LIMIT ?
)
SELECT CAST(k.product_id AS VARCHAR) AS item_id, k.price, p.department,
  list(epoch_us(date_trunc('day', l.moment)) ORDER BY l.moment, l.basket_id) AS days_us,
  list(ceil(l.milli / 1000.0) ORDER BY l.moment, l.basket_id) AS units
FROM kept k JOIN read_parquet(?) p USING (product_id) JOIN ours l USING (product_id)
WHERE NOT l.is_note
GROUP BY k.product_id, k.price, p.department ORDER BY k.product_id
"""
