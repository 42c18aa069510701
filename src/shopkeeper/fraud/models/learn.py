"""Fit the trees and their calibration on columns of features.

Settings were chosen on the development folds of simulated card payments (docs/explain/
fraud-models.md): small trees, fine histograms, a slow rate. Small data get smaller trees.
Calibration is learned from scores of days that the fit did not see.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from shopkeeper.fraud.models import calibration
from shopkeeper.fraud.models.calibration import Calibration
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
FEWEST_BINS, ROWS_PER_BIN = 255, 8
UNHEARD = 0.05  # a payment of whose frauds fewer would have been reported teaches nothing


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


def fit_calibrated(
    rows: np.ndarray,
    label: np.ndarray,
    names: Sequence[str],
    block: np.ndarray,
    seed: int,
    *,
    calibrate: np.ndarray,
    weight: np.ndarray | None = None,
) -> tuple[str, Calibration]:
    """Return the trees as they are served, monotone, and the curve from raw to probability.

    ``calibrate`` (n,) marks the rows whose scores, from fits on other ``block`` days, make the
    curve. Evaluation and training both come here, so what is measured is what is served.
    """
    if weight is not None:
        heard = weight > UNHEARD
        rows, label, block, weight = rows[heard], label[heard], block[heard], weight[heard]
        calibrate = calibrate[heard]
    raw = out_of_fold(rows, label, names, block, seed, asked=calibrate, weight=weight)
    seen = ~np.isnan(raw)
    curve = calibration.fit(raw[seen], label[seen])
    return fit_trees(rows, label, names, seed, weight=weight, monotone=True), curve


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

    settings = settings_for(label, names, seed, monotone=monotone) | changes
    data = lightgbm.Dataset(rows, label, weight=weight, params=settings)
    booster = lightgbm.train(settings, data, num_boost_round=rounds)
    return str(booster.model_to_string())


def settings_for(
    label: np.ndarray, names: Sequence[str], seed: int, *, monotone: bool
) -> dict[str, Any]:
    """Return the settings of trees; few frauds get smaller ones."""
    # A bin for every value of a small table costs ten times the rows it describes.
    bins = int(np.clip(len(label) // ROWS_PER_BIN, FEWEST_BINS, SETTINGS["max_bin"]))
    settings = {**SETTINGS, "seed": seed, "max_bin": bins}
    if label.sum() < 100:
        settings.update(num_leaves=4, min_data_in_leaf=max(5, int(len(label) * 0.002)))
    if monotone:
        settings["monotone_constraints"] = rising(names)
    return settings


def out_of_fold(
    rows: np.ndarray,
    label: np.ndarray,
    names: Sequence[str],
    block: np.ndarray,
    seed: int,
    *,
    asked: np.ndarray,
    weight: np.ndarray | None = None,
) -> np.ndarray:
    """Return raw scores of the asked rows from fits on other blocks (days), NaN for all others.

    A fit leaves out about a fifth of the rows: five fits when all are asked, two when the asked
    ones are few. The histogram's edges are found once, over all rows; they know no labels.
    """
    import lightgbm

    found = np.full(len(label), np.nan)
    if not asked.any():
        return found
    settings = settings_for(label, names, seed, monotone=True)
    whole = lightgbm.Dataset(rows, label, weight=weight, params=settings).construct()
    fold = block % int(np.clip(np.ceil(asked.mean() * FOLDS), 2, FOLDS))
    for one in np.unique(fold[asked]):
        mine = asked & (fold == one)
        if not 0 < label[~mine].sum() < (~mine).sum():
            continue
        part = whole.subset(np.flatnonzero(~mine).tolist())
        booster = lightgbm.train(settings, part, num_boost_round=ROUNDS)
        found[mine] = booster.predict(rows[mine], raw_score=True, num_threads=1)
    return found
