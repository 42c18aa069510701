"""Products, categories, locations and the whole agree, because the upper ones are sums."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_panels import panel

from shopkeeper.inventory import bottom_up, evaluate
from shopkeeper.inventory.models.cumulative import Settings
from shopkeeper.inventory.models.ladder import forecast

QUICK = Settings(rounds=8, leaf_rows=20)


@given(st.lists(st.tuples(st.floats(0, 1e6), st.sampled_from("abc")), min_size=1, max_size=40))
def test_every_way_of_adding_up_gives_the_whole(rows):
    values = np.array([value for value, _ in rows])
    _, by_label = bottom_up.summed(values, [label for _, label in rows])
    _, whole = bottom_up.summed(values, [""] * len(rows))
    assert by_label.sum() == pytest.approx(whole[0])


def test_the_belief_on_products_adds_up_over_categories_and_locations():
    made = panel(n=30, t=60)
    made = replace(made, locations=[("north", "south")[i % 2] for i in range(30)])
    mean = forecast(made, (1, 3), settings=QUICK).mean
    _, whole = bottom_up.summed(mean, [""] * 30)
    for labels in (made.category, made.locations):
        names, parts = bottom_up.summed(mean, labels)
        assert len(names) == len(set(labels))
        np.testing.assert_allclose(parts.sum(axis=0), whole[0], rtol=1e-9)


def test_errors_cancel_upwards_and_the_report_says_by_how_much():
    made = panel(n=30, t=50)
    printed = evaluate.evaluate(made, evaluate.Setup(horizon=2, origins=2, settings=QUICK), {})
    told = printed["bottom_up"]["ladder"]
    assert set(told) == {"series", "category", "all"}
    assert told["series"] > told["category"] > told["all"]
    assert told["series"] == printed["models"]["ladder"]["metrics"]["total_wape"]
