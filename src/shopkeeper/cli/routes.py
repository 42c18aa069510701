"""``shopkeeper routes``: plan a day's deliveries as a job: submit, look, cancel, publish."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from shopkeeper.base import settings
from shopkeeper.base.errors import BadInput
from shopkeeper.cli.main import print_json
from shopkeeper.data.shop import open_shop
from shopkeeper.operate import route_jobs, route_replan, supply_desk
from shopkeeper.supply import day_plan, matrix

OPERATOR = "command line"
as_json = click.option("--json", "as_json", is_flag=True, help="One JSON object.")


@click.group("routes")
def command() -> None:
    """Plan a day's deliveries: a job that can be looked at, cancelled and published."""


@command.command("plan")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--date", help="The day, such as 2026-11-25; without: tomorrow.")
@click.option("--seconds", default=10.0, show_default=True, help="How long to search.")
@click.option("--matrix", "distances", help="osrm:ADDRESS, valhalla:ADDRESS or a CSV file.")
@click.option("--wait/--no-wait", default=True, help="Wait for the plan, or return at once.")
@as_json
@click.pass_obj
def plan(
    home: str,
    file: Path | None,
    date: str | None,
    seconds: float,
    distances: str | None,
    wait: bool,
    as_json: bool,
) -> None:
    """Plan FILE (a day as JSON), or the shop's own waiting orders without one."""
    folder = settings.load(home).home
    if file is not None:
        raw = _read(file) | {"seconds": seconds}
    else:
        with open_shop(settings.load(home)) as shop:
            raw = supply_desk.day_of(shop, date, seconds=seconds)
    state = route_jobs.submit(folder, raw, matrix=_matrix(raw, distances))
    if wait:
        state = route_jobs.wait(folder, state["job_id"], seconds + 60)
    _show(state, as_json)


@command.command("list")
@as_json
@click.pass_obj
def listing(home: str, as_json: bool) -> None:
    """List the jobs, newest first."""
    found = route_jobs.listing(settings.load(home).home)
    if as_json:
        print_json({"jobs": found})
        return
    print(f"{'job':<36}{'status':<12}{'stops':>6}{'cost':>12}{'seconds':>9}")
    for one in found:
        cost = "–" if one["cost_minor"] is None else f"{one['cost_minor']:,}"
        row = f"{one['job_id']:<36}{one['status']:<12}{one['stops']:>6}{cost:>12}"
        print(f"{row}{one['seconds']:>9.1f}")


@command.command("show")
@click.argument("job_id")
@as_json
@click.pass_obj
def show(home: str, job_id: str, as_json: bool) -> None:
    """Show a job's plan, the best so far while it runs."""
    folder = settings.load(home).home
    state, made = route_jobs.state(folder, job_id), route_jobs.plan(folder, job_id)
    if as_json:
        print_json({**state, "plan": day_plan.plan_json(made)})
        return
    _show(state, False)
    for route in made.routes:
        leaves = route.visits[0].leave_s
        km = route.distance_m / 1000
        print(
            f"  {route.vehicle_id:<12}{len(route.stop_ids):>4} stops {km:>7.1f}"
            f" km  leaves {leaves // 3600:02d}:{leaves % 3600 // 60:02d}  "
            f"{' '.join(route.stop_ids[:6])}{' …' if len(route.stop_ids) > 6 else ''}"
        )
    for one in made.dropped:
        print(f"  left out {one.stop_id}: {one.reason} {json.dumps(dict(one.facts))}")


@command.command("cancel")
@click.argument("job_id")
@as_json
@click.pass_obj
def cancel(home: str, job_id: str, as_json: bool) -> None:
    """Stop a job; it keeps its best plan so far."""
    folder = settings.load(home).home
    route_jobs.cancel(folder, job_id)
    _show(route_jobs.wait(folder, job_id, 10), as_json)


@command.command("publish")
@click.argument("job_id")
@as_json
@click.pass_obj
def publish(home: str, job_id: str, as_json: bool) -> None:
    """Put a job's plan on the record and tell other programs."""
    with open_shop(settings.load(home)) as shop:
        decision_id = supply_desk.publish(shop, job_id, OPERATOR)
    if as_json:
        print_json({"decision_id": decision_id})
        return
    print(f"published {decision_id}\n  next: shopkeeper explain {decision_id}")


@command.command("replan")
@click.argument("decision_id")
@click.option("--now", help="The time, such as 11:30; without: the clock, on the plan's day.")
@click.option("--broken", multiple=True, help="A vehicle that drives no more today.")
@click.option("--repaired", multiple=True, help="A vehicle that drives again.")
@click.option("--retry", multiple=True, help="A failed stop to try again today.")
@click.option("--orders/--no-orders", default=True, help="Take the orders that came since.")
@click.option("--stops", type=click.Path(path_type=Path), help='New stops: {"stops": […]}.')
@click.option("--seconds", default=5.0, show_default=True, help="How long to search.")
@as_json
@click.pass_obj
def replan(home: str, decision_id: str, stops: Path | None, as_json: bool, **asked: Any) -> None:
    """Plan the rest of a published day: done stops stay, what is on board stays on board."""
    facts = {k: list(v) if isinstance(v, tuple) else v for k, v in asked.items() if v is not None}
    if stops is not None:
        facts["stops"] = _read(stops).get("stops", [])
    with open_shop(settings.load(home)) as shop:
        state = route_replan.submit(shop, decision_id, facts)
    patience = float(asked["seconds"]) + 60
    _show(route_jobs.wait(settings.load(home).home, state["job_id"], patience), as_json)


@command.command("mark")
@click.argument("decision_id")
@click.argument("stop_id")
@click.argument("status", type=click.Choice(supply_desk.STOP_STATES))
@click.option("--reason", default="", help="Why, such as nobody at home.")
@as_json
@click.pass_obj
def mark(
    home: str, decision_id: str, stop_id: str, status: str, reason: str, as_json: bool
) -> None:
    """Say how a stop of a published plan stands: done, failed, skipped or planned."""
    with open_shop(settings.load(home)) as shop:
        supply_desk.mark_stop(shop, decision_id, stop_id, status, OPERATOR, reason)
    print_json({"stop_id": stop_id, "status": status}) if as_json else print(f"{stop_id}: {status}")


@command.command("vehicle")
@click.argument("vehicle_id")
@click.argument("text")
@as_json
@click.pass_obj
def vehicle(home: str, vehicle_id: str, text: str, as_json: bool) -> None:
    """Set a vehicle: TEXT is a JSON object with capacity, depot_id, starts, ends …"""
    with open_shop(settings.load(home)) as shop:
        supply_desk.put_rule(shop, f"vehicle:{vehicle_id}", text, OPERATOR)
    print_json({"vehicle_id": vehicle_id}) if as_json else print(f"{vehicle_id} drives from now on")


@command.command("carrier")
@click.argument("carrier")
@click.argument("text")
@as_json
@click.pass_obj
def carrier(home: str, carrier: str, text: str, as_json: bool) -> None:
    """Set what a carrier costs: TEXT is a JSON object with parcel_minor, km_minor, days …"""
    with open_shop(settings.load(home)) as shop:
        supply_desk.put_rule(shop, f"carrier:{carrier}", text, OPERATOR)
    print_json({"carrier": carrier}) if as_json else print(f"{carrier} carries from now on")


def _read(file: Path) -> dict[str, Any]:
    try:
        raw = json.loads(file.read_text("utf-8"))
    except OSError as problem:
        raise BadInput(f"{file} cannot be read: {problem.strerror}.", field="file") from problem
    except ValueError as problem:
        raise BadInput(f"{file} is not JSON: {problem}.", field="file") from problem
    if not isinstance(raw, dict):
        raise BadInput(f"{file} is not a JSON object.", field="file")
    return raw


def _matrix(raw: dict[str, Any], words: str | None) -> Any:
    if words is None:
        return None
    points = {d["depot_id"]: (d["latitude"], d["longitude"]) for d in raw["depots"]}
    points |= {s["stop_id"]: (s["latitude"], s["longitude"]) for s in raw["stops"]}
    kind, _, address = words.partition(":")
    if kind == "osrm":
        return matrix.osrm(points, address)
    if kind == "valhalla":
        return matrix.valhalla(points, address)
    return matrix.from_csv(Path(words))


def _show(state: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(state)
        return
    cost = "no plan yet" if state["cost_minor"] is None else f"cost {state['cost_minor']:,}"
    said = {"time_limit": "best so far when the time was over"}.get(state["status"], "")
    print(
        f"{state['job_id']}: {state['status']}{f' ({said})' if said else ''}, {cost}, "
        f"{state.get('routes', 0)} routes, {state.get('dropped', 0)} of {state['stops']} stops "
        f"left out, {state['seconds']:.1f} s"
    )
    if state.get("problem"):
        print(f"  {state['problem']}")
    print(f"  next: shopkeeper routes show {state['job_id']}")
