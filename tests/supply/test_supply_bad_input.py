"""Every wrong input of a day, a checkout or a supplier has its name, and nothing is guessed."""

from __future__ import annotations

import numpy as np
import pytest
from days import line

from shopkeeper.base.errors import BadInput, NotFound
from shopkeeper.operate import notice_changes, route_jobs, supply_notices
from shopkeeper.supply import day_plan, notices, routing
from shopkeeper.supply.request import parse
from shopkeeper.supply.routing_schema import Matrix, Problem, Stop, Vehicle
from shopkeeper.supply.schema import Context, OpenOrder, Warehouse

VAN = Vehicle(vehicle_id="van", capacity=(10,))


def dropped(problem: Problem) -> dict[str, str]:
    made = routing.solve(problem, seconds=2, max_iterations=30)
    return {one.stop_id: one.reason for one in made.dropped}


def day(**change) -> dict:
    return {
        "depots": [{"depot_id": "north", "latitude": 41.0, "longitude": -84.0}],
        "vehicles": [{"vehicle_id": "van", "capacity": 10}],
        "stops": [{"stop_id": "a", "latitude": 41.01, "longitude": -84.0}],
        **change,
    }


def test_a_stop_without_a_way_is_unreachable_and_the_others_are_served():
    stops = [Stop(stop_id=n, latitude=k, demand=(1,)) for k, n in enumerate("abc", start=1)]
    problem = line(stops, [VAN], holes=[("north", "b"), ("a", "b"), ("c", "b")])
    assert dropped(problem) == {"b": "unreachable"}


def test_a_window_that_closes_before_the_depot_opens_cannot_be_met():
    depot = Warehouse(warehouse_id="north", opens_s=8 * 3600)
    stop = Stop(stop_id="early", latitude=1.0, demand=(1,), closes_s=7 * 3600)
    assert dropped(line([stop], [VAN], depots=(depot,))) == {"early": "window"}


def test_a_demand_above_any_vehicle_is_left_out_for_its_size():
    big = Stop(stop_id="big", latitude=1.0, demand=(11,))
    assert dropped(line([big], [VAN])) == {"big": "capacity"}


def test_a_matrix_may_be_asymmetric_and_the_way_there_counts():
    stops = [Stop(stop_id="a", demand=(1,)), Stop(stop_id="b", demand=(1,))]
    metres = np.array([[0, 1000, 9000], [9000, 0, 1000], [1000, 9000, 0]])
    made = routing.solve(
        Problem(
            depots=(Warehouse(warehouse_id="north"),),
            vehicles=(VAN,),
            stops=tuple(stops),
            matrices={
                "": Matrix(places=("north", "a", "b"), distance_m=metres, duration_s=metres // 10)
            },
        ),
        seconds=2,
        max_iterations=100,
    )
    [route] = made.routes
    assert (route.stop_ids, route.distance_m) == (("a", "b"), 3000)


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"vehicles": []}, "vehicles", None),
        ({"depots": []}, "depots", None),
        ({"stops": day()["stops"] * 2}, "stop_id", None),
        ({"stops": [{"stop_id": "a", "latitude": 0, "longitude": 0}]}, None, "coordinates_zero"),
        (
            {"stops": [{"stop_id": "a", "latitude": -120.0, "longitude": 41.0}]},
            None,
            "coordinates_swapped",
        ),
        ({"stops": [{**day()["stops"][0], "demand": -1}]}, "stops[0].demand", None),
        ({"stops": [{**day()["stops"][0], "opens": "8 am"}]}, "stops[0].opens", None),
        ({"stops": [{**day()["stops"][0], "latitude": float("nan")}]}, "stops[0].latitude", None),
        ({"seconds": 0}, "seconds", None),
        ({"seed": -1}, "seed", None),
    ],
)
def test_a_day_that_cannot_be_says_which_field(tmp_path, change, field, code):
    with pytest.raises(BadInput) as refused:
        route_jobs.submit(tmp_path, day(**change))
    if field:
        assert refused.value.field == field
    if code:
        assert refused.value.code == code
    assert route_jobs.listing(tmp_path) == []


def test_a_matrix_that_lacks_a_place_is_refused():
    square = np.zeros((1, 1), dtype=np.int64)
    held = Matrix(places=("north",), distance_m=square, duration_s=square)
    with pytest.raises(BadInput):
        day_plan.problem_of(day(), matrix=held)


def test_a_search_whose_time_is_over_gives_its_best_and_says_so(tmp_path):
    stops = [
        {"stop_id": f"s{n}", "latitude": 41.0 + n / 300, "longitude": -84.0 + n % 7 / 90}
        for n in range(1, 60)
    ]
    job = route_jobs.submit(tmp_path, day(stops=stops, seconds=0.3))["job_id"]
    told = route_jobs.wait(tmp_path, job, 30)
    assert told["status"] == "time_limit"
    plan = route_jobs.plan(tmp_path, job)
    seen = {s for r in plan.routes for s in r.stop_ids} | {d.stop_id for d in plan.dropped}
    assert len(seen) == 59


@pytest.mark.parametrize(
    ("to", "code"),
    [
        ({"latitude": 0, "longitude": 0}, "coordinates_zero"),
        ({"latitude": 116.4, "longitude": 39.9}, "coordinates_swapped"),
    ],
)
def test_a_checkout_to_nowhere_is_refused(to, code):
    with pytest.raises(BadInput) as refused:
        parse({"order_id": "o", "items": [{"item_id": "mug"}], "to": to})
    assert refused.value.code == code


def test_an_order_for_what_nobody_stocks_is_answered_with_no_day_and_why(depot):
    depot.stock(north={"mug": 1})
    runtime = depot.runtime()
    made = runtime.decide("supply", {"order_id": "o", "items": [{"item_id": "unicorn"}]})
    assert (made.value["complete"], made.value["promise"]) == (False, None)
    assert [r.code for r in made.reasons] == ["not_stocked"]
    runtime.close()


def test_a_purchase_order_nobody_knows_is_never_changed(depot):
    with pytest.raises(NotFound):
        supply_notices.consequences(depot.shop, "PO-404", "2026-12-03")
    with pytest.raises(NotFound):
        notice_changes.change_of(
            depot.shop, "s", {"kind": "day", "purchase_order_id": "PO-404", "new_day": "2026-12-03"}
        )


def test_a_date_that_reads_three_ways_is_asked_and_not_guessed(depot):
    order = OpenOrder(
        purchase_order="PO-7",
        supplier_id="s",
        items=("mug",),
        quantities=(5.0,),
        ordered_day="2026-11-01",
        expected_day="2026-11-28",
    )
    context = Context(open_orders=(order,), today="2026-11-24", supplier_id="s")
    read = notices.read("PO-7 is delayed to 03/04/05.", context)
    assert not any(event.automatic for event in read)
    assert any("new_date" in question for event in read for question in event.questions)
    with pytest.raises(BadInput, match="YYYY-MM-DD"):
        supply_notices.day_us("03/04/05")
