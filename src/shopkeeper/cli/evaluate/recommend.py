"""``shopkeeper evaluate recommend``: full ranking on an interactions file or the own log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from shopkeeper.base import settings
from shopkeeper.base.errors import BadInput
from shopkeeper.cli.evaluate import mapping
from shopkeeper.cli.main import print_json
from shopkeeper.learn import report


@click.command("recommend")
@click.option("--interactions", type=click.Path(path_type=Path), help="CSV or Parquet, .gz too.")
@click.option("--items", type=click.Path(path_type=Path), help="Catalogue: item_id, title, …")
@click.option(
    "--protocol",
    type=click.Choice(["last-out", "time"]),
    default="last-out",
    show_default=True,
    help="Last row of each user, or everything from a moment on.",
)
@click.option("--at", help="Where protocol time cuts: a date or a moment, UTC.")
@click.option("--repeats", is_flag=True, help="Rank items met before as well.")
@click.option("--map", "maps", multiple=True, metavar="NAME=COLUMN", help="Rename a column.")
@click.option("--limit-users", type=click.IntRange(min=1), help="Judge a seeded sample of users.")
@click.option("--deep", is_flag=True, help="Train the transformer too (extra `deep`; minutes).")
@click.option("--seed", default=7, show_default=True, help="Seed of samples and intervals.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def command(
    home: str,
    interactions: Path | None,
    items: Path | None,
    protocol: str,
    at: str | None,
    repeats: bool,
    maps: tuple[str, ...],
    limit_users: int | None,
    deep: bool,
    seed: int,
    as_json: bool,
) -> None:
    """Full ranking of every item, per user first, champion chosen on validation."""
    from shopkeeper.data.importers.interactions import parse_moment
    from shopkeeper.recommend import evaluate
    from shopkeeper.recommend.models import from_file

    if at is not None and protocol != "time":
        raise BadInput("--at goes with --protocol time only.", field="at", value=at)
    at_us = None if at is None else parse_moment(at)
    names = mapping(maps)
    if interactions is None:
        data, facts = _own_log(home)
    else:
        data, facts = from_file.training(interactions, items, names)
    setup = evaluate.Setup(
        protocol=protocol,
        at_us=at_us,
        repeats=repeats,
        limit_users=limit_users,
        seed=seed,
        deep=deep,
    )
    printed = evaluate.evaluate(data, setup, facts).report
    if as_json:
        print_json(printed)
    else:
        print(as_text(printed))


def as_text(printed: dict[str, Any]) -> str:
    """Return the table for people: best first, then the champion and what was left out."""
    models, baseline = printed["models"], printed["baseline"]
    ordered = sorted(models, key=lambda n: -models[n]["metrics"].get("ndcg_at_10", 0))
    parts = [p for p in ("repeat", "discovery") if p in models["blend"]]
    head = ["model", "ndcg@10", "95 % interval", *(f"{p} ndcg@10" for p in parts)]
    head += ["recall@20", "coverage@10", "fit s", "against baseline"]
    rows = []
    for name in ordered:
        model = models[name]
        low, high = model["interval_95"]["ndcg_at_10"]
        apart = [model.get(p, {}).get("metrics", {}).get("ndcg_at_10") for p in parts]
        rows.append(
            [
                name,
                f"{model['metrics']['ndcg_at_10']:.4f}",
                f"{low:.4f} - {high:.4f}",
                *("-" if value is None else f"{value:.4f}" for value in apart),
                f"{model['metrics']['recall_at_20']:.4f}",
                f"{model['metrics']['coverage_at_10']:.3f}",
                f"{model['fit_seconds']:.1f}",
                _against(model, name == baseline),
            ]
        )
    data = printed["data"]
    lines = [
        report.table(head, rows),
        f"champion {printed['champion']} (by ndcg@10 on validation), baseline {baseline}",
        f"  {data['rows']:,} rows, {data['users']:,} users, {data['items']:,} items;"
        f" judged on {data['test_users']:,} users",
        f"  left out: {data['cold_users']:,} users and {data['cold_items']:,} items that"
        f" training never saw ({data['cold_targets']:,} of {data['targets']:,} targets)",
    ]
    return "\n".join(lines)


def _against(model: dict[str, Any], is_baseline: bool) -> str:
    if is_baseline or "against_baseline" not in model:
        return "(baseline)"
    found = model["against_baseline"]
    return f"{found['difference']:+.4f}, {found['verdict']}"


def _own_log(home: str) -> tuple[Any, dict[str, Any]]:
    from shopkeeper.data.shop import open_shop
    from shopkeeper.recommend.training import gather

    with open_shop(settings.load(home)) as shop:
        data = gather(shop.warehouse)
    if len(data.interactions.user) == 0:
        raise BadInput(
            "The shop's log has no interactions of known customers.",
            hint="Import some with `shopkeeper import`, or name a file with --interactions.",
        )
    return data, {"source": "log"}
