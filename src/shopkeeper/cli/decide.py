"""``shopkeeper decide``: one decision by the same path as the API, and on the record like it."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from shopkeeper.base import clock, settings
from shopkeeper.base.errors import BadInput
from shopkeeper.cli.main import print_json
from shopkeeper.data.shop import open_shop
from shopkeeper.operate import capabilities
from shopkeeper.operate.runtime import Runtime, as_dict


@click.command("decide")
@click.argument("capability")
@click.argument("request_text", metavar="REQUEST")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def command(home: str, capability: str, request_text: str, as_json: bool) -> None:
    """Decide CAPABILITY for REQUEST, a JSON object; ``-`` reads it from standard input."""
    raw = _parsed(sys.stdin.read() if request_text == "-" else request_text)
    card = capabilities.get(capability)
    card.parse(raw)
    with open_shop(settings.load(home)) as shop:
        runtime = Runtime(shop, capabilities=[card]).start(follow=False)
        decision = runtime.decide(capability, raw)
    told = as_dict(decision)
    if as_json:
        print_json(told)
        return
    _print(told)


def _parsed(text: str) -> dict[str, Any]:
    try:
        raw = json.loads(text)
    except json.JSONDecodeError as problem:
        raise BadInput(
            f"The request is not JSON: {problem}.",
            hint='Quote it for the shell: \'{"placement": "home", "customer_id": "900"}\'',
            field="request",
            value=text,
        ) from problem
    if not isinstance(raw, dict):
        raise BadInput("The request is not a JSON object.", field="request", value=text)
    return raw


def _print_allocation(told: dict[str, Any]) -> None:
    value = told["value"]
    for parcel in value["parcels"]:
        far = "" if parcel["distance_km"] is None else f", {parcel['distance_km']:.0f} km"
        print(f"{parcel['lines']} lines from {parcel['warehouse_id']} by {parcel['carrier']}{far}")
    for line in value["lines"]:
        if line["warehouse_id"] is None:
            print(f"{line['quantity']:g} of {line['item_id']}: nobody has it")
    promise = value["promise"]
    print(f"  promised by {promise['arrive_by'][:10]}" if promise else "  no day can be promised")


def _print_proposal(told: dict[str, Any]) -> None:
    value = told["value"]
    numbers = value["numbers"]
    supplier = value["supplier_id"] or "nobody"
    print(f"order {value['quantity']:g} of {told['subject']} from {supplier}")
    print(f"  by {value['order_by']}, expected {value['expected_receipt']}")
    print(f"  position {numbers['position']:g}, level {numbers['order_up_to']:g}")
    print(f"  stock-out {value['p_stockout_now']:.1%} now, {value['p_stockout_after']:.1%} after")
    print(f"  because: {', '.join(reason['code'] for reason in told['reasons'])}")


def _print_items(told: dict[str, Any]) -> None:
    items = told["value"].get("items", [])
    place = told["value"].get("placement", told["capability"])
    print(f"{len(items)} items for {told['subject']} on {place}")
    for item in items:
        name = item["title"] or item["item_id"]
        why = item["reasons"][0]["text"]
        print(f"{item['position'] + 1:>4}  {name[:44]:<44}  {item['score']:>7.4f}  {why}")
    if not items:
        print("  nothing may be shown; `shopkeeper explain` says what was taken out")


def _print_outlook(told: dict[str, Any]) -> None:
    value = told["value"]
    if not value["known"]:
        print(
            f"nothing can be foretold of {told['subject']}: {value['reasons'][0]['text'].lower()}"
        )
        return
    chances = ", ".join(f"{one['chance']:.1%} in {one['days']} days" for one in value["chances"])
    print(f"{told['subject']} orders again: {chances}")
    print(f"  next order about {value['next_order_date']}, if one comes")
    print(f"  risk of none for {value['churn_days']} days {value['churn_risk']:.1%}")
    money = value["value_minor"] / 100
    print(f"  expected to spend {money:,.2f} in {value['value_days']:g} days")
    for one in value["reasons"]:
        print(f"  {one['text']} ({one['share']:+.2f})")


def _print_visit(told: dict[str, Any]) -> None:
    value = told["value"]
    if not value["visiting"]:
        print(f"{told['subject']} is not visiting")
        return
    print(f"{told['subject']} ends this visit with an order: {value['chance']:.1%}")
    print(f"  {value['events']} acts since {value['started_at']}, {len(value['cart'])} in the cart")
    for one in value["reasons"]:
        print(f"  {one['text']}" + (f" ({one['share']:+.2f})" if one["share"] else ""))


def _print(told: dict[str, Any]) -> None:
    if told["value"].get("kind") == "allocation":
        _print_allocation(told)
    elif told["capability"] == "inventory":
        _print_proposal(told)
    elif told["capability"] == "behaviour":
        _print_outlook(told)
    elif told["capability"] == "session":
        _print_visit(told)
    elif told["capability"] == "support":
        for sentence in told["value"]["sentences"]:
            print(f"{sentence['text']}  [{sentence['source']}]")
    else:
        _print_items(told)
    fallback = f", fallback: {told['fallback_reason']}" if told["fallback"] else ""
    print(f"  model {told['model']}, as of {clock.iso(told['as_of_us'])}{fallback}")
    print(f"  next: shopkeeper explain {told['decision_id']}")
