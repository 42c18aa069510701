"""Panels of demand whose truth is known, for tests."""

from __future__ import annotations

import numpy as np

from shopkeeper.inventory.schema import DemandPanel


def panel(n=40, t=60, *, seed=3, frequency="W", promoted=False, ahead=6, mean=None):
    """Return a Poisson panel; where promoted, units triple in weeks with the promotion."""
    rng = np.random.default_rng(seed)
    level = np.full(n, mean) if mean is not None else rng.gamma(2.0, 5.0, n) + 0.5
    known = {}
    lift = np.ones((n, t))
    if promoted:
        plan = (rng.random((n, t + ahead)) < 0.15).astype(float)
        known = {"promotion": plan}
        lift = 1 + 2 * plan[:, :t]
    days = {"D": 1, "W": 7, "M": 30}[frequency]
    return DemandPanel(
        skus=[f"sku-{i:03d}" for i in range(n)],
        locations=[""] * n,
        frequency=frequency,
        starts=np.datetime64("2023-01-02") + days * np.arange(t),
        units=rng.poisson(level[:, None] * lift).astype(float),
        known=known,
        category=[f"c{i % 3}" for i in range(n)],
    )
