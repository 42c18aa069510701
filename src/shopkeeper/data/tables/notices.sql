-- notices: messages from suppliers and carriers, what was read in them, and what became of it.
-- open: nobody judged it yet; accepted, rejected: the last word of an operator or of the rule
-- for certain ones.
-- inputs: events, actions
-- grain: one row per message with a supplier_id
-- keys: notice_id
-- partition: none
-- build: whole
WITH told AS (
    SELECT
        event_id AS notice_id, supplier_id, conversation_id, title, text, language, source,
        occurred_us, dt, seq
    FROM events
    WHERE kind = 'message' AND supplier_id IS NOT NULL
        AND coalesce(properties ->> '$.direction', 'in') = 'in'
),
acts AS (
    SELECT
        properties ->> '$.notice_id' AS notice_id, label, operator, reason, occurred_us,
        row_number() OVER (
            PARTITION BY properties ->> '$.notice_id' ORDER BY occurred_us DESC, seq DESC
        ) AS age
    FROM actions
    WHERE capability = 'supply' AND label IN ('accept_notice', 'reject_notice')
)
SELECT
    t.notice_id, t.supplier_id, t.conversation_id, t.title, t.text, t.language, t.source,
    CASE
        WHEN a.label = 'accept_notice' THEN 'accepted'
        WHEN a.label = 'reject_notice' THEN 'rejected'
        ELSE 'open'
    END AS state,
    a.operator, a.reason, a.occurred_us AS judged_us, t.occurred_us, t.dt, t.seq
FROM told AS t
LEFT JOIN acts AS a ON t.notice_id = a.notice_id AND a.age = 1
