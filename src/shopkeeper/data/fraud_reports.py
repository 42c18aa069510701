"""What fraud reads from the tables: the queue, a case, decisions with their truth, performance.

Plain dicts; money in minor units, times in microseconds UTC. No ranking and no judgement here.
"""

from __future__ import annotations

import json
from typing import Any

from shopkeeper.base.clock import DAY_US
from shopkeeper.base.errors import NotFound
from shopkeeper.data.reports import Tables, rows

_JSON = ("features", "request", "rules", "shadow", "ring", "reasons", "properties")
MOST_DECISIONS = 100_000


def controls_rows(warehouse: Tables) -> list[dict[str, Any]]:
    """Return the rules, list entries and costs of fraud as they stand, in order of change."""
    return rows(
        warehouse,
        """
        SELECT rule_id, status, text, reason, operator, properties, occurred_us FROM rules
        WHERE capability = 'fraud' ORDER BY occurred_us, seq
        """,
    )


def recent_decisions(warehouse: Tables, since_us: int) -> list[dict[str, Any]]:
    """Return what desk and exploration budget are counted from, oldest first."""
    return rows(
        warehouse,
        """
        SELECT occurred_us, outcome, explored_loss_minor FROM fraud_decisions
        WHERE occurred_us > ? AND (outcome = 'review' OR explored_loss_minor > 0)
        ORDER BY occurred_us
        """,
        [since_us],
    )


def open_cases(warehouse: Tables, limit: int = 2000) -> list[dict[str, Any]]:
    """Return cases that wait for a person, those that save most first."""
    return _opened(
        rows(
            warehouse,
            """
            SELECT * FROM fraud_cases WHERE state IN ('held', 'audit')
            ORDER BY state DESC, saved_minor DESC NULLS LAST, occurred_us LIMIT ?
            """,
            [limit],
        )
    )


def desk_counts(warehouse: Tables, now_us: int) -> dict[str, Any]:
    """Return how many cases wait, and what the desk did in the last day."""
    found = rows(
        warehouse,
        """
        SELECT count(*) FILTER (WHERE state = 'held') AS held,
            count(*) FILTER (WHERE state = 'audit') AS audit,
            CAST(coalesce(sum(amount_minor) FILTER (WHERE state = 'held'), 0) AS BIGINT)
                AS held_minor,
            count(*) FILTER (WHERE decided_us > $since) AS decided,
            avg((decided_us - occurred_us) / 60000000.0) FILTER (WHERE decided_us > $since)
                AS minutes
        FROM fraud_cases
        """,
        {"since": now_us - DAY_US},
    )
    return found[0]


def find_case(warehouse: Tables, decision_id: str) -> dict[str, Any]:
    """Return a fraud decision with its case, or NotFound."""
    found = _opened(
        rows(
            warehouse,
            """
            SELECT f.*, coalesce(c.state, 'closed') AS state, c.code, c.decided_by, c.decided_us,
                c.locked_by, c.locked_us, t.class, t.label_us, t.source AS label_source,
                t.contradicted
            FROM fraud_decisions AS f
            LEFT JOIN fraud_cases AS c ON f.decision_id = c.decision_id
            LEFT JOIN payment_truth AS t ON f.payment_id = t.payment_id
            WHERE f.decision_id = ? OR f.payment_id = ? ORDER BY f.seq DESC LIMIT 1
            """,
            [decision_id, decision_id],
        )
    )
    if not found:
        raise NotFound(
            f"There is no fraud decision '{decision_id}'.",
            hint="Decisions reach the tables within a second; check the id.",
            field="decision_id",
            value=decision_id,
        )
    return found[0]


def timeline(warehouse: Tables, case: dict[str, Any], limit: int = 60) -> list[dict[str, Any]]:
    """Return what happened around a case, newest first: payments, orders, labels, actions."""
    return rows(
        warehouse,
        """
        SELECT kind, occurred_us, event_id, order_id, payment_id, value_minor, currency, status,
            label, reason, text, source
        FROM events
        WHERE kind IN ('payment', 'purchase', 'refund', 'chargeback', 'label', 'action', 'decision',
                'cancel', 'customer')
            AND ((customer_id IS NOT NULL AND customer_id = $customer)
                OR payment_id = $payment OR decision_id = $decision)
        ORDER BY occurred_us DESC, seq DESC LIMIT $limit
        """,
        {
            "customer": case["customer_id"],
            "payment": case["payment_id"],
            "decision": case["decision_id"],
            "limit": limit,
        },
    )


def neighbours(warehouse: Tables, case: dict[str, Any], limit: int = 60) -> list[dict[str, Any]]:
    """Return payments of the last 90 days that share a hashed identifier with a case's."""
    return rows(
        warehouse,
        """
        WITH mine AS (SELECT * FROM payments WHERE payment_id = $payment)
        SELECT DISTINCT p.payment_id, p.customer_id, p.card_key, p.device_key, p.ip_key,
            p.email_key, p.phone_key, p.address_key, p.declined, p.value_minor, p.currency,
            p.occurred_us, t.class
        FROM payments AS p JOIN mine AS m
            ON p.occurred_us BETWEEN m.occurred_us - $span AND m.occurred_us + $span
            AND (p.payment_id = m.payment_id OR p.card_key = m.card_key
                OR p.device_key = m.device_key OR p.ip_key = m.ip_key
                OR p.email_key = m.email_key OR p.phone_key = m.phone_key
                OR p.address_key = m.address_key)
        LEFT JOIN payment_truth AS t ON p.payment_id = t.payment_id
        ORDER BY p.occurred_us DESC LIMIT $limit
        """,
        {"payment": case["payment_id"], "span": 90 * DAY_US, "limit": limit},
    )


def customer_normal(warehouse: Tables, case: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the features of the customer's earlier decisions, the latest 30."""
    if case["customer_id"] is None:
        return []
    return _opened(
        rows(
            warehouse,
            """
            SELECT features, amount_minor, occurred_us FROM fraud_decisions
            WHERE customer_id = ? AND occurred_us < ? AND outcome = 'approve'
            ORDER BY occurred_us DESC LIMIT 30
            """,
            [case["customer_id"], case["occurred_us"]],
        )
    )


def decisions_with_truth(
    warehouse: Tables, since_us: int, limit: int = MOST_DECISIONS
) -> list[dict[str, Any]]:
    """Return decisions since a moment with what is known of their payments, newest first."""
    return _opened(
        rows(
            warehouse,
            """
            SELECT f.decision_id, f.payment_id, f.kind, f.occurred_us, f.outcome, f.amount_minor,
                f.probability, f.features, f.request, f.rules, f.shadow, f.reasons, t.class,
                t.label_us
            FROM fraud_decisions AS f LEFT JOIN payment_truth AS t ON f.payment_id = t.payment_id
            WHERE f.occurred_us >= ? ORDER BY f.occurred_us DESC LIMIT ?
            """,
            [since_us, limit],
        )
    )


def by_day(warehouse: Tables, since_us: int) -> list[dict[str, Any]]:
    """Return decisions per day and outcome, their known frauds and the money expected saved."""
    return rows(
        warehouse,
        """
        SELECT f.occurred_us // 86400000000 * 86400000000 AS day_us, f.outcome, count(*) AS n,
            CAST(sum(f.amount_minor) AS BIGINT) AS amount_minor,
            count(*) FILTER (WHERE t.class IN ('fraud', 'first_party')) AS frauds,
            CAST(coalesce(sum(f.amount_minor) FILTER (WHERE t.class IN ('fraud', 'first_party')), 0)
                AS BIGINT) AS fraud_minor,
            coalesce(sum(f.cost_approve_minor - f.cost_minor), 0) AS saved_minor
        FROM fraud_decisions AS f LEFT JOIN payment_truth AS t ON f.payment_id = t.payment_id
        WHERE f.occurred_us >= ? GROUP BY ALL ORDER BY day_us, f.outcome
        """,
        [since_us],
    )


def calibration(
    warehouse: Tables, since_us: int, mature_us: int, bins: int = 10
) -> list[dict[str, Any]]:
    """Return mean probability and known share of fraud per bin, over approved mature payments.

    Payments that were stopped are left out: nobody knows what would have come of them.
    """
    return rows(
        warehouse,
        """
        SELECT bin, count(*) AS n, avg(probability) AS probability,
            avg(CASE WHEN class IN ('fraud', 'first_party') THEN 1.0 ELSE 0.0 END) AS observed
        FROM (
            SELECT f.probability, t.class,
                ntile(?) OVER (ORDER BY f.probability, f.decision_id) AS bin
            FROM fraud_decisions AS f LEFT JOIN payment_truth AS t ON f.payment_id = t.payment_id
            WHERE f.occurred_us >= ? AND f.probability IS NOT NULL
                AND f.outcome IN ('approve', 'challenge')
                AND (t.class IS NOT NULL OR f.occurred_us <= ?)
        )
        GROUP BY bin ORDER BY bin
        """,
        [bins, since_us, mature_us],
    )


def score_histogram(warehouse: Tables, start_us: int, end_us: int) -> list[float]:
    """Return counts of ten bins of log-odds from -10 to 0, and above, of decisions in a span."""
    found = rows(
        warehouse,
        """
        SELECT least(9, greatest(0, CAST(floor(ln(greatest(probability, 1e-9)
            / greatest(1 - probability, 1e-9)) + 9) AS INTEGER))) AS bin, count(*) AS n
        FROM fraud_decisions
        WHERE probability IS NOT NULL AND occurred_us > ? AND occurred_us <= ? GROUP BY bin
        """,
        [start_us, end_us],
    )
    counts = [0.0] * 10
    for row in found:
        counts[row["bin"]] = float(row["n"])
    return counts


def approvals(warehouse: Tables, start_us: int, end_us: int) -> tuple[int, int]:
    """Return how many decisions of a span approved, and how many there were."""
    [found] = rows(
        warehouse,
        """
        SELECT count(*) FILTER (WHERE outcome = 'approve') AS approved, count(*) AS n
        FROM fraud_decisions WHERE occurred_us > ? AND occurred_us <= ?
        """,
        [start_us, end_us],
    )
    return found["approved"], found["n"]


def alerts(warehouse: Tables, offset: int, limit: int) -> list[dict[str, Any]]:
    """Return alerts, newest first, one more than ``limit`` when there is a next page."""
    return _opened(
        rows(
            warehouse,
            """
            SELECT a.event_id AS alert_id, a.subject, a.status AS kind, a.properties, a.occurred_us,
                s.operator AS seen_by, s.occurred_us AS seen_us
            FROM actions AS a
            LEFT JOIN (
                SELECT subject, max_by(operator, seq) AS operator, max(occurred_us) AS occurred_us
                FROM actions WHERE capability = 'fraud' AND label = 'alert_seen' GROUP BY subject
            ) AS s ON a.event_id = s.subject
            WHERE a.capability = 'fraud' AND a.label = 'alert'
            ORDER BY a.occurred_us DESC, a.seq DESC LIMIT ? OFFSET ?
            """,
            [limit + 1, offset],
        )
    )


def baskets(warehouse: Tables, start_us: int, end_us: int) -> list[dict[str, Any]]:
    """Return the orders of known customers in a span, by time."""
    return rows(
        warehouse,
        """
        SELECT order_id, customer_id, occurred_us, net_minor, currency, location_id FROM orders
        WHERE customer_id IS NOT NULL AND net_minor > 0 AND occurred_us > ? AND occurred_us <= ?
        ORDER BY occurred_us, order_id
        """,
        [start_us, end_us],
    )


def last_order(warehouse: Tables) -> int | None:
    """Return when the newest order was placed, None without orders."""
    found = rows(warehouse, "SELECT max(occurred_us) AS at_us FROM orders")
    return found[0]["at_us"] if found else None


def disputed(warehouse: Tables, payment_id: str) -> tuple[dict[str, Any], int]:
    """Return a payment and when its chargeback came, or NotFound."""
    found = rows(
        warehouse,
        """
        SELECT p.*, (SELECT max(label_us) FROM labels
            WHERE payment_id = ? AND label = 'chargeback') AS disputed_us
        FROM payments AS p WHERE p.payment_id = ? ORDER BY p.seq DESC LIMIT 1
        """,
        [payment_id, payment_id],
    )
    if not found or found[0]["disputed_us"] is None:
        raise NotFound(
            f"No chargeback names the payment '{payment_id}'."
            if found
            else f"There is no payment '{payment_id}'.",
            hint="Send the chargeback as an event first; check the payment_id.",
            field="payment_id",
            value=payment_id,
        )
    return found[0], found[0]["disputed_us"]


def same_card(warehouse: Tables, payment: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the other payments of a payment's card with what is known of them."""
    return rows(
        warehouse,
        """
        SELECT p.*, t.class FROM payments AS p
        LEFT JOIN payment_truth AS t ON p.payment_id = t.payment_id
        WHERE p.card_key = ? AND p.payment_id <> ? ORDER BY p.occurred_us DESC LIMIT 500
        """,
        [payment["card_key"], payment["payment_id"]],
    )


def order_facts(warehouse: Tables, order_id: str | None) -> dict[str, Any]:
    """Return an order, its lines and its deliveries for an evidence pack."""
    order = rows(
        warehouse,
        "SELECT order_id, occurred_us, net_minor, currency, status, hold FROM orders "
        "WHERE order_id = ?",
        [order_id],
    )
    lines = rows(
        warehouse,
        "SELECT item_id, quantity, net_minor FROM order_lines WHERE order_id = ? ORDER BY line",
        [order_id],
    )
    sent = rows(
        warehouse,
        "SELECT kind, shipment_id, occurred_us, status FROM events "
        "WHERE order_id = ? AND kind IN ('shipment', 'delivery') ORDER BY occurred_us",
        [order_id],
    )
    return {"order": order[0] | {"lines": lines} if order else None, "deliveries": sent}


def _opened(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for row in found:
        for name in _JSON:
            if isinstance(row.get(name), str):
                row[name] = json.loads(row[name])
    return found
