"""Route jobs: submit, look, cancel, best so far, killed workers, moves by hand, wrong days."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from shopkeeper.base.errors import BadInput, Conflict, NotFound, TooBusy
from shopkeeper.operate import route_jobs


def day(stops: int = 24, *, seconds: float = 0.6, seed: int = 5) -> dict:
    rng = np.random.default_rng(seed)
    return {
        "date": "2026-11-25",
        "depots": [
            {"depot_id": "north", "latitude": 41.0, "longitude": -84.0, "opens": "07:00"},
            {"depot_id": "south", "latitude": 40.8, "longitude": -84.1, "opens": "07:00"},
        ],
        "vehicles": [
            {
                "vehicle_id": f"van-{n}",
                "capacity": 40,
                "depot_id": "north" if n % 2 else "south",
                "starts": "08:00",
                "ends": "17:00",
            }
            for n in range(4)
        ],
        "stops": [
            {
                "stop_id": f"s{n}",
                "order_id": f"o{n}",
                "latitude": round(40.9 + float(rng.normal(0, 0.1)), 4),
                "longitude": round(-84.05 + float(rng.normal(0, 0.1)), 4),
                "demand": int(rng.integers(1, 6)),
                "opens": "09:00",
                "closes": "16:00",
            }
            for n in range(stops)
        ],
        "seconds": seconds,
    }


def done(home: Path, job_id: str) -> dict:
    told = route_jobs.wait(home, job_id, 30)
    assert told["status"] not in route_jobs.RUNNING
    return told


def test_a_day_is_planned_and_every_stop_stands_in_a_route_or_has_a_reason(tmp_path):
    job = route_jobs.submit(tmp_path, day())
    told = done(tmp_path, job["job_id"])
    plan = route_jobs.plan(tmp_path, job["job_id"])
    assert told["status"] == "time_limit"
    assert told["first_feasible_s"] < 1.0
    served = [stop for route in plan.routes for stop in route.stop_ids]
    assert sorted([*served, *(d.stop_id for d in plan.dropped)]) == sorted(
        f"s{n}" for n in range(24)
    )
    assert told["cost_minor"] == plan.cost_minor
    assert route_jobs.listing(tmp_path)[0]["job_id"] == job["job_id"]


def test_a_cancelled_job_keeps_its_best_plan_and_says_so(tmp_path):
    job = route_jobs.submit(tmp_path, day(seconds=60))["job_id"]
    end = time.monotonic() + 20
    while not route_jobs.state(tmp_path, job)["has_plan"] and time.monotonic() < end:
        time.sleep(0.05)
    with pytest.raises(Conflict, match="still searching"):
        route_jobs.apply_move(tmp_path, job, "s0", "van-1", 0)
    route_jobs.cancel(tmp_path, job)
    assert done(tmp_path, job)["status"] == "cancelled"
    assert route_jobs.plan(tmp_path, job).routes


def test_a_killed_worker_is_noticed_and_its_best_plan_stays(tmp_path):
    job = route_jobs.submit(tmp_path, day(seconds=60))["job_id"]
    end = time.monotonic() + 20
    while not route_jobs.state(tmp_path, job)["has_plan"] and time.monotonic() < end:
        time.sleep(0.05)
    os.kill(route_jobs.state(tmp_path, job)["pid"], signal.SIGKILL)
    told = done(tmp_path, job)
    assert told["status"] == "failed"
    assert "process ended" in told["problem"]
    assert route_jobs.plan(tmp_path, job).routes


def test_more_jobs_than_the_machine_bears_are_refused(tmp_path):
    jobs = [route_jobs.submit(tmp_path, day(seconds=60))["job_id"] for _ in range(2)]
    with pytest.raises(TooBusy):
        route_jobs.submit(tmp_path, day())
    for job in jobs:
        route_jobs.cancel(tmp_path, job)
        done(tmp_path, job)


def test_a_move_by_hand_says_what_it_costs_and_whether_it_fits(tmp_path):
    asked = day()
    asked["vehicles"].append({"vehicle_id": "bike", "capacity": 1, "depot_id": "north"})
    job = route_jobs.submit(tmp_path, asked)["job_id"]
    done(tmp_path, job)
    plan = route_jobs.plan(tmp_path, job)
    big = next(s["stop_id"] for s in asked["stops"] if s["demand"] >= 2)
    tried = route_jobs.try_move(tmp_path, job, big, "bike", 0)
    assert not tried.feasible
    assert tried.broken[0][0] == "capacity"
    with pytest.raises(BadInput, match="does not fit"):
        route_jobs.apply_move(tmp_path, job, big, "bike", 0)
    source = max(plan.routes, key=lambda r: len(r.stop_ids))
    stop = source.stop_ids[0]
    last = len(source.stop_ids)
    same = route_jobs.try_move(tmp_path, job, stop, source.vehicle_id, 0)
    assert same.feasible
    assert same.cost_after_minor == same.cost_before_minor
    far = route_jobs.try_move(tmp_path, job, stop, source.vehicle_id, last)
    if far.feasible:
        change, made = route_jobs.apply_move(tmp_path, job, stop, source.vehicle_id, last)
        assert made.cost_minor - plan.cost_minor == (
            change.cost_after_minor - change.cost_before_minor
        )
        assert made.routes[0].vehicle_id == plan.routes[0].vehicle_id
        assert route_jobs.state(tmp_path, job)["edited"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda d: d.update(vehicles=[]), "vehicles"),
        (lambda d: d.update(depots=[]), "depots"),
        (lambda d: d["stops"].append(dict(d["stops"][0])), "stop_id"),
        (lambda d: d["stops"][0].update(latitude=0, longitude=0), "stops[0].latitude"),
        (lambda d: d["stops"][0].update(latitude=-84.05, longitude=40.9), "latitude"),
        (lambda d: d["stops"][0].update(opens="16:00", closes="09:00"), "closes_s"),
        (lambda d: d["stops"][0].update(opens="9 o'clock"), "stops[0].opens"),
        (lambda d: d["stops"][0].update(demand=-1), "stops[0].demand"),
        (lambda d: d["stops"][0].update(colour="red"), "stops[0].colour"),
        (lambda d: d["vehicles"][0].update(depot_id="nowhere"), "depot"),
        (lambda d: d.update(seconds=0), "seconds"),
        (lambda d: d.update(seconds=float("nan")), "seconds"),
    ],
)
def test_a_wrong_day_is_refused_before_a_job_starts(tmp_path, change, field):
    asked = day()
    change(asked)
    with pytest.raises(BadInput) as caught:
        route_jobs.submit(tmp_path, asked)
    assert caught.value.field == field, caught.value.message
    assert not list((tmp_path / "jobs").rglob("state.json")) or field == "seconds"


def test_what_cannot_be_served_is_left_out_with_its_reason(tmp_path):
    asked = day(6)
    asked["stops"][0]["demand"] = 41
    asked["stops"][1].update(opens="05:00", closes="06:00")
    asked["stops"][2].update(latitude=60.0, longitude=-84.0)
    job = route_jobs.submit(tmp_path, asked)["job_id"]
    done(tmp_path, job)
    reasons = {d.stop_id: d.reason for d in route_jobs.plan(tmp_path, job).dropped}
    assert reasons["s0"] == "capacity"
    assert reasons["s1"] == "window"
    assert reasons["s2"] in ("shift", "window")


def test_an_unknown_job_is_not_found(tmp_path):
    for name in ("routes_0", "../../etc", ""):
        with pytest.raises(NotFound):
            route_jobs.state(tmp_path, name)
