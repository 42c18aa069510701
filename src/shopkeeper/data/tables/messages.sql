-- messages: what was said in customers' conversations, by whom, and what was understood of it.
-- inputs: events
-- grain: one row per message event that is not with a supplier
-- keys: message_id
-- partition: dt
-- build: append
SELECT
    event_id AS message_id, conversation_id, customer_id,
    coalesce(properties ->> '$.direction', 'in') AS direction,
    coalesce(source, 'customer') AS author,
    coalesce(properties ->> '$.channel', 'chat') AS channel,
    text, language, status, reason, rating,
    properties ->> '$.intents' AS intents,
    properties ->> '$.citations' AS citations,
    properties ->> '$.tools' AS tools,
    properties ->> '$.acts' AS acts,
    properties ->> '$.state' AS state,
    properties ->> '$.answered' = 'true' AS answered,
    decision_id, occurred_us, dt, event_id, seq
FROM events
WHERE kind = 'message' AND supplier_id IS NULL
