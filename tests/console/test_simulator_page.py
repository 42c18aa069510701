"""The simulator's page: what to run first, then regret, belief and refused verdicts."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from shopkeeper.operate import simulation

sys.path.insert(0, str(Path(__file__).parents[1] / "recommend"))
from made import shop


@pytest.fixture
def tried(front):
    found = simulation.run(shop(200).interactions, items=30, visits=60, seeds=2)
    simulation.keep(front.shop.settings, found)
    yield found
    simulation.path(front.shop.settings).unlink()


def test_without_a_trial_the_page_says_what_to_run(front):
    assert "shopkeeper simulate" in front.signed_in().get("/console/simulator").text


def test_a_trial_shows_policies_belief_and_what_was_assumed(front, tried):
    page = front.signed_in().get("/console/simulator").text
    for words in ("Thompson sampling", "LinUCB", "REINFORCE", "Not in a purchase log"):
        assert words in page
    assert "refused: too little" in page
    assert "k^-1.0" in page
    assert page.count("data-chart") == 2
    assert "charts.js" in page
    assert f"{tried['policies']['linucb']['reward']['mean']:.3f}" in page


def test_a_broken_file_costs_the_card_not_the_page(front, tried):
    simulation.path(front.shop.settings).write_text("{", encoding="utf-8")
    page = front.signed_in().get("/console/simulator")
    assert page.status_code == 200
    assert "shopkeeper simulate again" in page.text


def test_a_trial_is_asked_of_the_server_once_and_the_page_waits_for_it(front):
    browser = front.signed_in()
    page = browser.get("/console/simulator").text
    token = re.search(r'name="csrf" value="([^"]+)"', page).group(1)
    for _ in range(2):
        page = browser.post("/console/simulator/start", data={"csrf": token}).text
        assert "begins a trial" in page
    assert "on its way" in browser.get("/console/simulator").text
    [waiting] = [one for one in simulation.runs(front.shop) if one["state"] == "asked"]
    front.shop.jobs.settle(waiting["simulation_id"], "failed", problem="No purchase yet.")
    assert "No purchase yet." in browser.get("/console/simulator").text


def test_the_own_slates_and_clicks_by_place_stand_where_there_are_any(front, tried):
    told = tried | {"own_slates": {"click": _own_slates()}, "looking": _looking()}
    simulation.keep(front.shop.settings, told)
    page = front.signed_in().get("/console/simulator").text
    for words in ("Learnt from the log", "about 5,000 rows needed", "set explore_share", "k^-0.70"):
        assert words in page
    assert page.count("data-chart") == 3
    chinese = front.signed_in(**{"accept-language": "zh"}).get("/console/simulator?lang=zh").text
    assert "本店推荐记录说明了什么" in chinese


def _own_slates():
    row = {"metrics": {"dr": 0.03, "snips": 0.031}, "effective": 200, "verdict": "refused"}
    row |= {"against_baseline": {"difference": 0.01, "interval_95": [-0.01, 0.03]}}
    return {
        "data": {"slates_drawn": 100, "places": 1000, "rewarded": 20},
        "missing": [{"code": "no_draws", "says": "…"}],
        "models": {"logged": {"metrics": {"mean": 0.02}}, "learned": row | {"rows_needed": 5000}},
    }


def _looking():
    return {
        "eta": 0.7,
        "interval_95": [0.4, 1.0],
        "clicks": 90,
        "places_by_chance": 2000,
        "held_out_click_share": [0.1, 0.06],
        "foretold_click_share": [0.1, 0.062],
    }
