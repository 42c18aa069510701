"""Requests, features and predictions by hand, for tests of what follows from them."""

from __future__ import annotations

from typing import Any

import numpy as np

from shopkeeper.fraud.controls import Controls
from shopkeeper.fraud.registry import NAMES, ROW
from shopkeeper.fraud.rules_row import NAMES as RULE_NAMES
from shopkeeper.fraud.schema import Features, Prediction, Request


def controls(seed: int = 1) -> Controls:
    return Controls(names=RULE_NAMES, draws=np.random.default_rng(seed))


def request(**more: Any) -> Request:
    given = {"payment_id": "p1", "amount_minor": 10_000, "currency": "EUR", **more}
    return Request(**given)


def features(given: Controls | None = None, as_of_us: int = 10**15, **values: float) -> Features:
    array = np.zeros(len(NAMES))
    for name, value in values.items():
        array[ROW[name]] = value
    return Features(as_of_us=as_of_us, names=NAMES, values=array, row=ROW, controls=given)


def prediction(p: float, *, calibrated: bool = True, **more: Any) -> Prediction:
    return Prediction(
        probability=np.array([p]),
        raw=np.array([0.0]),
        rarity=np.array([0.5]),
        calibrated=calibrated,
        **more,
    )
