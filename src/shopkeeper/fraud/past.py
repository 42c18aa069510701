"""The last payments of whoever pays, for models that read them in order.

Whoever pays: the card where the payment names one, otherwise the customer. ``Past`` gives them
for many rows, ``past_of`` for one request from the live windows; both give the same numbers.
A past is LAST amounts (minor units) and then LAST ages (seconds), oldest first, NaN where there
were fewer; what is older than the horizon is not looked at.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from shopkeeper.fraud.aggregates import HORIZON_US
from shopkeeper.fraud.online import Windows
from shopkeeper.fraud.rows import Stream

LAST = 8
PAYERS = ("card", "customer")  # the first that a payment names
NAN = float("nan")
_NOBODY = (NAN,) * (2 * LAST)


@dataclass(frozen=True, kw_only=True)
class Past:
    """The payments of a history, asked for the past of some of them."""

    payments: Stream

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """Return (len(rows), 2 · LAST) of the rows (indices)."""
        found = np.full((len(rows), 2 * LAST), NAN)
        open_ = np.ones(len(rows), dtype=bool)
        for payer in PAYERS:
            code = self.payments.codes.get(payer)
            if code is None:
                continue
            mine = open_ & (code[rows] >= 0)
            found[mine] = self._of(payer, code, rows[mine])
            open_ &= ~mine
        return found

    def _of(self, payer: str, code: np.ndarray, rows: np.ndarray) -> np.ndarray:
        order, place = self._orders[payer]
        at_us, amount = self.payments.at_us, self.payments.amount
        found = np.full((len(rows), 2 * LAST), NAN)
        for back in range(1, LAST + 1):
            earlier = order[np.maximum(place[rows] - back, 0)]
            age_us = at_us[rows] - at_us[earlier]
            there = (place[rows] >= back) & (code[earlier] == code[rows]) & (age_us < HORIZON_US)
            found[there, LAST - back] = amount[earlier[there]]
            found[there, 2 * LAST - back] = age_us[there] / 1e6
        return found

    @cached_property
    def _orders(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Return payer -> (rows by payer and time, where each row stands in that)."""
        found = {}
        for payer in PAYERS:
            if payer in self.payments.codes:
                order = np.argsort(self.payments.codes[payer], kind="stable")
                place = np.empty(len(order), dtype=np.int64)
                place[order] = np.arange(len(order))
                found[payer] = (order, place)
        return found


def past_of(windows: Windows, values: Mapping[str, str], at_us: int) -> tuple[float, ...]:
    """Return the past of a request that names these entities, 2 · LAST numbers."""
    payer = next((kind for kind in PAYERS if kind in values), None)
    if payer is None:
        return _NOBODY
    entity = windows.tables[payer].get(values[payer])
    if entity is None:
        return _NOBODY
    at, total = entity.payments.at, entity.payments.total
    end = bisect_right(at, at_us)
    start = max(end - LAST, bisect_right(at, at_us - HORIZON_US, 0, end))
    none = (NAN,) * (LAST - (end - start))
    amounts = tuple(float(total[i + 1] - total[i]) for i in range(start, end))
    ages = tuple((at_us - at[i]) / 1e6 for i in range(start, end))
    return (*none, *amounts, *none, *ages)
