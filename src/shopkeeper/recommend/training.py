"""Train the served model on the shop's own events, and measure it before it is trusted.

The last TEST_DAYS are held out once to measure the blend against popularity and personal
frequency; then the same choices are fitted on everything. They are made inside the fit,
on a period before the held-out one.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pyarrow.compute as pc

from shopkeeper.base import clock
from shopkeeper.base.clock import DAY_US
from shopkeeper.base.errors import BadInput
from shopkeeper.learn import metrics, report
from shopkeeper.learn.contracts import Trained
from shopkeeper.recommend.features import LESS, PURCHASE
from shopkeeper.recommend.models import histories
from shopkeeper.recommend.models.blend import Blend
from shopkeeper.recommend.models.frequency import Frequency
from shopkeeper.recommend.models.popularity import Popularity
from shopkeeper.recommend.rebuild import codes, dictionary
from shopkeeper.recommend.schema import Interactions, Training

TEST_DAYS = 14
TEST_USERS = 1000
MIN_PURCHASES = 20
K = 10


def gather(warehouse: Any) -> Training:
    """Return all that the tables know: interactions in time order, and the catalogue's texts."""
    table = warehouse.table("interactions")
    table = table.filter(pc.is_valid(table["customer_id"]))
    table = table.sort_by(
        [("occurred_us", "ascending"), ("seq", "ascending"), ("line", "ascending")]
    )
    kind = codes(table["kind"])
    table, kind = table.filter(kind != LESS), kind[kind != LESS]
    user_ids, user = dictionary(table["customer_id"])
    item_ids, item = dictionary(table["item_id"])
    items = warehouse.table("items")
    facts = {row["item_id"]: row for row in _entries(items)}
    # Items that nobody has touched come last: text neighbours place them.
    known = set(item_ids)
    item_ids += sorted(name for name in facts if name not in known and facts[name]["title"])
    entries = [facts.get(name, {}) for name in item_ids]
    interactions = Interactions(
        user=user,
        item=item,
        at_us=table["occurred_us"].to_numpy().astype(np.int64),
        kind=kind,
        quantity=table["quantity"].to_numpy().astype(np.float32),
        basket=dictionary(pc.fill_null(table["basket"], ""))[1],
        user_ids=user_ids,
        item_ids=item_ids,
    )
    return Training(
        interactions=interactions,
        as_of_us=int(interactions.at_us.max(initial=0)) + 1,
        item_text=[_text(entry) for entry in entries],
        item_category=[entry.get("category") or "" for entry in entries],
        item_price_minor=np.array([entry.get("price_minor") or 0 for entry in entries]),
    )


def train(warehouse: Any, settings: Any) -> Trained:
    """Return the blend fitted on all data, measured on the last days; BadInput without data."""
    data = gather(warehouse)
    bought = int((data.interactions.kind == PURCHASE).sum())
    if bought < MIN_PURCHASES:
        raise BadInput(
            f"Training recommend needs {MIN_PURCHASES} purchased lines, but the shop has {bought}.",
            hint="Import orders with `shopkeeper import purchases FILE`; the baseline works now.",
        )
    started = time.perf_counter()
    cut_us = data.as_of_us - TEST_DAYS * DAY_US
    past = before(data, cut_us)
    curves: dict[str, list[tuple[float, float]]] = {}
    study = None
    models: dict[str, Any] = {}
    if (past.interactions.kind == PURCHASE).sum() >= MIN_PURCHASES:
        made: dict[str, Any] = {
            "popularity": Popularity(),
            "frequency": Frequency(),
            "blend": Blend(),
        }
        for name, model in made.items():
            with report.measured() as cost:
                model.fit(past)
            models[name] = _measured(model, data, past, cut_us, settings.random_seed)
            models[name] |= {
                "fit_seconds": round(cost.seconds, 2),
                "peak_memory_mb": round(cost.peak_memory_mb),
            }
        study = made["blend"].study_
    served = Blend(study).fit(data)
    if models:
        curves["ndcg_at_10"] = [
            (at, entry["metrics"].get("ndcg_at_10", 0.0))
            for at, entry in enumerate(models.values())
        ]
    return Trained(
        model=served,
        report={
            "capability": "recommend",
            "protocol": {"split": "time", "at": clock.iso(cut_us), "users": TEST_USERS},
            "models": models,
            "champion": "blend",
            "baseline": "frequency",
        },
        data={
            "interactions": len(data.interactions.item),
            "purchased_lines": bought,
            "customers": len(data.interactions.user_ids),
            "items": len(data.interactions.item_ids),
            "until": clock.iso(data.as_of_us),
            "seconds": round(time.perf_counter() - started, 1),
        },
        curves=curves,
        self_test={"placement": "home", "customer_id": data.interactions.user_ids[0]},
    )


def before(data: Training, cut_us: int) -> Training:
    """Return what was known before a moment; the catalogue stays whole."""
    log = data.interactions
    past = log.at_us < cut_us
    return Training(
        interactions=Interactions(
            user=log.user[past],
            item=log.item[past],
            at_us=log.at_us[past],
            kind=log.kind[past],
            quantity=log.quantity[past],
            basket=log.basket[past],
            user_ids=log.user_ids,
            item_ids=log.item_ids,
        ),
        as_of_us=cut_us,
        item_text=data.item_text,
        item_category=data.item_category,
        item_price_minor=data.item_price_minor,
    )


def _measured(model: Any, data: Training, past: Training, cut_us: int, seed: int) -> dict[str, Any]:
    """Return metrics of the held-out purchases: all targets, and those new to the customer."""
    users, targets = _targets(data, cut_us, seed)
    asked = histories.group(past.interactions, cut_us)
    values: dict[str, list[float]] = {"ndcg_at_10": [], "recall_at_10": []}
    values |= {f"discovery.{name}": [] for name in tuple(values)}
    for user in users.tolist():
        one = asked.chunk(user, user + 1)
        scores = np.array(model.scores(one)[0], dtype=np.float32)
        _add(values, "", scores, targets[user])
        fresh = np.setdiff1d(targets[user], one.item)
        if len(fresh):
            scores = np.array(_scores(model, one, "discovery"), dtype=np.float32)
            scores[one.item] = -np.inf
            _add(values, "discovery.", scores, fresh)
    means, intervals = report.summary({n: np.array(v) for n, v in values.items()}, seed)
    return {"metrics": means, "interval_95": intervals}


def _scores(model: Any, asked: Any, task: str) -> np.ndarray:
    scores: np.ndarray = (
        model.scores(asked, task) if isinstance(model, Blend) else model.scores(asked)
    )
    return scores[0]


def _targets(data: Training, cut_us: int, seed: int) -> tuple[np.ndarray, dict[int, np.ndarray]]:
    """Return test users with a past and a future purchase, a seeded sample, and what they took."""
    log = data.interactions
    late = (log.at_us >= cut_us) & (log.kind == PURCHASE)
    early = np.unique(log.user[log.at_us < cut_us])
    users = np.intersect1d(np.unique(log.user[late]), early)
    if len(users) > TEST_USERS:
        rng = np.random.default_rng(seed)
        users = np.sort(rng.choice(users, TEST_USERS, replace=False))
    wanted = late & np.isin(log.user, users)
    order = np.argsort(log.user[wanted], kind="stable")
    owner, item = log.user[wanted][order], log.item[wanted][order]
    starts = np.searchsorted(owner, users)
    ends = np.searchsorted(owner, users, side="right")
    return users, {
        int(user): np.unique(item[start:end])
        for user, start, end in zip(users, starts, ends, strict=True)
    }


def _add(values: dict[str, list[float]], task: str, scores: np.ndarray, target: np.ndarray) -> None:
    best = np.argpartition(-scores, min(K, len(scores) - 1))[:K]
    best = best[np.lexsort((best, -scores[best]))]
    hits, count = np.isin(best, target)[None, :], np.array([len(target)])
    values[f"{task}ndcg_at_10"].append(float(metrics.ndcg_at(hits, count, K)[0]))
    values[f"{task}recall_at_10"].append(float(metrics.recall_at(hits, count, K)[0]))


def _entries(items: Any) -> list[dict[str, Any]]:
    names = ["item_id", "title", "brand", "category", "description", "price_minor"]
    rows: list[dict[str, Any]] = items.select(names).to_pylist()
    return rows


def _text(entry: dict[str, Any]) -> str:
    parts = (entry.get(name) for name in ("title", "brand", "category", "description"))
    return " ".join(part for part in parts if part)
