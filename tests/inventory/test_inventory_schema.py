"""The values that inventory speaks in."""

from __future__ import annotations

import numpy as np
import pytest

from shopkeeper.inventory.schema import LeadTime, Position


def test_an_order_is_compared_with_the_position_not_with_stock_on_hand():
    position = Position(on_hand=3, on_order=10, proposed=5, backorders=2)
    assert position.inventory_position == 16


@pytest.mark.parametrize(("level", "days"), [(0.1, 2), (0.5, 2), (0.51, 5), (0.9, 5), (0.95, 9)])
def test_a_lead_time_covers_a_level_of_deliveries(level, days):
    lead = LeadTime(days=np.array([2, 5, 9]), probability=np.array([0.5, 0.4, 0.1]))
    assert lead.at(level) == days
    assert lead.mean_days == pytest.approx(0.5 * 2 + 0.4 * 5 + 0.1 * 9)
