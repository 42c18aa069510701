"""More sequences from few: crop, mask and reorder what a customer did, without inventing items.

In go item rows of one sequence, oldest first, and a numpy Generator; out comes a new array.
The input is never changed. The three operations and their defaults follow Xie et al.,
Contrastive Learning for Sequential Recommendation (CL4SRec), 2022, section 3.3.
"""

from __future__ import annotations

import numpy as np

from shopkeeper.base.errors import BadInput

MASK = -1  # stands for "an item was here"; no item has this row


def crop(items: np.ndarray, rng: np.random.Generator, *, share: float = 0.6) -> np.ndarray:
    """Return a run of consecutive items of at least one and about ``share`` of the length.

    >>> crop(np.arange(10), np.random.default_rng(1), share=0.5).tolist()
    [2, 3, 4, 5, 6]
    """
    _check(items, share)
    if items.size == 0:
        return items.copy()
    length = max(1, int(share * items.size))
    start = int(rng.integers(0, items.size - length + 1))
    return items[start : start + length].copy()


def mask(items: np.ndarray, rng: np.random.Generator, *, share: float = 0.3) -> np.ndarray:
    """Return the sequence with ``share`` of its items, rounded down, replaced by MASK."""
    _check(items, share)
    hidden = items.copy()
    places = rng.choice(items.size, size=int(share * items.size), replace=False)
    hidden[places] = MASK
    return hidden


def reorder(items: np.ndarray, rng: np.random.Generator, *, share: float = 0.6) -> np.ndarray:
    """Return the sequence with one run of ``share`` of its length shuffled."""
    _check(items, share)
    shuffled = items.copy()
    length = int(share * items.size)
    if length < 2:
        return shuffled
    start = int(rng.integers(0, items.size - length + 1))
    rng.shuffle(shuffled[start : start + length])
    return shuffled


def _check(items: np.ndarray, share: float) -> None:
    if items.ndim != 1:
        raise BadInput(
            f"A sequence has one dimension, but this has {items.ndim}.",
            field="items",
            value=str(items.shape),
            allowed="shape (n,)",
        )
    if not 0 < share <= 1:
        raise BadInput(
            f"share must be above 0 and at most 1, but is {share}.",
            field="share",
            value=share,
            allowed="0 < share <= 1",
        )
