"""The live state from the log, as it stands now: what following every event would have given."""

from __future__ import annotations

from typing import Any

import numpy as np

from shopkeeper.base.clock import now_us
from shopkeeper.data import fraud_history
from shopkeeper.fraud import controls
from shopkeeper.fraud.features import LiveState, horizon_us, rebuilt
from shopkeeper.fraud.rules_row import NAMES


def rebuild(warehouse: Any) -> LiveState:
    """Return the state of everything in the tables that still matters."""
    newest = fraud_history.newest_payment_us(warehouse)
    rows = fraud_history.fraud_events(warehouse, horizon_us(newest))
    draws = np.random.default_rng(now_us() & 0xFFFF_FFFF)
    return rebuilt(rows, controls.load(warehouse, draws, NAMES))
