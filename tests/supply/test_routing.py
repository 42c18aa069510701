"""Routes: known answers, one constructed stop per reason, limits, cancel, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from days import city, line

from shopkeeper.base.errors import BadInput
from shopkeeper.supply import routing, routing_greedy, routing_schedule
from shopkeeper.supply.routing_schema import DROP_REASONS, Matrix, Shipment, Stop, Vehicle
from shopkeeper.supply.schema import Warehouse

VAN = Vehicle(vehicle_id="van", capacity=(10,), km_minor=100, shift_end_s=36_000)
NEAR = Stop(stop_id="near", latitude=2.0, demand=(1,))


def planned(*stops, vehicles=(VAN,), iterations=50, **more):
    return routing.solve(line(stops, vehicles, **more), seconds=5, max_iterations=iterations)


def reason_of(plan, stop_id):
    found = [one for one in plan.dropped if one.stop_id == stop_id]
    assert len(found) == 1
    return found[0]


def test_a_day_on_a_straight_road_is_planned_out_and_back():
    plan = planned(NEAR, Stop(stop_id="far", latitude=5.0, demand=(2,), service_s=60))
    (route,) = plan.routes
    assert set(route.stop_ids) == {"near", "far"}
    assert (plan.distance_m, plan.cost_minor, plan.dropped) == (10_000, 1_000, ())
    assert route.duration_s == 1_000 + 60


def test_more_than_any_vehicle_holds_is_capacity():
    one = reason_of(planned(NEAR, Stop(stop_id="big", latitude=1.0, demand=(11,))), "big")
    assert one.reason == "capacity"
    assert one.facts["alone"] is True
    assert (one.facts["load"], one.facts["capacity"]) == (11, 10)


def test_a_fleet_that_is_full_is_capacity_too_and_says_so():
    stops = [Stop(stop_id=f"s{n}", latitude=1.0 + n / 10, demand=(4,)) for n in range(3)]
    plan = planned(*stops)
    (one,) = plan.dropped
    assert one.reason == "capacity"
    assert one.facts["alone"] is False
    assert sum(len(route.stop_ids) for route in plan.routes) == 2


def test_a_window_that_closes_before_one_can_be_there():
    one = reason_of(planned(NEAR, Stop(stop_id="early", latitude=50.0, closes_s=4_000)), "early")
    assert one.reason == "window"
    assert (one.facts["arrive_s"], one.facts["closes_s"]) == (5_000, 4_000)


def test_a_window_that_closes_before_the_depot_opens():
    depots = (Warehouse(warehouse_id="north", opens_s=30_000),)
    one = reason_of(
        planned(Stop(stop_id="dawn", latitude=1.0, closes_s=20_000), depots=depots), "dawn"
    )
    assert one.reason == "window"


def test_a_stop_from_which_no_driver_is_home_in_time_is_shift():
    one = reason_of(planned(NEAR, Stop(stop_id="long", latitude=200.0)), "long")
    assert one.reason == "shift"
    assert one.facts["home_s"] == 40_000


def test_a_stop_beyond_the_range_is_distance():
    van = replace(VAN, max_distance_m=50_000)
    one = reason_of(planned(NEAR, Stop(stop_id="out", latitude=30.0), vehicles=[van]), "out")
    assert (one.reason, one.facts["metres"]) == ("distance", 60_000)


@pytest.mark.parametrize("hole", [("north", "isle"), ("isle", "north")])
def test_a_stop_without_a_way_there_or_back_is_unreachable(hole):
    holes = [hole, ("near", "isle"), ("isle", "near")]
    one = reason_of(planned(NEAR, Stop(stop_id="isle", latitude=1.0), holes=holes), "isle")
    assert one.reason == "unreachable"
    assert (one.facts["from"], one.facts["to"]) == hole


def test_a_hole_between_two_stops_is_driven_around():
    a, b = (Stop(stop_id=name, latitude=at) for name, at in (("a", 1.0), ("b", 2.0)))
    plan = planned(a, b, vehicles=[replace(VAN, count=2)], holes=[("a", "b"), ("b", "a")])
    assert not plan.dropped
    assert len(plan.routes) == 2


def test_a_stop_that_costs_more_than_its_penalty_says_both():
    plan = planned(NEAR, Stop(stop_id="dear", latitude=40.0, penalty_minor=500))
    one = reason_of(plan, "dear")
    assert one.reason == "dearer_than_penalty"
    # From 2 km out and back to 40 km out and back: 76 km at 1.00 each.
    assert (one.facts["costs_minor"], one.facts["penalty_minor"]) == (7_600, 500)
    assert plan.cost_minor == 400 + 500


def test_goods_in_a_warehouse_without_vehicles_are_no_vehicle():
    depots = (Warehouse(warehouse_id="north"), Warehouse(warehouse_id="south", latitude=9.0))
    lost = Stop(stop_id="lost", latitude=1.0, depot_id="south")
    assert reason_of(planned(NEAR, lost, depots=depots), "lost").reason == "no_vehicle"


def test_every_dropped_stop_of_an_overfull_day_has_a_reason_and_figures():
    problem = city(stops=120, vehicles=1, width_h=2)
    plan = routing.solve(problem, seconds=5, max_iterations=60)
    assert plan.dropped
    assert {one.reason for one in plan.dropped} <= set(DROP_REASONS)
    assert all(len(one.facts) >= 3 for one in plan.dropped)
    served = [s for route in plan.routes for s in route.stop_ids]
    assert sorted([*served, *(one.stop_id for one in plan.dropped)]) == sorted(
        stop.stop_id for stop in problem.stops
    )


def test_plans_keep_every_constraint_by_our_own_arithmetic():
    problem = city(stops=60)
    plan = routing.solve(problem, seconds=5, max_iterations=100)
    day = routing_schedule.index(problem)
    for route in plan.routes:
        again = routing_schedule.drive(day, day.vehicles[route.vehicle_id], route.stop_ids)
        assert again.feasible, again.broken
        assert again.route.cost_minor == route.cost_minor
    assert plan.cost_minor < routing_greedy.plan(problem).cost_minor


def test_each_depot_serves_what_lies_there():
    depots = (Warehouse(warehouse_id="north"), Warehouse(warehouse_id="south", latitude=10.0))
    vans = [replace(VAN, vehicle_id=d.warehouse_id, depot_id=d.warehouse_id) for d in depots]
    stops = [
        Stop(stop_id=f"s{n}", latitude=float(n), depot_id=("north", "south")[n % 2])
        for n in range(1, 9)
    ]
    plan = planned(*stops, vehicles=vans, depots=depots)
    assert not plan.dropped
    for route in plan.routes:
        assert {int(s[1:]) % 2 for s in route.stop_ids} == {int(route.vehicle_id == "south")}


def test_a_mixed_fleet_takes_the_cheap_vehicle_where_it_fits():
    small = replace(VAN, vehicle_id="bike", capacity=(2,), km_minor=10)
    bulk = Stop(stop_id="bulk", latitude=-3.0, demand=(8,))
    plan = planned(NEAR, bulk, vehicles=[VAN, small])
    assert {route.vehicle_id: route.stop_ids for route in plan.routes} == {
        "van": ("bulk",),
        "bike": ("near",),
    }


def test_a_vehicle_reloads_when_it_may():
    stops = [Stop(stop_id=f"s{n}", latitude=1.0 + n, demand=(6,)) for n in range(3)]
    van = replace(VAN, reload_depots=("north",), max_reloads=2)
    plan = planned(*stops, vehicles=[van], iterations=200)
    assert not plan.dropped
    (route,) = plan.routes
    assert [v.kind for v in route.visits].count("depot") == 4
    assert route.load == (6,)


def test_a_shipment_is_taken_up_before_it_is_handed_over():
    shipment = Shipment(
        shipment_id="x",
        pickup=Stop(stop_id="from", latitude=6.0),
        delivery=Stop(stop_id="to", latitude=2.0),
        amount=(3,),
    )
    plan = planned(NEAR, shipments=(shipment,))
    (route,) = plan.routes
    assert route.stop_ids.index("from") < route.stop_ids.index("to")
    too_big = replace(shipment, amount=(30,))
    assert reason_of(planned(NEAR, shipments=(too_big,)), "to").reason == "capacity"


def test_two_hundred_orders_have_a_first_plan_within_a_second():
    plan = routing.solve(city(), seconds=1.5)
    assert plan.first_feasible_s is not None
    # A second on a quiet machine (0.2 s measured); tests share theirs.
    assert plan.first_feasible_s < 3
    assert not plan.dropped


def test_a_search_out_of_time_says_so_and_gives_its_best():
    plan = routing.solve(city(stops=40), seconds=0.3)
    assert plan.status == "time_limit"
    assert plan.routes


def test_somebody_may_look_and_stop_at_any_time():
    seen = []
    plan = routing.solve(
        city(stops=40), seconds=30, on_progress=seen.append, stop=lambda: len(seen) >= 2
    )
    assert plan.status == "cancelled"
    assert plan.seconds < 15
    assert seen[-1].cost_minor < seen[0].cost_minor
    assert seen[-1].plan().cost_minor == plan.cost_minor
    assert seen[-1].plan().cost_minor == pytest.approx(seen[-1].cost_minor, rel=1e-3)


def test_the_same_seed_and_iterations_give_the_same_plan():
    one, two = (routing.solve(city(stops=30), seconds=60, max_iterations=40) for _ in range(2))
    assert one.routes == two.routes
    assert one.status == "finished"


SKEWED = Matrix(
    places=("north", "near"),
    distance_m=np.array([[0, 5], [-7, 0]]),
    duration_s=np.zeros((2, 2), dtype=int),
)


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (line([NEAR], []), "There are no vehicles"),
        (line([NEAR], [replace(VAN, count=0)]), "There are no vehicles"),
        (line([NEAR, NEAR], [VAN]), "Stop 'near' stands twice"),
        (line([replace(NEAR, opens_s=9, closes_s=8)], [VAN]), "Stop 'near': closes_s is 8"),
        (line([replace(NEAR, demand=(-1,))], [VAN]), "demand is"),
        (line([replace(NEAR, depot_id="moon")], [VAN]), "depot_id is 'moon'"),
        (line([NEAR], [replace(VAN, depot_id="moon")]), "depot is 'moon'"),
        (line([NEAR], [replace(VAN, shift_end_s=-1)]), "shift_end_s is -1"),
        (replace(line([NEAR], [VAN]), matrices={"": SKEWED}), "from 'near' to 'north' is -7"),
        (replace(line([NEAR], [VAN]), stops=(NEAR, Stop(stop_id="new"))), "lacks 1 of the places"),
    ],
)
def test_a_day_that_makes_no_sense_is_refused_by_name(problem, said):
    with pytest.raises(BadInput, match=said):
        routing.solve(problem, seconds=1)


def test_one_way_streets_are_driven_the_right_way_round():
    a, b = (Stop(stop_id=name, latitude=at) for name, at in (("a", 1.0), ("b", 2.0)))
    problem = line([a, b], [VAN])
    metres = problem.matrices[""].distance_m.copy()
    metres[1, 2] = 50_000  # a to b
    problem = replace(problem, matrices={"": replace(problem.matrices[""], distance_m=metres)})
    plan = routing.solve(problem, seconds=2, max_iterations=50)
    assert [route.stop_ids for route in plan.routes] == [("b", "a")]
