"""What the tables know of models beside fraud's champion: what they said, and who acted."""

from __future__ import annotations

from typing import Any

from shopkeeper.data.fraud_reports import MOST_DECISIONS
from shopkeeper.data.reports import Tables, rows

# Where the record of a decision holds what a rival of the champion would have said.
_RIVALS = {"challenger": "challenger", "shadow": "shadow_model"}


def beside(
    warehouse: Tables, since_us: int, version: str | None, role: str = "challenger"
) -> list[dict[str, Any]]:
    """Return the champion's decisions that a rival ran along with, and what became of them."""
    name = _RIVALS[role]
    return rows(
        warehouse,
        f"""
        SELECT f.model, f.probability, f.outcome, f.{name}_probability AS rival_probability,
            f.{name}_outcome AS rival_outcome, f.amount_minor, f.occurred_us, t.class
        FROM fraud_decisions AS f LEFT JOIN payment_truth AS t ON f.payment_id = t.payment_id
        WHERE f.occurred_us >= ? AND f.{name} = ? AND coalesce(f.arm, 'champion') = 'champion'
        ORDER BY f.occurred_us DESC LIMIT ?
        """,
        [since_us, version, MOST_DECISIONS],
    )


def latest_rival(warehouse: Tables, since_us: int, role: str = "challenger") -> str | None:
    """Return which challenger or shadow ran along last."""
    name = _RIVALS[role]
    found = rows(
        warehouse,
        f"""
        SELECT {name} AS version FROM fraud_decisions
        WHERE {name} IS NOT NULL AND occurred_us >= ? ORDER BY occurred_us DESC LIMIT 1
        """,
        [since_us],
    )
    return found[0]["version"] if found else None


def arms(warehouse: Tables, since_us: int) -> list[dict[str, Any]]:
    """Return what champion and challenger decided while both acted, and what is known of it."""
    return rows(
        warehouse,
        """
        SELECT f.arm, f.model, count(*) AS decisions,
            avg(CASE WHEN f.outcome = 'approve' THEN 1.0 ELSE 0.0 END) AS approval_rate,
            count(*) FILTER (WHERE t.class IN ('fraud', 'first_party')) AS frauds,
            count(*) FILTER (WHERE t.class IN ('fraud', 'first_party')
                AND f.outcome IN ('review', 'block')) AS frauds_stopped,
            count(*) FILTER (WHERE t.class = 'legit'
                AND f.outcome IN ('review', 'block')) AS good_stopped,
            CAST(coalesce(sum(f.amount_minor) FILTER (WHERE t.class IN ('fraud', 'first_party')
                AND f.outcome NOT IN ('review', 'block')), 0) AS BIGINT) AS missed_minor
        FROM fraud_decisions AS f LEFT JOIN payment_truth AS t ON f.payment_id = t.payment_id
        WHERE f.occurred_us >= ? AND f.arm IS NOT NULL
        GROUP BY f.arm, f.model ORDER BY f.arm, f.model
        """,
        [since_us],
    )
