"""``shopkeeper compact``: move the log's tail into the lake and write the tables' files."""

from __future__ import annotations

from dataclasses import asdict

import click

from shopkeeper.base import settings
from shopkeeper.cli.main import print_json
from shopkeeper.data.shop import open_shop


@click.command("compact")
@click.option("--repair", is_flag=True, help="Make damaged lake files again from the log first.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def command(home: str, repair: bool, as_json: bool) -> None:
    """Move the log's tail into the lake; running it twice changes nothing."""
    with open_shop(settings.load(home)) as shop:
        repaired = shop.lake.repair() if repair else []
        done = shop.lake.compact()
        files = shop.warehouse.materialise()
    if as_json:
        paths = [part.path for part in repaired]
        print_json({**asdict(done), "table_files": files, "repaired": paths})
        return
    for part in repaired:
        print(f"repaired {part.path}, {part.rows} events from the log")
    if not done.events:
        print("the lake is up to date")
    else:
        print(f"moved {done.events:,} events into {done.parts} files, {done.bytes / 1e6:.1f} MB")
    if files:
        print(f"  tables: {files} files written")
