"""``shopkeeper evaluate behaviour``: who comes back, when, for how much, on an orders file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from shopkeeper.base import settings
from shopkeeper.cli.evaluate import mapping
from shopkeeper.cli.main import print_json
from shopkeeper.learn import report

_HEAD = ("log_loss", "log_loss_28", "auc_28", "next_date_error_days", "value_mae", "value_ratio")


@click.command("behaviour")
@click.option("--orders", type=click.Path(path_type=Path), help="CSV or Parquet, .gz too.")
@click.option("--at", help="Where the history is cut: a date or a moment, UTC.")
@click.option("--map", "maps", multiple=True, metavar="NAME=COLUMN", help="Rename a column.")
@click.option("--seed", default=7, show_default=True, help="Seed of trees and intervals.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def command(
    home: str, orders: Path | None, at: str | None, maps: tuple[str, ...], seed: int, as_json: bool
) -> None:
    """Chances, dates and money of each customer, by a cut in time."""
    from shopkeeper.data.importers.interactions import parse_moment
    from shopkeeper.recommend.behaviour import state
    from shopkeeper.recommend.behaviour.evaluate import evaluate
    from shopkeeper.recommend.behaviour.from_file import read

    at_us = None if at is None else parse_moment(at)
    if orders is None:
        from shopkeeper.data.shop import open_shop

        with open_shop(settings.load(home)) as shop:
            data = state.gather(shop.warehouse)
    else:
        data = read(orders, mapping(maps))
    printed = evaluate(data, at_us, seed)
    if as_json:
        print_json(printed)
    else:
        print(as_text(printed))


def as_text(printed: dict[str, Any]) -> str:
    """Return the table for people, the way that serves marked."""
    models = printed["models"]
    rows = []
    for name in sorted(models, key=lambda n: models[n]["metrics"]["log_loss"]):
        found = models[name]["metrics"]
        cells = [f"{found[key]:.4g}" if key in found else "-" for key in _HEAD]
        low, high = models[name]["interval_95"]["log_loss"]
        rows.append([name, cells[0], f"{low:.4f} - {high:.4f}", *cells[1:]])
    data, told = printed["data"], printed["protocol"]
    head = ["model", _HEAD[0], "95 % interval", *_HEAD[1:]]
    return "\n".join(
        [
            report.table(head, rows),
            f"chosen on the last training period: {printed['chosen']['purchase']} for purchases, "
            f"{printed['chosen']['value']} for value; baseline {printed['baseline']}",
            f"  {data['judged']:,} customers judged over {told['days_after']} days from "
            f"{told['at'][:10]}, {data['came_back']:,} came back; value over "
            f"{told['value_days']:g} days",
        ]
    )
