"""``shopkeeper fraud``: the queue, rules, lists and alerts from the command line."""

from __future__ import annotations

import getpass
from typing import Any

import click

from shopkeeper.base import clock, settings
from shopkeeper.cli.main import print_json
from shopkeeper.data import fraud_reports, fraud_rivals
from shopkeeper.data.shop import open_shop
from shopkeeper.operate import fraud_desk, fraud_performance

_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.group("fraud")
def command() -> None:
    """Look at held payments, rules, lists and alerts."""


@command.command("queue")
@_json
@click.pass_obj
def queue(home: str, as_json: bool) -> None:
    """Cases that wait for a person, in the order of work."""
    with open_shop(settings.load(home)) as shop:
        found = fraud_desk.queue(shop)
    if as_json:
        print_json({"cases": found})
        return
    print(f"{len(found)} cases wait")
    for case in found[:30]:
        late = "late" if case["overdue"] else case["state"]
        saves = case["saved_per_minute_minor"]
        print(f"{case['payment_id']:<28}  {case['amount_minor']:>10}  {saves:>9.2f}/min  {late}")


@command.command("rules")
@_json
@click.pass_obj
def rules(home: str, as_json: bool) -> None:
    """Every rule as it stands, those that count first on top."""
    with open_shop(settings.load(home)) as shop:
        found = fraud_desk.controls(shop).book.all()
    if as_json:
        print_json({"rules": [fraud_desk.as_plain(rule) for rule in found]})
        return
    print(f"{len(found)} rules")
    for rule in found:
        print(f"{rule.priority:>4}  {rule.status:<7} {rule.outcome:<10} {rule.rule_id}")
        print(f"      {rule.expression}")
    if not found:
        print("  next: shopkeeper fraud pack")


@command.command("test")
@click.argument("expression")
@click.option("--days", default=30, show_default=True, help="How far back.")
@_json
@click.pass_obj
def test(home: str, expression: str, days: int, as_json: bool) -> None:
    """Back-test EXPRESSION on the decisions of the last days; stores nothing."""
    with open_shop(settings.load(home)) as shop:
        told = fraud_desk.back_test_rule(shop, expression, days=days)
    if as_json:
        print_json(told)
        return
    print(f"{told['hits']} of {told['decisions']} decisions hit, {told['new_hits']} were approved")
    print(f"  precision {_share(told['precision'])} of {told['mature']} with mature labels")
    print(f"  money {told['money_minor']}, of it good {told['good_money_minor']} minor units")


@command.command("pack")
@click.pass_obj
def pack(home: str) -> None:
    """Put the rules of the first day into shadow, where the shop has none of that name."""
    with open_shop(settings.load(home)) as shop:
        count = fraud_desk.start_pack(shop, getpass.getuser())
    print(f"{count} rules run in shadow")
    print("  next: look at their hits in the console, then put them live")


@command.command("lists")
@_json
@click.pass_obj
def lists(home: str, as_json: bool) -> None:
    """Entries of the block and the allow list."""
    with open_shop(settings.load(home)) as shop:
        found = [fraud_desk.as_plain(e) for e in fraud_desk.controls(shop).lists.all()]
    if as_json:
        print_json({"entries": found})
        return
    print(f"{len(found)} entries")
    for one in found:
        until = clock.iso(one["ends_us"])[:10]
        print(
            f"{one['list_name']:<6} {one['kind']:<17} {one['key']:<16} {one['status']} to {until}"
        )


@command.command("alerts")
@_json
@click.pass_obj
def alerts(home: str, as_json: bool) -> None:
    """The latest alerts."""
    with open_shop(settings.load(home)) as shop:
        found: list[dict[str, Any]] = fraud_reports.alerts(shop.warehouse, 0, 30)[:30]
    if as_json:
        print_json({"alerts": found})
        return
    print(f"{len(found)} alerts")
    for one in found:
        seen = f"seen by {one['seen_by']}" if one["seen_by"] else "new"
        print(f"{clock.iso(one['occurred_us'])[:16]}  {one['kind']:<14} {seen}")


@command.command("compare")
@click.option("--days", default=30, show_default=True, help="How far back.")
@_json
@click.pass_obj
def compare(home: str, days: int, as_json: bool) -> None:
    """The challenger and the shadow that run along on live payments, beside what decided."""
    with open_shop(settings.load(home)) as shop:
        shop.warehouse.refresh()
        now_us = clock.now_us()
        told = {
            role: fraud_performance.rival(shop, now_us, days, role=role)
            for role in ("challenger", "shadow")
        }
        arms = fraud_rivals.arms(shop.warehouse, now_us - days * clock.DAY_US)
    if as_json:
        print_json({**told, "arms": arms})
        return
    for role, one in told.items():
        if one is None:
            print(f"no {role} ran along in the last {days} days")
            print(f"  next: shopkeeper models {_NEXT[role]} fraud VERSION, while the server runs")
        else:
            _compared(role, one)
    for arm in arms:
        print(
            f"acted as {arm['arm']}: {arm['model']}, {arm['decisions']} decisions,"
            f" {_share(arm['approval_rate'])} approved, {arm['frauds']} known frauds,"
            f" {arm['frauds_stopped']} of them stopped, {arm['good_stopped']} good ones stopped"
        )


_NEXT = {"challenger": "challenge", "shadow": "shadow"}


def _compared(role: str, told: dict[str, Any]) -> None:
    print(
        f"{role} {told['model']} ran along on {told['decisions']} decisions"
        f" of {told['champion_model']}"
    )
    print(
        f"  same outcome {_share(told['agree'])}; {told['frauds']} frauds of {told['known']} known"
    )
    print(f"{'':<20} {'champion':>10} {role:>10}")
    for name in told["champion"]:
        one, other = told["champion"][name], told[role][name]
        whole = isinstance(one, int)
        texts = [str(v) if whole else _share(v) for v in (one, other)]
        print(f"{name:<20} {texts[0]:>10} {texts[1]:>10}")


def _share(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"
