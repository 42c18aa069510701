"""Measure fraud models on held-out days of a file, beside simple baselines.

Every model learns from the same rows; ``trees_history`` may also learn from labelled rows before
the first training day, where the file has some, and says so. The champion is chosen on the days
before, never on the test. Intervals come from drawing customers again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from shopkeeper.base import clock
from shopkeeper.base.clock import DAY_US
from shopkeeper.base.errors import BadInput
from shopkeeper.fraud import folds, metrics, pricing
from shopkeeper.fraud.aggregates import declare
from shopkeeper.fraud.columns import columns_of
from shopkeeper.fraud.costs import DEFAULT_COSTS, Costs
from shopkeeper.fraud.folds import Plan
from shopkeeper.fraud.models import calibration, candidates
from shopkeeper.fraud.models.candidates import Learned, Lesson
from shopkeeper.fraud.past import Past
from shopkeeper.fraud.rows import NEVER_US, Rows, Stream
from shopkeeper.learn import report

METRICS = (
    "auc_roc",
    "average_precision",
    "card_precision_at_100",
    "tpr_at_fpr_5",
    "calibration_error",
    "expected_cost",
)
BASELINE = "logistic"
HISTORY_DAYS = 56


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What is asked: first training day, days of each part, how many folds."""

    start_us: int
    train_days: int = 7
    delay_days: int = 7
    test_days: int = 7
    folds: int = 1
    seed: int = 7
    costs: Costs = DEFAULT_COSTS
    among: tuple[str, ...] = tuple(candidates.FITTERS)  # candidates; the baseline always is one

    def plans(self) -> list[Plan]:
        """Return the folds, each ``test_days`` later than the one before."""
        first = Plan(
            start_us=self.start_us,
            train_days=self.train_days,
            delay_days=self.delay_days,
            test_days=self.test_days,
        )
        return [first.moved(number * self.test_days) for number in range(self.folds)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """All rows of a file with their features; arrays (n, …) in order of time."""

    at_us: np.ndarray
    customer: np.ndarray
    amount: np.ndarray
    label: np.ndarray
    known_us: np.ndarray
    columns: np.ndarray
    names: tuple[str, ...]
    past: Past


def table_of(data: Any, delay_days: int) -> Table:
    """Return the features of a file's rows; labels without a moment are known after the delay."""
    delay_us = delay_days * DAY_US
    known = np.where(data.label_us == NEVER_US, data.at_us + delay_us, data.label_us)
    known = np.where(data.fraud == 1, known, NEVER_US)
    stream = Stream(at_us=data.at_us, amount=data.amount_minor, codes=data.codes)
    rows = Rows(payments=stream, known_us=known, facts=data.facts)
    columns, names = columns_of(rows, declare(delay_us))
    return Table(
        at_us=data.at_us,
        customer=data.codes["customer"],
        amount=data.amount_minor,
        label=data.fraud,
        known_us=known,
        columns=columns,
        names=names,
        past=Past(payments=stream),
    )


def evaluate(
    data: Any, setup: Setup, file: Mapping[str, Any], tell: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """Return the printed object: every model's metrics over the folds, and the champion."""
    table = table_of(data, setup.delay_days)
    plans = setup.plans()
    for plan in plans:
        folds.require(table.at_us, table.label, plan, str(file.get("file", "file")))
        _require_unknown(table, plan, str(file.get("file", "file")))
    models, champion = measure(table, plans, setup, tell)
    return {
        "capability": "fraud",
        "data": _facts(data, table, file),
        "protocol": _protocol(setup, plans, models),
        "models": models,
        "champion": champion,
        "baseline": BASELINE,
    }


def _require_unknown(table: Table, plan: Plan, name: str) -> None:
    """Raise BadInput unless both classes are left once known customers are left out."""
    rows = _judged_rows(table, plan)
    bad = int(table.label[rows].sum())
    if bad == 0 or bad == len(rows):
        raise BadInput(
            f"{name}: of the test days from {clock.iso(plan.test_us)[:10]}, {len(rows)} payments "
            f"and {bad} frauds are left without customers who were known before; both classes "
            "are needed.",
            hint="Use later or more test days, or a file with more customers.",
            field="start",
            value=clock.iso(plan.start_us)[:10],
        )


def _judged_rows(table: Table, plan: Plan) -> np.ndarray:
    rows = folds.between(table.at_us, plan.test_us, plan.end_us)
    return folds.unknown(table.at_us, table.customer, table.known_us, plan.start_us, rows)


def measure(
    table: Table, plans: list[Plan], setup: Setup, tell: Callable[[str], None] = lambda _: None
) -> tuple[dict[str, Any], str]:
    """Return every model's figures over the folds, and the one that validation picks."""
    judged: dict[str, list[dict[str, Any]]] = {}
    votes: dict[str, list[float]] = {}
    for number, plan in enumerate(plans):
        tell(f"fold {number + 1} of {len(plans)}")
        rows = _judged_rows(table, plan)
        for name, score in _validated(table, plan, setup).items():
            votes.setdefault(name, []).append(score)
        for name, lesson in _lessons(table, plan, setup).items():
            tell(f"  {name}: {len(lesson.label):,} rows")
            with report.measured() as cost:
                learned = {**candidates.FITTERS, **candidates.DEEP}[name](lesson)
            found = _judge(table, rows, learned, setup, number)
            found["fit_seconds"], found["peak_memory_mb"] = cost.seconds, cost.peak_memory_mb
            found["train_rows"] = len(lesson.label)
            judged.setdefault(name, []).append(found)
    models = {name: _summed(found) for name, found in judged.items()}
    for name, scores in votes.items():
        models[name]["validation_average_precision"] = round(float(np.nanmean(scores)), 5)
    _compare(models, judged)
    # Without days to validate on, the plain choice.
    plain = next((name for name in candidates.RIVALS if name in models), BASELINE)
    return models, max(votes, key=lambda n: float(np.nanmean(votes[n])), default=plain)


def _lessons(table: Table, plan: Plan, setup: Setup) -> dict[str, Lesson]:
    """Return what each candidate may learn from in a fold."""
    rows = folds.between(table.at_us, plan.start_us, plan.learned_until_us)
    lesson = _lesson(table, rows, plan, setup.seed)
    asked = (BASELINE, *(name for name in setup.among if name != BASELINE))
    found = {name: lesson for name in asked if name != "trees_history"}
    if "trees_history" not in asked:
        return found
    since = max(int(table.at_us[0]), plan.learned_until_us - HISTORY_DAYS * DAY_US)
    longer = folds.between(table.at_us, since, plan.learned_until_us)
    if len(longer) > len(rows):
        found["trees_history"] = _lesson(table, longer, plan, setup.seed)
    return found


def _lesson(table: Table, rows: np.ndarray, plan: Plan, seed: int) -> Lesson:
    # Calibration must see what the test will see: customers known as compromised left out, over
    # as long a time as between training and test.
    since = int(table.at_us[rows[0]]) - (plan.test_us - plan.start_us)
    kept = folds.unknown(table.at_us, table.customer, table.known_us, since, rows)
    latest = kept[table.at_us[kept] >= plan.learned_until_us - plan.train_days * DAY_US]
    # What is learned at the start of the test is what had been reported by then.
    label = (table.known_us[rows] <= plan.test_us).astype(np.int64)
    told = np.flatnonzero(table.known_us <= plan.test_us)
    delays = table.known_us[told] - table.at_us[told]
    weight = folds.reported_share(plan.test_us - table.at_us[rows], delays)
    return Lesson(
        rows=table.columns[rows],
        label=label,
        names=table.names,
        day=table.at_us[rows] // DAY_US,
        calibrate=np.isin(rows, latest) & (weight > folds.MATURE),
        weight=np.where(label == 1, 1.0, weight),
        seed=seed,
        past=lambda: table.past(rows),
    )


def _validated(table: Table, plan: Plan, setup: Setup) -> dict[str, float]:
    """Return each rival's average precision on days before the test, learned before those.

    With enough rows before ``start`` the whole plan is moved back until its test is the training
    week; otherwise the training days are cut at two thirds. One rival alone needs no vote.
    """
    if len(set(candidates.RIVALS) & set(setup.among)) < 2:
        return {}
    known = table.known_us <= plan.test_us
    back = plan.moved(-(plan.train_days + plan.delay_days))
    if table.at_us[0] > back.start_us or plan.test_days > plan.train_days:
        cut = plan.start_us + plan.train_days * DAY_US * 2 // 3
        early = folds.between(table.at_us, plan.start_us, cut)
        late = folds.between(table.at_us, cut, plan.learned_until_us)
        if not known[early].any() or not known[late].any():
            return {}
        lessons = {n: _lesson(table, early, plan, setup.seed) for n in candidates.RIVALS[:1]}
    else:
        early = folds.between(table.at_us, back.start_us, back.learned_until_us)
        late = folds.between(table.at_us, back.test_us, back.end_us)
        late = folds.unknown(table.at_us, table.customer, table.known_us, back.start_us, late)
        if not known[early].any() or not known[late].any():
            return {}
        lessons = _lessons(table, back, setup)
    return {
        name: metrics.average_precision(
            known[late].astype(np.int64), candidates.ranking(lesson)(table.columns[late])
        )
        for name, lesson in lessons.items()
        if name in candidates.RIVALS
    }


def _judge(
    table: Table, rows: np.ndarray, learned: Learned, setup: Setup, number: int
) -> dict[str, Any]:
    """Return one model's metrics on one fold, and draws of those that vary by customer."""
    started = time.perf_counter()
    asked = table.columns[rows]
    if learned.reads_past:
        probability = learned.probability(np.hstack([asked, table.past(rows)]))
    else:
        probability = learned.probability(asked)
    seconds = time.perf_counter() - started
    label, customer = table.label[rows], table.customer[rows]
    per_day = metrics.card_precision(table.at_us[rows], customer, label, probability)
    rng = np.random.default_rng(setup.seed + number)
    draws = metrics.drawn(label, probability, customer, rng)
    days = rng.integers(0, len(per_day), (metrics.DRAWS, len(per_day)))
    payments = pricing.Payments(
        at_us=table.at_us[rows],
        amount=table.amount[rows],
        label=label,
        customer=customer,
        yearly_value=pricing.yearly_value(asked, table.names),
    )
    priced = pricing.priced(
        setup.costs, probability, payments, rng, calibrated=learned.detector is None
    )
    return {
        "metrics": {
            "auc_roc": metrics.auc_roc(label, probability),
            "average_precision": metrics.average_precision(label, probability),
            "card_precision_at_100": float(per_day.mean()),
            "tpr_at_fpr_5": metrics.tpr_at_fpr(label, probability),
            "calibration_error": calibration.error(probability, label),
            "expected_cost": priced.cost,
        },
        "priced": priced,
        "draws": np.column_stack([draws, per_day[days].mean(axis=1)]),
        "ms_per_row": seconds * 1000 / max(len(rows), 1),
        "rows": len(rows),
        "frauds": int(label.sum()),
    }


def _summed(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Return means over folds, 95 % intervals over customers (days for cards), the spread."""
    values = {n: np.array([one["metrics"][n] for one in found]) for n in METRICS}
    draws = np.mean([one["draws"] for one in found], axis=0)
    low, high = np.nanpercentile(draws, [2.5, 97.5], axis=0)
    drawn = ("auc_roc", "average_precision", "card_precision_at_100")
    cost = pricing.summed([one["priced"] for one in found])
    return {
        "metrics": {n: round(float(v.mean()), 5) for n, v in values.items()},
        "interval_95": {
            n: [round(float(low[i]), 5), round(float(high[i]), 5)] for i, n in enumerate(drawn)
        }
        | {"expected_cost": cost["interval_95"]},
        "spread": {n: round(float(v.std(ddof=1)), 5) for n, v in values.items() if len(v) > 1},
        "per_fold": {n: [round(float(x), 5) for x in v] for n, v in values.items()},
        "cost": cost,
        "train_rows": [one["train_rows"] for one in found],
        "test_rows": [one["rows"] for one in found],
        "test_frauds": [one["frauds"] for one in found],
        "fit_seconds": round(float(np.mean([one["fit_seconds"] for one in found])), 2),
        "predict_ms_per_row": round(float(np.mean([one["ms_per_row"] for one in found])), 5),
        "peak_memory_mb": round(max(one["peak_memory_mb"] for one in found)),
    }


def _compare(models: dict[str, Any], judged: Mapping[str, list[dict[str, Any]]]) -> None:
    """Add the paired difference in average precision to the baseline, over the same draws."""
    theirs = np.mean([one["draws"][:, 1] for one in judged[BASELINE]], axis=0)
    for name, found in judged.items():
        gap = np.mean([one["draws"][:, 1] for one in found], axis=0) - theirs
        low, high = np.nanpercentile(gap, [2.5, 97.5])
        own = models[name]["metrics"]["average_precision"]
        models[name]["against_baseline"] = {
            "difference": round(own - models[BASELINE]["metrics"]["average_precision"], 5),
            "interval_95": [round(float(low), 5), round(float(high), 5)],
            "verdict": "better" if low > 0 else "worse" if high < 0 else "no clear difference",
        }


def _facts(data: Any, table: Table, file: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **file,
        "rows": len(table.label),
        "frauds": int(table.label.sum()),
        "customers": len(np.unique(table.customer)),
        "from": clock.iso(int(table.at_us[0])),
        "to": clock.iso(int(table.at_us[-1])),
        "columns": list(data.columns),
        "duplicates": data.duplicates,
        "features": len(table.names),
        "sha256": data.sha256,
    }


def _protocol(setup: Setup, plans: list[Plan], models: Mapping[str, Any]) -> dict[str, Any]:
    sizes = zip(models[BASELINE]["test_rows"], models[BASELINE]["test_frauds"], strict=True)
    return {
        "split": "time",
        "train_days": setup.train_days,
        "delay_days": setup.delay_days,
        "test_days": setup.test_days,
        "folds": [
            {
                "train_from": clock.iso(plan.start_us)[:10],
                "test_from": clock.iso(plan.test_us)[:10],
                "test_rows": rows,
                "test_frauds": frauds,
            }
            for plan, (rows, frauds) in zip(plans, sizes, strict=True)
        ],
        "left_out": "customers known as compromised before the test day",
        "learned_from": {
            "trees_history": f"all labelled rows of up to {HISTORY_DAYS} days before the delay",
            "strange, encoder": "no labels; features may count frauds known by then",
            "others": "the training days alone",
        },
        "costs": asdict(setup.costs),
        "seed": setup.seed,
    }
