"""``shopkeeper plan inventory``: this review cycle's purchase proposals, on the record."""

from __future__ import annotations

from dataclasses import asdict

import click

from shopkeeper.base import settings
from shopkeeper.cli.main import print_json
from shopkeeper.data.shop import open_shop
from shopkeeper.operate.replenish import nightly

WHAT = "inventory"


@click.command("plan")
@click.argument("what", type=click.Choice([WHAT]))
@click.option("--most", default=20_000, help="Products at most, most valuable first.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def command(home: str, what: str, most: int, as_json: bool) -> None:
    """Plan WHAT for this review cycle. A second run in the same cycle doubles nothing."""
    with open_shop(settings.load(home)) as shop:
        done = nightly.run(shop, most=most).planned
    if as_json:
        print_json(asdict(done))
        return
    print(f"{done.proposed} proposals for {done.products} products, cycle {done.cycle}")
    print(
        f"  value {done.value_minor / 100:,.2f}, approved by the rules {done.approved}, "
        f"expired {done.expired}, proposed before in this cycle {done.known_already}"
    )
    if done.unmanaged:
        print(f"  {done.unmanaged} were never counted and have no supplier: forecast, not ordered")
