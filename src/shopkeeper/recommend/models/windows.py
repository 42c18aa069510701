"""Histories cut into windows, and windows into batches of about one length.

Windows are padded on the right: under a causal mask no real place sees what comes after it, so
nothing else has to be masked, and places are counted from the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequences:
    """Row u owns ``item[start[u]:start[u + 1]]``, oldest first; ``held[u]``: its last judges."""

    start: np.ndarray  # (n + 1,) int64
    item: np.ndarray  # (rows,) int64
    held: np.ndarray  # (n,) bool
    n_items: int


def batches(
    data: Sequences, settings: Mapping[str, Any], rng: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield (item, place, next item) of all windows, each (rows, places), next -1 at no place.

    Long histories are cut at another place each epoch.
    """
    length, budget = int(settings["length"]), int(settings["batch"])
    first, last = _windows(data, length, rng)
    order = np.lexsort((rng.random(len(first)), last - first))
    first, last = first[order], last[order]
    groups, at = [], len(first)
    while at > 0:
        rows = max(1, min(at, budget // int(last[at - 1] - first[at - 1])))
        groups.append(slice(at - rows, at))
        at -= rows
    for number in rng.permutation(len(groups)):
        f, e = first[groups[number]], last[groups[number]]
        places = int((e - f).max())
        step = np.arange(places)[None, :]
        inside = step < (e - f)[:, None]
        row = np.where(inside, f[:, None] + step, 0)
        item = np.where(inside, data.item[row], 0)
        after = np.where(inside, data.item[np.minimum(row + 1, len(data.item) - 1)], -1)
        place = np.where(inside, length - (e - f)[:, None] + step, 0)
        yield item, place, after


def _windows(
    data: Sequences, length: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return rows [first, last) whose every place has a next item in the same history."""
    begin = data.start[:-1]
    end = data.start[1:] - 1 - data.held  # the last row has no next, a held one teaches nobody
    firsts, lasts = [], []
    for b, e in zip(begin.tolist(), end.tolist(), strict=True):
        if e <= b:
            continue
        cut = e if e - b <= length else e - int(rng.integers(0, length))
        if cut < e:
            firsts.append(max(b, e - length))
            lasts.append(e)
        while cut > b:
            firsts.append(max(b, cut - length))
            lasts.append(cut)
            cut -= length
    return np.array(firsts, dtype=np.int64), np.array(lasts, dtype=np.int64)
