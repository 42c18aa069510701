"""The simulator's page: what to run first, then regret, belief and refused verdicts."""

from __future__ import annotations

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
    for words in ("Thompson sampling", "LinUCB", "REINFORCE", "not in a purchase log"):
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
