"""Fit the trees and their calibration on columns of features.

Settings were chosen on the development folds of simulated card payments (docs/explain/
fraud-models.md): small trees, fine histograms, a slow rate. Small data get smaller trees.
Calibration is learned from scores of days that the fit did not see.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from shopkeeper.fraud.models.booster import FastBooster
from shopkeeper.fraud.registry import REGISTRY

SETTINGS: dict[str, Any] = {
    "objective": "binary",
    "num_leaves": 8,
    "learning_rate": 0.03,
    "min_data_in_leaf": 5,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "feature_fraction": 0.7,
    "lambda_l2": 5.0,
    "max_bin": 4095,
    "min_data_in_bin": 1,
    "num_threads": 1,
    "deterministic": True,
    "force_col_wise": True,
    "verbose": -1,
}
ROUNDS = 300
FOLDS = 5


def rising(names: Sequence[str]) -> list[int]:
    """Return +1 for features that may only raise the risk: known frauds, failed attempts."""
    return [
        int(
            REGISTRY[name].kind == "rate"
            or "declines" in name
            or name in ("attempts_failed", "ring_frauds")
        )
        for name in names
    ]


def fit_trees(
    rows: np.ndarray,
    label: np.ndarray,
    names: Sequence[str],
    seed: int,
    *,
    monotone: bool = False,
    rounds: int = ROUNDS,
    weight: np.ndarray | None = None,
    **changes: Any,
) -> str:
    """Return the text of trees fitted on rows (n, width) and labels (n,) of 0 and 1."""
    import lightgbm

    settings = {**SETTINGS, "seed": seed, **changes}
    if label.sum() < 100:
        settings.update(num_leaves=4, min_data_in_leaf=max(5, int(len(label) * 0.002)))
    if monotone:
        settings["monotone_constraints"] = rising(names)
    data = lightgbm.Dataset(rows, label, weight=weight, params=settings)
    booster = lightgbm.train(settings, data, num_boost_round=rounds)
    return str(booster.model_to_string())


def out_of_fold(
    rows: np.ndarray,
    label: np.ndarray,
    names: Sequence[str],
    block: np.ndarray,
    seed: int,
    *,
    weight: np.ndarray | None = None,
    **settings: Any,
) -> np.ndarray:
    """Return raw scores of every row from a fit on the other blocks (days); NaN where none fits."""
    found = np.full(len(label), np.nan)
    fold = block % FOLDS
    for one in np.unique(fold):
        mine = fold == one
        if 0 < label[~mine].sum() < (~mine).sum():
            of = None if weight is None else weight[~mine]
            text = fit_trees(rows[~mine], label[~mine], names, seed, weight=of, **settings)
            found[mine] = FastBooster(text).raw_many(rows[mine])
    return found
