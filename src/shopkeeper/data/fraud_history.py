"""The events that move the state of fraud, oldest first: for a rebuild and for training.

The rows have the shape of the facts that a live state is told, so that both go one way.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from shopkeeper.data.reports import Tables

KINDS = ("payment", "chargeback", "label", "refund", "customer")


def fraud_events(warehouse: Tables, since_us: int = 0) -> pa.Table:
    """Return payments, what was judged of them, refunds and customers since a moment."""
    return warehouse.sql(
        """
        SELECT seq, event_id, kind, occurred_us, received_us, customer_id, payment_id, order_id,
            item_id, location_id, value_minor, currency, status, label, reason, source,
            decision_id, person_keys, properties
        FROM events
        WHERE kind IN ('payment', 'chargeback', 'label', 'refund', 'customer')
            AND (occurred_us >= $since_us OR kind = 'customer')
        ORDER BY occurred_us, seq
        """,
        {"since_us": since_us},
    )


def newest_payment_us(warehouse: Tables) -> int:
    """Return when the latest payment occurred, 0 without any."""
    found: Any = warehouse.sql(
        "SELECT max(occurred_us) AS at_us FROM events WHERE kind = 'payment'"
    )
    return int(found["at_us"][0].as_py() or 0)


def judged_payments(warehouse: Tables) -> pa.Table:
    """Return payment_id, class, label_us, contradicted of every payment that was judged."""
    return warehouse.sql(
        "SELECT payment_id, class, label_us, contradicted FROM payment_truth ORDER BY payment_id"
    )
