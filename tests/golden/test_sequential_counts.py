"""The directed pair counts against the formula written as a double loop."""

from __future__ import annotations

from math import log2

import numpy as np
import pytest

from shopkeeper.base.clock import DAY_US
from shopkeeper.recommend.models.neighbours import Sequential
from shopkeeper.recommend.schema import Interactions, Training


def training(sequences: list[list[int]], n_items: int) -> Training:
    user = np.repeat(np.arange(len(sequences)), [len(s) for s in sequences]).astype(np.int32)
    item = np.concatenate(sequences).astype(np.int32)
    at = np.concatenate([np.arange(len(s)) for s in sequences]).astype(np.int64) * DAY_US
    log = Interactions(
        user=user,
        item=item,
        at_us=at,
        kind=np.zeros(len(user), dtype=np.int8),
        quantity=np.ones(len(user)),
        basket=np.arange(len(user)),
        user_ids=[f"u{i}" for i in range(len(sequences))],
        item_ids=[f"i{i}" for i in range(n_items)],
    )
    return Training(interactions=log, as_of_us=100 * DAY_US)


def by_loop(sequences: list[list[int]], n_items: int, reach: int) -> np.ndarray:
    counted, popularity = np.zeros((n_items, n_items)), np.zeros(n_items)
    for s in sequences:
        for a, i in enumerate(s):
            popularity[i] += 1
            for b, j in enumerate(s):
                if i != j and abs(a - b) <= reach:
                    weight = 0.8 ** (abs(b - a) - 1) * (0.5 if b < a else 1)
                    counted[i, j] += weight / log2(2 + len(s))
    return counted / (popularity[:, None] ** 0.6 * popularity[None, :] ** 0.3 + 2)


def test_counts_equal_the_formula_written_as_a_loop():
    rng = np.random.default_rng(5)
    sequences = [rng.integers(0, 9, rng.integers(1, 30)).tolist() for _ in range(40)]
    fitted = Sequential(reach=4).fit(training(sequences, 9))
    expected = by_loop(sequences, 9, 4)
    np.fill_diagonal(expected, 0)
    assert fitted.similar_.toarray() == pytest.approx(expected, abs=1e-5)


def test_going_forward_counts_twice_as_much_as_going_back():
    similar = Sequential().fit(training([[0, 1]], 2)).similar_.toarray()
    assert similar[0, 1] == pytest.approx((1 / log2(4)) / 3)
    assert similar[1, 0] == pytest.approx((0.5 / log2(4)) / 3)


def test_inside_a_basket_there_is_no_direction():
    data = training([[0, 1]], 2)
    object.__setattr__(data.interactions, "basket", np.zeros(2, dtype=np.int64))
    similar = Sequential().fit(data).similar_.toarray()
    assert similar[0, 1] == similar[1, 0] > 0
