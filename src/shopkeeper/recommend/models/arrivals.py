"""How much a product that nobody has bought yet may count: hide some that were, and see.

A fifth of the products, drawn by seed, is taken out of every history before the validation period.
What customers then bought of them in that period, only their entries can have told. The content
source joins the blend with the weight that makes the whole list best, old and new targets
together; where the gain is not above its own standard error, it stays out.

A fifth of hidden best-sellers flatters what really stands without a buyer: much of that is dead
stock. So the weight is tried again on the period as it was. Where it costs the list anything there,
products that had no buyer at training get no place, and only those that come later do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from shopkeeper.recommend.models import fusion, holdout, shelf
from shopkeeper.recommend.models.content import Content
from shopkeeper.recommend.models.entries import Entries
from shopkeeper.recommend.models.fusion import STEPS, Judged, Study
from shopkeeper.recommend.models.holdout import Target
from shopkeeper.recommend.models.source import Source
from shopkeeper.recommend.schema import Training

HIDDEN, SEED = 0.2, 7
GRID: tuple[dict[str, Any], ...] = tuple({"share": share} for share in (0.3, 0.5, 0.7))
WITH_TOWERS: dict[str, Any] = {"share": 0.5, "towers": True}
TASKS = ("discovery", "all")
NAME = Content.name
SIMILAR = 0.2  # of the largest weight, on the page of a product that nobody has bought


@dataclass(frozen=True, slots=True, kw_only=True)
class Welcome:
    """What hiding showed: settings, weight by task, and NDCG@10 with and without by task."""

    settings: Mapping[str, Any]
    weights: Mapping[str, float]
    validation: Mapping[str, Mapping[str, float]]


def tells(data: Training) -> bool:
    """Return whether the catalogue says anything from which a product could be placed."""
    return sum(map(bool, data.item_text)) > 1 or sum(map(bool, data.item_category)) > 1


def weigh(
    inner: Training,
    target: Target,
    chosen: Study,
    trend: np.ndarray,
    fitted: Mapping[str, Source],
    *,
    towers: bool = False,
) -> Welcome | None:
    """Return what new products deserve beside a blend's chosen weights; None: too few to judge.

    ``trend`` (n_items,) as the blend's; ``fitted``: its sources, fitted on ``inner``; ``towers``:
    they compete too, which needs PyTorch.
    """
    log = inner.interactions
    touched = np.unique(log.item)
    hidden = np.zeros(len(log.item_ids), dtype=bool)
    rng = np.random.default_rng(SEED)
    hidden[rng.choice(touched, int(HIDDEN * len(touched)), replace=False)] = True
    shown = replace(inner, interactions=holdout.take(log, ~hidden[log.item]))
    judged = holdout.judge(shown, target, limit=fusion.MAX_SUBJECTS, new=hidden)
    if judged.asked.n_subjects < fusion.ENOUGH_SUBJECTS:
        return None
    told = Entries().fit(shown)
    best: tuple[float, dict[str, Any], Content] | None = None
    for settings in (*GRID, *([WITH_TOWERS] if towers else [])):
        made = Content(entries=told, **settings).fit(shown)
        value = fusion.solo_ndcg(made.scores, judged, "discovery")
        if best is None or value > best[0] + fusion.MIN_GAIN:
            best = value, settings, made
    assert best is not None
    _, settings, content = best
    names = {n for task in TASKS for n, w in chosen.weights[task].items() if w > 0}
    less: dict[str, Source] = {
        name: shelf.make(name, chosen.settings.get(name, {})).fit(shown) for name in sorted(names)
    }
    weights: dict[str, float] = {}
    validation: dict[str, dict[str, float]] = {}
    for task in TASKS:
        weights[task], validation[task] = _weight(task, less, content, trend, judged, chosen)
    if any(weights.values()):
        cost = _as_it_was(inner, target, chosen, trend, fitted, weights, Content(**settings))
        validation["as_it_was"] = cost
        settings = {**settings, "placed": min(cost.values(), default=0.0) >= 0}
    return Welcome(settings=settings, weights=weights, validation=validation)


def _as_it_was(
    inner: Training,
    target: Target,
    chosen: Study,
    trend: np.ndarray,
    fitted: Mapping[str, Source],
    weights: Mapping[str, float],
    content: Content,
) -> dict[str, float]:
    """Return task -> change of NDCG@10 by the weights on the period as it was, nothing hidden."""
    bought = np.zeros(len(inner.interactions.item_ids), dtype=bool)
    bought[inner.interactions.item] = True
    judged = holdout.judge(inner, target, limit=fusion.MAX_SUBJECTS, new=~bought)
    content.fit(inner)
    found: dict[str, float] = {}
    for task, weight in weights.items():
        if not weight:
            continue
        made, given, trended = _stacked(task, fitted, content, trend, judged, chosen)
        power = chosen.trend.get(task, 0.0)
        with_it, without = (
            fusion.stack_ndcgs(made, np.array([*given, w]), power, trended) for w in (weight, 0.0)
        )
        found[task] = round(float(with_it.mean() - without.mean()), 5)
    return found


def _stacked(
    task: str,
    fitted: Mapping[str, Source],
    content: Content,
    trend: np.ndarray,
    judged: Judged,
    chosen: Study,
) -> tuple[fusion.Stack, list[float], np.ndarray]:
    """Return the stack of a task's sources with content last, their weights, who is trended."""
    given = {n: w for n, w in sorted(chosen.weights[task].items()) if w > 0 and n in fitted}
    made = fusion.stack([*(fitted[n] for n in given), content], trend, judged, task)
    trended = np.array([n not in shelf.UNTRENDED for n in (*given, NAME)])
    return made, list(given.values()), trended


def _weight(
    task: str,
    fitted: Mapping[str, Source],
    content: Content,
    trend: np.ndarray,
    judged: Judged,
    chosen: Study,
) -> tuple[float, dict[str, float]]:
    """Return the weight of the content source on one task, 0 where it does not clearly help."""
    made, given, trended = _stacked(task, fitted, content, trend, judged, chosen)
    power = chosen.trend.get(task, 0.0)
    if len(made.targets) < fusion.ENOUGH_SUBJECTS:
        return 0.0, {"customers": len(made.targets)}

    def ndcgs(weight: float) -> np.ndarray:
        return fusion.stack_ndcgs(made, np.array([*given, weight]), power, trended)

    before = ndcgs(0.0)
    tried = {step: ndcgs(step * max(given)) for step in (*STEPS[1:], 4.0)}
    best = max(tried, key=lambda step: float(tried[step].mean()))
    gain = tried[best] - before
    error = float(gain.std() / np.sqrt(max(len(gain), 1)))
    found = {
        "without": round(float(before.mean()), 5),
        "with": round(float(tried[best].mean()), 5),
        "gain_error": round(error, 5),
        "customers": len(gain),
    }
    return (best * max(given) if float(gain.mean()) > error else 0.0), found


def joined(chosen: Study, welcome: Welcome | None) -> Study:
    """Return a study's choices with the content source where it has a weight."""
    if welcome is None:
        return chosen
    validation = {**chosen.validation, "new_products": _flat(welcome.validation)}
    if not any(welcome.weights.values()):
        return replace(chosen, validation=validation)
    weights = {task: dict(found) for task, found in chosen.weights.items()}
    for task, weight in welcome.weights.items():
        weights[task][NAME] = weight
    peak = max(weights["similar"].values(), default=1.0)
    weights["similar"][NAME] = max(welcome.weights["discovery"], SIMILAR * peak)
    settings = {**chosen.settings, NAME: dict(welcome.settings)}
    return replace(chosen, weights=weights, settings=settings, validation=validation)


def _flat(validation: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    return {
        f"{task}.{name}": value
        for task, found in validation.items()
        for name, value in found.items()
    }
