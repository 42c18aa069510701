"""What training leaves out, rule by rule: test orders, cancelled ones, copies, bots, absurdities.

In go the rows that a learner would use (Arrow), out come the rows kept and one Count per rule.
Rules run in a fixed order and each sees what the ones before it left, so the counts add up.
Nothing is deleted from the shop; the log keeps every event.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from shopkeeper.base.errors import BadInput
from shopkeeper.data.reports import Tables

HOUR_US = 3_600_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The limits of the cleaning; a shop may set its own.

    absurd_quantity       pieces in one line above which it is a resale or a typing error
    bot_events_per_hour   interactions of one visitor in one hour above which it is a machine
    copy_seconds          the same order again within this time is a copy
    test_words            an order or customer id with one of these words in it is a test
    """

    absurd_quantity: float = 1000.0
    bot_events_per_hour: int = 600
    copy_seconds: int = 3600
    test_words: tuple[str, ...] = ("test", "dummy", "staging")


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """What one rule did."""

    rule: str
    says: str
    rows_in: int
    removed: int

    @property
    def kept(self) -> int:
        """Rows that the rule let pass."""
        return self.rows_in - self.removed


def clean(
    warehouse: Tables,
    rules: Rules | None = None,
    *,
    as_of_us: int | None = None,
    skip: Sequence[str] = (),
) -> tuple[pa.Table, list[Count]]:
    """Return the interactions that a learner may use, by time and arrival, and the counts.

    Parameters
    ----------
    as_of_us
        Only what had occurred by then; a cancellation after it is not known yet.
    skip
        Names of rules to leave out.

    Returns
    -------
    table, counts
        The table has the columns of ``interactions``.
    """
    removed = _removed(rules or Rules(), skip)
    verdict, params = _verdict(removed)
    judged = warehouse.sql(
        f"SELECT i.*, {verdict} AS rule FROM interactions AS i"
        " ORDER BY i.occurred_us, i.seq, i.line",
        params,
        as_of_us=as_of_us,
    )
    found = judged["rule"].value_counts().to_pylist()
    kept = pc.equal(judged["rule"], len(removed))
    return (
        judged.filter(kept).drop_columns(["rule"]),
        _counts(removed, {row["values"]: row["counts"] for row in found}),
    )


def count(
    warehouse: Tables, rules: Rules | None = None, *, as_of_us: int | None = None
) -> list[Count]:
    """Return only the counts of ``clean``, without carrying the rows."""
    removed = _removed(rules or Rules(), ())
    verdict, params = _verdict(removed)
    found = warehouse.sql(
        f"SELECT {verdict} AS rule, count(*) AS n FROM interactions AS i GROUP BY ALL",
        params,
        as_of_us=as_of_us,
    ).to_pylist()
    return _counts(removed, {row["rule"]: row["n"] for row in found})


def _removed(limits: Rules, skip: Sequence[str]) -> dict[str, tuple[str, list[object]]]:
    for name in skip:
        if name not in RULES:
            raise BadInput(
                f"There is no cleaning rule '{name}'.",
                field="skip",
                value=name,
                allowed=", ".join(RULES),
            )
    return {name: rule(limits) for name, (_, rule) in RULES.items() if name not in skip}


def _counts(removed: dict[str, Any], found: dict[int, int]) -> list[Count]:
    counts, left = [], sum(found.values())
    for place, name in enumerate(removed):
        gone = found.get(place, 0)
        counts.append(Count(rule=name, says=RULES[name][0], rows_in=left, removed=gone))
        left -= gone
    return counts


def _verdict(removed: dict[str, tuple[str, list[object]]]) -> tuple[str, list[object]]:
    """Return SQL for the place of the first rule that removes a row, and its parameters."""
    cases = "\n".join(f"WHEN {test} THEN {n}" for n, (test, _) in enumerate(removed.values()))
    params = [value for _, values in removed.values() for value in values]
    return f"CAST({f'CASE {cases} ELSE {len(removed)} END' if removed else 0} AS INTEGER)", params


def _nobody(_: Rules) -> tuple[str, list[object]]:
    return "i.customer_id IS NULL AND i.session_id IS NULL", []


def _test_orders(rules: Rules) -> tuple[str, list[object]]:
    if not rules.test_words:
        return "FALSE", []
    # A word of its own: "test-1" is a test, "contest-1" and "latest" are not.
    words = "|".join(re.escape(word.lower()) for word in rules.test_words)
    return (
        "regexp_matches(lower(concat_ws(' ', i.basket, i.customer_id)), ?)",
        [f"(^|[^a-z])({words})([^a-z]|$)"],
    )


def _cancelled(_: Rules) -> tuple[str, list[object]]:
    return (
        "i.kind = 'purchase' AND i.basket IN"
        " (SELECT order_id FROM orders WHERE status IN ('cancelled', 'refunded'))",
        [],
    )


def _not_positive(_: Rules) -> tuple[str, list[object]]:
    return "i.kind = 'purchase' AND i.quantity <= 0", []


def _absurd(rules: Rules) -> tuple[str, list[object]]:
    return "i.kind = 'purchase' AND i.quantity > ?", [rules.absurd_quantity]


def _copies(rules: Rules) -> tuple[str, list[object]]:
    return (
        f"""
        i.kind = 'purchase' AND i.event_id IN (
            SELECT event_id FROM (
                SELECT event_id, occurred_us,
                    lag(occurred_us) OVER (
                        PARTITION BY customer_id, goods ORDER BY occurred_us, event_id) AS before_us
                FROM ({_GOODS})
            ) WHERE occurred_us - before_us <= ?
        )
        """,
        [rules.copy_seconds * 1_000_000],
    )


# A sum of hashes does not mind the order of the lines; it lives only within one query.
_GOODS = """
    SELECT event_id, customer_id, min(occurred_us) AS occurred_us,
        concat(count(*), ':', sum(hash(item_id, quantity, price_minor) >> 8)) AS goods
    FROM order_lines WHERE customer_id IS NOT NULL GROUP BY event_id, customer_id
"""


def _bots(rules: Rules) -> tuple[str, list[object]]:
    return (
        """
        coalesce(i.session_id, i.customer_id) IN (
            SELECT coalesce(session_id, customer_id) FROM interactions
            WHERE kind <> 'purchase' AND coalesce(session_id, customer_id) IS NOT NULL
            GROUP BY coalesce(session_id, customer_id), occurred_us // 3600000000
            HAVING count(*) > ?
        )
        """,
        [rules.bot_events_per_hour],
    )


# name -> (what it removes, the test). The order is the order of the rules.
RULES: dict[str, tuple[str, Callable[[Rules], tuple[str, list[object]]]]] = {
    "nobody": ("interactions that name neither customer nor session", _nobody),
    "test_orders": ("orders and customers whose id says that they are tests", _test_orders),
    "cancelled": ("lines of orders that were cancelled or wholly refunded", _cancelled),
    "not_positive": ("lines of nothing, or less than nothing", _not_positive),
    "absurd_quantity": ("lines of more pieces than a household buys", _absurd),
    "copies": ("the same order sent again under another id", _copies),
    "bots": ("visitors that act faster than a person can", _bots),
}
