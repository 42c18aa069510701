"""The plan meets the day: done stays done, aboard stays aboard, new orders are fetched first."""

from __future__ import annotations

from dataclasses import replace

import pytest
from days import city, line

from shopkeeper.base.errors import BadInput
from shopkeeper.supply import routing
from shopkeeper.supply.replan import Moment, replan
from shopkeeper.supply.routing_schema import Stop, Vehicle

VAN = Vehicle(vehicle_id="van", capacity=(10,), shift_end_s=36_000)
OUT = [Stop(stop_id=f"s{n}", latitude=float(n), demand=(1,)) for n in range(1, 6)]


def morning():
    problem = line(OUT, [VAN])
    plan = routing.solve(problem, seconds=5, max_iterations=50)
    (route,) = plan.routes
    return problem, plan, route


def test_done_stops_keep_their_place_and_their_times():
    problem, plan, route = morning()
    done = frozenset(route.stop_ids[:2])
    now = route.visits[2].leave_s
    moment = Moment(now_s=now, done=done, departed=frozenset({"van"}))
    again = replan(problem, plan, moment, max_iterations=50)
    (after,) = again.routes
    assert after.visits[:3] == route.visits[:3]
    assert sorted(after.stop_ids) == sorted(route.stop_ids)
    assert (again.cost_minor, again.distance_m) == (plan.cost_minor, plan.distance_m)


def test_a_new_order_is_fetched_at_the_depot_before_it_is_delivered():
    problem, plan, route = morning()
    new = Stop(stop_id="new", latitude=0.5, demand=(2,))
    problem = line([*OUT, new], [VAN])
    moment = Moment(
        now_s=route.visits[1].leave_s,
        done=frozenset(route.stop_ids[:1]),
        departed=frozenset({"van"}),
    )
    again = replan(problem, plan, moment, max_iterations=200)
    assert not again.dropped
    (after,) = again.routes
    names = [visit.stop_id for visit in after.visits]
    fetched = names.index("north", 1)
    assert 1 <= fetched < names.index("new")
    assert {v.trip for v in after.visits if v.stop_id == "new"} == {1}
    # It stays a plan that can be replanned: what is aboard is known by its trip.
    later = Moment(
        now_s=after.visits[2].leave_s,
        done=frozenset(after.stop_ids[:2]),
        departed=frozenset({"van"}),
    )
    (third,) = replan(problem, again, later, max_iterations=200).routes
    assert third.visits[:3] == after.visits[:3]
    assert sorted(third.stop_ids) == sorted(after.stop_ids)


def test_what_is_aboard_stays_with_its_vehicle_though_another_is_nearer():
    vans = [replace(VAN, vehicle_id=name) for name in ("one", "two")]
    stops = [replace(s, vehicles=("one",)) for s in OUT]
    plan = routing.solve(line(stops, vans), seconds=5, max_iterations=50)
    problem = line(OUT, vans)
    moment = Moment(now_s=0, departed=frozenset({"one"}))
    again = replan(problem, plan, moment, max_iterations=100)
    assert [route.vehicle_id for route in again.routes] == ["one"]
    # Nothing has left: the parcels may change vans, and one that is ill stays at home.
    well = line(OUT, vans[1:])
    idle = replan(well, replace(plan, routes=()), Moment(now_s=0), max_iterations=100)
    assert [route.vehicle_id for route in idle.routes] == ["two"]
    assert not idle.dropped


def test_when_the_day_is_too_short_the_rest_is_left_out_for_the_shift():
    problem, plan, route = morning()
    moment = Moment(now_s=35_900, done=frozenset(route.stop_ids[:1]), departed=frozenset({"van"}))
    again = replan(problem, plan, moment, max_iterations=50)
    assert {one.reason for one in again.dropped} == {"shift"}
    assert len(again.dropped) == 4


def test_a_real_day_is_replanned_with_everything_accounted_for():
    problem = city(stops=60)
    plan = routing.solve(problem, seconds=10, max_iterations=150)
    now = 12 * 3600
    done = {
        v.stop_id for r in plan.routes for v in r.visits if v.kind != "depot" and v.leave_s <= now
    }
    departed = {r.vehicle_id for r in plan.routes if r.visits[0].leave_s <= now}
    assert done
    assert departed
    moment = Moment(now_s=now, done=frozenset(done), departed=frozenset(departed))
    again = replan(problem, plan, moment, max_iterations=150, seconds=10)
    served = [s for route in again.routes for s in route.stop_ids]
    assert sorted([*served, *(one.stop_id for one in again.dropped)]) == sorted(
        stop.stop_id for stop in problem.stops
    )
    for route in again.routes:
        for visit in route.visits:
            assert visit.stop_id in done or visit.kind == "depot" or visit.start_s >= now


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        (Moment(now_s=0, done=frozenset({"moon"})), "Stop 'moon' is done"),
        (Moment(now_s=0, departed=frozenset({"bus"})), "Vehicle 'bus' has departed"),
    ],
)
def test_a_moment_that_the_plan_does_not_know_is_refused(moment, said):
    problem, plan, _ = morning()
    with pytest.raises(BadInput, match=said):
        replan(problem, plan, moment)
