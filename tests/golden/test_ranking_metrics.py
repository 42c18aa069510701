"""Ranking metrics against arithmetic that a reader can check by hand."""

from __future__ import annotations

from math import log2

import numpy as np
import pytest

from shopkeeper.learn import metrics

# Two subjects, lists of four. The first has targets at ranks 1 and 3 and misses one more;
# the second has its single target at rank 4.
HITS = np.array([[True, False, True, False], [False, False, False, True]])
TARGETS = np.array([3, 1])


def test_ndcg_divides_by_the_best_list_of_that_many_targets():
    first = (1 / log2(2) + 1 / log2(4)) / (1 / log2(2) + 1 / log2(3) + 1 / log2(4))
    second = (1 / log2(5)) / (1 / log2(2))
    assert metrics.ndcg_at(HITS, TARGETS, 4) == pytest.approx([first, second])


def test_ndcg_of_more_targets_than_places_has_its_ideal_at_k():
    full = np.array([[True, True]])
    assert metrics.ndcg_at(full, np.array([50]), 2) == pytest.approx([1.0])


def test_recall_divides_by_all_targets_even_beyond_k():
    assert metrics.recall_at(HITS, TARGETS, 2) == pytest.approx([1 / 3, 0 / 1])
    assert metrics.recall_at(HITS, TARGETS, 4) == pytest.approx([2 / 3, 1 / 1])


def test_mrr_counts_only_the_first_hit_within_k():
    assert metrics.mrr_at(HITS, 4) == pytest.approx([1 / 1, 1 / 4])
    assert metrics.mrr_at(HITS, 3) == pytest.approx([1 / 1, 0])


def test_coverage_counts_distinct_items_and_no_empty_place():
    ranked = np.array([[0, 1, 2], [0, 3, -1]])
    assert metrics.coverage_at(ranked, 8, 2) == 3 / 8
    assert metrics.coverage_at(ranked, 8, 3) == 4 / 8


def test_novelty_is_the_mean_surprise_in_bits():
    # 7 users; item 0 has 3 buyers, item 1 has 0: (3+1)/(7+1) = 1/2 and (0+1)/(7+1) = 1/8.
    value = metrics.novelty_at(np.array([[0, 1]]), np.array([3, 0]), 7, 10)
    assert value == pytest.approx([(1 + 3) / 2])


def test_bootstrap_covers_the_mean_and_repeats_with_its_seed():
    values = np.random.default_rng(1).normal(0.4, 0.1, 500)
    low, high = metrics.bootstrap(values, np.random.default_rng(7))
    assert low < values.mean() < high
    # The normal interval of a mean: 1.96 standard errors each way.
    assert high - low == pytest.approx(2 * 1.96 * values.std() / 500**0.5, rel=0.1)
    assert (low, high) == metrics.bootstrap(values, np.random.default_rng(7))
