"""Golden values of supply: safety stock in a tree and in a serial chain, from the textbook."""

from __future__ import annotations

from math import sqrt

import pytest

from shopkeeper.base.errors import BadInput
from shopkeeper.supply.multi_echelon import SerialStage, Stage, guaranteed_service, serial

TREE = (
    Stage(stage="1", processing_time=2, holding=1, demand_std=sqrt(2), external_inbound=1),
    Stage(stage="2", processing_time=1, holding=3, demand_std=1, promised=0),
    Stage(stage="3", processing_time=1, holding=2, demand_std=sqrt(2)),
    Stage(stage="4", processing_time=1, holding=3, demand_std=1, promised=1),
)


def test_guaranteed_service_tree():
    """Snyder and Shen, example 6.5: sqrt(2) sqrt(3) + 2 sqrt(2) + 3 = 8.277917."""
    found = guaranteed_service(TREE, [("1", "3"), ("3", "2"), ("3", "4")])
    assert found.service_times == {"1": 0, "2": 0, "3": 0, "4": 1}
    assert found.cost == pytest.approx(8.277917, abs=1e-6)


def test_clark_scarf_serial_chain():
    """Snyder and Shen, example 6.1: C = 47.66865, within 0.05; levels on a grid."""
    stages = [
        SerialStage(echelon_holding=h, lead_time=lead) for h, lead in ((3, 1), (2, 1), (2, 2))
    ]
    found = serial(stages, demand_mean=5, demand_std=1, stockout=37.12)
    assert found.cost == pytest.approx(47.66865, abs=0.05)
    assert found.levels == pytest.approx((6.5144, 12.0123, 22.7002), abs=0.05)


def test_a_chain_that_is_no_tree_is_refused():
    with pytest.raises(BadInput, match="are no tree"):
        guaranteed_service(TREE, [("1", "3"), ("3", "2")])
