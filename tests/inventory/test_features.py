"""Features of an origin know nothing that comes after it."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from made_panels import panel

from shopkeeper.inventory.features import Prepared, Spec, matrix, names
from shopkeeper.inventory.models.cumulative import Cumulative, Settings, rows_of
from shopkeeper.inventory.models.ladder import Ladder, prepare


@pytest.mark.parametrize("frequency", ["D", "W", "M"])
@pytest.mark.parametrize("ahead", [0, 4])
def test_features_do_not_see_the_future(frequency, ahead):
    whole = panel(promoted=True, frequency=frequency, t=70)
    spec = Spec(frequency=frequency, drivers=("promotion",), ahead=ahead)
    k = 50
    cut = replace(
        whole,
        units=whole.units[:, :k],
        starts=whole.starts[:k],
        known={"promotion": whole.known["promotion"][:, : k + ahead]},
    )
    from_whole = matrix(Prepared(whole), spec, k, 3)
    from_cut = matrix(Prepared(cut), spec, k, 3)
    # The season needs 1.5 years of panel; that alone may differ with the panel's length.
    same = [i for i, name in enumerate(names(spec)) if not name.startswith("season")]
    np.testing.assert_allclose(from_whole[:, same], from_cut[:, same], rtol=1e-5)


def test_a_feature_that_peeked_would_be_noticed():
    """The broken twin: change the future of the plan within sight, and the matrix must change."""
    whole = panel(promoted=True)
    spec = Spec(frequency="W", drivers=("promotion",), ahead=4)
    other = replace(whole, known={"promotion": 1 - whole.known["promotion"]})
    assert not np.allclose(
        matrix(Prepared(whole), spec, 50, 3),
        matrix(Prepared(other), spec, 50, 3),
        equal_nan=True,
    )


def test_the_columns_are_as_many_as_their_names():
    for spec in (
        Spec(frequency="D"),
        Spec(frequency="W", drivers=("promotion",), ahead=2),
        Spec(frequency="M", drivers=("promotion",)),
    ):
        made = panel(promoted=True, frequency=spec.frequency)
        assert matrix(Prepared(made), spec, 40, 2).shape == (40, len(names(spec)))


def test_a_young_series_is_not_pulled_to_zero():
    young = panel(n=1, t=60, mean=10.0)
    young.units[0, :55] = np.nan
    level = Prepared(young).scale(60)[0]
    assert level == pytest.approx(np.nanmean(young.units[0]), rel=0.25)


def test_training_rows_end_before_the_origin_that_they_serve():
    made = panel(t=60)
    prepared = Prepared(made)
    spec = Spec(frequency="W")
    rows = rows_of(prepared, spec, range(20, 60), [3], until=40)
    assert len(rows.target) == 40 * len(range(20, 38))
    other = replace(made, units=made.units.copy())
    other.units[:, 40:] *= 100
    again = rows_of(Prepared(other), spec, range(20, 60), [3], until=40)
    np.testing.assert_array_equal(rows.target, again.target)


def test_quantiles_are_ordered_not_negative_and_follow_the_promotion():
    made = panel(n=80, t=80, promoted=True)
    prepared = Prepared(made)
    spec = Spec(frequency="W", drivers=("promotion",), ahead=3)
    rows = rows_of(prepared, spec, range(10, 77), [1, 3])
    model = Cumulative(spec, Settings(rounds=60)).fit(rows)
    quantiles, mean = model.at(prepared, 80, 1)
    assert (np.diff(quantiles, axis=1) >= 0).all()
    assert (quantiles >= 0).all()
    promoted = made.known["promotion"][:, 80] > 0
    ratio = mean / (prepared.scale(80) + 0.5)
    assert ratio[promoted].mean() > 1.5 * ratio[~promoted].mean()


def test_a_saved_model_says_the_same():
    made = panel(n=30, t=60)
    prepared = Prepared(made)
    spec = Spec(frequency="W")
    model = Cumulative(spec, Settings(rounds=10)).fit(rows_of(prepared, spec, range(10, 57), [3]))
    again = Cumulative.from_artefact(model.to_artefact())
    for mine, theirs in zip(model.at(prepared, 60, 3), again.at(prepared, 60, 3), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_one_series_among_others_is_believed_in_as_with_all_of_them():
    """What categories do comes from every series, so the answer for one must be the same."""
    made = panel(n=60, t=60, promoted=True)
    made.units[7, :56] = np.nan  # a new one
    model = Ladder(frequency="W", drivers=("promotion",), settings=Settings(rounds=10)).fit(made)
    model.judged_ = replace(model.judged_, chosen=("cumulative", *model.judged_.chosen[1:]))
    model.trees_ = model.trees_ or model._trees(prepare(made), None, until=60)
    whole = model.belief(made)
    for row in (0, 7, 33):
        asked = SimpleNamespace(panel=made, row=row)
        one = model.predict(asked)
        np.testing.assert_allclose(one.quantiles[0], whole.quantiles[row], rtol=1e-9)
        np.testing.assert_allclose(one.mean[0], whole.mean[row], rtol=1e-9)
        assert one.model[0] == whole.model[row]
