"""``shopkeeper evaluate ratings``: how many stars a customer would give, on a file or the log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from shopkeeper.base import settings
from shopkeeper.cli.evaluate import mapping
from shopkeeper.cli.main import print_json
from shopkeeper.learn import artefacts, report

_HEAD = ("rmse", "mse", "mae", "precision_at_10", "recall_at_10", "f1_at_10")


@click.command("ratings")
@click.option("--ratings", type=click.Path(path_type=Path), help="CSV or Parquet, .gz too.")
@click.option("--map", "maps", multiple=True, metavar="NAME=COLUMN", help="Rename a column.")
@click.option("--save", type=click.Path(path_type=Path), help="Keep the trained factors here.")
@click.option("--log-folder", help="Write TensorBoard curves of the training here.")
@click.option("--seed", default=7, show_default=True, help="Seed of training and intervals.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def command(
    home: str,
    ratings: Path | None,
    maps: tuple[str, ...],
    save: Path | None,
    log_folder: str | None,
    seed: int,
    as_json: bool,
) -> None:
    """Train matrix factorisation on stars and measure it (extra `deep`)."""
    from shopkeeper.recommend.ratings import table
    from shopkeeper.recommend.ratings.evaluate import evaluate

    if ratings is None:
        from shopkeeper.data.shop import open_shop

        with open_shop(settings.load(home)) as shop:
            data = table.of_log(shop.warehouse)
    else:
        data = table.read(ratings, mapping(maps))
    done = evaluate(data, seed=seed, log_folder=log_folder)
    if save is not None:
        artefacts.save(done.model.to_artefact(), save, {"report": done.report})
    if as_json:
        print_json(done.report)
    else:
        print(as_text(done.report))


def as_text(printed: dict[str, Any]) -> str:
    """Return the table for people, lowest error first."""
    models = printed["models"]
    rows = []
    for name in sorted(models, key=lambda n: models[n]["metrics"].get("rmse", 99.0)):
        found, bounds = models[name]["metrics"], models[name]["interval_95"]
        cells = [f"{found[key]:.4f}" if key in found else "-" for key in _HEAD]
        low, high = bounds.get("rmse", (None, None))
        between = "-" if low is None else f"{low:.4f} - {high:.4f}"
        verdict = models[name].get("against_baseline", {}).get("verdict", "-")
        note = "(baseline)" if name == printed["baseline"] else verdict
        rows.append([name, cells[0], between, *cells[1:], note])
    data = printed["data"]
    head = ["model", _HEAD[0], "95 % interval", *_HEAD[1:], "rmse against baseline"]
    return "\n".join(
        [
            report.table(head, rows),
            f"champion {printed['champion']} (by rmse on validation); trained on "
            f"{printed['chosen']['device']}",
            f"  {data['ratings']:,} ratings of {data['users']:,} users for {data['items']:,} items;"
            f" judged on {data['test_rows']:,} of {data['test_users']:,} users, "
            f"{data['test_rows_of_new_items']:,} for items that training never saw",
        ]
    )
