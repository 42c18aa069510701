"""Contributions from tables: what LightGBM's own TreeSHAP says, row by row."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from shopkeeper.fraud.models.booster import FastBooster
from shopkeeper.fraud.models.contributions import Tables, shapley
from shopkeeper.fraud.models.learn import fit_trees

NAMES = ("amount_minor", "hour", "night", "customer_count_1d", "ip_count_1d", "ring_frauds")


def rows_of(seed: int, count: int) -> np.ndarray:
    draw = np.random.default_rng(seed)
    rows = draw.lognormal(2, 2, (count, len(NAMES)))
    rows[draw.random(rows.shape) < 0.2] = np.nan
    rows[draw.random(rows.shape) < 0.2] = 0.0
    return rows


def trees(**changes: int) -> FastBooster:
    rows = rows_of(1, 4000)
    risk = np.nan_to_num(rows[:, 0]) / 40 + (np.isnan(rows[:, 4])) + (rows[:, 3] > 9)
    label = (risk + np.random.default_rng(2).normal(0, 1, len(rows)) > 2.5).astype(int)
    return FastBooster(fit_trees(rows, label, NAMES, seed=3, rounds=80, **changes))


def test_two_features_share_a_leaf_as_every_order_of_asking_says():
    """A leaf of 12 that half and a quarter of the rows reach without knowing either feature."""
    value, share = 12.0, np.array([0.5, 0.25])
    found = shapley(np.array([value]), share[None])[0]
    for met in itertools.product((0, 1), repeat=2):
        wanted = np.zeros(2)
        for order in itertools.permutations((0, 1)):
            worth, known = value * share.prod(), set()
            for mine in order:
                known.add(mine)
                now = value * math.prod(met[f] if f in known else share[f] for f in (0, 1))
                wanted[mine] += (now - worth) / 2
                worth = now
        assert found[met[0] + 2 * met[1]] == pytest.approx(wanted)


@pytest.mark.parametrize("leaves", [2, 4, 8])
def test_the_tables_say_what_lightgbm_says(leaves):
    model = trees(num_leaves=leaves)
    tables = model.tables
    assert tables is not None
    asked = rows_of(5, 400)
    asked[0], asked[1], asked[2], asked[3] = np.nan, np.inf, -np.inf, 0.0
    wanted = model.booster.predict(asked, pred_contrib=True, num_threads=1)
    found = np.stack([tables(row) for row in asked])
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-9)
    assert np.ptp(wanted[:, 0]) > 0.1


def test_a_tree_that_asks_nothing_adds_its_score():
    rows, label = rows_of(1, 400), np.arange(400) % 2
    text = fit_trees(rows, label, NAMES, seed=3, rounds=3, min_data_in_leaf=300)
    model = FastBooster(text)
    assert "num_leaves=1\n" in text
    assert model.tables is not None
    assert model.contributions(rows[0])[-1] == model.raw(rows[0]) == model.raw_many(rows)[0]


def test_larger_trees_are_left_to_lightgbm():
    model = trees(num_leaves=16)
    assert model.tables is None
    row = rows_of(6, 1)[0]
    assert model.contributions(row).sum() == pytest.approx(model.raw(row), abs=1e-9)


def test_splits_that_the_tables_cannot_hold_are_left_to_lightgbm():
    text = trees(num_leaves=4).text
    first = next(line for line in text.splitlines() if line.startswith("decision_type="))
    assert Tables.of(text, len(NAMES)) is not None
    assert Tables.of(text.replace(first, "decision_type=6 6 6", 1), len(NAMES)) is None
    assert Tables.of(text.replace("num_cat=0", "num_cat=1", 1), len(NAMES)) is None
    assert Tables.of("tree\nversion=v4\n", len(NAMES)) is None
