"""The rules editor: write, back-test, put into shadow, put live, take off."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from starlette.datastructures import FormData
from starlette.responses import Response

from shopkeeper.base import clock
from shopkeeper.base.errors import BadInput, NotFound, ShopError
from shopkeeper.console import charts
from shopkeeper.console.view import View
from shopkeeper.fraud.rules import NEXT, OUTCOMES, Rule
from shopkeeper.fraud.rules_row import NAMES
from shopkeeper.fraud.says import says
from shopkeeper.operate import fraud_desk, fraud_performance

_EMPTY = {
    "rule_id": "",
    "expression": "",
    "outcome": "review",
    "priority": 100,
    "why": "",
    "days": "",
}


def index(view: View, notice: str = "", **more: Any) -> Response:
    """Return the rules as they stand, and the editor."""
    draft = more.pop("draft", None) or _asked(view) or _EMPTY
    return view.page(
        "fraud/rules.html",
        "fraud",
        tab="rules",
        rules=view.part(_rules, view),
        draft=draft,
        outcomes=OUTCOMES,
        names=_names(view.language),
        told=more.get("told"),
        problem=more.get("problem"),
        currency=view.console.shop.settings.currency,
        notice=notice,
    )


def test(view: View, form: FormData) -> Response:
    """Back-test what stands in the editor; store nothing."""
    draft = _draft(form)
    try:
        told = fraud_desk.back_test_rule(view.console.shop, draft["expression"])
    except BadInput as problem:
        return index(view, draft=draft, problem=problem)
    return index(view, draft=draft, told=_told(view, told))


def save(view: View, form: FormData) -> Response:
    """Store what stands in the editor as a draft."""
    draft = _draft(form)
    try:
        rule = Rule(
            rule_id=draft["rule_id"],
            expression=draft["expression"],
            outcome=draft["outcome"],
            priority=int(draft["priority"]) if str(draft["priority"]).isdigit() else -1,
            why=draft["why"],
            ends_us=_ends(draft["days"]),
            operator=_user(view),
        )
        fraud_desk.put_rule(view.console.shop, rule, _user(view))
    except ShopError as problem:
        return index(view, draft=draft, problem=problem)
    return index(view, notice=view.say("fraud.rule_saved", rule=rule.rule_id))


def move(view: View, form: FormData) -> Response:
    """Take a rule one step: into shadow (with its back-test), live, or off."""
    rule_id, status = str(form.get("rule", "")), str(form.get("status", ""))
    rule = fraud_desk.controls(view.console.shop).book.get(rule_id)
    if rule is None:
        raise NotFound(f"There is no rule '{rule_id[:64]}'.", field="rule", value=rule_id)
    moved = replace(rule, status=status, operator=_user(view))
    _, told = fraud_desk.put_rule(view.console.shop, moved, _user(view))
    word = view.word("rule_status", status)
    notice = view.say("fraud.rule_moved", rule=rule_id, status=word)
    return index(view, notice=notice, told=_told(view, told) if told else None)


def _rules(view: View) -> list[dict[str, Any]]:
    book = fraud_desk.controls(view.console.shop).book
    now_us = clock.now_us()
    figures = fraud_performance.report(view.console.shop, now_us)["rules"]
    by_rule: dict[str, dict[str, Any]] = {}
    for one in figures:
        held = by_rule.setdefault(one["rule_id"], {"hits": 0, "known": 0, "frauds": 0.0})
        held["hits"] += one["hits"]
        held["known"] += one["known"]
        held["frauds"] += (one["precision"] or 0) * one["known"]
    found = []
    for rule in book.all():
        figure = by_rule.get(rule.rule_id, {"hits": 0, "known": 0, "frauds": 0.0})
        known = figure["known"]
        found.append(
            {
                "rule": rule,
                "ended": rule.ends_us is not None and now_us >= rule.ends_us,
                "broken": book.broken.get(rule.rule_id),
                "steps": [s for s in NEXT[rule.status] if s != rule.status],
                "hits": figure["hits"],
                "known": known,
                "precision": figure["frauds"] / known if known else None,
            }
        )
    order = {"live": 0, "shadow": 1, "draft": 2, "off": 3}
    return sorted(found, key=lambda one: (order[one["rule"].status], one["rule"].rank))


def _told(view: View, told: dict[str, Any]) -> dict[str, Any]:
    labels = [clock.iso(day)[:10] for day, _ in told["by_day"]]
    counts = [float(n) for _, n in told["by_day"]]
    chart = charts.days(labels, (view.say("fraud.hits"), counts)) if labels else None
    return told | {"chart": chart}


def _draft(form: FormData) -> dict[str, Any]:
    return {name: str(form.get(name, ""))[:2100].strip() for name in _EMPTY}


def _asked(view: View) -> dict[str, Any] | None:
    """Return the rule that the address asks to edit."""
    rule_id = view.query("edit", 64)
    if not rule_id:
        return None
    rule = fraud_desk.controls(view.console.shop).book.get(rule_id)
    if rule is None:
        return None
    return {**_EMPTY, **{k: getattr(rule, k) for k in _EMPTY if k != "days"}}


def _ends(days: str) -> int | None:
    if not days:
        return None
    if not (days.isascii() and days.isdigit() and 1 <= int(days) <= 3650):
        raise BadInput(
            f"days must be 1 to 3650, but is {days!r}.", field="days", value=days, allowed="1-3650"
        )
    return clock.now_us() + int(days) * clock.DAY_US


def _names(language: str) -> list[dict[str, str]]:
    return [{"name": n, "kind": kind, "says": says(n, language)} for n, kind in NAMES.items()]


def _user(view: View) -> str:
    assert view.session is not None
    return view.session.user
