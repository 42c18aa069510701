"""How good is each model on held-out purchases? Ours beside the baselines, in one run.

Every item is ranked. ``repeats=False``: what a user met before is masked, targets are new to
them. ``repeats=True``: nothing is masked and all targets count; repeat and discovery are then
reported apart as well. Items and users that training never saw are counted, and left out of
the means that compare models. Settings, weights and the champion come from validation.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from shopkeeper.base.errors import BadInput
from shopkeeper.base.progress import stage
from shopkeeper.learn import metrics, report
from shopkeeper.recommend.models import histories, holdout, learn_rank, shelf, study
from shopkeeper.recommend.models.blend import Blend
from shopkeeper.recommend.models.fusion import Judged, Study
from shopkeeper.recommend.models.histories import Histories
from shopkeeper.recommend.models.lists import DEPTH, rank, score_lists
from shopkeeper.recommend.models.ranker import Ranker
from shopkeeper.recommend.models.source import Source
from shopkeeper.recommend.schema import Training

METRICS = (
    "ndcg_at_10",
    "recall_at_10",
    "recall_at_20",
    "mrr_at_10",
    "coverage_at_10",
    "novelty",
)
BASELINES = ("popularity", "frequency", "item-knn", "ease", "als")
CHAMPION_METRIC = "ndcg_at_10"
Scorer = Callable[[Histories, str], np.ndarray]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """How to measure. ``at_us`` for protocol time; None takes the last eighth as the test.

    ``deep``: also train the models that need torch, and let them join the blend.
    """

    protocol: str = "last-out"
    at_us: int | None = None
    repeats: bool = False
    limit_users: int | None = None
    seed: int = 7
    deep: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """The printed object, what validation chose, and the blend as fitted before the test."""

    report: dict[str, Any]
    study: Study
    blend: Blend


def evaluate(data: Training, setup: Setup, facts: Mapping[str, Any] | None = None) -> Evaluated:
    """Split, choose on validation, fit every model on the training rows, judge on the test."""
    train, target = _split(data, setup)
    judged = holdout.judge(train, target, limit=setup.limit_users, seed=setup.seed)
    if judged.asked.n_subjects == 0:
        raise BadInput(
            "No user has both training and test rows, so nothing can be measured.",
            hint="Choose an earlier --at, or --protocol last-out.",
            field="at" if setup.protocol == "time" else "protocol",
        )
    with report.measured() as choosing:
        join = shelf.DEEP if setup.deep else ()
        chosen = study.choose(train, protocol=setup.protocol, also=("frequency", "als"), join=join)
    names = _names(train, join, setup.repeats)
    fitted, costs = _fit(names, train, chosen)
    with report.measured() as blending:
        blend = Blend(chosen, protocol=setup.protocol).fit(train, fitted)
    used = [n for n in blend.sources_ if n in costs]
    blending.seconds += choosing.seconds + sum(costs[n].seconds for n in used)
    memory = (blending, choosing, *(costs[n] for n in used))
    blending.peak_memory_mb = max(cost.peak_memory_mb for cost in memory)
    scorers: dict[str, tuple[Scorer, report.Cost]] = {
        name: (_taskless(source), costs[name]) for name, source in fitted.items()
    }
    scorers["blend"] = (blend.scores, blending)
    with report.measured() as ranking:
        ranker = learn_rank.learn(chosen, train, protocol=setup.protocol, seed=setup.seed)
        made = Blend(chosen, protocol=setup.protocol, ranker=ranker).fit(train, blend.sources_)
    ranking.seconds += blending.seconds
    scorers["ranked"] = (made.scores, ranking)
    main = "all" if setup.repeats else "discovery"
    tasks = ("all", "repeat", "discovery") if setup.repeats else ("discovery",)
    judgement = _judge_all(scorers, train, judged, tasks)
    baseline = "frequency" if setup.repeats else "popularity"
    if judgement[baseline][main]["users"] == 0:
        raise BadInput(
            "Every held-out row is an item that its user met before, so there is nothing to find.",
            hint="Say --repeats to rank items met before as well.",
            field="repeats",
        )
    validation = _validation(chosen, ranker, main, judgement)
    champion = max(validation, key=validation.__getitem__) if validation else "blend"
    body = {
        "capability": "recommend",
        "data": {**(facts or {}), **_facts(data, train, target, judged)},
        "protocol": _protocol(setup, train, main),
        "models": _models(judgement, main, baseline, validation, setup.seed),
        "champion": champion,
        "baseline": baseline,
        "chosen": {
            "settings": {n: dict(s) for n, s in chosen.settings.items()},
            "weights": {t: dict(w) for t, w in chosen.weights.items()},
            "trend": dict(chosen.trend),
            "validation_subjects": chosen.subjects,
            "ranker": ranker.validation_,
        },
        "cold": _cold(blend, data, train, target, setup),
    }
    best = made if champion == "ranked" else blend
    return Evaluated(report=body, study=chosen, blend=best)


def _names(train: Training, join: Sequence[str], repeats: bool) -> list[str]:
    """Return the sources to fit; who knows only repeats stands aside where those do not count."""
    wanted = {*BASELINES, *study.names_for(train), *join}
    return [n for n in shelf.KINDS if n in wanted and (repeats or n not in shelf.PERSONAL)]


def _validation(
    chosen: Study, ranker: Ranker, main: str, judgement: Mapping[str, Any]
) -> dict[str, float]:
    """Return NDCG@10 on the last training period of every model judged; the ranker by its gain."""
    found = {n: v for n, v in chosen.validation.get(main, {}).items() if n in judgement}
    if ranker.has(main) and "blend" in found:
        gain = ranker.validation_[main]["ranker"] - ranker.validation_[main]["blend"]
        found["ranked"] = found["blend"] + gain
    return found


def _taskless(source: Source) -> Scorer:
    return lambda asked, _task: source.scores(asked)


def _split(data: Training, setup: Setup) -> tuple[Training, holdout.Target]:
    if setup.protocol == "last-out":
        return holdout.last_out(data)
    at = data.interactions.at_us
    cut = setup.at_us
    if cut is None:
        cut = int(at.max() - (at.max() - at.min()) // 8)
    if not at.min() < cut <= at.max():
        raise BadInput(
            "--at leaves no rows on one side: it must lie after the first and not after the last.",
            hint="Choose a moment inside the data.",
            field="at",
            value=cut,
        )
    return holdout.cut_at(data, cut)


def _fit(
    names: Sequence[str], train: Training, chosen: Study
) -> tuple[dict[str, Source], dict[str, report.Cost]]:
    """Return every source fitted on the training rows with the settings chosen, and its cost."""
    fitted: dict[str, Source] = {}
    costs: dict[str, report.Cost] = {}
    for name in names:
        with stage(f"fit {name}"), report.measured() as cost:
            fitted[name] = shelf.make(name, chosen.settings.get(name, {})).fit(train)
        costs[name] = cost
    return fitted, costs


def _judge_all(
    scorers: Mapping[str, tuple[Scorer, report.Cost]],
    train: Training,
    judged: Judged,
    tasks: Sequence[str],
) -> dict[str, dict[str, Any]]:
    """Return model -> {"cost", "ms", task: per-subject metrics and catalogue metrics}."""
    n_items = len(train.interactions.item_ids)
    log = train.interactions
    pairs = np.unique(log.user.astype(np.int64) * n_items + log.item) % n_items
    buyers = np.bincount(pairs, minlength=n_items)
    found: dict[str, dict[str, Any]] = {}
    for name, (score, cost) in scorers.items():
        found[name] = {"cost": cost}
        for task in tasks:
            if task == "discovery" and name in shelf.PERSONAL:
                continue
            with stage(f"rank with {name}, {task}"):
                started = time.perf_counter()
                ranked = rank(partial(_scored, score, task), judged.asked, n_items, task)
                spent = time.perf_counter() - started
            found[name].setdefault("ms", spent / max(judged.asked.n_subjects, 1) * 1000)
            found[name][task] = score_lists(ranked, judged, task, buyers, len(log.user_ids))
    return found


def _scored(score: Scorer, task: str, asked: Histories) -> np.ndarray:
    return score(asked, task)


def _models(
    judgement: Mapping[str, dict[str, Any]],
    main: str,
    baseline: str,
    validation: Mapping[str, float],
    seed: int,
) -> dict[str, Any]:
    """Return the "models" part of the printed object."""
    yardstick = judgement[baseline][main]["per_subject"][CHAMPION_METRIC]
    out: dict[str, Any] = {}
    for name, found in judgement.items():
        if main not in found:
            continue
        entry = _entry(found[main], seed)
        entry["fit_seconds"] = round(found["cost"].seconds, 3)
        entry["predict_ms_per_row"] = round(found["ms"], 4)
        entry["peak_memory_mb"] = round(found["cost"].peak_memory_mb, 1)
        values = found[main]["per_subject"][CHAMPION_METRIC]
        if name != baseline and len(values):
            entry["against_baseline"] = report.against(values, yardstick, seed)
        if name in validation:
            entry["validation_ndcg_at_10"] = round(validation[name], 5)
        for task in ("repeat", "discovery"):
            if task in found and task != main:
                entry[task] = _entry(found[task], seed)
        out[name] = entry
    return out


def _entry(found: Mapping[str, Any], seed: int) -> dict[str, Any]:
    means, intervals = report.summary(found["per_subject"], seed)
    means["coverage_at_10"] = round(found["coverage_at_10"], 5)
    ordered = {name: means[name] for name in METRICS if name in means}
    return {"metrics": ordered, "interval_95": intervals, "users": found["users"]}


def _protocol(setup: Setup, train: Training, main: str) -> dict[str, Any]:
    """Return how it was measured, in words that a reader can repeat."""
    return {
        "name": setup.protocol,
        "at_us": train.as_of_us if setup.protocol == "time" else None,
        "repeats": setup.repeats,
        "ranking": "full",
        "seen_items_masked": main == "discovery",
        "ties": "by item id",
        "limit_users": setup.limit_users,
        "seed": setup.seed,
        "champion_by": f"{CHAMPION_METRIC} on validation",
    }


def _facts(
    data: Training, train: Training, target: holdout.Target, judged: Judged
) -> dict[str, Any]:
    """Return counts of rows, users, items and of what is cold."""
    log = data.interactions
    warm_item = np.zeros(len(log.item_ids), dtype=bool)
    warm_item[train.interactions.item] = True
    warm_user = np.zeros(len(log.user_ids), dtype=bool)
    warm_user[train.interactions.user] = True
    return {
        "rows": len(log.user),
        "users": len(np.unique(log.user)),
        "items": len(np.unique(log.item)),
        "train_rows": len(train.interactions.user),
        "test_users": judged.asked.n_subjects,
        "test_targets": len(judged.target_item),
        "cold_users": len(np.unique(target.user[~warm_user[target.user]])),
        "cold_items": len(np.unique(target.item[~warm_item[target.item]])),
        "cold_targets": int((~(warm_item[target.item] & warm_user[target.user])).sum()),
        "targets": len(target.user),
    }


def _cold(
    blend: Blend, data: Training, train: Training, target: holdout.Target, setup: Setup
) -> dict[str, Any]:
    """Return NDCG@10 of the blend for users that training never saw: empty histories."""
    n_items = len(data.interactions.item_ids)
    past = histories.group(train.interactions, train.as_of_us)
    new = np.diff(past.start)[target.user] == 0
    warm_item = np.zeros(n_items, dtype=bool)
    warm_item[train.interactions.item] = True
    rows = new & warm_item[target.item]
    users = np.unique(target.user[rows])
    if len(users) == 0:
        return {"users": {"count": 0}}
    one = holdout.pick(past, users[:1])
    ranked = rank(lambda a: blend.scores(a, "discovery"), one, n_items, "all")[0]
    order = np.lexsort((target.item[rows], target.user[rows]))
    user, item = target.user[rows][order], target.item[rows][order]
    counts = np.bincount(np.searchsorted(users, user))
    hits = np.zeros((len(users), DEPTH), dtype=bool)
    where = np.searchsorted(users, user)
    for place, shown in enumerate(ranked):
        hits[where[item == shown], place] = True
    means, intervals = report.summary({"ndcg_at_10": metrics.ndcg_at(hits, counts, 10)}, setup.seed)
    return {"users": {"count": len(users), "metrics": means, "interval_95": intervals}}
