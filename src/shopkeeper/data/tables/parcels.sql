-- parcels: each parcel to a customer: when ordered, left, promised and arrived, and how it stands.
-- A parcel on its way has no delivered_us yet: it took at least so long.
-- inputs: shipments, parcel_ends, orders
-- grain: one row per shipment_id
-- keys: shipment_id
-- partition: none
-- build: whole
WITH sent AS (
    SELECT
        shipment_id,
        min(order_id) AS order_id,
        min(location_id) AS location_id,
        min(carrier) AS carrier,
        min(zone) AS zone,
        min(distance_km) AS distance_km,
        min(decision_id) AS decision_id,
        min(promised_us) AS promised_us,
        min(occurred_us) AS shipped_us,
        min(dt) AS dt,
        sum(quantity) AS units
    FROM shipments
    WHERE order_id IS NOT NULL AND purchase_order_id IS NULL AND supplier_id IS NULL
    GROUP BY shipment_id
),
ended AS (
    SELECT
        shipment_id,
        min(CASE WHEN status = 'delivered' THEN occurred_us END) AS delivered_us,
        max(CASE WHEN status = 'delivered' THEN 1 ELSE 0 END) AS delivered,
        max(CASE WHEN status = 'failed' THEN 1 ELSE 0 END) AS failed
    FROM parcel_ends
    GROUP BY shipment_id
)
SELECT
    s.shipment_id, s.order_id, s.location_id, s.carrier, s.zone, s.distance_km, s.decision_id,
    o.customer_id, o.occurred_us AS ordered_us, s.shipped_us, s.promised_us, e.delivered_us, s.units,
    CASE
        WHEN e.delivered = 1 AND s.promised_us IS NOT NULL AND e.delivered_us > s.promised_us THEN 'late'
        WHEN e.delivered = 1 THEN 'delivered'
        WHEN e.failed = 1 THEN 'failed'
        ELSE 'on_its_way'
    END AS state,
    s.dt
FROM sent AS s
LEFT JOIN ended AS e ON s.shipment_id = e.shipment_id
LEFT JOIN orders AS o ON s.order_id = o.order_id
