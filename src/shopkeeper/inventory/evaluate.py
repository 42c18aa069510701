"""How good are the forecasts on held-out periods, and what stock would they need?

Rolling origins at the end of the panel; each model knows only what lies before its origin.
Choices (rung per segment, calibration, champion) come from origins before the first test
origin. With a lead time, the same models also replenish on the held-out demand with lost sales.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from shopkeeper.base.errors import BadInput
from shopkeeper.inventory import bottom_up, spread
from shopkeeper.inventory.evaluate_stock import simulation
from shopkeeper.inventory.features import Prepared
from shopkeeper.inventory.models import local
from shopkeeper.inventory.models.censoring import IN_STOCK
from shopkeeper.inventory.models.ladder import RUNGS, Ladder, prepare
from shopkeeper.inventory.protocol import Setup, cut, ladder_at
from shopkeeper.inventory.schema import SEGMENTS as _SEGMENTS
from shopkeeper.inventory.schema import DemandPanel
from shopkeeper.learn import metrics, report

METRICS = (
    "wape",
    "bias",
    "rmsse",
    "pinball",
    "pinball_95",
    "coverage_80",
    "coverage_95",
    "total_wape",
)
LEVELS = (0.1, 0.5, 0.9, 0.95)
BASELINE = {"D": "ma28", "W": "ma8", "M": "ma12"}
CHAMPION_METRIC = "pinball"


def evaluate(panel: DemandPanel, setup: Setup, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the object that ``evaluate`` prints: models, champion, baseline, simulation.

    Without origins, only the simulation.
    """
    origins = _origins(panel, setup)
    printed: dict[str, Any] = {
        "capability": "inventory",
        "data": dict(facts),
        "protocol": {
            "frequency": panel.frequency,
            "horizon": setup.horizon,
            "origins": origins,
            "periods": panel.units.shape[1],
            "known": list(setup.known),
            "observed": [name for name in sorted(panel.known) if name not in setup.known],
            "service": setup.service,
        },
        "models": {},
        "champion": "ladder",
        "baseline": BASELINE[panel.frequency],
    }
    if origins:
        printed |= _forecasts(panel, setup, origins, printed)
    if setup.lead_time is not None:
        printed["simulation"] = simulation(panel, setup)
    return printed


def _forecasts(
    panel: DemandPanel, setup: Setup, origins: list[int], printed: dict[str, Any]
) -> dict[str, Any]:
    """Return models, champion and choices; the rows that judged are counted in data."""
    # What a model sees ends at its origin: restoring sold-out periods looks at whole histories.
    pasts = {origin: prepare(cut(panel, origin, setup.horizon)) for origin in origins}
    models: dict[str, Any] = {}
    rows: dict[str, _Rows] = {}
    fitted, seconds, peak = _ladders(panel, setup, origins)
    for name in ("ladder", "naive", *RUNGS[panel.frequency]):
        started = time.perf_counter()
        rows[name] = _judge(name, panel, pasts, fitted, setup)
        asked = max(1, len(rows[name].actual))
        models[name] = _entry(rows[name], setup.seed) | {
            "fit_seconds": round(seconds if name == "ladder" else 0.0, 2),
            "predict_ms_per_row": round(1000 * (time.perf_counter() - started) / asked, 4),
            "peak_memory_mb": round(peak),
        }
    baseline = printed["baseline"]
    for name, entry in models.items():
        if name != baseline:
            entry["against_baseline"] = _against(rows[name], rows[baseline], setup.seed)
    return {
        "data": printed["data"] | {"judged_rows": len(rows["ladder"].actual)},
        "models": models,
        "champion": _champion(fitted[origins[0]]),
        "bottom_up": {
            name: _bottom_up(rows[name], panel) for name in ("ladder", printed["baseline"])
        },
        **_choices(fitted[origins[0]]),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """Forecasts beside what came: actual, mean (r,), quantiles (r, 4), scale, series, window."""

    actual: np.ndarray
    mean: np.ndarray
    quantiles: np.ndarray
    scale: np.ndarray
    series: np.ndarray
    window: np.ndarray


def _origins(panel: DemandPanel, setup: Setup) -> list[int]:
    periods = panel.units.shape[1]
    found = [periods - setup.horizon * step for step in range(setup.origins, 0, -1)]
    if setup.horizon < 1 or (found and found[0] < 2):
        raise BadInput(
            f"{setup.origins} origins of {setup.horizon} periods need more than the {periods} "
            "periods of the file.",
            hint="Lower --origins or --horizon.",
            field="horizon",
            value=setup.horizon,
        )
    return found


def _ladders(
    panel: DemandPanel, setup: Setup, origins: list[int]
) -> tuple[dict[int, Ladder], float, float]:
    with report.measured() as cost:
        fitted = {
            origin: ladder_at(panel, setup, origin, horizons=(1,), steps=setup.horizon, judge_at=1)
            for origin in origins
        }
    return fitted, cost.seconds, cost.peak_memory_mb


def _judge(
    name: str,
    panel: DemandPanel,
    pasts: dict[int, Prepared],
    fitted: dict[int, Ladder],
    setup: Setup,
) -> _Rows:
    """Return forecasts of single periods beside demand; sold-out periods judge nobody."""
    parts: list[tuple[np.ndarray, ...]] = []
    levels = spread.standard_levels()
    for origin, past in pasts.items():
        scale = _error_scale(past, origin)
        old = origin - past.first >= max(1, setup.least_history)
        for step in range(setup.horizon):
            if name == "ladder":
                q, mean = fitted[origin].at(past, origin, 1, step)
            else:
                q, mean = local.belief(name, past, origin, 1, step)
            actual = np.maximum(panel.units[:, origin + step], 0)
            good = np.isfinite(actual) & old
            if panel.in_stock_share is not None:
                good &= panel.in_stock_share[:, origin + step] >= IN_STOCK
            rows = np.flatnonzero(good)
            quantiles = spread.at_levels(levels, q[rows], np.array(LEVELS))
            window = np.full(len(rows), origin)
            parts.append((actual[rows], mean[rows], quantiles, scale[rows], rows, window))
    keys = ("actual", "mean", "quantiles", "scale", "series", "window")
    joined = [np.concatenate(part) for part in zip(*parts, strict=True)]
    if not joined[0].sum() > 0:
        raise BadInput(
            "The test periods hold no demand of a series with enough history.",
            hint="Lower --horizon or --least-history, or give a file that goes on longer.",
            field="horizon",
            value=setup.horizon,
        )
    return _Rows(**dict(zip(keys, joined, strict=True)))


def _error_scale(prepared: Prepared, origin: int) -> np.ndarray:
    """Return (n,) the mean squared first difference of the history, for RMSSE."""
    steps = np.diff(prepared.units[:, :origin].astype(float), axis=1)
    alive = np.arange(1, origin)[None, :] > prepared.first[:, None]
    total = (steps**2 * alive).sum(axis=1)
    found: np.ndarray = total / np.maximum(alive.sum(axis=1), 1)
    return found


def _parts(rows: _Rows) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return metric -> (top, bottom) per series; the metric is the ratio of their sums."""
    size = int(rows.series.max(initial=-1)) + 1

    def per(values: np.ndarray) -> np.ndarray:
        return np.bincount(rows.series, weights=values, minlength=size)

    actual, count = per(rows.actual), per(np.ones(len(rows.actual)))
    error = rows.actual[:, None] - rows.quantiles
    level = np.array(LEVELS)
    pinball = np.maximum(level * error, (level - 1) * error)
    inside = (rows.actual >= rows.quantiles[:, 0] - 1e-9) & (rows.actual <= rows.quantiles[:, 2])
    both, place = np.unique(
        np.column_stack([rows.series, rows.window]), axis=0, return_inverse=True
    )
    place = place.ravel()
    gap = np.bincount(place, weights=rows.mean - rows.actual)
    squares = np.bincount(place, weights=(rows.mean - rows.actual) ** 2) / np.bincount(place)
    usable = np.bincount(place, weights=rows.scale) > 0
    scaled = np.sqrt(squares / np.maximum(np.bincount(place, weights=rows.scale), 1e-12))
    scaled *= np.sqrt(np.bincount(place))
    of_series = both[:, 0]
    return {
        "wape": (per(np.abs(rows.actual - rows.mean)), actual),
        "bias": (per(rows.mean - rows.actual), actual),
        "rmsse": (
            np.bincount(of_series, weights=np.where(usable, scaled, 0), minlength=size),
            np.bincount(of_series, weights=usable.astype(float), minlength=size),
        ),
        "pinball": (per(pinball.mean(axis=1)), actual),
        "pinball_95": (per(pinball[:, 3]), actual),
        "coverage_80": (per(inside.astype(float)), count),
        "coverage_95": (per((rows.actual <= rows.quantiles[:, 3] + 1e-9).astype(float)), count),
        "total_wape": (np.bincount(of_series, weights=np.abs(gap), minlength=size), actual),
    }


def _bottom_up(rows: _Rows, panel: DemandPanel) -> dict[str, float]:
    """Return the WAPE of each window's totals: per series, category, location and of everything."""
    windows = [str(window) for window in rows.window.tolist()]
    labels: dict[str, Sequence[str]] = {
        "series": [str(one) for one in range(panel.units.shape[0])],
        "category": panel.category,
        "location": panel.locations,
        "all": [""] * panel.units.shape[0],
    }
    return {
        level: round(
            bottom_up.error(
                rows.mean,
                rows.actual,
                [f"{w} {of[s]}" for w, s in zip(windows, rows.series.tolist(), strict=True)],
            ),
            5,
        )
        for level, of in labels.items()
        if len(of) and (level in ("series", "all") or len(set(of)) > 1)
    }


def _entry(rows: _Rows, seed: int) -> dict[str, Any]:
    means, intervals = {}, {}
    for name, (top, bottom) in _parts(rows).items():
        means[name] = round(float(top.sum() / max(bottom.sum(), 1e-12)), 5)
        low, high = metrics.bootstrap_ratio(top, bottom, np.random.default_rng(seed))
        intervals[name] = _interval(low, high)
    return {"metrics": means, "interval_95": intervals}


def _against(rows: _Rows, base: _Rows, seed: int) -> dict[str, Any]:
    top, bottom = _parts(rows)[CHAMPION_METRIC]
    other, _ = _parts(base)[CHAMPION_METRIC]
    low, high = metrics.bootstrap_ratio(top - other, bottom, np.random.default_rng(seed))
    verdict = "better" if high < 0 else "worse" if low > 0 else "no clear difference"
    return {
        "metric": CHAMPION_METRIC,
        "difference": round(float((top - other).sum() / max(bottom.sum(), 1e-12)), 5),
        "interval_95": _interval(low, high),
        "verdict": verdict,
    }


def _interval(low: float, high: float) -> list[float | None]:
    """Return the interval as JSON has it: without a number where nothing can be said."""
    return [round(v, 5) if np.isfinite(v) else None for v in (low, high)]


def _choices(first: Ladder) -> dict[str, Any]:
    """Return what the first ladder chose per segment, with losses, and for sold-out days."""
    judged = first.judged_
    assert judged is not None
    found: dict[str, Any] = {
        "chosen": dict(zip(_SEGMENTS, judged.chosen, strict=True)),
        "shares": dict(zip(_SEGMENTS, judged.shares, strict=True)),
        "validation": {
            segment: {name: round(loss, 5) for name, loss in sorted(losses.items())}
            for segment, losses in judged.losses.items()
        },
    }
    if first.blend_ is not None:
        found["restored"] = asdict(first.blend_)
    return found


def _champion(first: Ladder) -> str:
    """Return what validation before the first test origin prefers: one rung for all, or the ladder.

    The ladder takes each segment's best, so on validation it can only tie with a single rung.
    """
    assert first.judged_ is not None
    chosen = set(first.judged_.chosen)
    only = next(iter(chosen))
    return only if len(chosen) == 1 and only in RUNGS[first.frequency] else "ladder"
