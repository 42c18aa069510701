"""How well is it foretold who comes back, when, and what she spends? By a cut in time.

Models learn before the cut; every customer with an order before it is judged by what she did
after it. ``rate`` is the baseline: each customer goes on at her average pace and value.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from shopkeeper.base import clock
from shopkeeper.base.clock import DAY_US
from shopkeeper.base.errors import BadInput
from shopkeeper.learn import report
from shopkeeper.recommend.behaviour import orders as book
from shopkeeper.recommend.behaviour.model import WAYS, Behaviour, Past, log_loss
from shopkeeper.recommend.behaviour.orders import Known, Orders

BASELINE = "rate"
LONGEST = 84  # days after the cut that a judgement needs at most
DRAWS = 200


def evaluate(orders: Orders, at_us: int | None = None, seed: int = 7) -> dict[str, Any]:
    """Return the printed object: each way's metrics with intervals, the served one as champion.

    ``at_us``: the cut; None takes the last quarter, at most LONGEST days.
    """
    if len(orders.at_us) == 0:
        raise BadInput("There are no orders of known customers.", field="orders", value=0)
    cut_us, ends = _cut(orders, at_us)
    after_days = (ends - cut_us) / DAY_US
    past = orders.before(cut_us)
    with report.measured() as cost:
        model = Behaviour(seed).fit(Past(orders=orders, as_of_us=cut_us))
    known = book.known_at(past, cut_us)
    days = book.came_after(orders, known.customer, cut_us)
    horizons = [h for h in model.horizons_ if h <= np.ceil(after_days)]
    value_days = min(model.value_days_, float(np.floor(after_days)))
    worth = book.spent_after(orders, known.customer, cut_us, value_days)
    ways = [BASELINE, *(way for way in WAYS if way != "trees" or model.trees_)]
    found = _judged(model, known, days, worth, ways, horizons, value_days, seed)
    champion = model.chosen_["purchase"]
    return {
        "capability": "behaviour",
        "protocol": {
            "split": "time",
            "at": clock.iso(cut_us),
            "days_after": round(after_days, 1),
            "horizons_days": horizons,
            "value_days": value_days,
            "seed": seed,
            "champion_by": "log loss over the horizons on the last training period",
        },
        "data": {
            "orders": len(orders.at_us),
            "customers": orders.n_customers,
            "judged": len(days),
            "came_back": int((days <= horizons[-1]).sum()),
        },
        "models": found,
        "champion": champion,
        "baseline": BASELINE,
        "chosen": model.chosen_,
        "fit_seconds": round(cost.seconds, 2),
        "parameters": {
            "bg_nbd": vars_of(model.bg_nbd_),
            "pareto_nbd": vars_of(model.pareto_nbd_),
            "gamma_gamma": vars_of(model.money_),
        },
    }


def _cut(orders: Orders, at_us: int | None) -> tuple[int, int]:
    """Return the cut and the last moment; BadInput when one side would be empty."""
    begins, ends = int(orders.at_us.min()), int(orders.at_us.max())
    cut_us = ends - min((ends - begins) // 4, LONGEST * DAY_US) if at_us is None else at_us
    if not begins < cut_us <= ends:
        raise BadInput(
            "--at must lie after the first order and not after the last.", field="at", value=at_us
        )
    return cut_us, ends


def _judged(
    model: Behaviour,
    known: Known,
    days: np.ndarray,
    worth: np.ndarray,
    ways: list[str],
    horizons: list[int],
    value_days: float,
    seed: int,
) -> dict[str, Any]:
    """Return each way's metrics; ``days`` (m,) to the next order, ``worth`` (m,) money after."""
    per_way: dict[str, dict[str, np.ndarray]] = {}
    found: dict[str, Any] = {}
    for way in ways:
        chances = {h: _chance(model, known, h, way) for h in horizons}
        value = _value(model, known, way) * value_days / model.value_days_
        per_way[way] = _per_customer(chances, days, value, worth)
        means, intervals = report.summary(per_way[way], seed)
        for h in (h for h in (7, 28) if h in chances):
            rank, span = auc(chances[h], days <= h, seed)
            means[f"auc_{h}"], intervals[f"auc_{h}"] = rank, span
        means["value_ratio"] = round(float(value.sum() / max(worth.sum(), 1e-9)), 4)
        error = _date_error(model, known, days, way, horizons[-1])
        if len(error):
            means["next_date_error_days"] = round(float(np.median(error)), 2)
        found[way] = {"metrics": means, "interval_95": intervals, "users": len(days)}
    for way in ways[1:]:
        found[way]["against_baseline"] = {
            name: report.against(per_way[way][name], per_way[BASELINE][name], seed)
            for name in ("log_loss", "value_mae")
        }
    return found


def auc(score: np.ndarray, came: np.ndarray, seed: int) -> tuple[float, list[float]]:
    """Return the area under the ROC curve, and its interval when customers are drawn again."""
    from scipy.stats import rankdata

    def area(rows: np.ndarray) -> float:
        ones = came[rows]
        n = int(ones.sum())
        if n in (0, len(rows)):
            return float("nan")
        ranks = rankdata(score[rows])
        return float((ranks[ones].sum() - n * (n + 1) / 2) / (n * (len(rows) - n)))

    rng = np.random.default_rng(seed)
    draws = [area(rng.integers(0, len(came), len(came))) for _ in range(DRAWS)]
    low, high = np.nanpercentile(draws, [2.5, 97.5])
    return round(area(np.arange(len(came))), 4), [round(float(low), 4), round(float(high), 4)]


def vars_of(model: Any) -> dict[str, float]:
    """Return a frozen model's parameters, rounded for a report."""
    return {name: round(float(getattr(model, name)), 5) for name in model.__slots__}


def _chance(model: Behaviour, known: Known, days: float, way: str) -> np.ndarray:
    if way != BASELINE:
        return model.chance(known, days, way)
    return -np.expm1(-(known.x + 1) / np.maximum(known.t, 1) * days)


def _value(model: Behaviour, known: Known, way: str) -> np.ndarray:
    if way != BASELINE:
        return model.value(known, way)
    return known.mean_value * (known.x + 1) / np.maximum(known.t, 1) * model.value_days_


def _per_customer(
    chances: dict[int, np.ndarray], days: np.ndarray, value: np.ndarray, worth: np.ndarray
) -> dict[str, np.ndarray]:
    losses = {h: log_loss(chance, days <= h) for h, chance in chances.items()}
    told = {"log_loss": np.mean(list(losses.values()), axis=0)}
    for h in (h for h in (7, 28) if h in chances):
        told[f"log_loss_{h}"] = losses[h]
        told[f"brier_{h}"] = (chances[h] - (days <= h)) ** 2
    told["value_mae"] = np.abs(value - worth)
    return told


def _date_error(
    model: Behaviour, known: Known, days: np.ndarray, way: str, longest: float
) -> np.ndarray:
    """Return days between the date foretold and the date, of who came within the span."""
    came = days <= longest
    if way != BASELINE:
        return np.abs(model.next_days(known, way) - days)[came]
    pace = (known.x + 1) / np.maximum(known.t, 1)
    told = -np.log1p(-0.5 * -np.expm1(-pace * longest)) / pace
    return np.abs(told - days)[came]


METRICS = (
    "log_loss",
    "log_loss_7",
    "log_loss_28",
    "brier_7",
    "brier_28",
    "auc_7",
    "auc_28",
    "next_date_error_days",
    "value_mae",
    "value_ratio",
)
