"""``shopkeeper transfers``: what to move between warehouses before anything is bought."""

from __future__ import annotations

import click

from shopkeeper.base import settings
from shopkeeper.cli.main import print_json
from shopkeeper.data.shop import open_shop
from shopkeeper.operate import stock_transfers, transfer_desk

OPERATOR = "command line"
as_json = click.option("--json", "as_json", is_flag=True, help="One JSON object.")


@click.group("transfers")
def command() -> None:
    """Move units between warehouses before new ones are bought."""


@command.command("list")
@as_json
@click.pass_obj
def listing(home: str, as_json: bool) -> None:
    """Show what would be moved now, by way."""
    with open_shop(settings.load(home)) as shop:
        found = stock_transfers.plain(stock_transfers.propose(shop))
    if as_json:
        print_json(found)
        return
    if not found["transfers"]:
        print("nothing to move: no place lacks what another has to spare, or moving costs more")
        return
    print(f"{'from':<12}{'to':<12}{'units':>7}{'products':>10}{'cost':>10}{'days':>6}")
    for way in found["transfers"]:
        print(
            f"{way['from_id']:<12}{way['to_id']:<12}{way['units']:>7}{len(way['items']):>10}"
            f"{way['cost_minor']:>10,}{way['days']:>6.0f}"
        )
    print(f"  saves {found['saved_minor']:,} minor units against buying; demand: {found['source']}")
    print("  next: shopkeeper transfers accept FROM TO")


@command.command("accept")
@click.argument("from_id")
@click.argument("to_id")
@as_json
@click.pass_obj
def accept(home: str, from_id: str, to_id: str, as_json: bool) -> None:
    """Move what is proposed from one place to another."""
    with open_shop(settings.load(home)) as shop:
        name = transfer_desk.accept(shop, from_id, to_id, OPERATOR)
    print_json({"transfer_id": name}) if as_json else print(
        f"{name}: held at {from_id}, on order at {to_id}"
    )


@command.command("mark")
@click.argument("transfer_id")
@click.argument("status", type=click.Choice(transfer_desk.STATES))
@as_json
@click.pass_obj
def mark(home: str, transfer_id: str, status: str, as_json: bool) -> None:
    """Say that a transfer left or arrived."""
    with open_shop(settings.load(home)) as shop:
        transfer_desk.mark(shop, transfer_id, status, OPERATOR)
    print_json({"transfer_id": transfer_id, "status": status}) if as_json else print(
        f"{transfer_id}: {status}"
    )
