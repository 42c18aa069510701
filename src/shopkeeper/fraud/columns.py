"""Features of many payments at once, as columns: the batch half of features.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from shopkeeper.base.clock import DAY_US
from shopkeeper.fraud import batch
from shopkeeper.fraud.aggregates import HOUR_US, RATIOS, Agg
from shopkeeper.fraud.registry import NAMES
from shopkeeper.fraud.rows import Rows


def columns_of(
    rows: Rows, aggs: Sequence[Agg], more: Mapping[str, np.ndarray] | None = None
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return (n, width) features and their names, in the order of the registry.

    Only what these rows can say is computed: aggregates of entities that they have, facts that
    ``rows.facts`` holds. ``more`` adds columns made elsewhere (rings).
    """
    held = [agg for agg in aggs if agg.entity in rows.payments.codes]
    found: dict[str, np.ndarray] = time_facts(rows.payments.at_us)
    found["amount_minor"] = rows.payments.amount.astype(np.float64)
    found |= {name: np.asarray(one, dtype=np.float64) for name, one in rows.facts.items()}
    found |= batch.aggregate(rows, held)
    found |= more or {}
    for name, (over, under, _) in RATIOS.items():
        if over in found and under in found:
            bottom = found[under]
            empty = np.full(len(rows), np.nan)
            found[name] = np.divide(found[over], bottom, out=empty, where=bottom > 0)
    names = tuple(name for name in NAMES if name in found)
    return np.stack([found[name] for name in names], axis=1), names


def time_facts(at_us: np.ndarray) -> dict[str, np.ndarray]:
    """Return hour, night and weekend of moments, UTC; 1970-01-01 was a Thursday."""
    in_day = at_us % DAY_US
    return {
        "hour": in_day / HOUR_US,
        "night": (in_day < 7 * HOUR_US).astype(np.float64),
        "weekend": ((at_us // DAY_US + 3) % 7 >= 5).astype(np.float64),
    }
