-- fraud_cases: payments that a person should look at, or looked at, and where that stands.
-- inputs: fraud_decisions, actions
-- grain: one row per fraud decision that was held, audited or acted on
-- keys: decision_id
-- partition: none
-- build: key
WITH done AS (
    SELECT
        decision_id,
        max_by(label, seq) FILTER (WHERE label IN ('released', 'cancelled')) AS verdict,
        max_by(reason, seq) FILTER (WHERE label IN ('released', 'cancelled')) AS code,
        max_by(operator, seq) FILTER (WHERE label IN ('released', 'cancelled')) AS decided_by,
        max(occurred_us) FILTER (WHERE label IN ('released', 'cancelled')) AS decided_us,
        max_by(label, seq) FILTER (WHERE label IN ('locked', 'unlocked')) AS lock_state,
        max_by(operator, seq) FILTER (WHERE label IN ('locked', 'unlocked')) AS locked_by,
        max(occurred_us) FILTER (WHERE label IN ('locked', 'unlocked')) AS locked_us,
        count(*) FILTER (WHERE label = 'noted') AS notes
    FROM actions
    WHERE capability = 'fraud' AND decision_id IS NOT NULL
    GROUP BY decision_id
)
SELECT
    f.decision_id, f.payment_id, f.order_id, f.customer_id, f.kind, f.outcome, f.probability,
    f.amount_minor, f.currency, f.saved_minor, f.audited, f.rule, f.ring, f.occurred_us,
    CASE
        WHEN d.verdict IS NOT NULL THEN d.verdict
        WHEN f.outcome = 'review' THEN 'held'
        WHEN f.audited THEN 'audit'
        ELSE 'closed'
    END AS state,
    d.code, d.decided_by, d.decided_us,
    CASE WHEN d.lock_state = 'locked' THEN d.locked_by END AS locked_by,
    CASE WHEN d.lock_state = 'locked' THEN d.locked_us END AS locked_us,
    coalesce(d.notes, 0) AS notes
FROM fraud_decisions AS f
LEFT JOIN done AS d ON f.decision_id = d.decision_id
WHERE f.outcome = 'review' OR f.audited OR d.decision_id IS NOT NULL
