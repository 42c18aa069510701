"""``shopkeeper explain``: why a decision came out as it did, and why not otherwise."""

from __future__ import annotations

from typing import Any

import click

from shopkeeper.base import settings
from shopkeeper.cli.main import print_json
from shopkeeper.data.shop import open_shop
from shopkeeper.operate.runtime import Runtime


@click.command("explain")
@click.argument("decision_id")
@click.option("--item", help="Why is this item not in the list?")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def command(home: str, decision_id: str, item: str | None, as_json: bool) -> None:
    """Explain DECISION_ID from its record."""
    with open_shop(settings.load(home)) as shop:
        told = Runtime(shop).start(follow=False).explain(decision_id, item=item)
    if as_json:
        print_json(told)
        return
    _print(told)


def _print(told: dict[str, Any]) -> None:
    if asked := told.get("why_not"):
        print(f"{asked['item_id']}: {asked['text']}")
        if "rank" in asked:
            ranks = ", ".join(f"{name} {rank}" for name, rank in asked["rank_by_source"].items())
            print(f"  rank {asked['rank']} of {asked['candidates']}; by source: {ranks}")
        if asked.get("source") == "now":
            print("  from the same request put again now, not from the record")
        print()
    print(f"{told['capability']} for {told['subject']} at {told['as_of']}, model {told['model']}")
    if told["fallback"]:
        print(f"  fallback: {told['fallback_reason']}")
    for item in told.get("items", []):
        name = item["title"] or item["item_id"]
        shares = ", ".join(f"{s} {p:.0f} %" for s, p in item["shares_percent"].items())
        reasons = "; ".join(reason["text"] for reason in item["reasons"])
        print(f"{item['position'] + 1:>4}  {name[:40]:<40}  {item['score']:>7.4f}  {shares}")
        print(f"      {reasons}")
    trace = told.get("trace", {})
    print(f"\n  {trace.get('candidates', 0)} candidates, {trace.get('forbidden', 0)} taken out")
    for code, names in trace.get("removed", {}).items():
        more = " …" if len(names) > 5 else ""
        print(f"  {code:<18} {', '.join(names[:5])}{more}")
    if trace.get("capped"):
        print(f"  {'capped':<18} {', '.join(trace['capped'][:5])}")
    for outcome in told["outcomes"]:
        print(f"  outcome {outcome['label']} {outcome['item_id'] or ''} at {outcome['at']}")
