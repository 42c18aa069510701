"""``shopkeeper knowledge``: keep what support may cite in step with a folder; list it; the gaps."""

from __future__ import annotations

from pathlib import Path

import click

from shopkeeper.base import settings
from shopkeeper.cli.main import print_json
from shopkeeper.data import support_tables
from shopkeeper.data.shop import open_shop
from shopkeeper.operate import articles


@click.group("knowledge")
def command() -> None:
    """FAQ, terms and product facts that support may cite."""


@command.command("sync")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def sync(home: str, folder: Path, as_json: bool) -> None:
    """Bring the articles in step with a folder of ID.LANGUAGE.md files."""
    with open_shop(settings.load(home)) as shop:
        counts = articles.sync(shop, folder)
    if as_json:
        print_json(counts)
    else:
        print(", ".join(f"{n} {what}" for what, n in counts.items()))


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def listing(home: str, as_json: bool) -> None:
    """List the articles with their versions."""
    with open_shop(settings.load(home)) as shop:
        found = support_tables.articles(shop.warehouse)
    if as_json:
        print_json({"articles": found})
        return
    for one in found:
        print(f"{one['article_id']}  {one['language']}  version {one['version']}  {one['title']}")


@command.command("gaps")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def gaps(home: str, as_json: bool) -> None:
    """List what customers asked and nothing answered, alike questions together."""
    with open_shop(settings.load(home)) as shop:
        found = articles.gaps(shop.warehouse)
    if as_json:
        print_json({"gaps": found})
        return
    print("\n".join(f"{one['times']:>4}  {one['question']}" for one in found) or "no gaps")
