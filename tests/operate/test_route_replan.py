"""A published day planned again at noon: done stays, a breakdown is fetched, failed tried again."""

from __future__ import annotations

import pytest
from test_route_jobs import day

from shopkeeper.base import clock, ids
from shopkeeper.base.errors import BadInput, Conflict, NotFound
from shopkeeper.data import supply_reports
from shopkeeper.data.events import Event
from shopkeeper.data.shop import open_shop
from shopkeeper.operate import route_jobs, route_replan, supply_desk
from shopkeeper.supply import day_plan


@pytest.fixture
def shop(settings):
    with open_shop(settings) as opened:
        yield opened


def published(shop, raw) -> tuple[str, dict]:
    """Return a plan on the record and its value."""
    home = shop.settings.home
    job = route_jobs.submit(home, raw)["job_id"]
    route_jobs.wait(home, job, 30)
    decision_id = supply_desk.publish(shop, job, "test")
    shop.warehouse.refresh()
    return decision_id, supply_reports.plan_decision(shop.warehouse, decision_id)


def tell(shop, decision_id, **stops: str) -> None:
    """Say how stops ended, as drivers do."""
    supply_desk.append(
        shop,
        [
            Event(
                event_id=ids.new_id("stop"),
                kind="stop",
                occurred_at=clock.now(),
                decision_id=decision_id,
                order_id=stop,
                label=stop,
                status=status,
                source="driver",
            )
            for stop, status in stops.items()
        ],
    )


def morning(shop) -> tuple[str, dict, list[str]]:
    """Return a plan of which a third is done, but the last stop of them, which failed."""
    decision_id, value = published(shop, day())
    plan = day_plan.plan_of(value["plan"])
    times = sorted(v.leave_s for r in plan.routes for v in r.visits if v.kind != "depot")
    now = times[len(times) // 3]
    over = sorted(
        (v.leave_s, v.stop_id)
        for r in plan.routes
        for v in r.visits
        if v.kind != "depot" and v.leave_s <= now
    )
    names = [stop for _, stop in over]
    tell(shop, decision_id, **dict.fromkeys(names[:-1], "done"), **{names[-1]: "failed"})
    value["now"] = f"{now // 3600:02d}:{now % 3600 // 60 + 1:02d}"
    return decision_id, value, names


def replanned(shop, decision_id, now, **asked):
    home = shop.settings.home
    job = route_replan.submit(shop, decision_id, {"now": now, "seconds": 0.6, **asked})["job_id"]
    told = route_jobs.wait(home, job, 30)
    assert told["status"] == "time_limit", told
    return job, route_jobs.plan(home, job)


def test_new_orders_and_a_second_try_join_and_what_is_done_stays_where_it_was(shop):
    decision_id, value, over = morning(shop)
    new = {"stop_id": "new", "latitude": 40.95, "longitude": -84.05, "demand": 2}
    job, plan = replanned(shop, decision_id, value["now"], stops=[new], retry=[over[-1]])
    before = {v["stop_id"]: v for r in value["plan"]["routes"] for v in r["visits"]}
    seen = {v.stop_id: v for r in plan.routes for v in r.visits}
    for stop in over:
        assert (seen[stop].start_s, seen[stop].leave_s) == (
            before[stop]["start_s"],
            before[stop]["leave_s"],
        )
    served = [s for r in plan.routes for s in r.stop_ids] + [d.stop_id for d in plan.dropped]
    again = f"{over[-1]}~2"
    assert sorted(served) == sorted([*(f"s{n}" for n in range(24)), "new", again])
    failed_by = next(r.vehicle_id for r in plan.routes if over[-1] in r.stop_ids)
    assert again in next(r.stop_ids for r in plan.routes if r.vehicle_id == failed_by)
    after = supply_desk.publish(shop, job, "test")
    shop.warehouse.refresh()
    stands = {r["stop_id"]: r["status"] for r in supply_reports.stops_of(shop.warehouse, after)}
    assert {stands[stop] for stop in over[:-1]} == {"done"}
    assert stands[over[-1]] == "failed"
    assert stands["new"] == "planned"
    told = supply_reports.plan_decision(shop.warehouse, after)
    assert told["replaces"] == decision_id
    assert told["moment"]["new"] == [again, "new"]
    # The day goes on: the new plan can be planned again.
    tell(shop, after, **{again: "failed"})
    _, third = replanned(shop, after, "13:00", retry=[again])
    assert f"{over[-1]}~3" in {s for r in third.routes for s in r.stop_ids} | {
        d.stop_id for d in third.dropped
    }


def test_parcels_of_a_vehicle_that_broke_down_are_fetched_where_it_stands(shop):
    decision_id, value, over = morning(shop)
    plan = day_plan.plan_of(value["plan"])
    wreck = next(r for r in plan.routes if any(s in over for s in r.stop_ids))
    rest = [s for s in wreck.stop_ids if s not in over]
    assert rest
    stands = [s for s in wreck.stop_ids if s in over][-1]
    _, made = replanned(shop, decision_id, value["now"], broken=[wreck.vehicle_id])
    routes = {r.vehicle_id: r for r in made.routes}
    assert routes[wreck.vehicle_id].stop_ids == tuple(s for s in wreck.stop_ids if s in over)
    assert routes[wreck.vehicle_id].visits[-1].stop_id == stands
    left_out = {one.stop_id for one in made.dropped}
    for stop in set(rest) - left_out:
        route = next(r for r in made.routes if stop in r.stop_ids)
        names = [v.stop_id for v in route.visits]
        # Before it is handed over, somebody calls where its parcel lies.
        assert stands in names[: names.index(stop)]
    assert set(rest) - left_out


def test_what_is_cancelled_or_skipped_by_a_person_is_not_driven_to(shop):
    decision_id, value, over = morning(shop)
    open_stops = [s for r in value["plan"]["routes"] for s in _stops(r) if s not in over]
    tell(shop, decision_id, **{open_stops[0]: "skipped"})
    _, made = replanned(shop, decision_id, value["now"])
    assert open_stops[0] not in {s for r in made.routes for s in r.stop_ids}
    assert open_stops[1] in {s for r in made.routes for s in r.stop_ids}


def test_a_stop_marked_meanwhile_keeps_its_end_or_stops_the_publishing(shop):
    decision_id, value, over = morning(shop)
    job, made = replanned(shop, decision_id, value["now"])
    was = {s: r["vehicle_id"] for r in value["plan"]["routes"] for s in _stops(r)}
    after = {s: r.vehicle_id for r in made.routes for s in r.stop_ids}
    stays = next(s for s in after if s not in over and after[s] == was.get(s))
    tell(shop, decision_id, **{stays: "done"})
    new = supply_desk.publish(shop, job, "test")
    shop.warehouse.refresh()
    found = {r["stop_id"]: r["status"] for r in supply_reports.stops_of(shop.warehouse, new)}
    assert found[stays] == "done"
    van = was[stays]
    job, made = replanned(shop, decision_id, value["now"], broken=[van])
    gone = [s for r in made.routes for s in r.stop_ids if was.get(s) == van != r.vehicle_id]
    tell(shop, decision_id, **{gone[0]: "done"})
    with pytest.raises(Conflict, match="was marked done since"):
        supply_desk.publish(shop, job, "test")


WRONG = [
    ({"now": "noon"}, "now"),
    ({"now": None}, "now"),
    ({"broken": ["bus"]}, "broken"),
    ({"broken": ["van-0", "van-1", "van-2", "van-3"]}, "broken"),
    ({"retry": ["s999"]}, "retry"),
    ({"stops": [{"stop_id": "x", "latitude": 0, "longitude": 0}]}, "stops[24].latitude"),
    ({"stops": [{"stop_id": "s1", "latitude": 41.0, "longitude": -84.0}]}, "stop_id"),
    ({"stops": "s1"}, "stops"),
    ({"seconds": 0}, "seconds"),
]


def test_a_moment_that_cannot_be_is_named(shop):
    decision_id, value, _ = morning(shop)
    for asked, field in WRONG:
        with pytest.raises(BadInput) as refused:
            route_replan.submit(shop, decision_id, {"now": value["now"], **asked})
        assert refused.value.field == field, asked


def test_a_plan_that_nobody_published_is_not_found(shop):
    with pytest.raises(NotFound, match="no published route plan"):
        route_replan.submit(shop, "dec_nothing", {})


def test_a_day_planned_again_is_not_changed_by_hand(shop):
    decision_id, value, over = morning(shop)
    job, _ = replanned(shop, decision_id, value["now"])
    with pytest.raises(Conflict, match="part of it has happened"):
        route_jobs.apply_move(shop.settings.home, job, over[0], "van-1", 0)


def _stops(route: dict) -> list[str]:
    return [v["stop_id"] for v in route["visits"] if v["kind"] != "depot"]
