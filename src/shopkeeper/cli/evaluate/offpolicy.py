"""``shopkeeper evaluate offpolicy``: what another policy would have earned, from what was shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from shopkeeper.base import settings
from shopkeeper.base.errors import BadInput
from shopkeeper.cli.evaluate import mapping
from shopkeeper.cli.main import print_json
from shopkeeper.learn import report

_ESTIMATES = ("ips", "clipped", "snips", "dm", "dr", "switch_dr")


@click.command("offpolicy")
@click.option(
    "--file",
    "path",
    type=click.Path(path_type=Path),
    help="A logged bandit file: action, reward, pscore [, position, request, policy].",
)
@click.option(
    "--against", type=click.Path(path_type=Path), help="Shown actions of the policy in question."
)
@click.option("--policy", default="", help="With --file: uniform or learned.")
@click.option("--map", "maps", multiple=True, metavar="NAME=COLUMN", help="Rename a column.")
@click.option(
    "--reward", default="click", show_default=True, help="click, cart, purchase, revenue."
)
@click.option("--days", default=90, show_default=True, help="How far back slates count.")
@click.option("--within-hours", default=24.0, show_default=True, help="When a reward must come.")
@click.option("--share", "shares", multiple=True, type=float, help="Another explore_share to ask.")
@click.option("--seed", default=7, show_default=True, help="Seed of models and intervals.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def command(
    home: str,
    path: Path | None,
    against: Path | None,
    policy: str,
    maps: tuple[str, ...],
    reward: str,
    days: int,
    within_hours: float,
    shares: tuple[float, ...],
    seed: int,
    as_json: bool,
) -> None:
    """Judge greedy, other shares and a learned policy on places that were drawn by chance."""
    wrong = next((s for s in shares if not 0 <= s <= 1), None)
    if wrong is not None:
        raise BadInput("--share is no share.", field="share", value=wrong, allowed="0 to 1")
    if path is not None:
        from shopkeeper.recommend.offpolicy import from_file

        found = from_file.evaluate(path, mapping(maps), against=against, policy=policy, seed=seed)
    elif against is not None or policy or maps:
        raise BadInput(
            "--against, --policy and --map go with --file.",
            hint="Without --file the shop's own slates are judged.",
            field="file",
        )
    else:
        from shopkeeper.data.shop import open_shop
        from shopkeeper.recommend.offpolicy.evaluate import of_shop

        with open_shop(settings.load(home)) as shop:
            found = of_shop(
                shop.warehouse,
                reward=reward,
                days=days,
                within_hours=within_hours,
                shares=shares,
                seed=seed,
            )
    print_json(found) if as_json else print(as_text(found))


def as_text(found: dict[str, Any]) -> str:
    """Return the table for people: each policy, its estimates, its verdict, what is missing."""
    lines = []
    models = found["models"]
    if models:
        ran = models[found["baseline"]]["metrics"]["mean"]
        rows = []
        for name, one in models.items():
            if name == found["baseline"]:
                continue
            low, high = one["against_baseline"]["interval_95"]
            cells = [f"{one['metrics'][e]:.4f}" if e in one["metrics"] else "-" for e in _ESTIMATES]
            gap = f"{one['against_baseline']['difference']:+.4f}"
            told = [gap, f"{low:+.4f} - {high:+.4f}", one["verdict"]]
            rows.append([name, *cells, f"{one['effective']:,}", *told])
        head = ["policy", *_ESTIMATES, "effective", "over logged", "95 % interval", "verdict"]
        lines = [report.table(head, rows), f"  what ran earned {ran:.4f} a place"]
        lines += [f"  {n}: {'; '.join(o['why'])}" for n, o in models.items() if o.get("why")]
    lines.append("  " + ", ".join(f"{k} {v:,}" for k, v in _counts(found["data"])))
    lines += [f"  missing: {one['says']}" for one in found["missing"]]
    return "\n".join(lines)


def _counts(data: dict[str, Any]) -> list[tuple[str, int]]:
    return [(name.replace("_", " "), v) for name, v in data.items() if isinstance(v, int)]
