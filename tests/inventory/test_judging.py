"""The choice per demand class: a rung, or the global model averaged with the best local one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_panels import panel

from shopkeeper.inventory import spread
from shopkeeper.inventory.features import Prepared
from shopkeeper.inventory.models.cumulative import Settings
from shopkeeper.inventory.models.judging import GLOBAL, Judgement, judge, unjudged
from shopkeeper.inventory.models.ladder import Ladder
from shopkeeper.inventory.schema import SEGMENTS


def believer(noise: dict[str, int], level: float = 20.0):
    """Return rungs that know the truth but for a noise of their own, by its seed."""
    levels = spread.standard_levels()

    def believe(rung: str, origin: int, horizon: int, offset: int):
        rng = np.random.default_rng((noise[rung], origin))
        mean = horizon * level * (1 + 0.6 * rng.normal(size=200)).clip(0.05)
        return mean[:, None] * (0.6 + 0.8 * levels)[None, :], mean

    return believe


def judged(noise: dict[str, int]):
    prepared = Prepared(panel(n=200, t=60, mean=20.0))
    return judge(prepared, believer(noise), list(noise), range(50, 57), [(3, 0)], 0.95)


def test_two_rungs_whose_errors_differ_are_averaged():
    found = judged({"ma8": 1, "ses10": 2, "tsb": 3, GLOBAL: 4})
    smooth = SEGMENTS.index("smooth")
    assert found.chosen[smooth].startswith(f"{GLOBAL}+")
    assert sum(weight for _, weight in found.parts(smooth)) == pytest.approx(1)
    losses = found.losses["smooth"]
    assert losses[found.chosen[smooth]] == min(losses.values())


def test_a_single_rung_has_the_whole_weight():
    assert unjudged("ets").parts(0) == [("ets", 1.0)]


def test_an_averaged_ladder_serves_the_weighted_sum_of_its_parts():
    made = panel(n=60, t=70)
    model = Ladder(settings=Settings(rounds=10, leaf_rows=20)).fit(made)
    assert model.judged_ is not None
    prepared = Prepared(made)
    trees = model.trees_ or model._trees(prepared, None, until=70)
    model.trees_ = trees
    means = {}
    for name, share in (("ets", 1.0), (GLOBAL, 1.0), (f"{GLOBAL}+ets", 0.25)):
        model.judged_ = Judgement(
            chosen=(name,) * len(SEGMENTS),
            losses={},
            asked=unjudged(name).asked,
            rows=1,
            shares=(share,) * len(SEGMENTS),
        )
        means[name] = model.at(prepared, 70, 3)[1]
    np.testing.assert_allclose(
        means[f"{GLOBAL}+ets"], 0.25 * means[GLOBAL] + 0.75 * means["ets"], rtol=1e-6
    )


def test_what_is_only_observed_gives_no_plan():
    """A plan beyond the origin changes a forecast that knows it, and none that only observes."""
    made = panel(n=80, t=80, promoted=True)
    settings = Settings(rounds=20, leaf_rows=20)
    other = {"promotion": made.known["promotion"].copy()}
    other["promotion"][:, 80:] = 1 - other["promotion"][:, 80:]
    changed = replace(made, known=other)
    knows = Ladder(drivers=("promotion",), ahead=3, settings=settings).fit(made)
    sees = Ladder(observed=("promotion",), settings=settings).fit(made)
    assert not np.allclose(knows.belief(made).mean, knows.belief(changed).mean)
    np.testing.assert_array_equal(sees.belief(made).mean, sees.belief(changed).mean)
