"""``shopkeeper simulate``: try policies on customers simulated from the log, before real ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from shopkeeper.base import settings
from shopkeeper.cli.evaluate import mapping
from shopkeeper.cli.main import print_json
from shopkeeper.learn import report


@click.command("simulate")
@click.option(
    "--interactions", type=click.Path(path_type=Path), help="A purchases file; else the shop's log."
)
@click.option("--map", "maps", multiple=True, metavar="NAME=COLUMN", help="Rename a column.")
@click.option("--items", default=200, show_default=True, help="Pool: the products most bought.")
@click.option("--visits", default=2000, show_default=True, help="Simulated visits per run.")
@click.option("--seeds", default=5, show_default=True, help="Runs per policy, 2 to 10.")
@click.option(
    "--eta",
    type=float,
    help="Place k is seen with chance k^-eta; else from the shop's impressions, or 1.",
)
@click.option("--lift", default=0.0, show_default=True, help="Utility gained by being seen.")
@click.option("--seed", default=7, show_default=True, help="First seed.")
@click.option("--keep", is_flag=True, help="Show it in the console, also if made from a file.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def command(
    home: str,
    interactions: Path | None,
    maps: tuple[str, ...],
    items: int,
    visits: int,
    seeds: int,
    eta: float | None,
    lift: float,
    seed: int,
    keep: bool,
    as_json: bool,
) -> None:
    """Fit customers to two periods, train policies on the first, judge them on the second."""
    from shopkeeper.operate import simulation

    chosen = settings.load(home)
    asked = {"items": items, "visits": visits, "seeds": seeds, "eta": eta, "lift": lift}
    if interactions is None:
        from shopkeeper.data.shop import open_shop

        with open_shop(chosen) as shop:
            found = simulation.run(simulation.customers(shop), shop=shop, seed=seed, **asked)
    else:
        from shopkeeper.recommend.models.from_file import training

        data = training(interactions, None, mapping(maps))[0].interactions
        found = simulation.run(data, seed=seed, **asked)
    if keep or interactions is None:
        simulation.keep(chosen, found)
    print_json(found) if as_json else print(as_text(found))


def as_text(found: dict[str, Any]) -> str:
    """Return the tables for people: policies, then how far to believe them."""
    rows = []
    for name, one in found["policies"].items():
        low, high = one["against_greedy"]["interval_95"]
        rows.append(
            [
                name,
                f"{one['reward']['mean']:.4f}",
                f"{one['against_greedy']['mean']:+.4f}",
                f"{low:+.4f} - {high:+.4f}",
                f"{one['regret']['mean'][-1]:.0f}",
            ]
        )
    told = found["protocol"]
    lines = [
        report.table(["policy", "taken/visit", "over greedy", "95 % interval", "regret"], rows),
        f"  oracle {found['oracle']['reward']['mean']:.4f}; {told['visits']:,} visits, "
        f"{told['seeds']} seeds, {told['items']} products, {told['places']} places",
        f"  {_looking(told)}, lift {told['assumed']['lift']:g} assumed",
    ]
    for name, one in zip(("first", "second"), found["simulators"], strict=True):
        check = one["validity"]
        choice, auc = check["choice"], check["discriminator_auc"]
        lines.append(
            f"  {name} simulator, next {check['days']:g} days: log-likelihood per pick "
            f"{choice['log_likelihood']:.3f} (popularity {choice['popularity']:.3f}), "
            f"told from real visits with AUC {'unknown' if auc is None else f'{auc:.3f}'}"
        )
    for name, one in found["off_policy"].items():
        lines.append(f"  off-policy, {name}: {one['verdict']} {'; '.join(one['why'])}")
    return "\n".join(lines)


def _looking(told: dict[str, Any]) -> str:
    eta = f"place k is seen with chance k^-{told['assumed']['eta']:g}"
    return f"{eta}, {'measured' if told['eta_from'] == 'impressions' else 'assumed, not measured'}"
