"""Exact top-k equals sorting everything, ties by lower row."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shopkeeper.recommend.vectors import top_items


@given(seed=st.integers(0, 200), n=st.integers(0, 60), k=st.integers(0, 70))
def test_top_items_equal_a_full_sort(seed, n, k):
    rng = np.random.default_rng(seed)
    # Small whole numbers make many ties.
    vectors = rng.integers(-2, 3, (n, 4)).astype(np.float32)
    query = rng.integers(-2, 3, 4).astype(np.float32)
    rows, scores = top_items(vectors, query, k)
    whole = vectors @ query
    expected = sorted(range(n), key=lambda row: (-whole[row], row))[:k]
    assert rows.tolist() == expected
    assert scores.tolist() == whole[expected].tolist()


def test_the_best_of_many_items_stay_exact_where_they_crowd_in_one_block_or_tie():
    """Two thousand blocks; the best 30 rows side by side, then a thousand ties at the border."""
    scores = np.zeros((1_024_000, 1), dtype=np.float32)
    scores[5000:5030, 0] = np.arange(30) + 2
    scores[::1024, 0] = 1
    rows, found = top_items(scores, np.ones(1, dtype=np.float32), 40)
    assert rows[:30].tolist() == list(range(5029, 4999, -1))
    assert rows[30:].tolist() == [1024 * at for at in range(10)]
    assert found[30:].tolist() == [1.0] * 10
