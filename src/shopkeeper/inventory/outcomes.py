"""What a purchase proposal led to, once its protection interval is over.

The stock ledger of the interval says on which days the product was sold out; what arrived of
the proposal's own order says what it prevented: units that were sold and would not have been
there without it. This file reads no data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerDay:
    """A day with a movement: units at its end, and the least during it. ``day``: ISO."""

    day: str
    on_hand: float
    least: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """``out_days`` of ``days`` were sold out at some time; ``saved_units`` came of the order.

    ``late``: nothing of it came by the day that was expected, though it was ordered;
    ``overstock``: what is left covers more than the rule's days of demand.
    """

    label: str
    days: int
    out_days: int
    saved_units: float
    left_units: float
    late: bool
    overstock: bool


def judge(
    ledger: Sequence[LedgerDay],
    days: Sequence[str],
    *,
    received: float = 0.0,
    received_day: str | None = None,
    expected: str | None = None,
    ordered: bool = False,
    daily: float = 0.0,
    overstock_days: float = 90.0,
) -> Outcome | None:
    """Return what came of a proposal; None where the ledger knows nothing of the interval.

    Parameters
    ----------
    ledger
        The product's days with a movement, oldest first, from before the interval on.
    days
        Every ISO day of the interval, in order.
    daily
        Units of demand per day, for the cover of what is left.

    >>> ledger = [LedgerDay(day="2026-01-01", on_hand=2, least=2),
    ...           LedgerDay(day="2026-01-03", on_hand=7, least=2),
    ...           LedgerDay(day="2026-01-04", on_hand=1, least=1)]
    >>> done = judge(ledger, ["2026-01-02", "2026-01-03", "2026-01-04"], received=5,
    ...              received_day="2026-01-03", ordered=True)
    >>> done.label, done.saved_units
    ('in_stock', 4.0)
    """
    by_day = {one.day: one for one in ledger}
    before = [one for one in ledger if one.day < days[0]]
    stock = before[-1].on_hand if before else None
    out = 0
    lowest_without = 0.0  # how far below nothing stock would have gone without the order
    for day in days:
        moved = by_day.get(day)
        least = moved.least if moved else stock
        if least is None:
            continue
        out += least <= 0
        stock = moved.on_hand if moved else stock
        if received_day is not None and day >= received_day and stock is not None:
            lowest_without = min(lowest_without, stock - received)
    if stock is None:
        return None
    late = ordered and expected is not None and (received_day is None or received_day > expected)
    return Outcome(
        label="stock_out" if out else "in_stock",
        days=len(days),
        out_days=out,
        saved_units=round(min(-lowest_without, received), 3),
        left_units=round(stock, 3),
        late=late,
        overstock=stock > max(daily, 0) * overstock_days and stock > 0,
    )
