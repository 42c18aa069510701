"""``shopkeeper models``: list versions, promote one, roll back to the one before."""

from __future__ import annotations

from typing import Any

import click

from shopkeeper.base import clock, settings
from shopkeeper.cli.main import print_json
from shopkeeper.operate import capabilities
from shopkeeper.operate.gate import champion_of
from shopkeeper.operate.registry import Registry, Version

EVERY = [*capabilities.MODULES, *capabilities.BESIDE]
as_json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.group("models", invoke_without_command=True)
@as_json_option
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """List model versions; promote or roll back. Without a word: list all."""
    if ctx.invoked_subcommand is None:
        _list(_registry(ctx.obj), EVERY, as_json)


@command.command("list")
@click.argument("capability", required=False)
@as_json_option
@click.pass_obj
def list_versions(home: str, capability: str | None, as_json: bool) -> None:
    """List the versions of CAPABILITY, newest first, with their metrics."""
    names = [capabilities.get(capability).name] if capability else EVERY
    _list(_registry(home), names, as_json)


@command.command("promote")
@click.argument("capability")
@click.argument("version")
@as_json_option
@click.pass_obj
def promote(home: str, capability: str, version: str, as_json: bool) -> None:
    """Make VERSION the champion; it is read back whole before the switch."""
    card, registry = capabilities.get(capability), _registry(home)
    registry.load(card.name, version, card.models)
    _switched(card.name, registry.promote(card.name, version), as_json)


@command.command("rollback")
@click.argument("capability")
@as_json_option
@click.pass_obj
def rollback(home: str, capability: str, as_json: bool) -> None:
    """Make the previous champion live again."""
    card, registry = capabilities.get(capability), _registry(home)
    _switched(card.name, registry.rollback(card.name), as_json)


def _registry(home: str) -> Registry:
    return Registry(settings.load(home).models_path)


def _switched(capability: str, held: dict[str, str], as_json: bool) -> None:
    if as_json:
        print_json({"capability": capability, **held})
        return
    print(f"{capability}: {held['champion']} is live")
    if "previous" in held:
        print(f"  before it {held['previous']}; back with: shopkeeper models rollback {capability}")


def _list(registry: Registry, names: list[str], as_json: bool) -> None:
    found = {name: registry.versions(name) for name in names}
    if as_json:
        print_json({"models": {n: [_facts(v) for v in versions] for n, versions in found.items()}})
        return
    for name, versions in found.items():
        if not versions:
            print(f"{name}: no model yet; it answers with its baseline")
            print(f"  next: shopkeeper train {name}")
            continue
        print(f"{'version':<36}{'trained at':<22}{'alias':<20}metrics")
        for version in versions:
            at = clock.iso(version.created_us)[:19] if version.created_us else "unknown"
            said = version.broken or _short(version)
            print(f"{version.name:<36}{at:<22}{' '.join(version.aliases) or '-':<20}{said}")


def _short(version: Version) -> str:
    metrics = champion_of(version.report).get("metrics", {})
    return "  ".join(f"{name} {value:.4f}" for name, value in list(metrics.items())[:3])


def _facts(version: Version) -> dict[str, Any]:
    return {
        "version": version.name,
        "kind": version.kind,
        "trained_at": clock.iso(version.created_us),
        "aliases": list(version.aliases),
        "metrics": dict(champion_of(version.report).get("metrics", {})),
        "data": dict(version.data),
        "broken": version.broken,
    }
