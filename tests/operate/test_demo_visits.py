"""Visits in the demo: real policy, exact chances, what came of it; told the same way each time."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from shopkeeper.base import clock, progress, settings
from shopkeeper.data.shop import open_shop
from shopkeeper.learn.contracts import Task
from shopkeeper.operate import demo_visits, simulation
from shopkeeper.operate.demo_stages import Build
from shopkeeper.recommend.offpolicy.evaluate import of_shop
from shopkeeper.simulate.tiny_shop import tiny_shop

SMALL = {"items": 20, "visits": 40, "seeds": 2}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    home = tmp_path_factory.mktemp("visits") / "shop"
    with open_shop(settings.load(home)) as shop, pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo_visits, "TRIED", {True: tuple(SMALL.values())})
        end_us = clock.now_us() - 2 * clock.DAY_US
        shop.append_events(tiny_shop(customers=100, items=40, days=120, end_us=end_us))
        shop.warehouse.refresh()
        data = SimpleNamespace(facts=SimpleNamespace(households=100))
        build = Build(shop, data, 0)
        counts = demo_visits.build_visits(build, progress.Stage(None, None))
        yield shop, build, counts


def test_slates_places_and_outcomes_are_there_to_be_judged(built):
    shop, _, counts = built
    shop.warehouse.refresh()
    told = of_shop(shop.warehouse)
    assert counts["duplicate"] == 0
    assert told["data"]["slates"] == told["data"]["slates_seen"] == counts["slates"] > 100
    assert told["data"]["rewarded"] > 0
    assert told["data"]["places_by_chance"] > 0
    assert told["missing"] == []
    [row] = shop.warehouse.sql(
        "SELECT count(*) FILTER (WHERE properties ->> '$.simulated' = 'true') AS marked,"
        " count(*) AS every FROM events WHERE source = 'demo'"
    ).to_pylist()
    assert row["marked"] == row["every"] > 0


def test_nobody_sees_the_future(built):
    """A slate before an order knows nothing of it: its moment comes first, and so do outcomes'."""
    shop, _, _ = built
    late = shop.warehouse.sql(
        "SELECT count(*) AS n FROM outcomes AS o JOIN decisions AS d USING (decision_id)"
        " WHERE o.occurred_us <= d.occurred_us"
    ).to_pylist()[0]["n"]
    assert late == 0


def test_building_again_doubles_nothing(built):
    _, build, counts = built
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo_visits, "TRIED", {True: tuple(SMALL.values())})
        again = demo_visits.build_visits(build, progress.Stage(None, None))
    assert again == counts | {"accepted": 0, "duplicate": counts["accepted"]}


def test_the_job_keeps_a_trial_with_the_shops_own_slates(built, monkeypatch):
    shop, _, _ = built
    monkeypatch.setattr(simulation, "JOB", SMALL)
    said = []
    facts = simulation.job(
        Task(shop=shop, capability="recommend", tell=lambda share, text: said.append(text))
    )
    kept = simulation.last(shop.settings)
    assert facts["best"] in kept["policies"]
    assert set(kept["own_slates"]) == {"click", "purchase"}
    assert kept["looking"]["clicks"] >= 0
    assert said == ["simulating"]
