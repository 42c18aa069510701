"""The data-quality checks: a name, a severity, a sentence, a next step and a query each.

``error`` rows are wrong; ``warning`` rows may be right but deserve a look. ``{now_us}`` stands
for the present. Robust z is 0.6745 * (x - median) / median absolute deviation (Iglewicz and
Hoaglin, 1993): a few wild rows cannot hide themselves by moving the mean.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One question to the data; each row of the answer is a fault."""

    name: str
    severity: str
    says: str
    hint: str
    sql: str


# Events that customers and tills make; catalogue loads come in bursts and say nothing here.
_TRADE = """
    SELECT dt, kind, source, events, last_occurred_us, last_received_us FROM activity
    WHERE kind IN ('purchase', 'page_view', 'view_item', 'add_to_cart', 'search')
"""

# Days of each kind from its first to its last day, with 0 for a day without events.
_CALENDAR = f"""
    WITH trade AS (
        SELECT kind, dt, sum(events) AS events FROM ({_TRADE}) GROUP BY kind, dt
    ),
    span AS (
        SELECT kind, min(dt) AS first_dt, max(dt) AS last_dt, count(*) AS seen FROM trade
        GROUP BY kind
    ),
    days AS (
        SELECT kind, seen, CAST(unnest(generate_series(
            CAST(first_dt AS TIMESTAMP), CAST(last_dt AS TIMESTAMP), INTERVAL 1 DAY)) AS DATE) AS dt
        FROM span
    ),
    calendar AS (
        SELECT d.kind, d.dt, d.seen, coalesce(t.events, 0) AS events
        FROM days AS d LEFT JOIN trade AS t ON d.kind = t.kind AND d.dt = t.dt
    )
"""

CHECKS = (
    Check(
        name="gap_in_days",
        severity="warning",
        says="Days without a single event of a kind that otherwise comes on most days.",
        hint="Import the missing days, or confirm that the shop was closed.",
        sql=f"""
        {_CALENDAR}
        SELECT kind, dt FROM (
            SELECT *, count(*) OVER (PARTITION BY kind) AS all_days FROM calendar
        ) WHERE events = 0 AND seen >= 14 AND seen * 10 >= all_days * 8
        """,
    ),
    Check(
        name="partial_last_day",
        severity="warning",
        says="The newest day has far fewer events than its weekday usually has.",
        hint="End training before that day, or import the rest of it.",
        sql=f"""
        {_CALENDAR},
        usual AS (
            SELECT kind, strftime(dt, '%w') AS weekday, median(events) AS typical, max(dt) AS dt,
                count(*) AS weeks
            FROM calendar GROUP BY kind, strftime(dt, '%w')
        ),
        newest AS (SELECT kind, max(dt) AS dt FROM calendar GROUP BY kind)
        SELECT c.kind, c.dt, c.events, u.typical
        FROM calendar AS c
        JOIN newest AS n ON c.kind = n.kind AND c.dt = n.dt
        JOIN usual AS u ON c.kind = u.kind AND strftime(c.dt, '%w') = u.weekday
        WHERE u.weeks >= 4 AND u.typical >= 10 AND c.events < 0.5 * u.typical
        """,
    ),
    Check(
        name="volume_change",
        severity="warning",
        says="Days with far more or fewer events than that weekday in the eight weeks around it.",
        hint="Look for a double import, an outage or a campaign on these days.",
        sql=f"""
        {_CALENDAR},
        around AS (
            SELECT *, median(events) OVER w AS typical, count(*) OVER w AS weeks
            FROM calendar
            WINDOW w AS (PARTITION BY kind, strftime(dt, '%w') ORDER BY dt
                ROWS BETWEEN 4 PRECEDING AND 4 FOLLOWING)
        ),
        spread AS (
            SELECT kind, median(abs(events - typical)) AS mad FROM around GROUP BY kind
        )
        SELECT a.kind, a.dt, a.events, a.typical,
            round(0.6745 * (a.events - a.typical) / greatest(s.mad, 0.02 * a.typical, 1), 1)
                AS robust_z
        FROM around AS a JOIN spread AS s ON a.kind = s.kind
        WHERE a.weeks >= 4 AND a.typical >= 10
            AND abs(0.6745 * (a.events - a.typical) / greatest(s.mad, 0.02 * a.typical, 1)) > 6
            AND (a.events > 2 * a.typical OR a.events < 0.5 * a.typical)
            AND a.events > 0
            AND a.dt < (SELECT max(dt) FROM calendar)
        """,
    ),
    Check(
        name="duplicate_orders",
        severity="warning",
        says="The same customer bought the same lines again within an hour, under another id.",
        hint="Import again with the shop's own order ids; cleaning leaves the copies out.",
        sql="""
        WITH content AS (
            SELECT order_id, customer_id, min(occurred_us) AS occurred_us, count(*) AS lines,
                concat(count(*), ':', sum(hash(item_id, quantity, price_minor) >> 8))
                    AS goods
            FROM order_lines WHERE customer_id IS NOT NULL GROUP BY order_id, customer_id
        ),
        paired AS (
            SELECT *,
                lag(order_id) OVER w AS before_id, lag(occurred_us) OVER w AS before_us
            FROM content
            WINDOW w AS (PARTITION BY customer_id, goods ORDER BY occurred_us, order_id)
        )
        SELECT order_id, before_id AS copy_of, customer_id, occurred_us, lines FROM paired
        WHERE occurred_us - before_us <= 3600000000
        """,
    ),
    Check(
        name="repeated_order_id",
        severity="error",
        says="One order id in several purchase events with the same lines.",
        hint="Send a stable event_id per order, so that a page loaded twice counts once.",
        sql="""
        SELECT order_id, item_id, line, count(*) AS times FROM order_lines
        GROUP BY order_id, item_id, line, quantity, net_minor HAVING count(*) > 1
        """,
    ),
    Check(
        name="future_dates",
        severity="error",
        says="Events that occurred later than now, or more than a minute after they arrived.",
        hint="Correct the sender's clock or time zone.",
        sql="""
        SELECT event_id, kind, source, occurred_us, received_us FROM events
        WHERE occurred_us > {now_us} OR occurred_us > received_us + 60000000
        """,
    ),
    Check(
        name="clock_skew",
        severity="warning",
        says="Sources whose events say to have occurred minutes after, or hours before, arrival.",
        hint="Set the clock of that source; live events should arrive within minutes.",
        sql="""
        SELECT coalesce(source, '') AS source, count(*) AS events,
            round(median(received_us - occurred_us) / 1e6, 1) AS median_delay_seconds,
            round(min(received_us - occurred_us) / 1e6, 1) AS least_delay_seconds
        FROM events
        WHERE coalesce(source, '') NOT IN ('import', 'demo')
            AND kind NOT IN ('item', 'customer', 'promotion', 'decision')
        GROUP BY coalesce(source, '')
        HAVING count(*) >= 20 AND (
            median(received_us - occurred_us) < -5e6
            OR median(received_us - occurred_us) BETWEEN 600e6 AND 86400e6
        )
        """,
    ),
    Check(
        name="negative_money",
        severity="error",
        says="Order lines that cost less than nothing after their discount.",
        hint="Send discount_minor for the whole line, at most price times quantity.",
        sql="""
        SELECT order_id, line, item_id, quantity, price_minor, discount_minor, net_minor
        FROM order_lines WHERE net_minor < 0 OR price_minor < 0 OR quantity < 0
        """,
    ),
    Check(
        name="absurd_price",
        severity="warning",
        says="Order lines priced far from what the same item usually costs (robust z above 12).",
        hint="Look for a lost decimal point, or a price per case instead of per piece.",
        sql="""
        WITH logged AS (
            SELECT *, ln(price_minor) AS size FROM order_lines WHERE price_minor > 0
        ),
        usual AS (
            SELECT item_id, median(size) AS typical, count(*) AS seen FROM logged
            GROUP BY item_id HAVING count(*) >= 10
        ),
        spread AS (
            SELECT l.item_id, median(abs(l.size - u.typical)) AS mad
            FROM logged AS l JOIN usual AS u ON l.item_id = u.item_id GROUP BY l.item_id
        )
        SELECT l.order_id, l.item_id, l.price_minor, round(exp(u.typical)) AS typical_minor
        FROM logged AS l
        JOIN usual AS u ON l.item_id = u.item_id
        JOIN spread AS s ON l.item_id = s.item_id
        WHERE 0.6745 * abs(l.size - u.typical) / greatest(s.mad, 0.05) > 12
            AND abs(l.size - u.typical) > ln(5)
        """,
    ),
    Check(
        name="absurd_quantity",
        severity="warning",
        says="Order lines with far more pieces than the item usually sells at once.",
        hint="Look for weights sent as pieces, or a resale order; cleaning leaves them out.",
        sql="""
        WITH usual AS (
            SELECT item_id, median(quantity) AS typical FROM order_lines
            WHERE quantity > 0 GROUP BY item_id HAVING count(*) >= 10
        ),
        spread AS (
            SELECT l.item_id, median(abs(l.quantity - u.typical)) AS mad
            FROM order_lines AS l JOIN usual AS u ON l.item_id = u.item_id GROUP BY l.item_id
        )
        SELECT l.order_id, l.item_id, l.quantity, u.typical
        FROM order_lines AS l
        JOIN usual AS u ON l.item_id = u.item_id
        JOIN spread AS s ON l.item_id = s.item_id
        WHERE 0.6745 * (l.quantity - u.typical) / greatest(s.mad, 1) > 30
            AND l.quantity >= 20 * greatest(u.typical, 1)
        """,
    ),
    Check(
        name="price_jump",
        severity="warning",
        says="Catalogue prices that became ten times higher or lower in one step.",
        hint="Check the feed's decimal point and currency.",
        sql="""
        SELECT item_id, occurred_us, before_minor, price_minor FROM (
            SELECT item_id, occurred_us, price_minor,
                lag(price_minor) OVER (PARTITION BY item_id, currency, location_id
                    ORDER BY occurred_us, seq) AS before_minor
            FROM prices
        ) WHERE before_minor > 0 AND price_minor > 0
            AND (price_minor >= 10 * before_minor OR before_minor >= 10 * price_minor)
        """,
    ),
    Check(
        name="no_catalogue_entry",
        severity="warning",
        says="Items that customers bought or looked at, but that no item event describes.",
        hint="Import the catalogue: shopkeeper import items FILE.",
        sql="SELECT item_id, created_us AS first_seen_us FROM items WHERE NOT in_catalogue",
    ),
    Check(
        name="missing_title",
        severity="warning",
        says="Catalogue entries without a title; text neighbours cannot place them.",
        hint="Add a title to these items and import the catalogue again.",
        sql="""
        SELECT item_id, category, brand FROM items
        WHERE in_catalogue AND trim(coalesce(title, '')) = ''
        """,
    ),
    Check(
        name="no_customer",
        severity="warning",
        says="Orders that name no customer; they teach what sells, not who returns.",
        hint="Send customer_id with purchases, also for guests (a stable id per guest).",
        sql="SELECT order_id, occurred_us, lines, net_minor FROM orders WHERE customer_id IS NULL",
    ),
    Check(
        name="mixed_currencies",
        severity="warning",
        says="Currencies beside the most used one; sums of money are made per currency.",
        hint="Confirm that the shop sells in these currencies.",
        sql="""
        SELECT currency, orders, main_currency FROM (
            SELECT currency, count(*) AS orders,
                first_value(currency) OVER (ORDER BY count(*) DESC, currency) AS main_currency
            FROM orders GROUP BY currency
        ) WHERE currency <> main_currency
        """,
    ),
    Check(
        name="stock_negative",
        severity="warning",
        says="Products whose books say less than nothing on hand: more was sold than came in.",
        hint="Count them and import the counts, or import the deliveries that are missing.",
        sql="""
        SELECT item_id, location_id, min(dt) AS first_dt, count(*) AS days,
            min(least_on_hand) AS least_on_hand
        FROM stock_days WHERE least_on_hand < 0 GROUP BY item_id, location_id
        """,
    ),
    Check(
        name="duplicate_deliveries",
        severity="warning",
        says="The same product and quantity of one shipment told more than once; it counts once.",
        hint="Give each part of a delivery its own shipment_id, and send each once.",
        sql="""
        SELECT purchase_order_id, shipment_id, item_id, quantity, count(*) AS times
        FROM delivery_lines WHERE order_id IS NULL AND item_id IS NOT NULL
        GROUP BY purchase_order_id, shipment_id, item_id, quantity HAVING count(*) > 1
        """,
    ),
    Check(
        name="unit_change",
        severity="warning",
        says="Products whose price per unit stays four times higher or lower than before, as when "
        "the case is sold instead of the piece.",
        hint="Sell the case under a new item_id; else demand and stock count two things as one.",
        sql="""
        WITH weekly AS (
            SELECT item_id, CAST(date_trunc('week', dt) AS DATE) AS week,
                sum(net_minor + discount_minor) / sum(ordered) AS price,
                sum(ordered) / sum(orders) AS per_order
            FROM demand_history WHERE ordered > 0 GROUP BY item_id, date_trunc('week', dt)
        ),
        suspects AS (
            SELECT item_id FROM weekly WHERE price > 0
            GROUP BY item_id HAVING count(*) >= 8 AND max(price) >= 4 * min(price)
        ),
        around AS (
            SELECT *, median(price) OVER b AS price_before, median(price) OVER a AS price_after,
                median(per_order) OVER b AS per_order_before,
                median(per_order) OVER a AS per_order_after,
                count(*) OVER b AS weeks_before, count(*) OVER a AS weeks_after
            FROM weekly WHERE item_id IN (SELECT item_id FROM suspects) AND price > 0
            WINDOW
                b AS (PARTITION BY item_id ORDER BY week ROWS BETWEEN 4 PRECEDING AND 1 PRECEDING),
                a AS (PARTITION BY item_id ORDER BY week ROWS BETWEEN CURRENT ROW AND 3 FOLLOWING)
        )
        SELECT item_id, min(week) AS week,
            round(arg_min(price_before, week)) AS price_before_minor,
            round(arg_min(price_after, week)) AS price_after_minor,
            arg_min(per_order_before, week) AS per_order_before,
            arg_min(per_order_after, week) AS per_order_after
        FROM around
        WHERE weeks_before >= 4 AND weeks_after >= 4
            AND (price_after >= 4 * price_before OR price_before >= 4 * price_after)
        GROUP BY item_id
        """,
    ),
    Check(
        name="renamed_sku",
        severity="warning",
        says="A product stopped selling and another with the same title and brand began within "
        "four weeks: perhaps one product under a new id.",
        hint="If so, send its item event with properties.replaces = the old id; demand goes on.",
        sql="""
        WITH named AS (
            SELECT i.item_id, i.title, coalesce(i.brand, '') AS brand, s.first_dt, s.last_dt,
                s.units, count(*) OVER (PARTITION BY i.title, coalesce(i.brand, '')) AS alike,
                coalesce(i.properties ->> '$.replaces', '') AS replaces
            FROM items AS i JOIN item_sales AS s ON i.item_id = s.item_id
            WHERE trim(coalesce(i.title, '')) <> ''
        )
        SELECT o.item_id, n.item_id AS new_item_id, o.title, o.last_dt, n.first_dt
        FROM named AS o JOIN named AS n ON o.title = n.title AND o.brand = n.brand
        WHERE o.alike = 2 AND o.item_id <> n.item_id AND n.replaces <> o.item_id
            AND n.first_dt > o.last_dt AND n.first_dt <= o.last_dt + INTERVAL 28 DAY
            AND o.last_dt <= (SELECT max(last_dt) FROM named) - INTERVAL 28 DAY
            AND o.units >= 10
        """,
    ),
)
