"""``shopkeeper check``: the named data-quality checks, as a table or as JSON."""

from __future__ import annotations

import click

from shopkeeper.base import clock, settings
from shopkeeper.cli.main import print_json
from shopkeeper.data.quality import Finding, check, checks
from shopkeeper.data.shop import open_shop

STRICT_EXIT = 2


@click.command("check")
@click.option("--only", multiple=True, metavar="NAME", help="Run this check; may be repeated.")
@click.option("--strict", is_flag=True, help="Exit 2 when a check of severity error found rows.")
@click.option("--samples", default=3, show_default=True, help="Sample rows per finding.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def command(home: str, only: tuple[str, ...], strict: bool, samples: int, as_json: bool) -> int:
    """Look for what is wrong in the shop's data; findings are not failures of the command."""
    with open_shop(settings.load(home)) as shop:
        findings = check(shop.warehouse, only=only, samples=samples)
    ran = len(only) or len(checks())
    if as_json:
        print_json({"checks": ran, "findings": [finding.to_dict() for finding in findings]})
    else:
        _print(findings, ran)
    failed = strict and any(finding.severity == "error" for finding in findings)
    return STRICT_EXIT if failed else 0


def _print(findings: list[Finding], ran: int) -> None:
    if not findings:
        print(f"{ran} checks found nothing")
        return
    print(f"{len(findings)} of {ran} checks found something")
    width = max(len(finding.name) for finding in findings)
    print(f"\n{'check':<{width}}  severity      rows  what to do")
    for finding in findings:
        print(
            f"{finding.name:<{width}}  {finding.severity:<8}  {finding.count:>8,}  {finding.hint}"
        )
    for finding in findings:
        print(f"\n{finding.name}: {finding.says}")
        for row in finding.samples:
            print("  " + "  ".join(_fact(name, value) for name, value in row.items()))


def _fact(name: str, value: object) -> str:
    """Return name=value; a moment as a date that people read."""
    if name.endswith("_us") and isinstance(value, int):
        return f"{name.removesuffix('_us')}={clock.iso(value)}"
    return f"{name}={value}"
