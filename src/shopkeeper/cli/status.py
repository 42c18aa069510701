"""``shopkeeper status``: what is live, what it measured, how fresh the data is, what to do."""

from __future__ import annotations

from typing import Any

import click

from shopkeeper.base import settings
from shopkeeper.cli.main import print_json
from shopkeeper.data.shop import open_shop
from shopkeeper.operate.status import status


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def command(home: str, as_json: bool) -> None:
    """Show models, data freshness and alerts of the shop folder; needs no server."""
    with open_shop(settings.load(home)) as shop:
        told = status(shop)
    if as_json:
        print_json(told)
        return
    data = told["data"]
    print(f"{data['events']:,} events, the last at {data['last_event_at'] or 'no time'}")
    print(f"\n{'capability':<14}{'champion':<36}{'age days':>9}  metrics")
    for name, model in told["models"].items():
        metrics = list(model.get("metrics", {}).items())[:3]
        said = "  ".join(f"{metric} {value:.4f}" for metric, value in metrics)
        print(f"{name:<14}{model['champion'] or '-':<36}{model.get('age_days', '-'):>9}  {said}")
    _print_inventory(told["inventory"])
    for alert in told["alerts"]:
        print(f"\nalert: {alert}")


def _print_inventory(told: dict[str, Any]) -> None:
    """Say how forecasts and proposals did, where something has been judged."""
    if forecast := told["forecast"]:
        print(
            f"\nforecasts of a week: WAPE {forecast['wape']:.3f} (naive "
            f"{forecast['naive_wape']:.3f}), bias {forecast['bias']:+.1%}, below the 95 % level "
            f"{forecast['coverage_95']:.1%}, {forecast['judged']:,} judged"
        )
    if cycle := told["cycle"]:
        print(
            f"proposals of {cycle['cycle']}: {cycle['ended']} ended, "
            f"{cycle['stock_out_share']:.1%} ran out, {cycle['overstock_share']:.1%} overstocked"
        )
