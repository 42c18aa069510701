-- conversations: each customer's conversation as it stands: who has it, how it ended, its state.
-- waiting: it asks for a person and nobody has taken it; taken: an operator has it.
-- inputs: messages, actions
-- grain: one row per conversation_id
-- keys: conversation_id
-- partition: none
-- build: whole
WITH said AS (
    SELECT
        conversation_id,
        max(customer_id) AS customer_id,
        min(channel) AS channel,
        min(occurred_us) AS first_us,
        max(occurred_us) AS last_us,
        min(dt) AS dt,
        count(*) AS messages,
        max(rating) AS rating
    FROM messages
    GROUP BY conversation_id
),
latest AS (
    SELECT
        conversation_id, text, direction, language, state, reason, intents,
        row_number() OVER (PARTITION BY conversation_id ORDER BY occurred_us DESC, seq DESC) AS age,
        row_number() OVER (
            PARTITION BY conversation_id, direction ORDER BY occurred_us DESC, seq DESC
        ) AS age_in_direction,
        row_number() OVER (
            PARTITION BY conversation_id, state IS NULL ORDER BY occurred_us DESC, seq DESC
        ) AS age_of_state
    FROM messages
),
done AS (
    SELECT
        properties ->> '$.conversation_id' AS conversation_id, label, operator, reason,
        row_number() OVER (
            PARTITION BY properties ->> '$.conversation_id' ORDER BY occurred_us DESC, seq DESC
        ) AS age
    FROM actions
    WHERE capability = 'support' AND label IN ('handed_over', 'taken', 'returned', 'closed')
)
SELECT
    s.conversation_id, s.customer_id, s.channel, s.first_us, s.last_us, s.messages, s.rating,
    l.text AS last_text, l.direction AS last_from, l.language, c.intents, k.state,
    CASE
        WHEN d.label = 'handed_over' THEN 'waiting'
        WHEN d.label = 'taken' THEN 'taken'
        WHEN d.label = 'closed' THEN 'closed'
        ELSE 'assistant'
    END AS state_name,
    CASE WHEN d.label = 'taken' THEN d.operator END AS operator,
    h.reason AS handover_reason, s.dt
FROM said AS s
LEFT JOIN latest AS l ON s.conversation_id = l.conversation_id AND l.age = 1
LEFT JOIN latest AS c
    ON s.conversation_id = c.conversation_id AND c.direction = 'in' AND c.age_in_direction = 1
LEFT JOIN latest AS k
    ON s.conversation_id = k.conversation_id AND k.state IS NOT NULL AND k.age_of_state = 1
LEFT JOIN done AS d ON s.conversation_id = d.conversation_id AND d.age = 1
LEFT JOIN (
    SELECT conversation_id, max(reason) AS reason
    FROM done
    WHERE label = 'handed_over'
    GROUP BY conversation_id
) AS h ON s.conversation_id = h.conversation_id
