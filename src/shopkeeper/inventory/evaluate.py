"""How good are the forecasts on held-out periods, and what stock would they need?

Rolling origins at the end of the panel; each model knows only what lies before its origin.
Choices (rung per segment, calibration, champion) come from origins before the first test
origin. With a lead time, the same models also replenish on the held-out demand with lost sales.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from shopkeeper.base.errors import BadInput
from shopkeeper.inventory import simulate, spread
from shopkeeper.inventory.features import Prepared
from shopkeeper.inventory.models import local
from shopkeeper.inventory.models.cumulative import Settings
from shopkeeper.inventory.models.ladder import LEAST_HISTORY, RUNGS, Ladder, prepare
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
SIMULATED = {"D": 91, "W": 25, "M": 12}  # held-out periods that the simulation replays, at most
REFIT = {"D": 28, "W": 5, "M": 6}  # periods between fits in the simulation
BASELINE = {"D": "ma28", "W": "ma8", "M": "ma12"}
CHAMPION_METRIC = "pinball"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """Protocol. ``horizon`` and times in periods; ``known``: drivers known beyond the origin."""

    horizon: int
    origins: int = 2
    known: tuple[str, ...] = ()
    lead_time: int | None = None
    review: int = 1
    service: float = 0.95
    least_history: int = 0  # periods a series must have before an origin to be judged
    seed: int = 7
    settings: Settings = field(default_factory=Settings)


def evaluate(panel: DemandPanel, setup: Setup, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the object that ``evaluate`` prints: models, champion, baseline, simulation."""
    periods = panel.units.shape[1]
    origins = _origins(panel, setup)
    prepared = prepare(panel)
    models: dict[str, Any] = {}
    rows: dict[str, _Rows] = {}
    fitted, seconds, peak = _ladders(panel, setup, origins)
    for name in ("ladder", "naive", *RUNGS[panel.frequency]):
        started = time.perf_counter()
        rows[name] = _judge(name, prepared, fitted, origins, setup)
        asked = max(1, len(rows[name].actual))
        models[name] = _entry(rows[name], setup.seed) | {
            "fit_seconds": round(seconds if name == "ladder" else 0.0, 2),
            "predict_ms_per_row": round(1000 * (time.perf_counter() - started) / asked, 4),
            "peak_memory_mb": round(peak),
        }
    baseline = BASELINE[panel.frequency]
    for name, entry in models.items():
        if name != baseline:
            entry["against_baseline"] = _against(rows[name], rows[baseline], setup.seed)
    printed = {
        "capability": "inventory",
        "data": {**facts, "judged_rows": len(rows["ladder"].actual)},
        "protocol": {
            "frequency": panel.frequency,
            "horizon": setup.horizon,
            "origins": origins,
            "periods": periods,
            "known": list(setup.known),
            "service": setup.service,
        },
        "models": models,
        "champion": _champion(fitted[origins[0]]),
        "baseline": baseline,
        "chosen": dict(zip(_SEGMENTS, fitted[origins[0]].judged_.chosen, strict=True)),  # type: ignore[union-attr]
    }
    if setup.lead_time is not None:
        printed["simulation"] = simulation(panel, setup)
    return printed


def simulation(panel: DemandPanel, setup: Setup) -> dict[str, Any]:
    """Return, per policy, the exchange curve of fill against periods of supply."""
    prepared = prepare(panel)
    demand = prepared.units.astype(float)
    lead = setup.lead_time or 0
    t = demand.shape[1]
    span = lead + setup.review
    first = max(t - SIMULATED[panel.frequency], LEAST_HISTORY[panel.frequency], span)
    if first >= t - 4:
        least = LEAST_HISTORY[panel.frequency] + 8
        raise BadInput(
            f"The simulation needs {least} periods, but the file has {t}.",
            field="lead_time",
            hint="Leave --lead-time out, or give a longer history.",
        )
    warm_up = min(4, (t - first) // 4)
    runs = simulate.Setup(first=first, lead_time=lead, review=setup.review, warm_up=warm_up)
    price = _price(panel)
    quantiles = _walk(panel, prepared, setup, first, span)
    policies = _policies(prepared, quantiles, span, setup.service)
    found: dict[str, Any] = {}
    for name, (settings, nominal, level) in policies.items():
        levels = {s: _fixed(level, s) for s in settings}
        points = simulate.curve(demand, levels, runs, price)
        usual = next(p for p in points if p.setting == nominal)
        found[name] = {
            "cover_at_fill_90": simulate.cover_at(points, 0.90),
            "cover_at_fill_95": simulate.cover_at(points, 0.95),
            "nominal": {
                "setting": nominal,
                "fill": round(usual.fill, 4),
                "cover": round(usual.cover, 3),
                "short_share": round(usual.short_share, 4),
            },
            "curve": [[round(v, 4) for v in (p.setting, p.fill, p.cover)] for p in points],
        }
    return {
        "lead_time": lead,
        "review": setup.review,
        "first": first,
        "scored": t - first - warm_up,
        "policies": found,
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
    if setup.horizon < 1 or found[0] < 2:
        raise BadInput(
            f"{setup.origins} origins of {setup.horizon} periods need more than the {periods} "
            "periods of the file.",
            hint="Lower --origins or --horizon.",
            field="horizon",
            value=setup.horizon,
        )
    return found


def _cut(panel: DemandPanel, origin: int, ahead: int) -> DemandPanel:
    """Return the panel as it was known at an origin, with plans for ``ahead`` periods."""

    def until(values: np.ndarray | None, end: int) -> np.ndarray | None:
        return None if values is None else values[:, :end]

    return DemandPanel(
        skus=panel.skus,
        locations=panel.locations,
        frequency=panel.frequency,
        starts=panel.starts[:origin],
        units=panel.units[:, :origin],
        in_stock_share=until(panel.in_stock_share, origin),
        price_minor=until(panel.price_minor, origin),
        known={name: values[:, : origin + ahead] for name, values in panel.known.items()},
        category=panel.category,
    )


def _ladder(panel: DemandPanel, setup: Setup, origin: int, **more: Any) -> Ladder:
    ahead = more.get("steps") or more["judge_at"]
    model = Ladder(
        frequency=panel.frequency,
        drivers=tuple(setup.known) or tuple(sorted(panel.known)),
        ahead=ahead if setup.known else 0,
        service=setup.service,
        settings=setup.settings,
        **more,
    )
    price = None if panel.price_minor is None else _price(panel)
    return model.fit(_cut(panel, origin, ahead), price=price)


def _ladders(
    panel: DemandPanel, setup: Setup, origins: list[int]
) -> tuple[dict[int, Ladder], float, float]:
    with report.measured() as cost:
        fitted = {
            origin: _ladder(panel, setup, origin, horizons=(1,), steps=setup.horizon, judge_at=1)
            for origin in origins
        }
    return fitted, cost.seconds, cost.peak_memory_mb


def _judge(
    name: str, prepared: Prepared, fitted: dict[int, Ladder], origins: list[int], setup: Setup
) -> _Rows:
    parts: list[tuple[np.ndarray, ...]] = []
    levels = spread.standard_levels()
    for origin in origins:
        scale = _error_scale(prepared, origin)
        for step in range(setup.horizon):
            if name == "ladder":
                q, mean = fitted[origin].at(prepared, origin, 1, step)
            else:
                q, mean = local.belief(name, prepared, origin, 1, step)
            actual = prepared.future(origin, 1, step)
            least = max(1, setup.least_history)
            rows = np.flatnonzero(np.isfinite(actual) & (origin - prepared.first >= least))
            wanted = np.array(LEVELS)
            window = np.full(len(rows), origin)
            parts.append(
                (
                    actual[rows],
                    mean[rows],
                    spread.at_levels(levels, q[rows], wanted),
                    scale[rows],
                    rows,
                    window,
                )
            )
    keys = ("actual", "mean", "quantiles", "scale", "series", "window")
    joined = [np.concatenate(part) for part in zip(*parts, strict=True)]
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


def _champion(first: Ladder) -> str:
    """Return what validation before the first test origin prefers: one rung for all, or the ladder.

    The ladder takes each segment's best, so on validation it can only tie with a single rung.
    """
    assert first.judged_ is not None
    chosen = set(first.judged_.chosen)
    only = next(iter(chosen))
    return only if len(chosen) == 1 and only in RUNGS[first.frequency] else "ladder"


def _walk(
    panel: DemandPanel, prepared: Prepared, setup: Setup, first: int, span: int
) -> dict[int, np.ndarray]:
    """Return period -> (n, q) calibrated quantiles of demand over the protection interval."""
    found: dict[int, np.ndarray] = {}
    model: Ladder | None = None
    for t in range(first, prepared.periods):
        if model is None or (t - first) % REFIT[panel.frequency] == 0:
            model = _ladder(panel, setup, t, horizons=(span,), judge_at=span)
        found[t], _ = model.at(prepared, t, span)
    return found


Level = Callable[[int, float], np.ndarray]


def _policies(
    prepared: Prepared, quantiles: dict[int, np.ndarray], span: int, service: float
) -> dict[str, tuple[tuple[float, ...], float, Level]]:
    levels = spread.standard_levels()
    z = (0.5, 1.0, 1.5, 1.645, 2.0, 2.5, 3.0, 4.0)
    asked = tuple(sorted({0.5, 0.7, 0.8, 0.85, 0.9, 0.95, 0.97, 0.98, 0.99, 0.997, service}))

    def ours(t: int, level: float) -> np.ndarray:
        return spread.at_levels(levels, quantiles[t], np.array([level]))[:, 0]

    def smoothed(t: int, factor: float) -> np.ndarray:
        deviation = np.sqrt(local.variance(prepared, t, 1))
        return prepared.scale(t) * span + factor * deviation * np.sqrt(span)

    def velocity(t: int, factor: float) -> np.ndarray:
        return local.moving_average(prepared, t, span, 4) * factor

    return {
        "ladder": (asked, service, ours),
        "ewma_z": (z, 1.645, smoothed),
        "velocity": ((1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0), 1.5, velocity),
    }


def _fixed(level: Level, setting: float) -> Callable[[int], np.ndarray]:
    return lambda t: level(t, setting)


def _price(panel: DemandPanel) -> np.ndarray:
    """Return (n,) the middle price of each series; the middle of all where it has none; else 1."""
    if panel.price_minor is None:
        return np.ones(len(panel.skus))
    known = np.isfinite(panel.price_minor) & (panel.price_minor > 0)
    found = np.full(len(panel.skus), np.nan)
    for row in np.flatnonzero(known.any(axis=1)).tolist():
        found[row] = np.median(panel.price_minor[row][known[row]])
    usual = float(np.nanmedian(found)) if np.isfinite(found).any() else 1.0
    return np.where(np.isfinite(found), found, usual)
