"""From decision to held order, analyst, label and webhook; alerts within a minute; evidence."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import msgspec
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from made_shop import CARD, event, payment

from shopkeeper.base import clock
from shopkeeper.base.clock import DAY_US
from shopkeeper.base.errors import BadInput, Conflict, NotFound
from shopkeeper.base.settings import Settings
from shopkeeper.data import fraud_reports
from shopkeeper.data.reports import rows
from shopkeeper.data.shop import open_shop
from shopkeeper.data.validate import to_row
from shopkeeper.fraud.costs import Costs
from shopkeeper.fraud.rules import Rule
from shopkeeper.operate import fraud_desk
from shopkeeper.operate.fraud_watch import FraudWatch
from shopkeeper.operate.runtime import Runtime, to_event

HELD = 150_000  # an amount whose cheapest outcome is a review: p = .15
CALM = Costs(explore_share=0.0, audit_share=0.0, challenge_minor=100_000)


@pytest.fixture
def shop(tmp_path):
    with open_shop(Settings(home=tmp_path / "shop", webhook_private_networks=True)) as shop:
        fraud_desk.put_costs(shop, CALM, "li")
        yield shop


@pytest.fixture
def runtime(shop):
    made = Runtime(shop, capabilities=[CARD]).start()
    yield made
    made.close()


def decide(runtime, payment_id, amount=HELD, **more):
    made = runtime.decide(
        "fraud",
        {
            "payment_id": payment_id,
            "order_id": f"o-{payment_id}",
            "amount_minor": amount,
            "currency": "EUR",
            **more,
        },
    )
    runtime.shop.append_events([payment(payment_id, amount, order_id=f"o-{payment_id}")])
    return made


def order(shop, order_id):
    shop.append_events(
        [
            event(
                "purchase",
                order_id=order_id,
                currency="EUR",
                lines=[{"item_id": "i1", "price_minor": 100}],
            )
        ]
    )


def hold_of(shop, order_id):
    found = rows(shop.warehouse, "SELECT hold FROM orders WHERE order_id = ?", [order_id])
    return found[0]["hold"] if found else "no order"


def test_a_review_really_holds_the_order_until_a_person_decides(shop, runtime):
    made = decide(runtime, "p1")
    order(shop, "o-p1")
    order(shop, "o-other")
    assert made.value["outcome"] == "review"
    assert hold_of(shop, "o-p1") == "held"
    assert hold_of(shop, "o-other") is None
    fraud_desk.decide_case(shop, made.decision_id, "known_customer", "li", note="called her")
    assert hold_of(shop, "o-p1") == "released"
    other = decide(runtime, "p2")
    order(shop, "o-p2")
    fraud_desk.decide_case(shop, other.decision_id, "stolen_card", "li")
    assert hold_of(shop, "o-p2") == "cancelled"
    truth = rows(shop.warehouse, "SELECT payment_id, class FROM payment_truth ORDER BY 1")
    assert [(t["payment_id"], t["class"]) for t in truth] == [("p1", "legit"), ("p2", "fraud")]


def test_the_queue_comes_by_what_a_minute_saves_and_cases_are_locked(shop, runtime):
    small, large = decide(runtime, "p1", 140_000), decide(runtime, "p2", 200_000)
    queue = fraud_desk.queue(shop)
    assert [c["payment_id"] for c in queue] == ["p2", "p1"]
    assert queue[0]["saved_per_minute_minor"] > queue[1]["saved_per_minute_minor"] > 0
    assert not queue[0]["overdue"]
    assert queue[0]["due_us"] - queue[0]["occurred_us"] == 4 * 3_600_000_000
    fraud_desk.lock_case(shop, large.decision_id, "li")
    assert fraud_desk.queue(shop)[0]["locked"] == "li"
    with pytest.raises(Conflict, match="li is working on this case"):
        fraud_desk.decide_case(shop, large.decision_id, "verified", "wang")
    fraud_desk.note_case(shop, large.decision_id, "asked the bank", "wang")
    fraud_desk.decide_case(shop, large.decision_id, "verified", "li")
    with pytest.raises(Conflict, match="released by li"):
        fraud_desk.decide_case(shop, large.decision_id, "stolen_card", "li")
    assert [c["decision_id"] for c in fraud_desk.queue(shop)] == [small.decision_id]
    with pytest.raises(BadInput, match="code must be"):
        fraud_desk.decide_case(shop, small.decision_id, "because", "li")
    with pytest.raises(NotFound):
        fraud_desk.decide_case(shop, "dec_none", "verified", "li")


def test_a_fault_answers_with_the_shops_default_and_holds(shop, runtime):
    runtime.live["fraud"].state.broken = True
    made = decide(runtime, "p1", 100)
    assert made.fallback
    assert made.model == "fraud-default"
    assert made.value["outcome"] == "review"
    assert made.reasons[0].code == "failure_default"
    assert [c["payment_id"] for c in fraud_desk.queue(shop)] == ["p1"]


def test_rules_lists_and_costs_reach_the_next_decision_and_survive_a_restart(shop, runtime):
    draft = Rule(rule_id="tries", expression="attempts_failed >= 3", outcome="block")
    fraud_desk.put_rule(shop, draft, "li")
    assert decide(runtime, "p1", 100, declines=3).value["outcome"] == "approve"
    with pytest.raises(BadInput, match="status must be after draft"):
        fraud_desk.put_rule(shop, _as(draft, "live"), "li")
    told = fraud_desk.put_rule(shop, _as(draft, "shadow"), "li")[1]
    assert (told["hits"], told["new_hits"], told["by_outcome"]) == (1, 1, {"approve": 1})
    assert decide(runtime, "p2", 100, declines=3).value["shadow"] == ["tries"]
    fraud_desk.put_rule(shop, _as(draft, "live"), "li")
    assert decide(runtime, "p3", 100, declines=3).value["outcome"] == "block"
    entry = fraud_desk.propose_entry(
        shop, {"list": "block", "kind": "email", "value": "An.N+x@gmail.com"}, "li"
    )
    blocked = decide(runtime, "p4", 100, person={"email": "ann@googlemail.com"})
    assert blocked.reasons[0].code == "list_block"
    assert "gmail" not in json.dumps(fraud_desk.as_plain(entry))
    again = Runtime(shop, capabilities=[CARD]).start(follow=False)
    assert again.decide("fraud", dict(blocked.request)).value["outcome"] == "block"
    assert again.live["fraud"].state.controls.costs == CALM
    again.close()


def _as(rule, status):
    return Rule(
        rule_id=rule.rule_id, expression=rule.expression, outcome=rule.outcome, status=status
    )


def test_the_allow_list_takes_two_people(shop, runtime):
    asked = fraud_desk.propose_entry(
        shop, {"list": "allow", "kind": "customer_id", "value": "c1"}, "li"
    )
    held = {"customer_id": "c1"}
    assert decide(runtime, "p1", **held).value["outcome"] == "review"
    with pytest.raises(Conflict, match="cannot approve it too"):
        fraud_desk.approve_entry(shop, asked.entry_id, "li")
    fraud_desk.approve_entry(shop, asked.entry_id, "wang")
    assert decide(runtime, "p2", **held).value["outcome"] == "approve"
    fraud_desk.end_entry(shop, asked.entry_id, "li")
    assert decide(runtime, "p3", **held).value["outcome"] == "review"


def test_a_back_test_counts_hits_precision_money_and_overlap(shop, runtime):
    fraud_desk.store_rules(
        shop,
        [Rule(rule_id="any", expression="amount_minor > 0", outcome="challenge", status="live")],
        "li",
    )
    for n in range(10):
        decide(runtime, f"p{n}", 1000 * (n + 1), declines=n)
    shop.append_events([event("chargeback", payment_id=f"p{n}") for n in (8, 9)])
    shop.append_events([event("label", label="legit", payment_id="p7")])
    told = fraud_desk.back_test_rule(shop, "attempts_failed >= 6")
    assert (told["decisions"], told["hits"], told["mature"], told["frauds"]) == (10, 4, 3, 2)
    assert told["precision"] == pytest.approx(2 / 3)
    low, high = told["precision_interval"]
    assert low < 2 / 3 < high
    assert told["recall"] == 1.0
    assert told["money_minor"] == 7000 + 8000 + 9000 + 10_000
    assert told["fraud_money_minor"] == 19_000
    assert told["good_money_minor"] == 8000
    assert told["overlap"] == {"any": 4}


def test_a_hold_is_told_by_signed_webhook_once_also_after_a_kill(shop, runtime):
    endpoint, _ = shop.outbox.add("http://127.0.0.1:9/hook", ("fraud.order_held",))
    made = decide(runtime, "p1")  # no watch ran: as if the process died before the message
    watch = FraudWatch(shop)
    assert watch.tell_again() == 1
    assert watch.tell_again() == 1
    waiting = shop.outbox.latest()
    assert [m.message_id for m in waiting] == [f"{made.decision_id}_held.{endpoint.endpoint_id}"]
    body = json.loads(waiting[0].body)
    assert body["data"]["order_id"] == "o-p1"
    assert "probability" not in json.dumps(body)


def test_a_burst_of_declines_is_alerted_within_a_minute(shop):
    shop.outbox.add("http://127.0.0.1:9/hook", ("fraud.alert",))
    watch = FraudWatch(shop).start()
    started = time.monotonic()
    start_us = clock.now_us() - 50_000_000
    for n in range(12):
        person = {"ip": "2001:db8::7", "card_fingerprint": f"fp_{n}"}
        bad = payment(f"t{n}", 100, start_us + n * 4_000_000, status="declined", person=person)
        shop.append_events([bad])
    found = []
    while not found and time.monotonic() - started < 20:
        time.sleep(0.1)
        found = fraud_reports.alerts(shop.warehouse, 0, 10)
    watch.close()
    assert time.monotonic() - started < 20
    assert [a["kind"] for a in found] == ["card_testing"]
    facts = json.loads(found[0]["properties"]["facts"])
    assert facts["declines"] == 8
    assert facts["cards"] == 8
    assert "2001" not in json.dumps(found)
    assert len(shop.outbox.latest()) == 1
    fraud_desk.see_alert(shop, found[0]["alert_id"], "li")
    assert fraud_reports.alerts(shop.warehouse, 0, 10)[0]["seen_by"] == "li"


def test_bulk_by_ring_decides_the_open_cases_that_share_a_member(shop, runtime, monkeypatch):
    import made_shop

    plain = made_shop.features_at

    def ringed(state, request, as_of_us):
        import dataclasses

        ring = ("device:d1",) if request.payment_id in ("p1", "p2") else ()
        return dataclasses.replace(plain(state, request, as_of_us), ring=ring)

    card = runtime.live["fraud"].card
    import dataclasses

    runtime.live["fraud"].card = dataclasses.replace(card, features=ringed)
    first, second, third = (decide(runtime, f"p{n}") for n in (1, 2, 3))
    done = fraud_desk.decide_case(shop, first.decision_id, "ring", "li", ring=True)
    assert sorted(done) == sorted([first.decision_id, second.decision_id])
    assert [c["decision_id"] for c in fraud_desk.queue(shop)] == [third.decision_id]


def test_evidence_needs_two_matching_undisputed_payments(shop):
    now_us = clock.now_us()
    person = {"card_fingerprint": "fp", "device_id": "d1", "ip": "10.0.0.1"}
    days = {"old1": 200, "old2": 150, "young": 60, "stranger": 180, "bad": 170}
    events = []
    for name, ago in days.items():
        who = person if name != "stranger" else {"card_fingerprint": "fp"}
        at = now_us - ago * DAY_US
        events.append(payment(name, 1000, at, customer_id="c1", order_id=f"o-{name}", person=who))
    events.append(event("chargeback", now_us - 150 * DAY_US, payment_id="bad", source="import"))
    events.append(payment("lost", 5000, now_us - 10 * DAY_US, customer_id="c1", person=person))
    shop.append_events(events)
    with pytest.raises(NotFound, match="No chargeback names"):
        fraud_desk.evidence_for(shop, "lost")
    shop.append_events([event("chargeback", now_us - DAY_US, payment_id="lost", source="import")])
    pack = fraud_desk.evidence_for(shop, "lost")
    assert pack["qualifies"]
    assert [one["payment_id"] for one in pack["earlier_undisputed"]] == ["old2", "old1"]
    assert pack["earlier_undisputed"][0]["in_common"] == ["account", "device", "IP address"]


def test_contradicting_labels_are_counted_and_the_last_one_stands(shop):
    now_us = clock.now_us()
    shop.append_events(
        [
            payment("p1", at_us=now_us - 9 * DAY_US),
            event("label", now_us - 5 * DAY_US, label="fraud", payment_id="p1", source="import"),
            event("label", now_us - 4 * DAY_US, label="legit", payment_id="p1", source="import"),
            event("chargeback", now_us, payment_id="p2", reason="not_received"),
        ]
    )
    truth = rows(
        shop.warehouse, "SELECT payment_id, class, contradicted FROM payment_truth ORDER BY 1"
    )
    assert [tuple(t.values()) for t in truth] == [("p1", "legit", True), ("p2", "dispute", False)]


def test_the_watch_puts_aside_frauds_own_decisions_and_no_others(shop, runtime):
    """As the log hands them over: a filter that misses ours would leave holds untold."""
    watch = FraudWatch(shop)
    ours = to_event(decide(runtime, "p-own"))
    other = {**ours.properties, "capability": "recommend"}
    written = [
        to_row(one, shop.keyring, clock.now_us())
        for one in (ours, msgspec.structs.replace(ours, event_id="dec-other", properties=other))
    ]
    watch._on_events(list(enumerate(written, 1)))
    assert [row.event_id for row in watch._waiting.queue] == [ours.event_id]
