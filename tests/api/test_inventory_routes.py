"""Purchase proposals over HTTP: in bulk, changed with who and why, as CSV, wrong ones named."""

from __future__ import annotations

import csv
import io

import msgspec
import pytest

from shopkeeper.base import clock
from shopkeeper.data.events import Event


def proposal(name: str, item: str, quantity: float = 24.0, **more: object) -> Event:
    value = {"sku": item, "location": "main", "supplier_id": "acme", "quantity": quantity}
    value |= {"unit_cost_minor": 70, "value_minor": round(quantity * 70), "cycle": "2026-01-26"}
    value |= {"p_stockout_now": 0.6, "p_stockout_after": 0.02, "cost_of_nothing_minor": 900}
    value |= {"expected_receipt": "2026-02-02", "order_by": "2026-01-27", **more}
    properties = {"capability": "inventory", "model": "m@1", "reasons": '[{"code":"below_level"}]'}
    properties["value"] = msgspec.json.encode(value).decode()
    return Event(
        event_id=name,
        kind="decision",
        occurred_at=clock.now(),
        decision_id=name,
        properties=properties,
    )


@pytest.fixture
def planned(server):
    told = [
        proposal("p1", "a"),
        proposal("p2", "b", p_stockout_now=0.1),
        proposal("p3", "=cmd", supplier_id="other"),
        Event(
            event_id="t",
            kind="supplier",
            occurred_at=clock.now(),
            supplier_id="acme",
            item_id="a",
            price_minor=70,
            properties={"minimum_quantity": 24, "pack_size": 12},
        ),
    ]
    assert server.shop.append_events(told).rejected == []
    return server


def error(answer) -> dict:
    return answer.json()["error"]


def test_proposals_are_listed_with_filters_reasons_and_totals(planned):
    found = planned.call("GET", "/v1/inventory/proposals?supplier=acme").json()
    assert [one["decision_id"] for one in found["proposals"]] == ["p1", "p2"]
    assert found["proposals"][0]["reasons"][0]["text"].startswith("its position is below")
    assert found["suppliers"][0] | {"p_stockout_now": 0} == {
        "name": "acme",
        "n": 2,
        "value_minor": 3360,
        "cost_of_nothing_minor": 1800,
        "p_stockout_now": 0,
    }
    urgent = planned.call("GET", "/v1/inventory/proposals?urgency=high&order=value").json()
    assert {one["decision_id"] for one in urgent["proposals"]} == {"p1", "p3"}
    wrong = planned.call("GET", "/v1/inventory/proposals?state=eaten")
    assert (wrong.status_code, error(wrong)["field"]) == (400, "state")


def test_bulk_approval_then_sending_makes_one_order_and_a_second_approval_is_refused(planned):
    body = {"proposals": ["p1", "p2"]}
    done = planned.call("POST", "/v1/inventory/proposals/approve", json=body)
    assert [one["state"] for one in done.json()["proposals"]] == ["approved", "approved"]
    stale = planned.call("POST", "/v1/inventory/proposals/approve", json=body)
    assert (stale.status_code, error(stale)["code"]) == (409, "conflict")
    assert "p1 is approved; approve needs proposed" in error(stale)["message"]
    sent = planned.call("POST", "/v1/inventory/proposals/send", json=body).json()
    assert len(sent["purchase_orders"]) == 1
    gone = planned.call("POST", "/v1/inventory/proposals/reject", json={"proposals": ["nope"]})
    assert gone.status_code == 404


def test_the_planners_quantity_stands_on_the_record_with_who_and_why(planned):
    where = "/v1/inventory/proposals/p1/quantity"
    told = planned.call("POST", where, json={"quantity": 36, "why": "fair next week"}).json()
    assert (told["quantity"], told["proposed_quantity"], told["value_minor"]) == (36, 24, 2520)
    assert told["edited_by"].startswith("admin (")
    assert told["edit_reason"] == "fair next week"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"quantity": 12, "why": "w"}, "below_minimum"),
        ({"quantity": 30, "why": "w"}, "not_whole_packs"),
        ({"quantity": -1, "why": "w"}, "not_a_quantity"),
        ({"quantity": 0, "why": "w"}, "not_a_quantity"),
        ({"quantity": "many", "why": "w"}, "not_a_quantity"),
        ({"quantity": True, "why": "w"}, "not_a_quantity"),
        ({"quantity": 36}, "bad_input"),
        ({"quantity": 36, "why": "w", "who": "me"}, "bad_input"),
    ],
)
def test_a_quantity_that_cannot_be_bought_is_named_and_changes_nothing(planned, body, code):
    answer = planned.call("POST", "/v1/inventory/proposals/p1/quantity", json=body)
    assert (answer.status_code, error(answer)["code"]) == (400, code)
    assert planned.call("GET", "/v1/inventory/proposals/p1").json()["quantity"] == 24


def test_the_csv_has_a_row_each_and_no_formulas(planned):
    answer = planned.call("GET", "/v1/inventory/proposals.csv?state=all")
    assert answer.headers["content-type"].startswith("text/csv")
    found = list(csv.DictReader(io.StringIO(answer.text)))
    assert {one["decision_id"] for one in found} == {"p1", "p2", "p3"}
    assert {one["item_id"] for one in found} == {"a", "b", "'=cmd"}
    assert found[0]["value_minor"] == "1680"


def test_rules_are_read_and_changed_and_wrong_ones_named(planned):
    where = "/v1/inventory/rules"
    assert planned.call("GET", where).json()["service_level"] == 0.95
    changed = planned.call("PUT", where, json={"auto_approve_value_minor": 5000}).json()
    assert changed["auto_approve_value_minor"] == 5000
    assert planned.call("PUT", where, json={"speed": 1}).status_code == 400


def test_each_route_needs_its_scope(planned):
    reader = planned.keys.make("reader", ["inventory:read"])[1]
    assert planned.call("GET", "/v1/inventory/proposals", key=reader).status_code == 200
    body = {"proposals": ["p1"]}
    refused = planned.call("POST", "/v1/inventory/proposals/approve", key=reader, json=body)
    assert refused.status_code == 403
    other = planned.keys.make("other", ["supply:read"])[1]
    assert planned.call("GET", "/v1/inventory/proposals", key=other).status_code == 403


def test_forecasts_what_ifs_and_accuracy(server):
    import sys
    from pathlib import Path

    sys.path.insert(0, str(Path(__file__).parents[1] / "operate"))
    from planned_shop import planned as fill

    none = server.call("POST", "/v1/inventory/what-if", json={})
    assert (none.status_code, error(none)["code"]) == (404, "no_forecast")
    fill(server.shop)
    told = server.call("GET", "/v1/inventory/forecasts/pan").json()
    assert told["forecast"]["horizons"][0]["days"] == 7
    gone = server.call("GET", "/v1/inventory/forecasts/nope")
    assert (gone.status_code, error(gone)["code"]) == (404, "unknown_sku")
    ask = {"sku": "pan", "service_level": 0.99}
    one = server.call("POST", "/v1/inventory/what-if", json=ask).json()
    assert one["what_if"]["numbers"]["service_level"] == 0.99
    plan = server.call("POST", "/v1/inventory/what-if", json={"budget_minor": 5000}).json()
    assert plan["what_if"]["totals"]["value_minor"] <= 5000
    wrong = server.call("POST", "/v1/inventory/what-if", json={"service_level": 2})
    assert (wrong.status_code, error(wrong)["field"]) == (400, "service_level")
    assert server.call("GET", "/v1/inventory/accuracy").status_code == 200
