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
        if "path" in asked:
            _print_path(asked["path"])
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


def _print_path(path: dict[str, Any]) -> None:
    """Print the way of an item through every source, rule and filter, as of now."""
    for name, said in path["sources"].items():
        told = "silent" if said is None else f"rank {said['rank']}, share {said['share']:.4f}"
        print(f"  source {name:<16} {told}")
    if "ranker" in path:
        adds = ", ".join(f"{name} {add:+.3f}" for name, add in path["ranker"]["adds"].items())
        print(f"  ranker {path['ranker']['raw']:+.3f}: {adds}, …")
    for rule in path["rules"]:
        factor = f" x {rule['factor']:g}" if "factor" in rule else ""
        does = f"{rule['action']}{factor}" if rule["names_it"] else "does not name it"
        print(f"  rule   {rule['rule']:<16} {does}")
    print(f"  rank after rules: {path['rank_after_rules'] or 'none'}")
    taken = [name for name, out in path["filters"].items() if out]
    print(f"  filters: {', '.join(taken) if taken else 'none takes it out'}")
