"""`shopkeeper webhooks`: who is told of what, and how telling went."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from shopkeeper.base import clock, ids, settings
from shopkeeper.cli.main import print_json
from shopkeeper.data.outbox import DELIVERED, FAILED, WAITING
from shopkeeper.data.shop import open_shop
from shopkeeper.operate import webhooks as courier

as_json = click.option("--json", "as_json", is_flag=True, help="One JSON object.")


@click.group("webhooks")
def command() -> None:
    """Tell other programs, signed and again until they answer."""


@command.command("add")
@click.argument("url")
@click.option("--topic", "topics", multiple=True, help="Give it repeatedly; none: every topic.")
@as_json
@click.pass_obj
def add(home: str, url: str, topics: tuple[str, ...], as_json: bool) -> None:
    """Tell URL from now on; prints its secret, which cannot be shown again."""
    with open_shop(settings.load(home)) as shop:
        made, secret = courier.add_endpoint(shop, url, topics)
    if as_json:
        print_json({**asdict(made), "secret": secret})
        return
    print(f"{made.endpoint_id}  {url}  {' '.join(made.topics)}")
    print(f"  secret {secret}; keep it now, it cannot be shown again")
    print(f"  next: shopkeeper webhooks test {made.endpoint_id}")


@command.command("list")
@as_json
@click.pass_obj
def list_endpoints(home: str, as_json: bool) -> None:
    """List the endpoints, without their secrets."""
    with open_shop(settings.load(home)) as shop:
        found = shop.outbox.endpoints()
    if as_json:
        print_json({"endpoints": [asdict(one) for one in found]})
        return
    print(f"{'endpoint':<32}{'since':<22}{'topics':<28}url")
    for one in found:
        since = clock.iso(one.created_us)[:19] + "Z"
        print(f"{one.endpoint_id:<32}{since:<22}{' '.join(one.topics):<28}{one.url}")


@command.command("remove")
@click.argument("endpoint_id")
@as_json
@click.pass_obj
def remove(home: str, endpoint_id: str, as_json: bool) -> None:
    """Stop telling ENDPOINT_ID and drop what waits for it."""
    with open_shop(settings.load(home)) as shop:
        shop.outbox.remove(endpoint_id)
    print_json({"removed": endpoint_id}) if as_json else print(f"removed {endpoint_id}")


@command.command("test")
@as_json
@click.pass_obj
def test(home: str, as_json: bool) -> None:
    """Send a test message to every endpoint now and say how it went."""
    with open_shop(settings.load(home)) as shop:
        made = set(courier.send(shop, "webhook.test", {"hello": "shopkeeper"}, ids.new_id("msg")))
        courier.Courier(shop).deliver_due()
        found = [m for m in shop.outbox.latest(200) if m.message_id in made]
    _show(found, as_json)


@command.command("messages")
@click.option("--state", type=click.Choice([WAITING, DELIVERED, FAILED]))
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000))
@as_json
@click.pass_obj
def messages(home: str, state: str | None, limit: int, as_json: bool) -> None:
    """List the newest messages and how their delivery stands."""
    with open_shop(settings.load(home)) as shop:
        found = shop.outbox.latest(limit, state)
    _show(found, as_json)


@command.command("retry")
@click.argument("message_id")
@as_json
@click.pass_obj
def retry(home: str, message_id: str, as_json: bool) -> None:
    """Put a failed message back among the waiting."""
    with open_shop(settings.load(home)) as shop:
        shop.outbox.again(message_id)
    print_json({"waiting": message_id}) if as_json else print(f"{message_id} waits again")


@command.command("topics")
@as_json
def topics(as_json: bool) -> None:
    """List the topics and what they say."""
    if as_json:
        print_json({"topics": courier.TOPICS})
        return
    for name, says in courier.TOPICS.items():
        print(f"{name:<28}{says}")


def _show(found: list[Any], as_json: bool) -> None:
    rows = [{name: value for name, value in asdict(one).items() if name != "body"} for one in found]
    if as_json:
        print_json({"messages": rows})
        return
    print(f"{'state':<11}{'tries':>5}  {'topic':<28}{'message':<62}problem")
    for row in rows:
        print(
            f"{row['state']:<11}{row['tries']:>5}  {row['topic']:<28}{row['message_id']:<62}"
            f"{row['problem'] or ''}"
        )
