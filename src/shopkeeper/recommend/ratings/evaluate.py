"""How far off are predicted stars, and does the order they give find what people liked?

Each user's last fifth of ratings by time is the test, the tenth before it validation. Settings
and the number of epochs come from validation; then the model learns all rows before the test for
that many epochs. A user whose share rounds to nothing stays in training whole. Top-k ranks every
item rated in training that the user had not rated; liked means LIKED of the highest star or more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from shopkeeper.base.errors import BadInput
from shopkeeper.learn import report, splits
from shopkeeper.recommend.models.factors import Biases, Factors
from shopkeeper.recommend.ratings.table import Ratings

TEST, VALID = 0.2, 0.1
LIKED = 0.8  # four stars of five
K = 10
DAMPINGS = (2.0, 5.0, 10.0)
GRID: tuple[dict[str, Any], ...] = (
    {"dimensions": 16, "penalty": 0.05},
    {"dimensions": 64, "penalty": 0.05},
    {"dimensions": 64, "penalty": 0.1},
    {"dimensions": 64, "penalty": 0.02, "dropout": 0.5},
)
BASELINE = "biases"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """The printed object, and the factors that learned everything before the test."""

    report: dict[str, Any]
    model: Factors


def evaluate(
    data: Ratings,
    *,
    seed: int = 7,
    grid: Sequence[Mapping[str, Any]] = GRID,
    log_folder: str | None = None,
) -> Evaluated:
    """Split by time, choose on validation, judge once on the test."""
    teach, valid, test = split(data)
    if not (valid.any() and test.any()):
        raise BadInput(
            "No user has enough ratings to hold some out.",
            hint=f"A test needs users with {int(0.5 / VALID)} ratings or more.",
            field="ratings",
        )
    inner, held, judged = data.take(teach), data.take(valid), data.take(test)
    damping = min(DAMPINGS, key=lambda d: _rmse(Biases(damping=d).fit(inner), held))
    tried = [
        Factors(seed=seed, log_folder=_under(log_folder, f"tried-{n}"), **one).fit(inner, held)
        for n, one in enumerate(grid, start=1)
    ]
    values = [_rmse(model, held) for model in tried]
    best = int(np.argmin(values))
    past = data.take(teach | valid)
    with report.measured() as cost:
        frozen = {**grid[best], "epochs": tried[best].best_epoch_}
        log = _under(log_folder, "final")
        final = Factors(seed=seed, log_folder=log, **frozen).fit(past)
    models = _compared(past, judged, {BASELINE: Biases(damping=damping), "factors": final}, seed)
    models["factors"] |= {
        "fit_seconds": round(cost.seconds, 2),
        "peak_memory_mb": round(cost.peak_memory_mb, 1),
    }
    validation = {
        BASELINE: _rmse(Biases(damping=damping).fit(inner), held),
        "factors": values[best],
    }
    for name, value in validation.items():
        models[name]["validation_rmse"] = round(value, 5)
    chosen = {
        "damping": damping,
        "factors": final._settings(),
        "device": final.device_,
        "tried": [
            {**one, "epochs": model.best_epoch_, "validation_rmse": round(value, 5)}
            for one, model, value in zip(grid, tried, values, strict=True)
        ],
    }
    body = {
        "capability": "recommend",
        "data": _facts(data, past, judged),
        "protocol": _protocol(data, seed),
        "models": models,
        "champion": min(validation, key=validation.__getitem__),
        "baseline": BASELINE,
        "chosen": chosen,
    }
    return Evaluated(report=body, model=final)


def _under(log_folder: str | None, run: str) -> str | None:
    """Return where one training's curves go: TensorBoard shows folders side by side."""
    return None if log_folder is None else str(Path(log_folder) / run)


def _compared(
    past: Ratings, judged: Ratings, made: Mapping[str, Biases], seed: int
) -> dict[str, Any]:
    """Return what each model is worth on the test; ``made`` holds factors that are fitted."""
    made = {"mean": Biases(damping=1e12), **made}
    scores: dict[str, dict[str, Any]] = {}
    for name, model in made.items():
        fitted = model if name == "factors" else model.fit(past)
        scores[name] = _errors(fitted, judged)
        if name != "mean":  # one number for everything orders nothing
            scores[name] |= _ranked(fitted, past, judged)
    scores["popularity"] = _ranked(None, past, judged)
    return {name: _entry(found, scores[BASELINE], seed, name) for name, found in scores.items()}


def _protocol(data: Ratings, seed: int) -> dict[str, Any]:
    return {
        "name": "each user's last ratings by time",
        "test_share": TEST,
        "valid_share": VALID,
        "ranking": "every item rated in training that the user had not rated before the test",
        "liked_from": LIKED * float(data.value.max()),
        "k": K,
        "seed": seed,
        "champion_by": "rmse on validation",
    }


def split(data: Ratings) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return masks (training, validation, test) by each user's own time."""
    place = splits.places_from_end(data.user)
    count = np.bincount(data.user, minlength=len(data.user_ids))[data.user]
    test = np.floor(count * TEST + 1e-9)
    valid = np.floor(count * VALID + 1e-9)
    is_test = place < test
    is_valid = ~is_test & (place < test + valid)
    return ~is_test & ~is_valid, is_valid, is_test


def _rmse(model: Biases, rows: Ratings) -> float:
    return float(((model.predict(rows) - rows.value) ** 2).mean() ** 0.5)


def _errors(model: Biases, test: Ratings) -> dict[str, Any]:
    gap = model.predict(test) - test.value
    return {"square": gap**2, "absolute": np.abs(gap), "users": test.user}


def _ranked(model: Biases | None, past: Ratings, test: Ratings) -> dict[str, Any]:
    """Return top-k values by user with anything liked; None ranks by number of ratings.

    What is liked among items that nobody rated in training counts as not found.
    """
    counts = np.bincount(past.item, minlength=len(past.item_ids)).astype(float)
    wanted = test.value >= LIKED * max(past.value.max(), test.value.max())
    users = np.unique(test.user[wanted])
    table = np.tile(counts, (len(users), 1)) if model is None else model.table(users)
    row_of = np.full(len(past.user_ids), -1)
    row_of[users] = np.arange(len(users))
    mine = row_of[past.user] >= 0
    table[row_of[past.user[mine]], past.item[mine]] = -np.inf
    table[:, counts == 0] = -np.inf
    best = np.argsort(-table, axis=1, kind="stable")[:, :K]
    target = np.zeros(table.shape, dtype=bool)
    target[row_of[test.user[wanted]], test.item[wanted]] = True
    hits = np.take_along_axis(target, best, axis=1).sum(axis=1)
    precision, recall = hits / K, hits / target.sum(axis=1)
    both = precision + recall
    f1 = np.divide(2 * precision * recall, both, out=np.zeros_like(both), where=both > 0)
    return {"ranked": {"precision_at_10": precision, "recall_at_10": recall, "f1_at_10": f1}}


def _entry(
    found: Mapping[str, Any], baseline: Mapping[str, Any], seed: int, name: str
) -> dict[str, Any]:
    """Return metrics with intervals; errors are drawn again by user, as ratings of one go along."""
    means, intervals = report.summary(found.get("ranked", {}), seed)
    entry: dict[str, Any] = {"metrics": means, "interval_95": intervals}
    if "square" in found:
        sums = {key: _by_user(found[key], found["users"]) for key in ("square", "absolute")}
        rows = _by_user(np.ones(len(found["users"])), found["users"])
        mse, mae = (sums[k].sum() / rows.sum() for k in ("square", "absolute"))
        draws = _draws(sums["square"], sums["absolute"], rows, seed)
        named = {"rmse": mse**0.5, "mse": mse, "mae": mae}
        bounds = {"rmse": draws[0] ** 0.5, "mse": draws[0], "mae": draws[1]}
        entry["metrics"] = {k: round(float(v), 5) for k, v in named.items()} | means
        entry["interval_95"] = {k: _interval(v) for k, v in bounds.items()} | intervals
        if name != BASELINE:
            theirs = _by_user(baseline["square"], baseline["users"])
            other = _draws(theirs, theirs, rows, seed)[0]
            low, high = _interval(draws[0] ** 0.5 - other**0.5)
            gap = mse**0.5 - (theirs.sum() / rows.sum()) ** 0.5
            word = "better" if high < 0 else "worse" if low > 0 else "no clear difference"
            entry["against_baseline"] = {
                "metric": "rmse",
                "difference": round(float(gap), 5),
                "interval_95": [low, high],
                "verdict": word,
            }
    return entry


def _by_user(values: np.ndarray, users: np.ndarray) -> np.ndarray:
    _, code = np.unique(users, return_inverse=True)
    return np.bincount(code, weights=values)


def _draws(
    square: np.ndarray, absolute: np.ndarray, rows: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return 1,000 means of both errors with the users drawn again, the same draws per seed."""
    n = len(rows)
    counts = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=1000)
    weight = counts @ rows
    return counts @ square / weight, counts @ absolute / weight


def _interval(values: np.ndarray) -> list[float]:
    low, high = np.percentile(values, [2.5, 97.5])
    return [round(float(low), 5), round(float(high), 5)]


def _facts(data: Ratings, past: Ratings, test: Ratings) -> dict[str, Any]:
    known = np.bincount(past.item, minlength=len(data.item_ids)) > 0
    return {
        "ratings": len(data.user),
        "users": len(data.user_ids),
        "items": len(data.item_ids),
        "train_rows": len(past.user),
        "test_rows": len(test.user),
        "test_users": len(np.unique(test.user)),
        "test_rows_of_new_items": int((~known[test.item]).sum()),
        "lowest": float(data.value.min()),
        "highest": float(data.value.max()),
    }
