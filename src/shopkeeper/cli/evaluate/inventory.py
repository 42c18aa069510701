"""``shopkeeper evaluate inventory``: rolling origins and lost sales, on a demand file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from shopkeeper.base.errors import BadInput
from shopkeeper.cli.evaluate import mapping
from shopkeeper.cli.main import print_json
from shopkeeper.learn import report


@click.command("inventory")
@click.option("--demand", type=click.Path(path_type=Path), required=True, help="CSV or Parquet.")
@click.option("--frequency", type=click.Choice(["D", "W", "M"]), default="W", show_default=True)
@click.option("--horizon", type=click.IntRange(1, 400), default=4, show_default=True)
@click.option("--origins", type=click.IntRange(0, 50), default=2, help="2; 0: only the stock.")
@click.option("--known", multiple=True, metavar="COLUMN", help="Known ahead; again, or commas.")
@click.option("--observed", multiple=True, metavar="COLUMN", help="Known afterwards; likewise.")
@click.option("--lead-time", type=click.IntRange(0, 100), help="Periods; replays lost sales.")
@click.option("--review", type=click.IntRange(1, 50), default=1, show_default=True)
@click.option("--service", type=click.FloatRange(0.5, 0.997), default=0.95, show_default=True)
@click.option("--least-history", type=click.IntRange(0), default=0, help="Periods of history.")
@click.option("--map", "maps", multiple=True, metavar="NAME=COLUMN", help="Rename a column.")
@click.option("--seed", default=7, show_default=True, help="Seed of samples and intervals.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    demand: Path,
    frequency: str,
    horizon: int,
    origins: int,
    known: tuple[str, ...],
    observed: tuple[str, ...],
    lead_time: int | None,
    review: int,
    service: float,
    least_history: int,
    maps: tuple[str, ...],
    seed: int,
    as_json: bool,
) -> None:
    """Forecasts against simple baselines on held-out periods, and the stock they would need."""
    from shopkeeper.inventory import evaluate, from_file

    names, past = _words(known), _words(observed)
    panel, facts = from_file.panel(demand, frequency, names=mapping(maps), known=(*names, *past))
    setup = evaluate.Setup(
        horizon=horizon,
        origins=origins,
        known=names,
        lead_time=lead_time,
        review=review,
        service=service,
        least_history=least_history,
        seed=seed,
    )
    if not origins and lead_time is None:
        raise BadInput(
            "origins is 0 and there is no lead time, so there is nothing to measure.",
            hint="Give --lead-time for the stock, or origins for the forecasts.",
            field="origins",
            value=0,
        )
    printed = evaluate.evaluate(panel, setup, facts)
    if as_json:
        print_json(printed)
    else:
        print(as_text(printed))


def _words(given: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word.strip() for word in ",".join(given).split(",") if word.strip())


def as_text(printed: dict[str, Any]) -> str:
    """Return the tables for people: forecasts best first, then policies."""
    lines = [*([_forecasts(printed)] if printed["models"] else []), *_stock(printed)]
    return "\n".join(lines)


def _forecasts(printed: dict[str, Any]) -> str:
    models, baseline = printed["models"], printed["baseline"]
    head = ["model", "pinball", "95 % interval", "wape", "bias", "rmsse", "<= q95", "against"]
    rows = []
    for name in sorted(models, key=lambda n: models[n]["metrics"]["pinball"]):
        found, (low, high) = models[name]["metrics"], models[name]["interval_95"]["pinball"]
        gap = models[name].get("against_baseline")
        told = f"{gap['difference']:+.4f}, {gap['verdict']}" if gap else "(baseline)"
        rows.append(
            [
                name,
                f"{found['pinball']:.4f}",
                "-" if low is None else f"{low:.4f} - {high:.4f}",
                f"{found['wape']:.3f}",
                f"{100 * found['bias']:+.1f} %",
                f"{found['rmsse']:.3f}",
                f"{found['coverage_95']:.3f}",
                told,
            ]
        )
    return "\n".join(
        [
            report.table(head, rows),
            f"champion {printed['champion']} (by validation), baseline {baseline}",
        ]
    )


def _stock(printed: dict[str, Any]) -> list[str]:
    played = printed.get("simulation")
    if not played:
        return []
    rows = [
        [
            name,
            *(
                "-" if one[f"cover_at_fill_{f}"] is None else f"{one[f'cover_at_fill_{f}']:.2f}"
                for f in (90, 95)
            ),
            f"{one['nominal']['setting']:g}",
            f"{one['nominal']['fill']:.3f}",
            f"{one['nominal']['short_share']:.3f}",
        ]
        for name, one in played["policies"].items()
    ]
    head = ["policy", "supply at 90 %", "supply at 95 %", "nominal", "fill", "short periods"]
    return [report.table(head, rows)]
