"""How well is it foretold which visits end in an order? Learnt before a moment, judged after it.

Each judged visit counts once, at a beginning drawn by the seed. ``share`` (the share of visits that
bought) and ``simple`` (a logistic of events and products in the cart) are the yardsticks.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from shopkeeper.base import clock
from shopkeeper.base.errors import BadInput
from shopkeeper.data import session_log
from shopkeeper.learn import report
from shopkeeper.learn.metrics import bootstrap
from shopkeeper.recommend.behaviour.evaluate import auc
from shopkeeper.recommend.session.model import Beginnings, Session, log_loss
from shopkeeper.recommend.session.state import State
from shopkeeper.recommend.session.visit import SILENCE_US, Visit

METRICS = ("log_loss", "brier", "auc", "average_precision")
BASELINE = "share"
PER_VISIT = 3  # beginnings of each visit that teach
WAIT_US = 2 * SILENCE_US  # an order so long after the last act still belongs to the visit
DRAWS = 300


def gather(warehouse: Any, seed: int = 7) -> Beginnings:
    """Return beginnings of the shop's visits, by time, with whether an order came of each.

    An order belongs to a visit of its session, or of its customer not over for an hour.
    """
    orders = session_log.orders(warehouse)
    by_session: dict[str, list[int]] = {}
    by_customer: dict[str, list[int]] = {}
    for row in orders:
        if row["session_id"] is not None:
            by_session.setdefault(row["session_id"], []).append(row["occurred_us"])
        if row["customer_id"] is not None:
            by_customer.setdefault(row["customer_id"], []).append(row["occurred_us"])
    state = State()
    state.prices = session_log.prices(warehouse)
    acts = session_log.acts(warehouse, 0)
    told = _walk(state, orders, acts)
    rng = np.random.default_rng(seed)
    rows: list[tuple[np.ndarray, bool, int, int]] = []
    for number, (visit, key, steps) in enumerate(told):
        came = [*by_session.get(key, ()), *by_customer.get(visit.customer_id or "", ())]
        bought = any(visit.started_us <= at <= visit.last_us + WAIT_US for at in came)
        for at in np.sort(rng.permutation(len(steps))[:PER_VISIT]).tolist():
            rows.append((steps[at][1], bought, number, steps[at][0]))
    rows.sort(key=lambda one: one[3])
    if not rows:
        raise BadInput("No visit is on record.", field="sessions", value=0)
    return Beginnings(
        facts=np.stack([one[0] for one in rows]),
        bought=np.array([one[1] for one in rows]),
        visit=np.array([one[2] for one in rows]),
        at_us=np.array([one[3] for one in rows], dtype=np.int64),
    )


def _walk(
    state: State, orders: list[dict[str, Any]], acts: list[dict[str, Any]]
) -> list[tuple[Visit, str, list[tuple[int, np.ndarray]]]]:
    """Return each visit with its key and its facts after every act, as serving would know them."""
    found: dict[int, tuple[Visit, str, list[tuple[int, np.ndarray]]]] = {}
    both = [(row["occurred_us"], row["seq"], row.get("kind"), row) for row in (*orders, *acts)]
    for at_us, _, kind, row in sorted(both, key=lambda one: one[:2]):
        if kind is None:
            state.bought(row["session_id"], row["customer_id"], at_us)
            continue
        visit = state.acted(row["session_id"], row["customer_id"], kind, row["item_id"], at_us)
        if visit is None:
            continue
        key = row["session_id"] or row["customer_id"]
        entry = found.setdefault(id(visit), (visit, key, []))
        entry[2].append((at_us, state.facts(visit, at_us)))
    return list(found.values())


def evaluate(data: Beginnings, at_us: int | None = None, seed: int = 7) -> dict[str, Any]:
    """Return the printed object; ``at_us``: the cut, None the last fifth of the time."""
    cut_us = int(np.quantile(data.at_us, 0.8)) if at_us is None else at_us
    # A visit that began before the cut teaches or judges, not both.
    first = np.full(int(data.visit.max()) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, data.visit, data.at_us)
    after = first[data.visit] >= cut_us
    past, late = data.rows((data.at_us < cut_us) & ~after), data.rows(after)
    late = late.rows(_one_each(late.visit, np.random.default_rng(seed)))
    if not (len(past.bought) and 0 < late.bought.sum() < len(late.bought)):
        raise BadInput(
            "The visits from the cut on hold no order, or nothing but orders.",
            field="at",
            value=clock.iso(cut_us),
            hint="Choose an earlier --at, or wait for more visits.",
        )
    with report.measured() as cost:
        model = Session(seed).fit(past)
    ways = ["share", *model.maps_]
    return {
        "capability": "session",
        "protocol": {
            "split": "time",
            "at": clock.iso(cut_us),
            "unit": "visit, at one beginning drawn by the seed",
            "seed": seed,
            "champion_by": "log loss on the last fifth of the training time",
        },
        "data": {
            "visits": len(np.unique(data.visit)),
            "judged": len(late.bought),
            "bought": int(late.bought.sum()),
        },
        "models": {way: _judged(model, way, late, seed) for way in ways},
        "champion": model.chosen_,
        "baseline": BASELINE,
        "fit_seconds": round(cost.seconds, 2),
    }


def _judged(model: Session, way: str, late: Beginnings, seed: int) -> dict[str, Any]:
    chance = model.chances(late.facts, way)
    per_visit = {
        "log_loss": log_loss(chance, late.bought),
        "brier": (chance - late.bought) ** 2,
    }
    means, spans = report.summary(per_visit, seed)
    if way != "share":
        means["auc"], spans["auc"] = auc(chance, late.bought, seed)
        means["average_precision"], spans["average_precision"] = _precision(
            chance, late.bought, seed
        )
    found: dict[str, Any] = {"metrics": means, "interval_95": spans}
    if way != "share":
        base = log_loss(model.chances(late.facts, "share"), late.bought)
        gap = per_visit["log_loss"] - base
        low, high = bootstrap(gap, np.random.default_rng(seed))
        verdict = "better" if high < 0 else "worse" if low > 0 else "no clear difference"
        found["against_baseline"] = {
            "difference": round(float(gap.mean()), 5),
            "interval_95": [round(low, 5), round(high, 5)],
            "verdict": verdict,
        }
    return found


def _precision(chance: np.ndarray, bought: np.ndarray, seed: int) -> tuple[float, list[float]]:
    """Return average precision, and its interval when visits are drawn again."""
    from sklearn.metrics import average_precision_score

    rng = np.random.default_rng(seed)
    n, drawn = len(bought), []
    for _ in range(DRAWS):
        rows = rng.integers(0, n, n)
        if bought[rows].any():
            drawn.append(float(average_precision_score(bought[rows], chance[rows])))
    low, high = np.percentile(drawn, (2.5, 97.5))
    value = float(average_precision_score(bought, chance))
    return round(value, 4), [round(float(low), 4), round(float(high), 4)]


def _one_each(visit: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return one row of each visit, drawn."""
    order = rng.permutation(len(visit))
    _, at = np.unique(visit[order], return_index=True)
    return np.sort(order[at])
