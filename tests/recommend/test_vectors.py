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
