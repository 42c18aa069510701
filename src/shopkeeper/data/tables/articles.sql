-- articles: what support may cite (FAQ, terms, product facts): the last version of each language.
-- inputs: events
-- grain: one row per article_id and language
-- keys: article_id, language
-- partition: none
-- build: whole
SELECT article_id, kind, language, title, text, questions, status, starts_us, ends_us, source, version, occurred_us, dt, event_id, seq
FROM (
    SELECT
        label AS article_id,
        coalesce(category, 'faq') AS kind,
        coalesce(language, 'en') AS language,
        coalesce(title, label) AS title,
        text,
        properties ->> '$.questions' AS questions,
        coalesce(status, 'active') AS status,
        starts_us, ends_us, source, occurred_us, dt, event_id, seq,
        count(*) OVER (PARTITION BY label, coalesce(language, 'en')) AS version,
        row_number() OVER (
            PARTITION BY label, coalesce(language, 'en') ORDER BY occurred_us DESC, seq DESC
        ) AS age
    FROM events
    WHERE kind = 'article'
) AS told
WHERE age = 1
