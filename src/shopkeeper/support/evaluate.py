"""Measure what understands texts: shared arithmetic of the three evaluations of language.

Metrics are values per row first, mean and interval after; the champion is the best on the
validation rows, and the test rows judge it once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from shopkeeper.learn import report
from shopkeeper.learn.metrics import bootstrap

SEED = 7
METRICS = (
    "accuracy",
    "macro_f1",
    "oos_auroc",
    "oos_recall",
    "recall_at_1",
    "recall_at_5",
    "f1",
    "pass_1",
    "pass_2",
    "pass_3",
    "pass_4",
    "database_1",
    "policy_violations",
)


def judged(
    per_row: Mapping[str, np.ndarray],
    *,
    fit: report.Cost,
    predict_seconds: float,
    rows: int,
    validation: float,
    extra: Mapping[str, tuple[float, list[float]]] | None = None,
) -> dict[str, Any]:
    """Return one model's part of the report; ``extra`` brings metrics that are no mean of rows."""
    means, intervals = report.summary(per_row, SEED)
    for name, (value, interval) in (extra or {}).items():
        means[name], intervals[name] = value, interval
    return {
        "metrics": means,
        "interval_95": intervals,
        "validation": round(validation, 5),
        "fit_seconds": round(fit.seconds, 3),
        "predict_ms_per_row": round(1000 * predict_seconds / max(rows, 1), 4),
        "peak_memory_mb": round(fit.peak_memory_mb, 1),
    }


def timed(work: Callable[..., Any], *given: Any) -> tuple[Any, float]:
    """Return (what the work gives, seconds)."""
    started = time.perf_counter()
    found = work(*given)
    return found, time.perf_counter() - started


def macro_f1(truth: np.ndarray, guess: np.ndarray) -> float:
    """Return the mean over the labels in ``truth`` of 2 TP / (2 TP + FP + FN).

    >>> round(macro_f1(np.array(["a", "a", "b"]), np.array(["a", "b", "b"])), 4)
    0.6667
    """
    values = []
    for label in np.unique(truth):
        hit = ((truth == label) & (guess == label)).sum()
        miss = ((truth == label) != (guess == label)).sum()
        values.append(2 * hit / (2 * hit + miss))
    return float(np.mean(values))


def auroc(outside: np.ndarray, score: np.ndarray) -> float:
    """Return the chance that an outside row scores above an inside one; ties count half.

    >>> auroc(np.array([False, True, True]), np.array([0.1, 0.4, 0.1]))
    0.75
    """
    order = np.unique(score, return_inverse=True)[1]
    counts = np.bincount(order)
    rank = np.cumsum(counts) - (counts - 1) / 2
    n_out, n_in = int(outside.sum()), int((~outside).sum())
    if n_out == 0 or n_in == 0:
        return float("nan")
    return float((rank[order][outside].sum() - n_out * (n_out + 1) / 2) / (n_out * n_in))


def drawn(
    statistic: Callable[[np.ndarray], float], rows: int, *, draws: int = 200
) -> tuple[float, list[float]]:
    """Return (statistic of all rows, 95 % interval over rows drawn again)."""
    rng = np.random.default_rng(SEED)
    values = [statistic(rng.integers(0, rows, rows)) for _ in range(draws)]
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return round(statistic(np.arange(rows)), 5), [round(float(low), 5), round(float(high), 5)]


def finished(
    models: dict[str, dict[str, Any]],
    per_row: Mapping[str, np.ndarray],
    *,
    baseline: str,
    data: Mapping[str, Any],
    protocol: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the printed object; ``per_row`` is the main metric of each model, row by row."""
    for name, model in models.items():
        if name != baseline:
            model["against_baseline"] = report.against(per_row[name], per_row[baseline], SEED)
    champion = max(models, key=lambda name: models[name]["validation"])
    return {
        "capability": "support",
        "data": dict(data),
        "protocol": dict(protocol),
        "models": models,
        "champion": champion,
        "baseline": baseline,
    }


def interval(values: Sequence[float] | np.ndarray) -> list[float]:
    """Return the 95 % interval of a mean."""
    low, high = bootstrap(np.asarray(values, dtype=float), np.random.default_rng(SEED))
    return [round(low, 5), round(high, 5)]
