"""Splits: the future never teaches, the last row judges, ties keep the order of the file."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shopkeeper.learn import splits

subjects = st.lists(st.integers(0, 5), min_size=1, max_size=60).map(np.array)


def test_the_moment_of_the_cut_belongs_to_the_future():
    assert splits.before(np.array([9, 10, 11]), 10).tolist() == [True, False, False]


def test_last_out_takes_the_last_row_of_each_subject_in_file_order():
    train, target = splits.last_out(np.array([1, 2, 1, 2, 1]))
    assert target.tolist() == [False, False, False, True, True]
    assert train.tolist() == [True, True, True, False, False]


def test_a_subject_with_one_row_is_never_judged():
    train, target = splits.last_out(np.array([1, 2, 2]))
    assert (train.tolist(), target.tolist()) == ([True, True, False], [False, False, True])


@given(subjects)
def test_training_and_target_never_share_a_row(subject):
    train, target = splits.last_out(subject)
    assert not (train & target).any()
    assert (train | target).all()


@given(subjects)
def test_at_most_one_target_per_subject_and_it_is_the_last(subject):
    _, target = splits.last_out(subject)
    for one in np.unique(subject):
        mine = np.flatnonzero(subject == one)
        assert target[mine].sum() == (len(mine) > 1)
        assert not target[mine[:-1]].any()
