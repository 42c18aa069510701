"""What came of it, as labels for learners: each with the moment from which it was known.

A positive label is known when the good thing happens; a negative one only when its window has
passed without it. ``as_of_us`` therefore gives a label table without a look ahead: a label
counts only from ``label_us`` on. Open windows give no row at all.
"""

from __future__ import annotations

import pyarrow as pa

from shopkeeper.base import clock
from shopkeeper.base.errors import BadInput
from shopkeeper.data.reports import Tables

SCHEMA = pa.schema(
    [
        ("subject", pa.string()),
        ("item_id", pa.string()),
        ("label", pa.string()),
        ("value", pa.int8()),
        ("subject_us", pa.int64()),
        ("label_us", pa.int64()),
        ("source", pa.string()),
    ]
)


def bought_after_impression(
    warehouse: Tables, *, days: int = 7, as_of_us: int | None = None
) -> pa.Table:
    """Return for every recommended item that was seen whether it was bought within the window.

    Columns as in SCHEMA; subject is the decision_id. The buyer is the impression's customer,
    or its session when nobody had signed in.
    """
    return _labels(
        warehouse,
        """
        WITH shown AS (
            SELECT decision_id, item_id, customer_id, session_id, min(occurred_us) AS subject_us
            FROM impressions WHERE decision_id IS NOT NULL
            GROUP BY decision_id, item_id, customer_id, session_id
        ),
        bought AS (SELECT * FROM interactions WHERE kind = 'purchase'),
        met AS (
            SELECT s.decision_id, s.item_id, s.subject_us, min(b.occurred_us) AS good_us
            FROM shown AS s
            LEFT JOIN bought AS b ON s.item_id = b.item_id
                AND (s.customer_id = b.customer_id
                    OR (s.customer_id IS NULL AND s.session_id = b.session_id))
                AND b.occurred_us > s.subject_us AND b.occurred_us <= s.subject_us + $window_us
            GROUP BY s.decision_id, s.item_id, s.subject_us
        )
        SELECT decision_id AS subject, item_id, subject_us, good_us FROM met
        """,
        name="bought_after_impression",
        source="impressions+purchases",
        window_us=_window(days),
        as_of_us=as_of_us,
    )


def bought_after_decision(
    warehouse: Tables, *, days: int = 7, as_of_us: int | None = None
) -> pa.Table:
    """Return for every decision whether an outcome of it was a purchase within the window."""
    return _labels(
        warehouse,
        """
        WITH met AS (
            SELECT d.decision_id, d.occurred_us AS subject_us, min(o.occurred_us) AS good_us
            FROM decisions AS d
            LEFT JOIN outcomes AS o ON d.decision_id = o.decision_id AND o.label = 'purchase'
                AND o.occurred_us > d.occurred_us AND o.occurred_us <= d.occurred_us + $window_us
            GROUP BY d.decision_id, d.occurred_us
        )
        SELECT decision_id AS subject, CAST(NULL AS VARCHAR) AS item_id, subject_us, good_us
        FROM met
        """,
        name="bought_after_decision",
        source="decisions+outcomes",
        window_us=_window(days),
        as_of_us=as_of_us,
    )


def returned(warehouse: Tables, *, days: int = 30, as_of_us: int | None = None) -> pa.Table:
    """Return for every order whether money went back within the window; subject is order_id."""
    return _labels(
        warehouse,
        """
        SELECT o.order_id AS subject, CAST(NULL AS VARCHAR) AS item_id,
            o.occurred_us AS subject_us, min(r.occurred_us) AS good_us
        FROM orders AS o
        LEFT JOIN refunds AS r ON o.order_id = r.order_id AND r.kind = 'refund'
            AND r.occurred_us >= o.occurred_us AND r.occurred_us <= o.occurred_us + $window_us
        GROUP BY o.order_id, o.occurred_us
        """,
        name="returned",
        source="orders+refunds",
        window_us=_window(days),
        as_of_us=as_of_us,
    )


def bought_again(warehouse: Tables, *, days: int = 30, as_of_us: int | None = None) -> pa.Table:
    """Return for every order whether its customer ordered again within the window."""
    return _labels(
        warehouse,
        """
        SELECT order_id AS subject, CAST(NULL AS VARCHAR) AS item_id, subject_us,
            CASE WHEN next_us <= subject_us + $window_us THEN next_us END AS good_us
        FROM (
            SELECT order_id, occurred_us AS subject_us,
                lead(occurred_us) OVER (
                    PARTITION BY customer_id ORDER BY occurred_us, order_id) AS next_us
            FROM orders WHERE customer_id IS NOT NULL
        )
        """,
        name="bought_again",
        source="orders",
        window_us=_window(days),
        as_of_us=as_of_us,
    )


def judged(warehouse: Tables, *, as_of_us: int | None = None) -> pa.Table:
    """Return what staff, banks and systems judged, from the ``labels`` table."""
    return warehouse.sql(
        """
        SELECT subject, item_id, label, CAST(1 AS TINYINT) AS value, occurred_us AS subject_us,
            label_us, source
        FROM labels WHERE label_us <= $now_us ORDER BY label_us, seq
        """,
        {"now_us": _moment(as_of_us)},
        as_of_us=as_of_us,
    ).cast(SCHEMA)


# name -> maker, for reports and commands that list them.
MAKERS = {
    "bought_after_impression": bought_after_impression,
    "bought_after_decision": bought_after_decision,
    "returned": returned,
    "bought_again": bought_again,
}


def _labels(
    warehouse: Tables, text: str, *, name: str, source: str, window_us: int, as_of_us: int | None
) -> pa.Table:
    """Close the windows: 1 from the good moment on, 0 from the window's end on."""
    return warehouse.sql(
        f"""
        SELECT subject, item_id, '{name}' AS label,
            CAST(CASE WHEN good_us IS NULL THEN 0 ELSE 1 END AS TINYINT) AS value,
            subject_us, coalesce(good_us, subject_us + $window_us) AS label_us,
            '{source}' AS source
        FROM ({text})
        WHERE coalesce(good_us, subject_us + $window_us) <= $now_us
        ORDER BY subject_us, subject, item_id
        """,
        {"window_us": window_us, "now_us": _moment(as_of_us)},
        as_of_us=as_of_us,
    ).cast(SCHEMA)


def _moment(as_of_us: int | None) -> int:
    return clock.now_us() if as_of_us is None else as_of_us


def _window(days: int) -> int:
    if days < 1:
        raise BadInput(
            f"days must be 1 or more, but is {days}.",
            field="days",
            value=days,
            allowed="1 and above",
        )
    return days * clock.DAY_US
