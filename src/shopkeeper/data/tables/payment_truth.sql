-- payment_truth: what is known of each payment: the last label of whoever judged it, and from when.
-- A chargeback counts as fraud unless its reason is about goods or service; first-party abuse
-- (the buyer disputes an own purchase) is a class of its own. Contradicting labels are counted.
-- inputs: labels
-- grain: one row per payment_id with a label
-- keys: payment_id
-- partition: none
-- build: key
WITH told AS (
    SELECT
        payment_id, label_us, source, seq,
        CASE
            WHEN label = 'chargeback' AND coalesce(reason, '') IN (
                'not_received', 'not_as_described', 'duplicate', 'credit_not_processed', 'cancelled'
            ) THEN 'dispute'
            WHEN label IN ('chargeback', 'fraud', 'account_takeover', 'refund_abuse') THEN 'fraud'
            WHEN label IN ('legit', 'genuine') THEN 'legit'
            WHEN label = 'first_party' THEN 'first_party'
        END AS class
    FROM labels
    WHERE payment_id IS NOT NULL
),
placed AS (
    SELECT
        payment_id, label_us, source, class,
        row_number() OVER (PARTITION BY payment_id ORDER BY label_us DESC, seq DESC) AS place,
        min(CASE WHEN class = 'fraud' THEN label_us END) OVER (PARTITION BY payment_id) AS fraud_us,
        min(class) OVER (PARTITION BY payment_id) <> max(class) OVER (PARTITION BY payment_id) AS contradicted
    FROM told
    WHERE class IS NOT NULL
)
SELECT
    payment_id, class, class = 'fraud' AS fraud, source, contradicted,
    CASE WHEN class = 'fraud' THEN fraud_us ELSE label_us END AS label_us
FROM placed
WHERE place = 1
