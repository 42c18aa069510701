"""Measure supply on anybody's files: routes against the best known, lead times against peers.

One value per run or per order first, mean and interval after, baselines beside the models.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from shopkeeper.learn import report

METRICS = (
    "gap_to_best_known_percent",
    "feasible",
    "routes",
    "cost",
    "against_baseline_percent",
    "seconds",
    "pinball_10",
    "pinball_50",
    "pinball_90",
    "coverage_80",
    "coverage_80_closed",
    "mae_days",
    "late_log_loss",
)

Say = Callable[[str], None]


def model_entry(
    per_subject: Mapping[str, np.ndarray],
    *,
    seed: int,
    fit_seconds: float = 0.0,
    predict_ms_per_row: float = 0.0,
    peak_memory_mb: float = 0.0,
) -> dict[str, Any]:
    """Return what the printed object says of one model; NaN is left out of each mean."""
    clean = {name: values[np.isfinite(values)] for name, values in per_subject.items()}
    means, intervals = report.summary(clean, seed)
    return {
        "metrics": {name: means[name] for name in METRICS if name in means},
        "interval_95": {name: intervals[name] for name in METRICS if name in intervals},
        "fit_seconds": round(fit_seconds, 3),
        "predict_ms_per_row": round(predict_ms_per_row, 4),
        "peak_memory_mb": round(peak_memory_mb, 1),
    }


def lower_is_better(values: np.ndarray, baseline: np.ndarray, seed: int) -> dict[str, Any]:
    """Return the paired difference to the baseline of a loss; below 0 is better."""
    both = np.isfinite(values) & np.isfinite(baseline)
    found = report.against(-values[both], -baseline[both], seed)
    low, high = found["interval_95"]
    return {
        "difference": -found["difference"],
        "interval_95": [-high, -low],
        "verdict": found["verdict"],
    }


def paired(
    models: Mapping[str, Mapping[str, np.ndarray]], metric: str, baseline: str, seed: int
) -> dict[str, dict[str, Any]]:
    """Return model -> its difference to the baseline in one metric."""
    return {
        name: lower_is_better(values[metric], models[baseline][metric], seed)
        for name, values in models.items()
        if name != baseline and metric in values and metric in models[baseline]
    }


def as_rows(models: Mapping[str, Any], columns: Sequence[str]) -> list[list[str]]:
    """Return the table for people: one row per model."""
    rows = []
    for name, model in models.items():
        found = model["metrics"]
        rows.append([name, *(f"{found[c]:,.3f}" if c in found else "-" for c in columns)])
    return rows
