"""The graph filter: the published formula at its published powers; blocks must change nothing."""

from __future__ import annotations

import numpy as np
import pytest
from made import shop
from scipy import sparse

from shopkeeper.recommend.models import graph_filter, histories
from shopkeeper.recommend.models.graph_filter import GraphFilter
from shopkeeper.recommend.models.neighbours import bought

DATA = shop()
GF_CF = {"user_power": 1.0, "from_power": 0.5, "to_power": 0.5, "rank": 8}


def published(weight: float, rank: int) -> np.ndarray:
    """Return GF-CF's filter, dense, by its definition; each term over its mean diagonal."""
    x = bought(DATA).toarray()
    taken, sold = np.maximum(x.sum(1), 1), np.maximum(x.sum(0), 1)
    even = x / np.sqrt(taken)[:, None] / np.sqrt(sold)
    walk = even.T @ even
    v = np.linalg.svd(even)[2][:rank].T
    ideal = (v @ v.T) / np.sqrt(sold)[:, None] * np.sqrt(sold)
    return walk / np.diag(walk).mean() + weight * ideal / np.diag(ideal).mean()


@pytest.mark.parametrize("smooth", [0.0, 0.3])
def test_at_its_published_powers_it_is_gf_cf(smooth):
    made = GraphFilter(**GF_CF, smooth=smooth, neighbours=None).fit(DATA).similar_.toarray()
    expected = published(smooth, 8)
    np.fill_diagonal(expected, 0)
    assert made == pytest.approx(np.maximum(expected, 0), abs=5e-3)


def test_blocks_of_rows_change_nothing(monkeypatch):
    whole = GraphFilter(smooth=0.3, rank=8, neighbours=10).fit(DATA).similar_
    monkeypatch.setattr(graph_filter, "_BLOCK_CELLS", 7 * len(DATA.interactions.item_ids))
    parts = GraphFilter(smooth=0.3, rank=8, neighbours=10).fit(DATA).similar_
    assert parts.toarray() == pytest.approx(whole.toarray(), abs=1e-5)
    assert (np.diff(parts.indptr) <= 10).all()


def test_busy_buyers_and_popular_items_say_less_by_their_powers():
    asked = histories.group(DATA.interactions, DATA.as_of_us)
    x = bought(DATA)
    plain = GraphFilter(user_power=0.0, from_power=0.0, to_power=0.0, neighbours=None).fit(DATA)
    together = (x.T @ x).toarray()
    np.fill_diagonal(together, 0)
    ratio = plain.similar_.toarray()[together > 0] / together[together > 0]
    assert ratio == pytest.approx(ratio[0], rel=1e-4)
    damped = GraphFilter(user_power=0.0, from_power=0.0, to_power=1.0, neighbours=None).fit(DATA)
    sold = np.asarray(x.sum(axis=0)).ravel()
    pull = [
        np.corrcoef(m.scores(asked).sum(axis=0)[sold > 0], sold[sold > 0])[0, 1]
        for m in (plain, damped)
    ]
    assert pull[0] > pull[1]


def test_singular_vectors_span_what_a_full_decomposition_finds():
    rng = np.random.default_rng(2)
    low = rng.standard_normal((60, 5)) @ rng.standard_normal((5, 40))
    x = sparse.csr_array((low + 0.01 * rng.standard_normal((60, 40))).astype(np.float32))
    found = graph_filter.right_singular(x, 5, rng)
    exact = np.linalg.svd(x.toarray())[2][:5].T
    assert np.linalg.svd(exact.T @ found)[1] == pytest.approx(np.ones(5), abs=1e-3)
