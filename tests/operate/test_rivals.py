"""Roles beside the champion: who may have one, what ends one, and that a share is a share."""

from __future__ import annotations

import json

import pytest

from shopkeeper.base.errors import BadInput, Conflict, NotFound
from shopkeeper.operate.registry import Registry
from shopkeeper.operate.rivals import drawn


@pytest.fixture
def registry(tmp_path):
    """A registry with three versions on file; their bytes do not matter here."""
    for name in ("a@1", "b@2", "c@3"):
        (tmp_path / "fraud" / name).mkdir(parents=True)
    made = Registry(tmp_path)
    made.promote("fraud", "a@1")
    return made


def test_a_challenger_acts_on_nothing_unless_a_share_is_set(registry):
    registry.challenge("fraud", "b@2")
    assert registry.share("fraud") == 0
    registry.challenge("fraud", "b@2", 0.25)
    registry.shadow("fraud", "c@3")
    assert registry.share("fraud") == 0.25
    assert registry.aliases("fraud") == {
        "champion": "a@1",
        "challenger": "b@2",
        "shadow": "c@3",
    }
    # What a training keeps aside acts on nobody, whatever its forerunner was trusted with.
    registry.challenge("fraud", "c@3")
    assert registry.share("fraud") == 0


def test_who_becomes_champion_is_no_longer_its_own_rival(registry):
    registry.challenge("fraud", "b@2", 0.5)
    registry.shadow("fraud", "c@3")
    held = registry.promote("fraud", "b@2")
    assert held == {"champion": "b@2", "previous": "a@1", "shadow": "c@3"}
    assert registry.share("fraud") == 0
    registry.challenge("fraud", "a@1", 0.5)
    held = registry.rollback("fraud")
    assert held == {"champion": "a@1", "previous": "b@2", "shadow": "c@3"}
    assert registry.share("fraud") == 0


def test_a_shadow_outlives_a_promotion_and_ends_by_retiring(registry):
    registry.shadow("fraud", "c@3")
    registry.challenge("fraud", "b@2", 0.1)
    assert registry.retire("fraud", "challenger") == {"champion": "a@1", "shadow": "c@3"}
    assert registry.share("fraud") == 0
    assert registry.retire("fraud", "shadow") == {"champion": "a@1"}
    with pytest.raises(NotFound, match="no shadow to retire"):
        registry.retire("fraud", "shadow")
    with pytest.raises(NotFound):
        registry.retire("fraud", "champion")


def test_the_champion_cannot_be_its_own_rival_and_a_share_is_a_share(registry):
    with pytest.raises(Conflict, match="its own shadow"):
        registry.shadow("fraud", "a@1")
    with pytest.raises(NotFound):
        registry.shadow("fraud", "d@4")
    for share in (-0.1, 1.1, float("nan"), True):
        with pytest.raises(BadInput, match="share must be from 0 to 1"):
            registry.challenge("fraud", "b@2", share)


def test_a_share_that_does_not_parse_lets_nobody_act(registry, tmp_path):
    registry.challenge("fraud", "b@2", 0.5)
    path = tmp_path / "fraud" / "aliases.json"
    for share in ("much", 7, None):
        path.write_text(json.dumps({"champion": "a@1", "challenger_share": share}), "utf-8")
        assert registry.share("fraud") == 0
    path.write_text("{", "utf-8")
    assert registry.share("fraud") == 0


def test_shares_come_out_as_asked_and_by_version(registry):
    units = [f"c{n}" for n in range(4000)]
    first = [drawn(f"b@2|{unit}") < 0.1 for unit in units]
    other = [drawn(f"c@3|{unit}") < 0.1 for unit in units]
    assert 0.08 < sum(first) / len(units) < 0.12
    assert sum(a and b for a, b in zip(first, other, strict=True)) < 0.03 * len(units)
