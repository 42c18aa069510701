"""Route jobs over HTTP: submit, look, move, publish, mark; and every wrong day has a name."""

from __future__ import annotations

import time

import pytest


@pytest.fixture
def day():
    return {
        "date": "2026-11-25",
        "depots": [{"depot_id": "north", "latitude": 41.0, "longitude": -84.0}],
        "vehicles": [
            {"vehicle_id": "van-1", "capacity": 20},
            {"vehicle_id": "van-2", "capacity": 20},
        ],
        "stops": [
            {
                "stop_id": f"s{n}",
                "order_id": f"o{n}",
                "latitude": 41.0 + n / 100,
                "longitude": -84.0,
            }
            for n in range(1, 7)
        ],
        "seconds": 0.4,
    }


def finished(server, job_id: str) -> dict:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        told = server.call("GET", f"/v1/supply/routes/{job_id}").json()
        if told["status"] not in ("queued", "running"):
            return told
        time.sleep(0.1)
    raise AssertionError("the job did not end")


def test_a_plan_from_submit_to_the_last_stop(server, day):
    answer = server.call("POST", "/v1/supply/routes", json=day)
    assert answer.status_code == 202, answer.text
    job = answer.json()["job_id"]
    told = finished(server, job)
    assert told["status"] == "time_limit"
    assert told["plan"]["feasible"]
    route = told["plan"]["routes"][0]
    stops = [v["stop_id"] for v in route["visits"] if v["kind"] != "depot"]
    other = {"van-1": "van-2", "van-2": "van-1"}[route["vehicle_id"]]
    body = {"stop_id": stops[0], "vehicle_id": other, "position": 0}
    tried = server.call("POST", f"/v1/supply/routes/{job}/moves", json=body).json()
    assert tried["feasible"]
    done = server.call("POST", f"/v1/supply/routes/{job}/moves", json={**body, "apply": True})
    assert done.json()["cost_change_minor"] == tried["cost_change_minor"]
    after = server.call("GET", f"/v1/supply/routes/{job}").json()
    assert after["cost_minor"] == told["cost_minor"] + tried["cost_change_minor"]
    plan = server.call("POST", f"/v1/supply/routes/{job}/publish").json()["decision_id"]
    again = server.call("POST", f"/v1/supply/routes/{job}/publish").json()["decision_id"]
    assert again == plan
    listed = server.call("GET", f"/v1/supply/plans/{plan}/stops").json()["stops"]
    assert sorted(s["stop_id"] for s in listed) == [f"s{n}" for n in range(1, 7)]
    moved = next(s for s in listed if s["stop_id"] == stops[0])
    assert moved["vehicle_id"] == other
    where = f"/v1/supply/plans/{plan}/stops/s1"
    assert server.call("POST", where, json={"status": "done"}).status_code == 200
    assert server.call("POST", where, json={"status": "eaten"}).status_code == 400
    assert server.call("POST", where[:-1] + "99", json={"status": "done"}).status_code == 404
    [listed] = server.call("GET", "/v1/supply/plans").json()["plans"]
    assert (listed["stops"], listed["done"]) == (6, 1)
    where = f"/v1/supply/plans/{plan}/replan"
    new = {"stop_id": "s9", "latitude": 41.02, "longitude": -84.01}
    begun = server.call("POST", where, json={"now": "00:10", "stops": [new], "seconds": 0.4})
    assert begun.status_code == 202, begun.text
    rest = finished(server, begun.json()["job_id"])
    assert rest["replans"] == plan
    served = [v["stop_id"] for r in rest["plan"]["routes"] for v in r["visits"]]
    assert {f"s{n}" for n in range(1, 7)} | {"s9"} <= set(served)
    refused = server.call("POST", where, json={"now": "00:10", "broken": ["van-1", "van-2"]})
    assert refused.json()["error"]["code"] == "no_vehicles"
    assert server.call("POST", where, json={"when": "now"}).status_code == 400


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"vehicles": []}, "vehicles"),
        ({"depots": []}, "depots"),
        ({"stops": [{"stop_id": "a", "latitude": 0, "longitude": 0}]}, "stops[0].latitude"),
        ({"stops": [{"stop_id": "a", "latitude": 41.0}]}, "stops[0].longitude"),
        ({"seconds": -1}, "seconds"),
        ({"colour": "red"}, "plan.colour"),
    ],
)
def test_a_wrong_day_names_its_field(server, day, change, field):
    answer = server.call("POST", "/v1/supply/routes", json={**day, **change})
    assert answer.status_code == 400
    assert answer.json()["error"]["field"] == field


def test_nothing_to_plan_and_no_vehicle_have_names(server):
    answer = server.call("POST", "/v1/supply/routes", json={})
    assert answer.json()["error"]["code"] == "no_vehicles"
    rule = {"text": '{"capacity": 40, "starts": "08:00"}'}
    assert server.call("PUT", "/v1/supply/rules/vehicle:van-1", json=rule).status_code == 200
    answer = server.call("POST", "/v1/supply/routes", json={})
    assert answer.json()["error"]["code"] == "no_stops"
    for name, text in (
        ("vehicle:van-2", '{"capacity": -1}'),
        ("vehicle:van-2", "{"),
        ("carrier:post", '{"parcel_minor": "much"}'),
        ("colour", "{}"),
        ("allocation", '{"promise_level": NaN}'),
    ):
        answer = server.call("PUT", f"/v1/supply/rules/{name}", json={"text": text})
        assert answer.status_code == 400, (name, text)


def test_unknown_jobs_and_keys_without_the_scope(server):
    assert server.call("GET", "/v1/supply/routes/routes_0").status_code == 404
    assert server.call("GET", "/v1/supply/routes", key=None).status_code == 401
    key = server.keys.make("reader", ["supply:read"])[1]
    assert server.call("GET", "/v1/supply/routes", key=key).status_code == 200
    assert server.call("POST", "/v1/supply/routes", key=key, json={}).status_code == 403


def test_suppliers_are_judged_by_their_own_deliveries(server):
    """acme: on its day and 10 days late, 15 of 20 units. late-co: overdue since February."""
    common = {"supplier_id": "acme", "location_id": "north"}

    def order(name: str, supplier: str, day: str, promised: str) -> dict:
        return {
            "event_id": f"order-{name}",
            "kind": "purchase_order",
            "occurred_at": f"{day}T08:00:00Z",
            "purchase_order_id": name,
            "status": "sent",
            "promised_at": f"{promised}T00:00:00Z",
            "lines": [{"item_id": "mug", "quantity": 10, "price_minor": 500}],
            **common,
            "supplier_id": supplier,
        }

    def came(name: str, day: str, units: float) -> dict:
        return {
            "event_id": f"came-{name}",
            "kind": "delivery",
            "occurred_at": f"{day}T08:00:00Z",
            "purchase_order_id": name,
            "shipment_id": f"truck-{name}",
            "lines": [{"item_id": "mug", "quantity": units}],
            **common,
        }

    events = [
        order("p1", "acme", "2026-01-01", "2026-01-10"),
        came("p1", "2026-01-10", 10),
        order("p2", "acme", "2026-02-01", "2026-02-10"),
        came("p2", "2026-02-20", 5),
        {**order("p2", "acme", "2026-02-21", "2026-02-10"), "event_id": "end", "status": "closed"},
        order("p3", "late-co", "2026-02-01", "2026-02-10"),
    ]
    told = server.call("POST", "/v1/events", json=events)
    assert told.status_code in (200, 202), told.text
    late, acme = server.call("GET", "/v1/supply/suppliers").json()["suppliers"]
    assert (late["supplier_id"], late["overdue"], late["on_time_share"]) == ("late-co", 1, 0.0)
    assert (acme["delivered"], acme["open_orders"], acme["judged"]) == (2, 0, 2)
    assert acme["on_time_share"] == 0.5
    assert acme["late_days_mean"] == 5.0
    assert acme["fill_rate"] == 0.75
    assert acme["p_late_next"] < late["p_late_next"]
    assert server.call("GET", "/v1/supply/suppliers", key="browser").status_code == 403
    products = server.call("GET", "/v1/supply/sourcing?item_id=nothing")
    assert products.json() == {"products": []}
    assert server.call("GET", "/v1/supply/at-risk?days=7&least=0.2").json() == {"orders": []}
    assert server.call("GET", "/v1/supply/at-risk?least=2").status_code == 422


def test_the_batch_of_waiting_orders_over_http(server):
    made = server.call("POST", "/v1/supply/reallocation", json={"dry": True})
    assert made.status_code == 200, made.text
    assert made.json()["moved"] == 0
    assert server.call("POST", "/v1/supply/reallocation", json={"when": "now"}).status_code == 400
    assert server.call("GET", "/v1/supply/scarcity").json()["shelves"] == []


def test_transfers_over_http(server):
    found = server.call("GET", "/v1/supply/transfers").json()
    assert (found["transfers"], found["made"]) == ([], [])
    nothing = server.call(
        "POST", "/v1/supply/transfers", json={"from_id": "north", "to_id": "south"}
    )
    assert nothing.status_code == 409
    assert server.call("POST", "/v1/supply/transfers", json={"from_id": "n"}).status_code == 400
    where = "/v1/supply/transfers/tr-0"
    assert server.call("POST", where, json={"status": "left"}).status_code == 404
    assert server.call("POST", where, json={"status": "eaten"}).status_code == 400
