-- purchase_orders: each product of a purchase order: ordered, promised, received, and how it stands.
-- A delivery told twice (same shipment, product and quantity) counts once. A later event of the
-- same purchase order replaces quantities that it names and the promised day; status cancelled
-- or closed ends it.
-- inputs: purchase_order_lines, delivery_lines
-- grain: one row per purchase order and product
-- keys: purchase_order_id, item_id
-- partition: none
-- build: key
WITH told AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY purchase_order_id, item_id ORDER BY occurred_us DESC, seq DESC, line DESC
        ) AS age
    FROM purchase_order_lines
    WHERE item_id IS NOT NULL
),
head AS (
    SELECT purchase_order_id, min(occurred_us) AS ordered_us, min(dt) AS dt,
        bool_or(status = 'cancelled') AS cancelled,
        bool_or(status = 'closed') AS closed,
        bool_or(status = 'confirmed') AS confirmed
    FROM purchase_order_lines
    GROUP BY purchase_order_id
),
promises AS (
    SELECT
        purchase_order_id, promised_us,
        row_number() OVER (PARTITION BY purchase_order_id ORDER BY occurred_us DESC, seq DESC) AS age
    FROM purchase_order_lines
    WHERE promised_us IS NOT NULL
),
arrived AS (
    SELECT
        purchase_order_id, item_id, shipment_id, quantity, min(occurred_us) AS received_us
    FROM delivery_lines
    WHERE item_id IS NOT NULL
    GROUP BY purchase_order_id, item_id, shipment_id, quantity
),
received AS (
    SELECT
        purchase_order_id, item_id, sum(quantity) AS received,
        min(received_us) AS first_received_us, max(received_us) AS last_received_us
    FROM arrived
    GROUP BY purchase_order_id, item_id
)
SELECT
    t.purchase_order_id,
    t.item_id,
    t.supplier_id,
    coalesce(t.location_id, '') AS location_id,
    t.quantity,
    t.price_minor,
    t.currency,
    h.ordered_us,
    h.dt,
    p.promised_us,
    coalesce(r.received, 0) AS received,
    r.first_received_us,
    r.last_received_us,
    CASE
        WHEN h.cancelled THEN 0
        WHEN h.closed THEN 0
        ELSE greatest(t.quantity - coalesce(r.received, 0), 0)
    END AS outstanding,
    CASE
        WHEN h.cancelled THEN 'cancelled'
        WHEN h.closed OR coalesce(r.received, 0) >= t.quantity THEN 'closed'
        WHEN coalesce(r.received, 0) > 0 THEN 'partly_received'
        WHEN h.confirmed THEN 'confirmed'
        ELSE 'sent'
    END AS state,
    t.source
FROM (SELECT * FROM told WHERE age = 1) AS t
JOIN head AS h ON t.purchase_order_id = h.purchase_order_id
LEFT JOIN (SELECT * FROM promises WHERE age = 1) AS p ON t.purchase_order_id = p.purchase_order_id
LEFT JOIN received AS r ON t.purchase_order_id = r.purchase_order_id AND t.item_id = r.item_id
