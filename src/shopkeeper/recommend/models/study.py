"""The study before a training: pick settings and weights on the last period, then freeze them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from shopkeeper.base.clock import DAY_US
from shopkeeper.base.progress import stage
from shopkeeper.recommend.models import arrivals, fusion, holdout, shelf, young
from shopkeeper.recommend.models.fusion import Judged, Study
from shopkeeper.recommend.models.source import Source
from shopkeeper.recommend.schema import Training

# What a shop starts with while it has too few returning customers to choose anything on.
DEFAULT_WEIGHTS: dict[str, dict[str, float]] = {
    "all": {
        "buy_again": 1.0,
        "ease": 0.2,
        "sequential": 0.1,
        "popularity": 0.1,
        "text": 0.05,
        "content": 0.05,
    },
    "repeat": {"buy_again": 1.0, "ease": 0.1},
    "discovery": {"ease": 1.0, "sequential": 0.6, "popularity": 0.1, "text": 0.2, "content": 0.2},
}
LITTLE = 0.02
# Above this many candidate items ALS stands in for the tail that EASE leaves out.
MANY_ITEMS = 20_000
BLENDED = ("popularity", "buy_again", "item-knn", "sequential", "ease", "text")


def names_for(data: Training) -> list[str]:
    """Return the sources that may join the blend on this data."""
    names = list(BLENDED)
    if len(np.unique(data.interactions.item)) > MANY_ITEMS:
        names.append("als")
    if sum(map(bool, data.item_text)) < 2:
        names.remove("text")
    return names


def choose(
    data: Training,
    *,
    protocol: str = "time",
    also: Sequence[str] = (),
    join: Sequence[str] = (),
    towers: bool = False,
) -> Study:
    """Return settings and weights chosen on the last period of ``data``.

    ``also`` names yardsticks whose settings and validation NDCG@10 are wanted beside the blend,
    ``join`` more sources that may enter it. ``towers``: two towers compete for new products.
    """
    horizon = holdout.horizon_days(data)
    if protocol == "time":
        inner, target = holdout.cut_at(data, data.as_of_us - int(horizon * DAY_US))
    else:
        inner, target = holdout.last_out(data)
    judged = holdout.judge(inner, target, limit=fusion.MAX_SUBJECTS)
    blended = [*names_for(data), *join]
    names = [*blended, *(name for name in also if name not in blended)]
    if judged.asked.n_subjects < fusion.ENOUGH_SUBJECTS:
        able = [*blended, arrivals.NAME] if arrivals.tells(data) else blended
        return Study(settings={}, weights=_complete(DEFAULT_WEIGHTS, able), trend={})
    shape = {
        "n_items": len(np.unique(inner.interactions.item)),
        "lines_per_basket": _lines_per_basket(inner),
        "horizon_days": horizon,
        "timed": protocol == "time",
    }
    settings: dict[str, Mapping[str, Any]] = {}
    fitted: dict[str, Source] = {}
    for name in names:
        with stage(f"choose settings of {name}"):
            settings[name], fitted[name] = _best_settings(name, inner, judged, shape)
    trend = trend_of(inner, horizon)
    weights, powers, validation = _weigh(fitted, blended, trend, judged)
    found = Study(
        settings=settings,
        weights=_complete(weights, blended),
        trend={**powers, "all": powers["all"] or powers["discovery"]},
        validation=validation,
        subjects=judged.asked.n_subjects,
    )
    with stage("choose how long popularity carries a new customer"):
        found = replace(found, young=young.choose(fitted, found, trend, judged))
    if not arrivals.tells(data):
        return found
    with stage("choose what new products deserve"):
        welcome = arrivals.weigh(inner, target, found, trend, fitted, towers=towers)
        return arrivals.joined(found, welcome)


def trend_of(data: Training, horizon_days: float) -> np.ndarray:
    """Return (n_items,) how present an item is now against its whole past, largest 1.

    Lines in the last quarter of a horizon (decayed) over all lines, both shrunk.
    """
    log = data.interactions
    n_items = len(log.item_ids)
    age = np.maximum(data.as_of_us - log.at_us, 0) / DAY_US
    now = np.bincount(log.item, weights=np.exp(-age / (horizon_days / 4)), minlength=n_items)
    ever = np.bincount(log.item, minlength=n_items)
    ratio = (now + 0.5) / (ever + 50)
    return (ratio / ratio.max(initial=1e-9)).astype(np.float32)


def _lines_per_basket(data: Training) -> float:
    log = data.interactions
    pairs = np.unique(log.user.astype(np.int64) * (1 << 32) + log.basket)
    return len(log.user) / max(len(pairs), 1)


def _best_settings(
    name: str, inner: Training, judged: Judged, shape: Mapping[str, Any]
) -> tuple[dict[str, Any], Source]:
    """Return the settings with the best NDCG@10 of the source alone, and the source fitted."""
    task = "repeat" if name in shelf.PERSONAL else "discovery"
    fits, ways = shelf.grid(name, **shape)
    best_value, best_fit, best_way, best_source = -1.0, fits[0], ways[0], None
    for to_fit in fits:
        source = shelf.make(name, to_fit).fit(inner)
        # The first fit tries every way of weighing history, later fits the best of them.
        for way in ways if best_source is None else [best_way]:
            for key, setting in way.items():
                setattr(source, key, setting)
            one_choice = len(fits) * len(ways) == 1
            value = 0.0 if one_choice else fusion.solo_ndcg(source.scores, judged, task)
            if value > best_value + fusion.MIN_GAIN:
                best_value, best_fit, best_way, best_source = value, to_fit, way, source
    if best_source is None:
        raise ValueError(f"The grid of {name} is empty.")
    for key, setting in best_way.items():
        setattr(best_source, key, setting)
    return {**best_fit, **best_way}, best_source


def _weigh(
    fitted: Mapping[str, Source], blended: Sequence[str], trend: np.ndarray, judged: Judged
) -> tuple[dict[str, dict[str, float]], dict[str, float], dict[str, dict[str, float]]]:
    """Return weights and trend power by task, and NDCG@10 of every model on each task."""
    weights: dict[str, dict[str, float]] = {}
    powers: dict[str, float] = {}
    validation: dict[str, dict[str, float]] = {}
    for task in fusion.TASKS:
        solo = {n: fusion.solo_ndcg(s.scores, judged, task) for n, s in fitted.items()}
        validation[task] = solo
        usable = [n for n in blended if task != "discovery" or n not in shelf.PERSONAL]
        with stage(f"choose weights for {task}"):
            made = fusion.stack([fitted[n] for n in usable], trend, judged, task)
            if len(made.targets) < fusion.ENOUGH_SUBJECTS:
                weights[task] = DEFAULT_WEIGHTS[task]
                powers[task] = powers.get("discovery", 0.0)
                continue
            trended = np.array([n not in shelf.PERSONAL and n != "popularity" for n in usable])
            start = np.array([float(n == max(usable, key=solo.__getitem__)) for n in usable])
            found, power, value = fusion.climb(made, trended, start, fusion.TREND_POWERS)
        weights[task] = dict(zip(usable, found.tolist(), strict=True))
        powers[task] = power
        validation[task]["blend"] = value
    return weights, powers, validation


def _complete(
    weights: Mapping[str, Mapping[str, float]], blended: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Add what no log can judge: goes-with, trending, and something for whoever is new.

    A customer without repeats must still see a page, so "all" carries a fiftieth of discovery
    and both carry a little popularity: below any source that speaks, above silence.
    """
    found = {task: {n: w for n, w in ws.items() if n in blended} for task, ws in weights.items()}
    discovery = found["discovery"]
    if not any(discovery.values()):
        discovery = {n: w for n, w in DEFAULT_WEIGHTS["discovery"].items() if n in blended}
    peak = max(discovery.values())
    found["discovery"] = {**discovery, "popularity": max(discovery.get("popularity", 0), LITTLE)}
    for name, weight in found["discovery"].items():
        found["all"][name] = max(found["all"].get(name, 0.0), LITTLE * weight / peak)
    alone = ("popularity", *shelf.PERSONAL)
    similar = {n: w for n, w in discovery.items() if n not in alone}
    similar["sequential"] = max(similar.get("sequential", 0.0), 0.3 * peak)
    for name in ("text", arrivals.NAME):
        if name in blended:
            similar[name] = max(similar.get(name, 0.0), 0.2 * peak)
    similar["popularity"] = LITTLE * peak
    return {**found, "similar": similar, "trending": {"popularity": 1.0}}
