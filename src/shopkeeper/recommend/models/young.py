"""How long popularity should carry a customer's page after her first clicks.

A blend's weights are chosen on customers with a past; one click is too little for the sources
that read it, and on a grocer they alone did far worse than popularity. So for a customer with n
items, up to MOST, popularity weighs more by

    push / n * (largest weight of a source that reads what others bought)

``push`` is chosen on the judged customers with their histories cut to the first 1, 2 and 5 rows,
and is 0 where the gain is within two standard errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from shopkeeper.recommend.models import fusion, shelf
from shopkeeper.recommend.models.fusion import Judged, Study
from shopkeeper.recommend.models.histories import Histories
from shopkeeper.recommend.models.source import Source

FIRST = (1, 2, 5)
PUSHES = (0.0, 0.3, 1.0, 3.0, 10.0, 30.0)
MOST = 20  # distinct items; from there on the chosen weights stand alone
CUSTOMERS = 400
TASKS = ("all", "discovery")
LIVE = "popularity"


def push_of(chosen: Study, task: str, lines: np.ndarray) -> np.ndarray:
    """Return what popularity weighs more, (n,), for customers with so many distinct items."""
    push = chosen.young.get(task, 0.0)
    if not push:
        return np.zeros(len(lines))
    counts = np.maximum(lines, 1)
    here = (lines > 0) & (lines <= MOST)
    return np.where(here, push * _peak(chosen.weights[task]) / counts, 0.0)


def distinct(asked: Histories) -> np.ndarray:
    """Return how many different items each subject's history has, (n_subjects,)."""
    known = asked.item >= 0
    pairs = np.unique(asked.subject[known] * np.int64(2**32) + asked.item[known]) >> 32
    counts: np.ndarray = np.bincount(pairs, minlength=asked.n_subjects)
    return counts


def choose(
    fitted: Mapping[str, Source], chosen: Study, trend: np.ndarray, judged: Judged
) -> dict[str, float]:
    """Return the push of each task, chosen on histories cut to their first rows."""
    some = _first(judged, CUSTOMERS)
    found = {}
    for task in TASKS:
        given = {n: w for n, w in sorted(chosen.weights[task].items()) if w > 0 and n in fitted}
        if LIVE not in given:
            continue
        names = list(given)
        trended = np.array([name not in shelf.UNTRENDED for name in names])
        power = chosen.trend.get(task, 0.0)
        values: dict[float, list[np.ndarray]] = {push: [] for push in PUSHES}
        for rows in FIRST:
            short = replace(some, asked=_cut(some.asked, rows))
            made = fusion.stack([fitted[n] for n in names], trend, short, task)
            if not len(made.targets):
                continue
            for push in PUSHES:
                more = push * _peak(given) / rows
                weights = np.array([given[n] + more * (n == LIVE) for n in names])
                values[push].append(fusion.stack_ndcgs(made, weights, power, trended))
        if not values[0.0]:
            continue
        joined = {push: np.concatenate(each) for push, each in values.items()}
        best = max(PUSHES, key=lambda push: float(joined[push].mean()))
        gain = joined[best] - joined[0.0]
        error = float(gain.std() / np.sqrt(len(gain)))
        if len(gain) >= fusion.ENOUGH_SUBJECTS and float(gain.mean()) > 2 * error:
            found[task] = best
    return found


def _peak(weights: Mapping[str, float]) -> float:
    return max((w for n, w in weights.items() if n not in shelf.UNTRENDED), default=0.0)


def _first(judged: Judged, most: int) -> Judged:
    n = min(most, judged.asked.n_subjects)
    return Judged(
        asked=judged.asked.chunk(0, n),
        target_start=judged.target_start[: n + 1],
        target_item=judged.target_item[: judged.target_start[n]],
    )


def _cut(asked: Histories, rows: int) -> Histories:
    """Return the first rows of each history, asked right after them."""
    counts = np.minimum(np.diff(asked.start), rows)
    start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    at = np.arange(start[-1]) - np.repeat(start[:-1], counts) + np.repeat(asked.start[:-1], counts)
    moments = asked.as_of_us.copy()
    some = counts > 0
    moments[some] = asked.at_us[at[start[1:][some] - 1]] + 1
    whole = {n: getattr(asked, n)[at] for n in ("item", "at_us", "kind", "quantity", "basket")}
    return Histories(start=start, as_of_us=moments, **whole)
