"""The values of supply: what a lead time covers, what an event needs to be applied unseen."""

from __future__ import annotations

import numpy as np
import pytest

from shopkeeper.supply.schema import AllocatedLine, Allocation, LeadTime, NoticeEvent, Span


def test_a_lead_time_covers_its_level():
    lead = LeadTime(days=np.array([2.0, 3.0, 9.0]), probability=np.array([0.5, 0.4, 0.1]))
    assert lead.mean_days == pytest.approx(3.1)
    assert [lead.at(level) for level in (0.5, 0.51, 0.9, 0.91)] == [2.0, 3.0, 3.0, 9.0]
    assert lead.later_than(3) == pytest.approx(0.1)


def test_an_allocation_names_each_warehouse_once_and_what_is_short():
    lines = tuple(
        AllocatedLine(sku=sku, quantity=1, warehouse_id=at)
        for sku, at in (("a", "north"), ("b", None), ("c", "north"), ("d", "south"))
    )
    made = Allocation(order_id="o1", lines=lines, cost_minor=0, parts={})
    assert made.warehouses == ("north", "south")
    assert [line.sku for line in made.short] == ["b"]


SAID = {
    "purchase_order": Span(start=0, end=7, text="PO-1001"),
    "days_late": Span(start=16, end=22, text="5 days"),
}


@pytest.mark.parametrize(
    ("changed", "automatic"),
    [
        ({}, True),
        ({"order_known": False}, False),
        ({"questions": ("which_date",)}, False),
        ({"spans": {"purchase_order": SAID["purchase_order"]}}, False),
        ({"confidence": 0.8}, False),
    ],
)
def test_only_a_certain_event_may_be_applied_unseen(changed, automatic):
    fields = {
        "kind": "delay",
        "purchase_order": "PO-1001",
        "order_known": True,
        "days_late": 5,
        "confidence": 0.95,
        "spans": SAID,
    }
    assert NoticeEvent(**(fields | changed)).automatic is automatic
