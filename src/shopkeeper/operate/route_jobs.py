"""Route plans take minutes: a job is a folder with a worker process; look, cancel, take the best.

    <home>/jobs/routes/<job_id>/request.json   the day as asked
                                matrix.npz     where distances came from elsewhere
                                before.json    of a day planned again: the plan that it meets
                                moment.json    and what is known at that moment
                                state.json     status, cost so far, seconds, the worker's pid
                                plan.json      the best plan so far, in the end the plan
                                cancel         somebody asked it to stop

A job outlives the server that started it; one whose worker was killed says so and keeps its best
plan. The search runs in a process of its own, so no request waits for it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from shopkeeper.base import clock, ids
from shopkeeper.base.errors import Conflict, NotFound, TooBusy
from shopkeeper.supply import day_plan, routing_schedule
from shopkeeper.supply.routing_schema import Matrix, Problem, RoutePlan

RUNNING = ("queued", "running")
MOST_RUNNING = 2
KEPT = 50  # newest jobs; older finished ones make room


def submit(
    home: Path,
    raw: Mapping[str, Any],
    *,
    matrix: Matrix | None = None,
    beside: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Check the day, start its worker and return the job's state at once.

    ``beside``: file name -> JSON that the worker also reads (route_replan.py). BadInput names
    what is wrong with the day, TooBusy when MOST_RUNNING jobs run.
    """
    day_plan.problem_of(raw, matrix=matrix)
    seconds, seed = day_plan.search_of(raw)
    running = [job for job in listing(home) if job["status"] in RUNNING]
    if len(running) >= MOST_RUNNING:
        raise TooBusy(
            f"{len(running)} plans are being made; {running[0]['job_id']} is the oldest.",
            hint="Wait for one, or cancel it.",
            retry_after_seconds=5.0,
        )
    folder = _jobs(home) / ids.new_id("routes")
    folder.mkdir(parents=True)
    write_json(folder / "request.json", dict(raw))
    for name, value in (beside or {}).items():
        write_json(folder / name, value)
    if matrix is not None:
        np.savez(
            folder / "matrix.npz",
            places=np.array(matrix.places),
            distance_m=matrix.distance_m,
            duration_s=matrix.duration_s,
            source=np.array(matrix.source),
        )
    state = {
        "job_id": folder.name,
        "status": "queued",
        "submitted_at": clock.iso(clock.now_us()),
        "date": raw.get("date"),
        "stops": len(raw["stops"]),
        "vehicles": len(raw["vehicles"]),
        "limit_seconds": seconds,
        "seed": seed,
        "seconds": 0.0,
        "cost_minor": None,
        "iterations": 0,
    }
    if beside and "moment.json" in beside:
        state["replans"] = beside["moment.json"]["replans"]
    write_json(folder / "state.json", state)
    worker = subprocess.Popen(
        [sys.executable, "-m", "shopkeeper.operate.route_worker", str(folder)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    write_json(folder / "pid.json", {"pid": worker.pid})
    _WORKERS[folder.name] = worker
    _tidy(home)
    return state


# Workers that this process started: asking one for its end keeps it from staying as a zombie.
_WORKERS: dict[str, subprocess.Popen[bytes]] = {}


def state(home: Path, job_id: str) -> dict[str, Any]:
    """Return how a job stands: status, seconds, cost so far; NotFound for an unknown one."""
    folder = folder_of(home, job_id)
    told = read_json(folder / "state.json")
    if told["status"] in RUNNING and not _alive(folder):
        # It may have ended between the two looks.
        told = read_json(folder / "state.json")
        if told["status"] in RUNNING:
            told |= {"status": "failed", "problem": "its process ended before its time"}
            write_json(folder / "state.json", told)
    return told | {"has_plan": (folder / "plan.json").exists()}


def listing(home: Path) -> list[dict[str, Any]]:
    """Return the states of all jobs, newest first."""
    names = sorted((p.name for p in _jobs(home).glob("routes_*")), reverse=True)
    return [state(home, name) for name in names if (_jobs(home) / name / "state.json").exists()]


def plan(home: Path, job_id: str) -> RoutePlan:
    """Return a job's plan, the best so far while it runs; Conflict where there is none yet."""
    path = folder_of(home, job_id) / "plan.json"
    if not path.exists():
        raise Conflict(
            f"The job {job_id} has no plan yet.",
            hint="Look again in a second.",
            field="job_id",
            value=job_id,
        )
    return day_plan.plan_of(read_json(path))


def problem(home: Path, job_id: str) -> Problem:
    """Return the day that a job plans."""
    folder = folder_of(home, job_id)
    return day_plan.problem_of(read_json(folder / "request.json"), matrix=stored_matrix(folder))


def request(home: Path, job_id: str) -> dict[str, Any]:
    """Return the day as it was asked."""
    found: dict[str, Any] = read_json(folder_of(home, job_id) / "request.json")
    return found


def cancel(home: Path, job_id: str) -> dict[str, Any]:
    """Ask a job to stop; it keeps the best plan so far."""
    folder = folder_of(home, job_id)
    (folder / "cancel").touch()
    return state(home, job_id)


def wait(home: Path, job_id: str, seconds: float) -> dict[str, Any]:
    """Return the state when the job has ended, or after ``seconds``."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        told = state(home, job_id)
        if told["status"] not in RUNNING:
            return told
        time.sleep(0.1)
    return state(home, job_id)


def try_move(
    home: Path, job_id: str, stop_id: str, vehicle_id: str, position: int
) -> day_plan.Move:
    """Return what moving a stop by hand would do; changes nothing."""
    day = routing_schedule.index(problem(home, job_id))
    return day_plan.move(day, plan(home, job_id), stop_id, vehicle_id, position)


def apply_move(
    home: Path, job_id: str, stop_id: str, vehicle_id: str, position: int
) -> tuple[day_plan.Move, RoutePlan]:
    """Move a stop in the draft; BadInput if it does not fit, Conflict while the job runs."""
    told = state(home, job_id)
    if told["status"] in RUNNING:
        raise Conflict(f"The job {job_id} is still searching.", hint="Wait, or cancel it.")
    if told.get("replans"):
        raise Conflict(
            "A day planned again from its middle is not changed by hand: part of it has happened.",
            hint="Plan it again, and name in `vehicles` of a stop who may serve it.",
            field="job_id",
            value=job_id,
        )
    change = try_move(home, job_id, stop_id, vehicle_id, position)
    made = day_plan.moved(plan(home, job_id), change)
    folder = folder_of(home, job_id)
    write_json(folder / "plan.json", day_plan.plan_json(made))
    write_json(
        folder / "state.json",
        read_json(folder / "state.json") | {"cost_minor": made.cost_minor, "edited": True},
    )
    return change, made


def folder_of(home: Path, job_id: str) -> Path:
    """Return a job's folder; NotFound where there is none."""
    plain = job_id.replace("_", "").isalnum() and len(job_id) < 100
    folder = _jobs(home) / job_id
    if not plain or not (folder / "state.json").exists():
        raise NotFound(
            f"There is no route job '{job_id[:60]}'.",
            hint="`shopkeeper routes list` shows them.",
            field="job_id",
            value=job_id,
        )
    return folder


def stored_matrix(folder: Path) -> Matrix | None:
    """Return the matrix that came with the job, None where it is computed."""
    path = folder / "matrix.npz"
    if not path.exists():
        return None
    with np.load(path, allow_pickle=False) as held:
        return Matrix(
            places=tuple(held["places"].tolist()),
            distance_m=held["distance_m"],
            duration_s=held["duration_s"],
            source=str(held["source"]),
        )


def write_json(path: Path, value: Any) -> None:
    """Replace a file whole, so that a reader sees the old one or the new one."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_text(json.dumps(value, ensure_ascii=False), "utf-8")
    part.replace(path)


def read_json(path: Path) -> Any:
    """Return what a JSON file holds."""
    return json.loads(path.read_text("utf-8"))


def _jobs(home: Path) -> Path:
    return home / "jobs" / "routes"


def _alive(folder: Path) -> bool:
    path = folder / "pid.json"
    if not path.exists():
        return True  # being started
    mine = _WORKERS.get(folder.name)
    if mine is not None:
        return mine.poll() is None
    try:
        os.kill(int(read_json(path)["pid"]), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _tidy(home: Path) -> None:
    for old in sorted(_jobs(home).glob("routes_*"), reverse=True)[KEPT:]:
        if read_json(old / "state.json")["status"] not in RUNNING:
            shutil.rmtree(old, ignore_errors=True)
            _WORKERS.pop(old.name, None)
