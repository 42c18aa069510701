"""Ranked lists and what they are worth: one list per subject, one value per subject."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from shopkeeper.learn import metrics
from shopkeeper.recommend.models import fusion
from shopkeeper.recommend.models.fusion import Judged
from shopkeeper.recommend.models.histories import Histories
from shopkeeper.recommend.models.source import top

DEPTH = 20


def rank(
    score: Callable[[Histories], np.ndarray], asked: Histories, n_items: int, task: str
) -> np.ndarray:
    """Return (n_subjects, 20) item rows, best first; -1 where a task allows fewer items.

    Equal scores stand in the order of item ids, whatever the model.
    """
    found = np.full((asked.n_subjects, DEPTH), -1, dtype=np.int64)
    for first, last in fusion.chunks(asked.n_subjects, n_items):
        part = asked.chunk(first, last)
        raw = np.array(score(part), dtype=np.float32)
        if task != "all":
            seen = fusion.seen_mask(part, n_items)
            raw[seen if task == "discovery" else ~seen] = -np.inf
        for row, line in enumerate(raw):
            best = top(line, DEPTH)
            best = best[line[best] > -np.inf]
            found[first + row, : len(best)] = best
    return found


def score_lists(
    ranked: np.ndarray, judged: Judged, task: str, buyers: np.ndarray, n_users: int
) -> dict[str, Any]:
    """Return {"per_subject": metric -> (n,), "coverage_at_10": share} of ranked lists."""
    n_items = len(buyers)
    kept, hits, counts = [], [], []
    for first, last in fusion.chunks(judged.asked.n_subjects, n_items):
        target = fusion.target_mask(judged, first, last, n_items)
        may = fusion.allowed(task, fusion.seen_mask(judged.asked.chunk(first, last), n_items))
        if may is not None:
            target &= may
        count = target.sum(axis=1)
        lists = ranked[first:last]
        hit = np.take_along_axis(target, np.maximum(lists, 0), axis=1) & (lists >= 0)
        kept.append(np.flatnonzero(count > 0) + first)
        hits.append(hit[count > 0])
        counts.append(count[count > 0])
    subject, hit, count = (np.concatenate(part) for part in (kept, hits, counts))
    lists = ranked[subject]
    # Coverage speaks of the items that training knew; what only a text places is beside it.
    known = np.where((lists >= 0) & (buyers[lists] > 0), lists, -1)
    catalogue = int((buyers > 0).sum())
    return {
        "per_subject": {
            "ndcg_at_10": metrics.ndcg_at(hit, count, 10),
            "recall_at_10": metrics.recall_at(hit, count, 10),
            "recall_at_20": metrics.recall_at(hit, count, 20),
            "mrr_at_10": metrics.mrr_at(hit, 10),
            "novelty": metrics.novelty_at(lists, buyers, n_users, 10),
        },
        "coverage_at_10": metrics.coverage_at(known, catalogue, 10),
        "users": len(subject),
    }
