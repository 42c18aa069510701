"""``shopkeeper evaluate supply``: routes on VRPLIB files, or lead times on a delivery history."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from shopkeeper.base.errors import BadInput
from shopkeeper.cli.evaluate import mapping
from shopkeeper.cli.main import print_json
from shopkeeper.learn import report


@click.command("supply")
@click.option(
    "--routes",
    multiple=True,
    type=click.Path(path_type=Path),
    help="VRPLIB .vrp file or folder; a .sol of the same name gives the gap. May repeat.",
)
@click.option("--seconds", default=10.0, show_default=True, help="Search time of each run.")
@click.option("--round", "rounding", help="round, dimacs, trunc or exact; else by the file.")
@click.option("--seeds", default=1, show_default=True, type=click.IntRange(1, 20), help="Runs.")
@click.option(
    "--processor-time", is_flag=True, help="Count processor seconds, not wall: for busy machines."
)
@click.option("--lead-times", type=click.Path(path_type=Path), help="CSV or Parquet, .gz too.")
@click.option("--at", help="First day of the test orders; else the last fifth is test.")
@click.option("--map", "maps", multiple=True, metavar="NAME=COLUMN", help="Rename a column.")
@click.option("--seed", default=7, show_default=True, help="Seed of samples and intervals.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.argument("more", nargs=-1, type=click.Path(path_type=Path))
def command(
    routes: tuple[Path, ...],
    seconds: float,
    rounding: str | None,
    seeds: int,
    processor_time: bool,
    lead_times: Path | None,
    at: str | None,
    maps: tuple[str, ...],
    seed: int,
    as_json: bool,
    more: tuple[Path, ...],
) -> None:
    """Gap to the best known of each instance, or pinball and coverage of lead times.

    Further files after --routes FILE are instances too, so that a shell's pattern works.
    """
    if bool(routes) == (lead_times is not None):
        raise BadInput(
            "Give either --routes FILE… or --lead-times FILE.",
            hint="--routes measures route plans, --lead-times a delivery history.",
            field="routes" if not routes else "lead-times",
        )
    if lead_times is not None:
        if more:
            raise BadInput(
                f"--lead-times takes one file; '{more[0]}' is another.",
                field="lead-times",
                value=str(more[0]),
            )
        printed = _lead_times(lead_times, at, mapping(maps), seed)
    else:
        printed = _routes((*routes, *more), seconds, rounding, seeds, processor_time)
    if as_json:
        print_json(printed)
    else:
        print(as_text(printed))


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _routes(
    paths: tuple[Path, ...], seconds: float, rounding: str | None, seeds: int, processor: bool
) -> dict[str, Any]:
    from shopkeeper.supply.evaluate_routes import evaluate_routes

    if not 0 < seconds <= 86_400:
        raise BadInput(
            f"--seconds must be above 0, but is {seconds:g}.",
            field="seconds",
            value=seconds,
            allowed="above 0, to a day",
        )
    return evaluate_routes(
        paths,
        seconds=seconds,
        rounding=rounding,
        seeds=tuple(range(1, seeds + 1)),
        clock=time.process_time if processor else time.perf_counter,
        say=_say,
    )


def _lead_times(path: Path, at: str | None, names: dict[str, str], seed: int) -> dict[str, Any]:
    from shopkeeper.base.clock import DAY_US
    from shopkeeper.data.importers.deliveries import read_deliveries
    from shopkeeper.data.importers.interactions import parse_moment
    from shopkeeper.supply.evaluate_lead_times import evaluate_lead_times

    at_day = None if at is None else parse_moment(at) // DAY_US
    return evaluate_lead_times(read_deliveries(path, names), at_day=at_day, seed=seed, say=_say)


def as_text(printed: Mapping[str, Any]) -> str:
    """Return the table for people, the champion, and what was judged."""
    from shopkeeper.supply import evaluate, evaluate_lead_times

    models, data = printed["models"], printed["data"]
    if printed["protocol"]["name"] == "routes":
        columns = ["gap_to_best_known_percent", "feasible", "routes", "cost"]
        tail = (
            f"  {data['rows']} instances, {data['stops']:,} stops, {data['with_best_known']} with a"
            f" best known cost; {printed['protocol']['seconds']:g} s a run"
        )
    else:
        columns = list(evaluate_lead_times.columns(printed))
        left = ", ".join(f"{count:,} {why}" for why, count in data["left_out"].items()) or "none"
        tail = (
            f"  {data['rows']:,} orders of {data['suppliers']:,} suppliers; judged on"
            f" {data['test_rows']:,} from {printed['protocol']['test_from']}\n  left out: {left}"
        )
    rows = evaluate.as_rows(models, columns)
    return "\n".join(
        [
            report.table(["model", *columns], rows),
            f"champion {printed['champion']}, baseline {printed['baseline']}",
            tail,
        ]
    )
