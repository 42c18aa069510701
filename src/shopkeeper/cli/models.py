"""``shopkeeper models``: list versions, give one a role, roll back to the one before."""

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
    """List model versions, give them roles, roll back. Without a word: list all."""
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


@command.command("challenge")
@click.argument("capability")
@click.argument("version")
@click.option(
    "--share",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="Share of customers for whom it decides; the others get the champion.",
)
@as_json_option
@click.pass_obj
def challenge(home: str, capability: str, version: str, share: float, as_json: bool) -> None:
    """Let VERSION run along as challenger; with --share it also decides for some customers."""
    card, registry = capabilities.get(capability), _registry(home)
    registry.load(card.name, version, card.models)
    _beside(registry, card.name, registry.challenge(card.name, version, share), as_json)


@command.command("shadow")
@click.argument("capability")
@click.argument("version")
@as_json_option
@click.pass_obj
def shadow(home: str, capability: str, version: str, as_json: bool) -> None:
    """Let VERSION run along as shadow: scored and recorded on live traffic, it never decides."""
    card, registry = capabilities.get(capability), _registry(home)
    registry.load(card.name, version, card.models)
    _beside(registry, card.name, registry.shadow(card.name, version), as_json)


@command.command("retire")
@click.argument("capability")
@click.argument("role", type=click.Choice(["challenger", "shadow"]))
@as_json_option
@click.pass_obj
def retire(home: str, capability: str, role: str, as_json: bool) -> None:
    """Let the challenger or the shadow run along no more; its version stays on file."""
    card, registry = capabilities.get(capability), _registry(home)
    _beside(registry, card.name, registry.retire(card.name, role), as_json)


def _beside(registry: Registry, capability: str, held: dict[str, str], as_json: bool) -> None:
    share = registry.share(capability)
    if as_json:
        print_json({"capability": capability, **held, "challenger_share": share})
        return
    decides = {"challenger": f"{share:.1%} of customers" if share else "nobody", "shadow": "nobody"}
    print(f"{capability}: champion {held.get('champion', 'none')}")
    for role, whom in decides.items():
        known = role in held
        print(f"  {role} {held[role]}, decides for {whom}" if known else f"  no {role}")


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
