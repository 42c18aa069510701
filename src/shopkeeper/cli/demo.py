"""`shopkeeper demo`: build the demo shop from real data, train, and serve it."""

from __future__ import annotations

import sys
from typing import Any

import click

from shopkeeper.base import settings as settings_file
from shopkeeper.cli.main import print_json
from shopkeeper.operate.demo import build_demo


@click.command("demo")
@click.option("--quick", is_flag=True, help="A seeded tenth of the households; under 30 seconds.")
@click.option("--no-serve", is_flag=True, help="Build only.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object; builds only.")
@click.pass_obj
def command(home: str, quick: bool, no_serve: bool, as_json: bool) -> None:
    """Build the demo shop from a real grocer's year, train on it and serve it.

    The data is The Complete Journey, read from its package; all dates are moved by whole weeks
    so that the last day is at most a week old. A second start skips what is built.
    """
    settings = settings_file.load(home)
    facts = build_demo(settings, quick=quick)
    if as_json:
        print_json(facts)
        return
    print(summary(home, facts))
    if no_serve:
        print(f"  next: shopkeeper --home {home} serve")
        return
    print(things_to_try(f"http://{settings.host}:{settings.port}", facts), flush=True)
    from shopkeeper.cli.serve import run_server

    sys.stdout.flush()
    run_server(home)


def summary(home: str, facts: dict[str, Any]) -> str:
    """Return what the demo shop is: data, counts, plainly the moved dates, a model held back."""
    data = facts["data"]
    trained = facts.get("stages", {}).get("train", {})
    held = [name for name, told in trained.items() if str(told).endswith(", challenger")]
    return (
        f"demo shop in {home}: {facts['source']}\n"
        f"  {data['baskets']:,} baskets of {data['households']:,} households"
        f"{', a quick tenth' if facts['quick'] else ''}\n"
        f"  dates moved {facts['shift_weeks']} weeks: {facts['data_first_day']} to "
        f"{facts['data_last_day']} became {facts['first_day']} to {facts['last_day']}"
        + "".join(
            f"\n  {name}: the gate held the new model back, the baseline answers"
            f" (`shopkeeper models list {name}` says more)"
            for name in held
        )
    )


def things_to_try(address: str, facts: dict[str, Any]) -> str:
    """Return three commands that show the loop: ask, tell, ask on a product page."""
    customer, item = facts["example"]["customer_id"], facts["example"]["item_id"]
    key = '-H "Authorization: Bearer $KEY"'
    event = (
        '{"event_id": "try-\'$(date +%s)\'", "kind": "add_to_cart", '
        f'"occurred_at": "\'$(date -u +%FT%TZ)\'", "customer_id": "{customer}", '
        f'"item_id": "{item}"}}'
    )
    ask = f"{address}/v1/recommendations?customer_id={customer}&limit=5"
    return (
        "try, in another terminal, once ready, with KEY=<secret key> "
        "(the first start prints one below; `shopkeeper keys make` makes more):\n"
        f"  curl {key} '{ask}&placement=home'\n"
        f"  curl {key} {address}/v1/events -d '{event}'\n"
        f"  curl {key} '{ask}&placement=product&item_id={item}'"
    )
