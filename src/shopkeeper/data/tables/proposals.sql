-- proposals: each purchase proposal with its state, from what operators did and what arrived.
-- proposed, approved, rejected, expired; from sending on the state of its purchase order: sent,
-- confirmed, partly_received, closed, cancelled. quantity is what an operator made of it, edited_by
-- and edit_reason say who and why.
-- inputs: proposals_made, actions, purchase_orders
-- grain: one row per proposal
-- keys: decision_id
-- partition: none
-- build: whole
WITH acts AS (
    SELECT
        decision_id, label, operator, reason, occurred_us,
        TRY_CAST(properties ->> '$.quantity' AS DOUBLE) AS quantity,
        properties ->> '$.purchase_order_id' AS purchase_order_id,
        row_number() OVER (PARTITION BY decision_id, label = 'edit' ORDER BY occurred_us DESC, seq DESC) AS age
    FROM actions
    WHERE capability = 'inventory' AND decision_id IS NOT NULL
        AND label IN ('approve', 'reject', 'expire', 'send', 'edit')
),
latest AS (
    SELECT * FROM acts WHERE age = 1 AND label <> 'edit'
),
edits AS (
    SELECT * FROM acts WHERE age = 1 AND label = 'edit'
)
SELECT
    m.decision_id, m.item_id, m.location_id, m.supplier_id, m.cycle, m.model,
    coalesce(e.quantity, m.quantity) AS quantity,
    m.quantity AS proposed_quantity,
    e.operator AS edited_by,
    e.reason AS edit_reason,
    e.occurred_us AS edited_us,
    CASE
        WHEN o.state IS NOT NULL THEN o.state
        WHEN l.label = 'approve' THEN 'approved'
        WHEN l.label = 'reject' THEN 'rejected'
        WHEN l.label = 'expire' THEN 'expired'
        WHEN l.label = 'send' THEN 'sent'
        ELSE 'proposed'
    END AS state,
    l.operator, l.reason, l.occurred_us AS state_us,
    l.purchase_order_id,
    coalesce(o.received, 0) AS received,
    o.promised_us,
    m.unit_cost_minor,
    CAST(round(coalesce(e.quantity, m.quantity) * m.unit_cost_minor) AS BIGINT) AS value_minor,
    m.order_by, m.expected_receipt, m.p_stockout_now, m.p_stockout_after, m.cost_of_nothing_minor,
    m.advice, m.abc, m.xyz, m.value, m.reasons, m.occurred_us, m.dt
FROM proposals_made AS m
LEFT JOIN latest AS l ON m.decision_id = l.decision_id
LEFT JOIN edits AS e ON m.decision_id = e.decision_id
LEFT JOIN purchase_orders AS o
    ON l.purchase_order_id = o.purchase_order_id AND m.item_id = o.item_id AND l.label = 'send'
