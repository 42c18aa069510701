"""What people do about fraud, as events: rules, lists, costs, cases, alerts seen.

Each function checks, writes one batch of events that is durable on return, and tells the shop's
own systems where an order's fate changed. Nothing is edited: the state is read from the tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from shopkeeper.base import clock, ids
from shopkeeper.base.errors import BadInput, Conflict, NotFound
from shopkeeper.data import fraud_reports
from shopkeeper.data.events import Event
from shopkeeper.fraud import cases, evidence, lists
from shopkeeper.fraud.controls import Controls, rebuilt
from shopkeeper.fraud.costs import Costs, to_text
from shopkeeper.fraud.lists import Entry
from shopkeeper.fraud.rules import Rule, checked
from shopkeeper.fraud.rules_backtest import DAYS, back_test
from shopkeeper.fraud.rules_language import compile_expression
from shopkeeper.fraud.rules_pack import PACK
from shopkeeper.fraud.rules_row import NAMES
from shopkeeper.operate import webhooks

MOST_BULK = 200


def controls(shop: Any) -> Controls:
    """Return the rules, lists and costs as the log has them now; decides nothing."""
    import numpy as np

    shop.warehouse.refresh()
    rows = fraud_reports.controls_rows(shop.warehouse)
    return rebuilt(NAMES, np.random.default_rng(0), rows)


def back_test_rule(shop: Any, expression: str, *, days: int = DAYS) -> dict[str, Any]:
    """Return the back-test of an expression on the decisions of the last days."""
    compiled = compile_expression(expression, NAMES)
    if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= 365:
        raise BadInput(
            f"days must be 1 to 365, but is {days!r}.", field="days", value=days, allowed="1 to 365"
        )
    now_us = clock.now_us()
    since_us = now_us - days * clock.DAY_US
    found = fraud_reports.decisions_with_truth(shop.warehouse, since_us)
    return {
        "expression": compiled.text,
        "days": days,
        **back_test(compiled, found, now_us).as_dict(),
    }


def put_rule(shop: Any, rule: Rule, operator: str) -> tuple[Rule, dict[str, Any] | None]:
    """Store a rule after its checks; into shadow only with a back-test, which is returned."""
    held = controls(shop).book
    old = held.get(rule.rule_id)
    told = None
    if rule.status == "shadow" and (old is None or old.status in ("draft", "off")):
        told = back_test_rule(shop, rule.expression)
    checked(rule, old, NAMES, tested=told is not None)
    store_rules(shop, [rule], operator)
    return rule, told


def store_rules(shop: Any, rules: Sequence[Rule], operator: str, source: str = "desk") -> None:
    """Write rules as they are; for the rule pack of a new shop, and after the checks."""
    _append(shop, [rule_event(rule, operator) for rule in rules], source)


def start_pack(shop: Any, operator: str = "shopkeeper") -> int:
    """Put the rules of the first day into shadow where the shop has none of that name."""
    held = controls(shop).book
    fresh = [rule for rule in PACK if held.get(rule.rule_id) is None]
    store_rules(shop, fresh, operator)
    return len(fresh)


def put_costs(shop: Any, costs: Costs, operator: str) -> Costs:
    """Store the shop's costs; decisions follow them from the next event on."""
    event = _rule_event("costs", "live", to_text(costs), operator, {"type": "costs"})
    _append(shop, [event])
    return costs


def propose_entry(shop: Any, given: Mapping[str, Any], operator: str) -> Entry:
    """Put an identifier on a list. ``given``: list, kind, value or key, days, why.

    A personal ``value`` is hashed here and never stored in clear; ``key`` is a hash already.
    """
    kind, value, key = given.get("kind"), given.get("value"), given.get("key")
    if key is None and isinstance(value, str) and value.strip():
        personal = kind in lists.PERSONAL or kind == "email_domain"
        key = shop.keyring.hmac(kind, value) if personal else value.strip()
    entry = lists.propose(
        list_name=str(given.get("list")),
        kind=str(kind),
        key=key if isinstance(key, str) else "",
        operator=operator,
        now_us=clock.now_us(),
        days=given.get("days"),
        why=given.get("why") or "",
    )
    _append(shop, [entry_event(entry, operator)])
    return entry


def approve_entry(shop: Any, entry_id: str, operator: str) -> Entry:
    """Make a proposed entry of the allow list live; the operator must be another person."""
    entry = lists.approve(_entry(shop, entry_id), operator=operator, now_us=clock.now_us())
    _append(shop, [entry_event(entry, operator)])
    return entry


def end_entry(shop: Any, entry_id: str, operator: str) -> Entry:
    """Take an entry off its list."""
    entry = lists.end(_entry(shop, entry_id), operator=operator, now_us=clock.now_us())
    _append(shop, [entry_event(entry, operator)])
    return entry


def queue(shop: Any) -> list[dict[str, Any]]:
    """Return the open cases in the order of work."""
    costs = controls(shop).costs
    return cases.ranked(fraud_reports.open_cases(shop.warehouse), costs, clock.now_us())


def lock_case(shop: Any, decision_id: str, operator: str, *, release: bool = False) -> None:
    """Take a case for half an hour, or give it back."""
    case = fraud_reports.find_case(shop.warehouse, decision_id)
    cases.need_open(case, operator, clock.now_us())
    _append(shop, [_action(case, "unlocked" if release else "locked", operator)])


def note_case(shop: Any, decision_id: str, text: str, operator: str) -> None:
    """Write a note on a case."""
    case = fraud_reports.find_case(shop.warehouse, decision_id)
    if not isinstance(text, str) or not 0 < len(text.strip()) <= 2000:
        raise BadInput(
            "A note needs 1 to 2000 characters.", field="text", value=text, allowed="1 to 2000"
        )
    _append(shop, [_action(case, "noted", operator, text=text.strip())])


def decide_case(
    shop: Any, decision_id: str, code: Any, operator: str, *, note: str = "", ring: bool = False
) -> list[str]:
    """Decide a case, or with ``ring`` all open cases of its ring; returns the decision ids.

    The order is released or cancelled, learners get the label, the shop's systems get a webhook.
    """
    told = cases.verdict(code)
    case = fraud_reports.find_case(shop.warehouse, decision_id)
    cases.need_open(case, operator, clock.now_us())
    chosen = [case]
    if ring:
        others = fraud_reports.open_cases(shop.warehouse)
        wanted = cases.ring_of(case, others)[:MOST_BULK]
        by_id = {one["decision_id"]: one for one in others} | {case["decision_id"]: case}
        now_us = clock.now_us()
        free = [by_id[i] for i in wanted if cases.lock_of(by_id[i], now_us) in (None, operator)]
        chosen = free
    events = []
    for one in chosen:
        action = _action(one, told.order, operator, reason=told.code, text=note or None)
        events += [action, _label(one, told, operator)]
    _append(shop, events)
    for one in chosen:
        webhooks.send(
            shop,
            f"fraud.order_{told.order}",
            case_facts(one) | {"code": told.code, "operator": operator},
            message_id=f"{one['decision_id']}_{told.order}",
        )
    return [one["decision_id"] for one in chosen]


def see_alert(shop: Any, alert_id: str, operator: str) -> None:
    """Note that somebody saw an alert."""
    found = fraud_reports.alerts(shop.warehouse, 0, 10_000)
    if alert_id not in {one["alert_id"] for one in found}:
        raise NotFound(f"There is no alert '{alert_id}'.", field="alert_id", value=alert_id)
    _append(shop, [_event("action", label="alert_seen", source=operator, subject=alert_id)])


def evidence_for(shop: Any, payment_id: str) -> dict[str, Any]:
    """Return the evidence pack that contests a payment's chargeback."""
    payment, disputed_us = fraud_reports.disputed(shop.warehouse, payment_id)
    facts = fraud_reports.order_facts(shop.warehouse, payment["order_id"])
    decision = None
    try:
        case = fraud_reports.find_case(shop.warehouse, payment_id)
        decision = {k: case[k] for k in ("decision_id", "outcome", "probability", "occurred_us")}
    except NotFound:
        pass
    return evidence.pack(
        payment,
        fraud_reports.same_card(shop.warehouse, payment),
        disputed_us=disputed_us,
        order=facts["order"],
        deliveries=facts["deliveries"],
        decision=decision,
    )


def rule_event(rule: Rule, operator: str) -> Event:
    """Return the event that tells a rule as it stands."""
    facts = {
        "type": "rule",
        "outcome": rule.outcome,
        "priority": rule.priority,
        "why": rule.why,
        "ends_us": rule.ends_us,
    }
    return _rule_event(rule.rule_id, rule.status, rule.expression, operator, facts)


def entry_event(entry: Entry, operator: str) -> Event:
    """Return the event that tells a list entry as it stands."""
    facts = {
        "type": "list",
        "list": entry.list_name,
        "kind": entry.kind,
        "ends_us": entry.ends_us,
        "proposed_by": entry.operator,
        "second": entry.second,
        "why": entry.why,
    }
    return _rule_event(entry.entry_id, entry.status, entry.key, operator, facts)


def case_facts(case: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a webhook says of a case: ids, amount and outcome; no score, nobody's data."""
    names = ("decision_id", "payment_id", "order_id", "customer_id", "kind", "outcome")
    return {name: case.get(name) for name in (*names, "amount_minor", "currency")}


def as_plain(thing: Rule | Entry) -> dict[str, Any]:
    """Return a rule or an entry for JSON; an entry shows the beginning of its key only."""
    plain = asdict(thing)
    if isinstance(thing, Entry):
        plain["entry_id"] = thing.entry_id
        if thing.kind in lists.PERSONAL or thing.kind == "email_domain":
            plain["key"] = f"{thing.key[:12]}…"
    return plain


def _entry(shop: Any, entry_id: str) -> Entry:
    found = controls(shop).lists.get(entry_id)
    if found is None:
        raise NotFound(f"There is no entry '{entry_id}'.", field="entry_id", value=entry_id)
    return found


def _rule_event(
    name: str, status: str, text: str, operator: str, facts: Mapping[str, Any]
) -> Event:
    return Event(
        event_id=ids.new_id("rule"),
        kind="rule",
        occurred_at=clock.now(),
        label=name,
        status=status,
        text=text,
        source=operator,
        properties={"capability": "fraud", **facts},
    )


def _action(case: Mapping[str, Any], label: str, operator: str, **more: Any) -> Event:
    named = {k: case.get(k) for k in ("decision_id", "order_id", "payment_id", "customer_id")}
    return _event(
        "action", label=label, source=operator, subject=case["payment_id"], **named, **more
    )


def _label(case: Mapping[str, Any], told: cases.Verdict, operator: str) -> Event:
    return _event(
        "label",
        label=told.label,
        source="analyst",
        reason=told.code,
        subject=case["payment_id"],
        decision_id=case["decision_id"],
        payment_id=case["payment_id"],
        operator=operator,
    )


def _event(kind: str, *, subject: str, operator: str | None = None, **more: Any) -> Event:
    properties: dict[str, Any] = {"capability": "fraud", "subject": subject}
    if operator:
        properties["operator"] = operator
    return Event(
        event_id=ids.new_id("act"),
        kind=kind,
        occurred_at=clock.now(),
        properties=properties,
        **more,
    )


def _append(shop: Any, events: Sequence[Event], source: str = "desk") -> None:
    receipt = shop.append_events(events, source=source)
    if receipt.rejected:
        bad = receipt.rejected[0]
        raise BadInput(bad.message, hint=bad.hint, field=bad.field, value=bad.value)
    if receipt.conflict:
        raise Conflict("An event with this id and other content is stored already.")
