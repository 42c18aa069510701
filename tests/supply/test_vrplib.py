"""VRPLIB files: stated costs hold under their rounding, and bad files are refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from shopkeeper.base.errors import BadInput
from shopkeeper.supply import routing, routing_vrplib
from shopkeeper.supply.evaluate_routes import evaluate_routes, nearest_neighbour

CVRP = """NAME : toy
TYPE : CVRP
DIMENSION : 5
EDGE_WEIGHT_TYPE : EUC_2D
CAPACITY : 10
NODE_COORD_SECTION
1 0 0
2 0 10
3 0 20
4 15 0
5 30 0
DEMAND_SECTION
1 0
2 5
3 5
4 5
5 5
DEPOT_SECTION
1
-1
EOF
"""
WINDOWS = """TIME_WINDOW_SECTION
1 0 1000
2 0 500
3 0 500
4 0 500
5 40 500
SERVICE_TIME_SECTION
1 0
2 10
3 10
4 10
5 10
"""


@pytest.fixture
def toy(tmp_path):
    path = tmp_path / "toy.vrp"
    path.write_text(CVRP, "utf-8")
    path.with_suffix(".sol").write_text("Route #1: 1 2\nRoute #2: 3 4\nCost 100\n", "utf-8")
    return path


def test_a_solution_costs_what_it_states(toy):
    instance = routing_vrplib.read(toy)
    solution = routing_vrplib.read_solution(toy.with_suffix(".sol"))
    assert routing_vrplib.cost_of(instance, solution.routes) == solution.cost == 40 + 60
    assert routing_vrplib.faults(instance, solution.routes) == []


def test_time_windows_are_read_in_tenths_by_default(tmp_path):
    path = tmp_path / "toy.vrp"
    path.write_text(CVRP.replace("DEPOT_SECTION", WINDOWS + "DEPOT_SECTION"), "utf-8")
    instance = routing_vrplib.read(path)
    assert instance.rounding == "dimacs"
    assert instance.distance[0, 1] == 100
    assert instance.windows[4].tolist() == [400, 5000]
    plan = routing.solve(routing_vrplib.problem_of(instance), seconds=2, max_iterations=50)
    routes = [[int(s) for s in route.stop_ids] for route in plan.routes]
    assert routing_vrplib.faults(instance, routes) == []
    assert routing_vrplib.cost_of(instance, routes) == 100
    assert plan.cost_minor == 1000


@pytest.mark.parametrize(
    ("routes", "said"),
    [
        ([[1, 2], [3]], "not every client exactly once"),
        ([[1, 2, 3], [4]], "route 1 carries 15 of 10"),
    ],
)
def test_a_wrong_solution_is_caught(toy, routes, said):
    assert said in routing_vrplib.faults(routing_vrplib.read(toy), routes)


def test_the_evaluation_judges_from_the_file_and_has_a_baseline(toy):
    found = evaluate_routes([toy.parent], seconds=0.3, seeds=(1, 2))
    ours, base = found["models"]["shopkeeper"], found["models"]["nearest_neighbour"]
    assert ours["metrics"]["gap_to_best_known_percent"] == 0
    assert ours["metrics"]["feasible"] == 1
    assert base["metrics"]["gap_to_best_known_percent"] >= 0
    assert [run["seed"] for run in found["runs"] if run["model"] == "shopkeeper"] == [1, 2]
    assert found["data"]["with_best_known"] == 1


def test_a_broken_solver_is_found_out(toy):
    def lazy(instance, _path, _seed):
        return [[1, 2]]

    found = evaluate_routes([toy], seconds=0.1, peers={"lazy": lazy})
    assert found["models"]["lazy"]["metrics"]["feasible"] == 0
    assert "gap_to_best_known_percent" not in found["models"]["lazy"]["metrics"]


def test_nearest_neighbour_serves_everybody(toy):
    instance = routing_vrplib.read(toy)
    assert routing_vrplib.faults(instance, nearest_neighbour(instance)) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("CAPACITY : 10", "CAPACITY : none", "CAPACITY is 'none'"),
        ("3 0 20", "3 0 far", "line 9 is '3 0 far'"),
        ("3 0 20\n", "", "NODE_COORD_SECTION is '4 rows'"),
        ("4 5\n", "4 nan\n", "DEMAND_SECTION row 4 is '4 nan'"),
        ("EUC_2D", "GEO", "EDGE_WEIGHT_TYPE is 'GEO'"),
        ("DEPOT_SECTION\n1", "DEPOT_SECTION\n2", "DEPOT_SECTION is"),
        ("DEMAND_SECTION", "BACKHAUL_SECTION", "is 'BACKHAUL_SECTION'"),
        (CVRP, "", "has no rows"),
    ],
)
def test_a_file_that_cannot_be_trusted_names_the_place(tmp_path, old, new, said):
    path = tmp_path / "bad.vrp"
    path.write_text(CVRP.replace(old, new), "utf-8")
    with pytest.raises(BadInput, match=said):
        routing_vrplib.read(path)


def test_a_missing_file_and_an_unknown_rounding_are_named(toy):
    with pytest.raises(BadInput, match="is not a file"):
        routing_vrplib.read(Path("nowhere.vrp"))
    with pytest.raises(BadInput, match="--round must be one of"):
        routing_vrplib.read(toy, "up")


@pytest.mark.benchmark
def test_every_published_cost_is_met_exactly(pytestconfig):
    place = pytestconfig.rootpath.parent / "shared" / "data" / "routing"
    paths = sorted(place.glob("*/*.vrp"))
    if not paths:
        pytest.skip(f"{place} has no instances")
    for path in paths:
        instance = routing_vrplib.read(path)
        solution = routing_vrplib.read_solution(path.with_suffix(".sol"))
        assert routing_vrplib.cost_of(instance, solution.routes) == pytest.approx(solution.cost)
        assert routing_vrplib.faults(instance, solution.routes) == []
