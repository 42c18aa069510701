"""Choose how each source weighs history and how much it counts, on rows training did not see.

One validation period: the targets right before the test (or before now). Sources are fitted on
what came before it, their settings picked by their own NDCG@10, then their weights by a
coordinate search on NDCG@10 of the sum. Test rows never come near this file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from shopkeeper.learn.metrics import ndcg_at
from shopkeeper.recommend.models.histories import Histories
from shopkeeper.recommend.models.source import Source, top

TASKS = ("discovery", "repeat", "all")
DEPTH = 100  # candidates taken from each source while choosing weights
STEPS = (0.0, 0.03, 0.1, 0.2, 0.35, 0.6, 1.0, 1.6, 2.5)
TREND_POWERS = (0.0, 0.25, 0.5, 0.75, 1.0)
MAX_SUBJECTS = 2_500
# Fewer judged subjects than this choose nothing; the defaults stand.
ENOUGH_SUBJECTS = 30
# A weight moves only for a gain above this: equal answers should keep the simpler blend.
MIN_GAIN = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """What validation chose. ``validation``: task -> model name -> NDCG@10 there."""

    settings: Mapping[str, Mapping[str, Any]]
    weights: Mapping[str, Mapping[str, float]]
    trend: Mapping[str, float]
    validation: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    subjects: int = 0
    young: Mapping[str, float] = field(default_factory=dict)  # task -> push, see young.py


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Subjects with targets: ``target_item[target_start[u]:target_start[u + 1]]`` are u's."""

    asked: Histories
    target_start: np.ndarray
    target_item: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Scaled scores of candidates of each subject: ``value`` (n, candidates, sources)."""

    value: np.ndarray
    trend: np.ndarray  # (n, candidates)
    target: np.ndarray  # (n, candidates) bool
    targets: np.ndarray  # (n,) all targets of the task, found as candidates or not


def scaled(raw: np.ndarray) -> np.ndarray:
    """Return each subject's largest raw score, (n_subjects, 1); 1 where a source is silent."""
    peak = raw.max(axis=1, keepdims=True, initial=0)
    return np.where(peak > 0, peak, 1).astype(np.float32)


def seen_mask(asked: Histories, n_items: int) -> np.ndarray:
    """Return (n_subjects, n_items) of what each subject met before."""
    seen = np.zeros((asked.n_subjects, n_items), dtype=bool)
    known = (asked.item >= 0) & (asked.item < n_items)
    seen[asked.subject[known], asked.item[known]] = True
    return seen


def target_mask(judged: Judged, first: int, last: int, n_items: int) -> np.ndarray:
    """Return (last - first, n_items) of the targets of some subjects."""
    mask = np.zeros((last - first, n_items), dtype=bool)
    counts = np.diff(judged.target_start[first : last + 1])
    rows = slice(judged.target_start[first], judged.target_start[last])
    mask[np.repeat(np.arange(last - first), counts), judged.target_item[rows]] = True
    return mask


def chunks(n_subjects: int, n_items: int) -> Sequence[tuple[int, int]]:
    """Return (first, last) of blocks whose dense scores take about 40 MB."""
    size = int(np.clip(10_000_000 // max(n_items, 1), 1, 1000))
    return [(i, min(i + size, n_subjects)) for i in range(0, n_subjects, size)]


def allowed(task: str, seen: np.ndarray) -> np.ndarray | None:
    """Return which items a task may rank; None is all of them."""
    return {"discovery": ~seen, "repeat": seen, "all": None}[task]


def solo_ndcg(score: Callable[[Histories], np.ndarray], judged: Judged, task: str) -> float:
    """Return mean NDCG@10 of one scorer on one task."""
    values = []
    for first, last in chunks(judged.asked.n_subjects, 4_000):
        asked = judged.asked.chunk(first, last)
        raw = np.array(score(asked), dtype=np.float32)
        seen = seen_mask(asked, raw.shape[1])
        target = target_mask(judged, first, last, raw.shape[1])
        may = allowed(task, seen)
        if may is not None:
            raw[~may] = -1
            target &= may
        count = target.sum(axis=1)
        best = np.stack([top(line, 10) for line in raw])
        hits = np.take_along_axis(target, best, 1)[count > 0]
        values.append(ndcg_at(hits, count[count > 0], 10))
    joined = np.concatenate(values)
    return float(joined.mean()) if len(joined) else 0.0


def stack(sources: Sequence[Source], trend: np.ndarray, judged: Judged, task: str) -> Stack:
    """Return the candidates that any source ranks high, with every source's scaled score."""
    n_items = len(trend)
    found: list[tuple[np.ndarray, np.ndarray, np.ndarray, int]] = []
    for first, last in chunks(judged.asked.n_subjects, n_items * len(sources)):
        asked = judged.asked.chunk(first, last)
        may = allowed(task, seen_mask(asked, n_items))
        target = target_mask(judged, first, last, n_items)
        raws = []
        for source in sources:
            raw = source.scores(asked)
            raws.append(raw if source.own_scale else raw / scaled(raw))
        for row in range(last - first):
            wanted = target[row] if may is None else target[row] & may[row]
            if not wanted.any():
                continue
            chosen = np.zeros(n_items, dtype=bool)
            for raw in raws:
                line = raw[row] if may is None else np.where(may[row], raw[row], 0)
                best = top(line, DEPTH)
                chosen[best[line[best] > 0]] = True
            at = np.flatnonzero(chosen)
            value = np.stack([raw[row, at] for raw in raws], axis=1)
            found.append((value, trend[at], wanted[at], int(wanted.sum())))
    return _padded(found, len(sources))


def _padded(found: list[tuple[np.ndarray, np.ndarray, np.ndarray, int]], width: int) -> Stack:
    longest = max((len(value) for value, *_ in found), default=0)
    made = Stack(
        value=np.zeros((len(found), longest, width), dtype=np.float32),
        trend=np.ones((len(found), longest), dtype=np.float32),
        target=np.zeros((len(found), longest), dtype=bool),
        targets=np.array([count for *_, count in found], dtype=np.int64),
    )
    for i, (value, trend, target, _) in enumerate(found):
        made.value[i, : len(value)] = value
        made.trend[i, : len(value)] = trend
        made.target[i, : len(value)] = target
    return made


def stack_ndcg(made: Stack, weights: np.ndarray, power: float, trended: np.ndarray) -> float:
    """Return mean NDCG@10 of weighted sums; ``trended`` marks sources times trend^power."""
    return float(stack_ndcgs(made, weights, power, trended).mean())


def stack_ndcgs(made: Stack, weights: np.ndarray, power: float, trended: np.ndarray) -> np.ndarray:
    """Return NDCG@10 of weighted sums per subject, (n,)."""
    score = made.value @ np.where(trended, weights, 0).astype(np.float32)
    if power:
        score *= made.trend ** np.float32(power)
    score += made.value @ np.where(trended, 0, weights).astype(np.float32)
    k = min(10, score.shape[1])
    best = np.argpartition(-score, k - 1, axis=1)[:, :k]
    order = np.argsort(-np.take_along_axis(score, best, 1), axis=1, kind="stable")
    hits = np.take_along_axis(made.target, np.take_along_axis(best, order, 1), 1)
    return np.asarray(ndcg_at(hits, made.targets, 10))


def climb(
    made: Stack, trended: np.ndarray, start: np.ndarray, powers: Sequence[float]
) -> tuple[np.ndarray, float, float]:
    """Return (weights, trend power, NDCG@10) after coordinate search from ``start``."""
    weights, power = start.astype(np.float64), 0.0
    best = stack_ndcg(made, weights, power, trended)
    for _ in range(4):
        before = best
        for at in range(len(weights)):
            for step in STEPS:
                tried = weights.copy()
                tried[at] = step
                if not tried.any():
                    continue
                value = stack_ndcg(made, tried, power, trended)
                if value > best + MIN_GAIN:
                    weights, best = tried, value
        for candidate in powers:
            value = stack_ndcg(made, weights, candidate, trended)
            if value > best + MIN_GAIN:
                power, best = candidate, value
        if best <= before + MIN_GAIN:
            break
    return weights, power, best
