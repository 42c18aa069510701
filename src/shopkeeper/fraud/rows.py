"""Payments as columns: what the batch executor, training and evaluation work on.

Rows are in the log's order: by time, then by arrival. Entities are codes, -1 where unknown; all
streams of one history share the codes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

NEVER_US = np.iinfo(np.int64).max  # of a label that nobody gave


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """Things that happened. ``at_us`` (n,) ascending, ``amount`` (n,) minor units, codes (n,)."""

    at_us: np.ndarray
    amount: np.ndarray
    codes: Mapping[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.at_us)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Payments with their labels, and the declines and refunds beside them.

    ``known_us`` (n,) from when a payment is known to be fraud, NEVER_US where it is not;
    ``facts`` name -> (n,) float64 of what the request itself says, NaN where unknown.
    """

    payments: Stream
    known_us: np.ndarray
    declines: Stream | None = None
    refunds: Stream | None = None
    facts: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.payments)

    def stream(self, name: str) -> Stream | None:
        """Return a stream of aggregates.STREAMS, None where the shop has none of it."""
        return self.payments if name == "payments" else getattr(self, name)
