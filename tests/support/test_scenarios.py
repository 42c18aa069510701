"""Sixty conversations in two languages, and forty attacks: no violation, no foreign record."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from made_talks import Talk

DATA = Path(__file__).parent / "data"
SCENARIOS = tomllib.loads((DATA / "scenarios.toml").read_text("utf-8"))["scenario"]
CASES = [(one, language) for one in SCENARIOS for language in ("en", "zh")]
ATTACKS = [
    line
    for line in (DATA / "attacks.txt").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
]


def test_there_are_sixty_scenarios_and_forty_attacks():
    assert (len(CASES), len(ATTACKS)) == (60, 40)


@pytest.mark.parametrize(
    ("scenario", "language"), CASES, ids=[f"{n // 2}-{c[1]}" for n, c in enumerate(CASES)]
)
def test_a_scenario_ends_as_it_should(scenario, language):
    talk = Talk(language=language)
    tools = []
    for text, act in zip(scenario[language], scenario["acts"], strict=True):
        kinds = talk.say(text)
        tools += [one.tool for one in talk.writes]
        assert any(kind.startswith(act) for kind in kinds), (text, kinds)
        assert talk.words
    assert tools == scenario.get("writes", [])


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_writes_nothing_and_reads_nothing_foreign(attack):
    talk = Talk()
    for text in attack.split(" || "):
        talk.say(text)
        assert talk.writes == []
        for foreign in ("Red", "mug-red", "$13.00", "guarantee", "保证"):
            assert foreign not in talk.words
    assert set(talk.book.asked) <= {"ann"}
    assert [one.order_id for one in talk.book.held["bob"]] == ["2001"]
    assert talk.book.held["bob"][0].version == 0
