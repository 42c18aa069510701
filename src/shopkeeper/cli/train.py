"""``shopkeeper train``: train, compare with what is live, promote what is not worse."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from shopkeeper.base import settings
from shopkeeper.cli.main import print_json
from shopkeeper.data.shop import open_shop
from shopkeeper.operate import train as training
from shopkeeper.operate.capabilities import get
from shopkeeper.operate.gate import sign_of


@click.command("train")
@click.argument("capabilities", nargs=-1, metavar="CAPABILITY…")
@click.option("--no-promote", is_flag=True, help="Register as challenger, whatever it measures.")
@click.option("--model", help="Another model of one CAPABILITY: fraud has encoder, sequence.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def command(
    home: str, capabilities: tuple[str, ...], no_promote: bool, model: str | None, as_json: bool
) -> None:
    """Train the CAPABILITY named, or all. A running server takes the new model by itself."""
    with open_shop(settings.load(home)) as shop:
        done = training.train(shop, capabilities, promote=not no_promote, variant=model)
    if as_json:
        print_json({"trained": [asdict(one) for one in done]})
        return
    for one in done:
        _print(one)


def _print(one: training.Training) -> None:
    word = "is live" if one.alias == "champion" else "is kept as challenger"
    print(f"{one.capability}: {one.version} {word}")
    for fact in one.verdict.facts:
        print(f"  {fact}")
    gating = get(one.capability).gating
    names = [n for n in _metrics(one.report) if sign_of(n, gating)]
    width = max((len(name) for name in one.report.get("models", {})), default=5) + 2
    print(f"\n{'model':<{width}}" + "".join(f"{name:>28}" for name in names))
    for model, entry in one.report.get("models", {}).items():
        cells = "".join(f"{_cell(entry, name):>28}" for name in names)
        note = "  (baseline)" if model == one.report.get("baseline") else ""
        print(f"{model:<{width}}{cells}{note}")
    print(f"\n  trained in {one.seconds:.0f} s; next: shopkeeper decide {one.capability} '{{…}}'")


def _metrics(report: dict[str, Any]) -> list[str]:
    entries = list(report.get("models", {}).values())
    return list(entries[0].get("metrics", {})) if entries else []


def _cell(entry: dict[str, Any], name: str) -> str:
    value = entry.get("metrics", {}).get(name)
    if not isinstance(value, float | int):
        return "-"
    interval = entry.get("interval_95", {}).get(name)
    if isinstance(interval, list | tuple):
        return f"{value:.4f} ({interval[0]:.3f} - {interval[1]:.3f})"
    return f"{value:.4f}"
