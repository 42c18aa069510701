"""``shopkeeper evaluate session``: which visits end in an order, on the shop's own log."""

from __future__ import annotations

from typing import Any

import click

from shopkeeper.base import settings
from shopkeeper.cli.main import print_json
from shopkeeper.learn import report

_HEAD = ("log_loss", "brier", "auc", "average_precision")


@click.command("session")
@click.option("--at", help="Where the visits are cut: a date or a moment, UTC.")
@click.option("--seed", default=7, show_default=True, help="Seed of trees and intervals.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def command(home: str, at: str | None, seed: int, as_json: bool) -> None:
    """Foretell which visits end in an order, beside their plain share, by a cut in time."""
    from shopkeeper.data.importers.interactions import parse_moment
    from shopkeeper.data.shop import open_shop
    from shopkeeper.recommend.session.evaluate import evaluate, gather

    at_us = None if at is None else parse_moment(at)
    with open_shop(settings.load(home)) as shop:
        printed = evaluate(gather(shop.warehouse, seed), at_us, seed)
    print_json(printed) if as_json else print(as_text(printed))


def as_text(printed: dict[str, Any]) -> str:
    """Return the table for people, lowest log loss first."""
    models, rows = printed["models"], []
    for name in sorted(models, key=lambda n: models[n]["metrics"]["log_loss"]):
        found, spans = models[name]["metrics"], models[name]["interval_95"]
        cells = []
        for key in _HEAD:
            if key not in found:
                cells.append("-")
                continue
            low, high = spans[key]
            cells.append(f"{found[key]:.4f} ({low:.4f} - {high:.4f})")
        told = models[name].get("against_baseline", {}).get("verdict", "(baseline)")
        rows.append([name, *cells, told])
    data = printed["data"]
    return "\n".join(
        [
            report.table(["model", *_HEAD, "log loss against share"], rows),
            f"champion {printed['champion']} (chosen on the last fifth of the training time); "
            f"{data['judged']:,} visits judged from {printed['protocol']['at'][:10]}, "
            f"{data['bought']:,} bought",
        ]
    )
