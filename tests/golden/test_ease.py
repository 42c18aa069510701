"""EASE against what it stands for: each item regressed on all others, with a ridge penalty."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from shopkeeper.base.errors import BadInput
from shopkeeper.recommend.models.ease import ease_weights

PENALTY = 3.0


@pytest.fixture
def x() -> sparse.csr_array:
    rng = np.random.default_rng(3)
    return sparse.csr_array((rng.random((60, 12)) < 0.3).astype(np.float64))


def test_no_item_explains_itself(x):
    assert np.diag(ease_weights(x, PENALTY)).tolist() == [0.0] * 12


def test_ease_equals_ridge_regression_of_each_item_on_the_others(x):
    weights = ease_weights(x, PENALTY, exact=True)
    dense = x.toarray()
    for item in range(12):
        others = [i for i in range(12) if i != item]
        a, b = dense[:, others], dense[:, item]
        ridge = np.linalg.solve(a.T @ a + PENALTY * np.eye(11), a.T @ b)
        assert weights[others, item] == pytest.approx(ridge, abs=1e-6)


def test_single_precision_serves_the_same_weights(x):
    exact = ease_weights(x, PENALTY, exact=True)
    assert ease_weights(x, PENALTY) == pytest.approx(exact, abs=1e-4)


def test_a_penalty_of_zero_is_refused_by_name(x):
    with pytest.raises(BadInput, match="penalty must be above 0, but is 0"):
        ease_weights(x, 0)
