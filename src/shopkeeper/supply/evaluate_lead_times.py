"""Lead times on anybody's deliveries: each order judged with what was known before its week.

Orders are split by the day they were ordered: history, validation, test. Settings and champion
are chosen on validation. Every model, baselines too, is refitted each week on what had been
ordered and received by then; orders still open then are open, whatever happened later.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from shopkeeper.base.errors import BadInput
from shopkeeper.data.importers.deliveries import Rows
from shopkeeper.learn import report
from shopkeeper.supply import evaluate, lead_time, lead_time_committee
from shopkeeper.supply.evaluate import Say
from shopkeeper.supply.lead_time import PROMISE_BIN, Deliveries, Settings

LEVELS = (0.1, 0.5, 0.9)
BASELINE = "supplier_quantiles"
_BLOCK_DAYS = 7
_STRENGTHS = (4.0, 16.0, 64.0)
_HALF_LIVES = (None, 365.0, 120.0)
_SEATS = 5  # of a committee: the best of the grid on validation
_MOST_ROWS = 30_000  # history beyond the latest of these is left out, and said
_MOST_JUDGED = 4_000
_FEWEST = 30
_LATE_FLOOR = 1e-3


Choice = Settings | tuple[Settings, ...]  # one model, or a committee


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Quantiles (n, 3) at LEVELS of days, credit of the 80 % interval, and P(late)."""

    quantiles: np.ndarray
    credit: np.ndarray
    late: np.ndarray
    fit_seconds: float
    predict_ms: float
    peak_mb: float


def evaluate_lead_times(
    rows: Rows, *, at_day: int | None = None, seed: int = 7, say: Say = lambda _: None
) -> dict[str, Any]:
    """Return the printed object; ``at_day`` is the first test day, else the last fifth is test."""
    data, cut = _latest(rows)
    train_end, test_start = _split(data, at_day)
    rng = np.random.default_rng(seed)
    validation = _judged(data, train_end, test_start, rng)
    test = _judged(data, test_start, None, rng)
    promised = bool(np.isfinite(data.promised[np.concatenate([validation, test])]).all())
    candidates: dict[str, Choice | None] = {BASELINE: _plain(), "all_quantiles": _pooled()}
    chosen: dict[str, dict[str, Any]] = {}
    if promised:
        candidates["promised_date"] = None
    for end, lateness in (("", False), ("_lateness", True)):
        if lateness and not promised:
            continue
        say(f"  choosing the settings of shrunk{end} and committee{end} on validation")
        ranked = _ranked(data, validation, lateness)
        candidates["shrunk" + end] = best = ranked[0]
        candidates["committee" + end] = seats = tuple(ranked[:_SEATS])
        chosen["shrunk" + end] = _told(best)
        chosen["committee" + end] = {"members": [_told(one) for one in seats]}
    losses = {
        name: _loss(data, validation, _answers(data, validation, settings))
        for name, settings in candidates.items()
    }
    models: dict[str, Any] = {}
    values: dict[str, dict[str, np.ndarray]] = {}
    for name, settings in candidates.items():
        say(f"  judging {name}")
        answer = _answers(data, test, settings)
        values[name] = _values(data, test, answer)
        models[name] = evaluate.model_entry(
            values[name],
            seed=seed,
            fit_seconds=answer.fit_seconds,
            predict_ms_per_row=answer.predict_ms,
            peak_memory_mb=answer.peak_mb,
        )
        models[name]["validation_loss"] = round(losses[name], 5)
        if name in chosen:
            models[name]["settings"] = chosen[name]
    for metric in ("pinball_50", "pinball_90"):
        for name, found in evaluate.paired(values, metric, BASELINE, seed).items():
            models[name].setdefault("against_baseline", {})[metric] = found
    spans = (train_end, test_start)
    printed = _printed(rows, data, cut, spans, validation, test, promised, seed)
    learned = [name for name in losses if name != "promised_date"]
    champion = min(learned, key=lambda name: losses[name])
    return {**printed, "models": models, "champion": champion, "baseline": BASELINE}


def _printed(
    rows: Rows,
    data: Deliveries,
    cut: Mapping[str, int],
    spans: tuple[int, int],
    validation: np.ndarray,
    test: np.ndarray,
    promised: bool,
    seed: int,
) -> dict[str, Any]:
    return {
        "capability": "supply",
        "data": {
            "rows": len(data),
            "file_rows": rows.file_rows,
            "left_out": {**rows.left_out, **cut},
            "suppliers": len(set(data.keys["supplier"].tolist())),
            "open_at_end": int(np.isnan(data.received).sum()),
            "validation_rows": len(validation),
            "test_rows": len(test),
            "on_promised_day": _on_day(data, test) if promised else None,
            "sha256": rows.sha256,
        },
        "protocol": {
            "name": "time",
            "validation_from": _iso(spans[0]),
            "test_from": _iso(spans[1]),
            "refit_every_days": _BLOCK_DAYS,
            "open_orders": "censored",
            "promised_used": promised,
            "champion_by": "pinball at 0.5 and 0.9 on validation",
            "seed": seed,
        },
    }


def _latest(rows: Rows) -> tuple[Deliveries, dict[str, int]]:
    first = max(0, len(rows.ordered) - _MOST_ROWS)
    data = Deliveries(
        keys={name: values[first:] for name, values in rows.keys.items()},
        ordered=rows.ordered[first:],
        received=rows.received[first:],
        promised=rows.promised[first:],
    )
    return data, {"older than the latest 30,000": first} if first else {}


def _split(data: Deliveries, at_day: int | None) -> tuple[int, int]:
    """Return the first days of validation and test: each a fifth of the orders."""
    ordered = data.ordered
    test_start = int(np.quantile(ordered, 0.8)) if at_day is None else at_day
    before = ordered[ordered < test_start]
    if len(before) < _FEWEST or (ordered >= test_start).sum() < 1:
        raise BadInput(
            f"{len(before)} orders lie before the cut at {_iso(test_start)} and"
            f" {int((ordered >= test_start).sum())} after it; too few to learn and to judge.",
            hint=f"At least {_FEWEST} orders before the cut and one after; say --at DATE.",
            field="ordered",
        )
    return int(np.quantile(before, 0.75)), test_start


def _judged(data: Deliveries, start: int, end: int | None, rng: np.random.Generator) -> np.ndarray:
    """Return the rows of a period that were received; a seeded sample of very many."""
    inside = (data.ordered >= start) & np.isfinite(data.received)
    # Something must have been ordered before the week, or no model can say anything.
    inside &= data.ordered // _BLOCK_DAYS > data.ordered.min() // _BLOCK_DAYS
    if end is not None:
        inside &= data.ordered < end
    found = np.flatnonzero(inside)
    if not len(found):
        raise BadInput(
            f"No order from {_iso(start)} on was received, so nothing can be judged.",
            hint="Say --at DATE to cut earlier.",
            field="received",
        )
    if len(found) > _MOST_JUDGED:
        found = np.sort(rng.choice(found, _MOST_JUDGED, replace=False))
    return found


def _plain() -> Settings:
    """The supplier's own empirical quantiles, as a planner would read them off a sheet."""
    return Settings(levels=(("supplier",),), strength=0.0, half_life_days=None)


def _pooled() -> Settings:
    return Settings(levels=(), half_life_days=None)


def _level_sets(data: Deliveries, lateness: bool) -> Iterator[tuple[tuple[str, ...], ...]]:
    there = [name for name in ("mode", "lane", "item") if name in data.keys]
    yield (("supplier",),)
    for name in there:
        yield (("supplier",), ("supplier", name))
    if {"lane", "mode"} <= set(there):
        yield (("lane",), ("mode",), ("lane", "mode"))
        yield (("mode",), ("lane", "mode"), ("supplier", "mode"), ("supplier", "lane"))
    if len(there) > 1:
        wide = [(name,) for name in there if name == "mode"]
        narrow = [("supplier", name) for name in there]
        yield (*wide, ("supplier",), *narrow)
    if lateness:
        yield ((PROMISE_BIN,), ("supplier",), ("supplier", PROMISE_BIN))
        if "lane" in there:
            yield (("supplier",), ("supplier", PROMISE_BIN), ("supplier", "lane"))


def _ranked(data: Deliveries, rows: np.ndarray, lateness: bool) -> list[Settings]:
    """Return the settings of the grid, the lowest loss on these rows first."""
    grid = [
        Settings(levels=levels, strength=strength, half_life_days=half, lateness=lateness)
        for levels, strength, half in product(
            list(_level_sets(data, lateness)), _STRENGTHS, _HALF_LIVES
        )
    ]
    losses = [_loss(data, rows, _answers(data, rows, settings)) for settings in grid]
    return [grid[place] for place in np.argsort(losses, kind="stable")]


def _loss(data: Deliveries, rows: np.ndarray, answer: Answer) -> float:
    found = _values(data, rows, answer)
    return float((found["pinball_50"] + found["pinball_90"]).mean() / 2)


def _answers(data: Deliveries, rows: np.ndarray, settings: Choice | None) -> Answer:
    """Return what a model says of each row, refitted at the start of each week."""
    size = len(rows)
    quantiles, credit, late = np.zeros((size, 3)), np.zeros(size), np.full(size, np.nan)
    days = data.received - data.ordered
    ahead = data.promised - data.ordered
    if settings is None:
        quantiles[:] = ahead[rows, None]
        credit[:] = days[rows] == ahead[rows]
        return Answer(
            quantiles=quantiles, credit=credit, late=late, fit_seconds=0, predict_ms=0, peak_mb=0
        )
    keys = lead_time.with_bins(data)
    fitting = 0.0
    with report.measured() as cost:
        fitted: lead_time.Fitted | lead_time_committee.Committee | None = None
        for at, row in enumerate(rows):
            block = int(data.ordered[row]) // _BLOCK_DAYS * _BLOCK_DAYS
            if fitted is None or fitted.as_of != block:
                started = time.perf_counter()
                fitted = _fit(data, settings, block)
                fitting += time.perf_counter() - started
            curve = fitted.curve({name: str(column[row]) for name, column in keys.items()})
            base = ahead[row] if fitted.settings.lateness else 0.0
            quantiles[at] = [max(0.0, base + curve.at(level)) for level in LEVELS]
            credit[at] = _credit(curve, days[row] - base)
            if np.isfinite(ahead[row]):
                late[at] = 1 - curve.below(ahead[row] - base)[1]
    return Answer(
        quantiles=quantiles,
        credit=credit,
        late=late,
        fit_seconds=fitting,
        predict_ms=max(0.0, 1000 * (cost.seconds - fitting) / size),
        peak_mb=cost.peak_memory_mb,
    )


def _fit(
    data: Deliveries, settings: Choice, block: int
) -> lead_time.Fitted | lead_time_committee.Committee:
    if isinstance(settings, tuple):
        return lead_time_committee.fit(data, settings, block)
    if settings.strength == 0.0 or not settings.levels:
        # Baselines know what was received, and nothing of orders that are still open.
        known = (data.ordered < block) & (data.received < block)
        data = Deliveries(
            keys={name: values[known] for name, values in data.keys.items()},
            ordered=data.ordered[known],
            received=data.received[known],
            promised=data.promised[known],
        )
    return lead_time.fit(data, settings, block)


def _credit(curve: lead_time.Curve, value: float) -> float:
    """Return the part of the observation inside the 80 % interval.

    Where many orders arrive on one and the same day, an interval of whole days must take or
    leave them all. Counting the share of the day's probability that lies between the 10th and
    the 90th percentile is exact for such distributions and equals plain coverage without ties.
    Source: Czado, Gneiting and Held, Predictive model assessment for count data, Biometrics 65
    (2009), section 2.1 (the non-randomised probability integral transform).
    """
    low, high = curve.below(value)
    if high > low:
        return max(0.0, min(high, LEVELS[2]) - max(low, LEVELS[0])) / (high - low)
    return float(LEVELS[0] <= low <= LEVELS[2])


def _values(data: Deliveries, rows: np.ndarray, answer: Answer) -> dict[str, np.ndarray]:
    days = (data.received - data.ordered)[rows]
    found: dict[str, np.ndarray] = {}
    for place, level in enumerate(LEVELS):
        error = days - answer.quantiles[:, place]
        found[f"pinball_{round(100 * level)}"] = np.maximum(level * error, (level - 1) * error)
    low, middle, high = answer.quantiles.T
    found["coverage_80"] = answer.credit
    found["coverage_80_closed"] = ((days >= low) & (days <= high)).astype(float)
    found["mae_days"] = np.abs(days - middle)
    if np.isfinite(answer.late).any():
        happened = (data.received > data.promised)[rows]
        chance = np.clip(answer.late, _LATE_FLOOR, 1 - _LATE_FLOOR)
        found["late_log_loss"] = -np.where(happened, np.log(chance), np.log(1 - chance))
    return found


def _on_day(data: Deliveries, rows: np.ndarray) -> float:
    return round(float((data.received == data.promised)[rows].mean()), 4)


def _told(settings: Settings) -> dict[str, Any]:
    return {
        "levels": [list(level) for level in settings.levels],
        "strength": settings.strength,
        "half_life_days": settings.half_life_days,
    }


def _iso(day: int) -> str:
    return str(np.datetime64(int(day), "D"))


def columns(printed: Mapping[str, Any]) -> Sequence[str]:
    """Return the metrics that the table for people shows."""
    wanted = ("pinball_50", "pinball_90", "coverage_80", "coverage_80_closed", "mae_days")
    return [m for m in wanted if any(m in one["metrics"] for one in printed["models"].values())]
