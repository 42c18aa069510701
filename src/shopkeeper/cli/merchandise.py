"""`shopkeeper merchandise`: the shop's own rules over recommendations."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from shopkeeper.base import settings
from shopkeeper.base.errors import BadInput, NotFound
from shopkeeper.cli.main import print_json
from shopkeeper.data import listings
from shopkeeper.data.shop import open_shop
from shopkeeper.operate import merchandising
from shopkeeper.operate.runtime import Runtime
from shopkeeper.recommend.merchandise import STATUSES
from shopkeeper.recommend.schema import PLACEMENTS

as_json = click.option("--json", "as_json", is_flag=True, help="One JSON object.")


@click.group("merchandise")
def command() -> None:
    """Pin, boost, bury, take out or hold places for products, by rules."""


@command.command("list")
@as_json
@click.pass_obj
def list_rules(home: str, as_json: bool) -> None:
    """List the rules, the live ones first."""
    with open_shop(settings.load(home)) as shop:
        found = merchandising.standing(shop)
    if as_json:
        print_json({"rules": found})
        return
    print(f"{'rule':<24}{'status':<8}{'action':<8}{'by':<12}{'changed':<22}what")
    for one in found:
        what = one["problem"] or json.dumps(one["body"].get("items", {}), ensure_ascii=False)
        print(
            f"{one['rule_id'][:22]:<24}{one['status']:<8}{one['body'].get('action', '-'):<8}"
            f"{one['operator'][:10]:<12}{one['changed_at'][:19]:<22}{what[:80]}"
        )


@command.command("set")
@click.argument("rule_id")
@click.argument("rule", metavar="'{…}'|FILE")
@click.option("--status", type=click.Choice(STATUSES), default="draft", show_default=True)
@click.option("--starts-at", help="A moment, UTC; none: at once.")
@click.option("--ends-at", help="A moment, UTC; none: open.")
@as_json
@click.pass_obj
def set_rule(
    home: str,
    rule_id: str,
    rule: str,
    status: str,
    starts_at: str | None,
    ends_at: str | None,
    as_json: bool,
) -> None:
    """Save RULE_ID; a running server acts by it in its next answer."""
    body = _body(rule)
    with open_shop(settings.load(home)) as shop:
        made = merchandising.save(
            shop,
            rule_id,
            status,
            body,
            operator="command line",
            starts_at=starts_at,
            ends_at=ends_at,
        )
    if as_json:
        print_json({"rule": asdict(made)})
        return
    print(f"{made.rule_id}: {made.action} is {made.status}")
    if status == "draft":
        print(f"  next: shopkeeper merchandise preview {rule_id}")


@command.command("preview")
@click.argument("rule_id")
@click.option("--placement", type=click.Choice(PLACEMENTS), default="home", show_default=True)
@click.option("--customers", default=50, show_default=True, type=click.IntRange(1, 200))
@as_json
@click.pass_obj
def preview(home: str, rule_id: str, placement: str, customers: int, as_json: bool) -> None:
    """Say what RULE_ID would change for the latest customers, without a record."""
    with open_shop(settings.load(home)) as shop:
        found = {one["rule_id"]: one for one in merchandising.standing(shop)}.get(rule_id)
        if found is None:
            raise NotFound(
                f"There is no merchandising rule '{rule_id}'.",
                hint="`shopkeeper merchandise list` shows them.",
                field="rule_id",
                value=rule_id,
            )
        rule = merchandising.checked(rule_id, found["status"], found["body"])
        asked = [c["customer_id"] for c in listings.customers(shop.warehouse, 0, customers)]
        runtime = Runtime(shop).start(follow=False)
        seen = merchandising.preview(
            runtime, rule, asked[:customers] or [None], placement=placement
        )
    if as_json:
        print_json(asdict(seen))
        return
    print(f"{rule_id} on {placement}: changes {seen.changed} of {seen.slates} slates,")
    print(f"  {seen.slots_changed} of {seen.slots} slots")
    for word, counted in (("in ", seen.entering), ("out", seen.leaving)):
        for item_id, slates in counted:
            print(f"  {word} {item_id:<24}{slates:>5} slates")


def _body(rule: str) -> dict[str, Any]:
    try:
        text = rule if rule.lstrip().startswith("{") else Path(rule).read_text("utf-8")
        body = json.loads(text)
    except (OSError, ValueError) as problem:
        raise BadInput(
            f"The rule is no JSON object and no file that holds one: {problem}.",
            hint='For example \'{"action": "filter", "items": {"brand": "Acme"}}\'.',
            field="rule",
            value=rule,
        ) from problem
    return dict(body)
