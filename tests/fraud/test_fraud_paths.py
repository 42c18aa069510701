"""Through the one path: refunds, accounts, guessed cards, late chargebacks, cards in any field."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

sys.path.insert(0, str(Path(__file__).parent))

from made_shop import event, payment

from shopkeeper.api.app import create_app
from shopkeeper.base import clock
from shopkeeper.base.clock import DAY_US
from shopkeeper.base.settings import Settings
from shopkeeper.data import fraud_reports
from shopkeeper.data.reports import rows
from shopkeeper.data.shop import open_shop
from shopkeeper.fraud.capability import CAPABILITY
from shopkeeper.fraud.costs import Costs
from shopkeeper.fraud.request import FIELDS
from shopkeeper.fraud.rules_pack import PACK
from shopkeeper.fraud.training import gather
from shopkeeper.operate import fraud_desk
from shopkeeper.operate.fraud_watch import FraudWatch
from shopkeeper.operate.runtime import Runtime

CARD = "4111111111111111"
DEVICE = {"device_id": "phone-1"}


@pytest.fixture
def shop(tmp_path):
    with open_shop(Settings(home=tmp_path / "shop")) as made:
        fraud_desk.put_costs(made, Costs(explore_share=0.0, audit_share=0.0), "li")
        yield made


@pytest.fixture
def runtime(shop):
    made = Runtime(shop, capabilities=[CAPABILITY]).start()
    yield made
    made.close()


def live_rule(shop, name):
    [rule] = [one for one in PACK if one.rule_id == name]
    for status in ("draft", "shadow", "live"):
        fraud_desk.put_rule(shop, replace(rule, status=status), "li")


def settled(runtime):
    """Wait until the live state has taken in all that is in the log."""
    wanted = runtime.shop.store.last_seq()
    for _ in range(200):
        if runtime.live["fraud"].state.seq >= wanted:
            return
        time.sleep(0.02)


def refund_cases(shop):
    """Return the open cases of refunds once the decisions before lie in the log."""
    for _ in range(100):
        shop.warehouse.refresh()
        cases = [c for c in fraud_reports.open_cases(shop.warehouse) if c["kind"] == "refund"]
        if cases:
            return cases
        time.sleep(0.05)
    return []


def ask(runtime, payment_id, **more):
    given = {"payment_id": payment_id, "amount_minor": 4000, "currency": "EUR", **more}
    return runtime.decide("fraud", given)


def test_the_fourth_refund_of_a_month_is_held_for_a_person(shop, runtime):
    live_rule(shop, "refund_often")
    now = clock.now_us()
    shop.append_events([payment("p1", 9000, now - 5 * DAY_US, customer_id="c1")])
    for number in range(4):
        asked = ask(runtime, f"r{number}", kind="refund", customer_id="c1", order_id=f"o{number}")
        if number < 3:
            assert asked.value["outcome"] == "approve", asked.value
            refund = event(
                "refund",
                now - 3_600_000_000 + number,
                customer_id="c1",
                order_id=f"o{number}",
                payment_id="p1",
                value_minor=3000,
                currency="EUR",
            )
            assert not shop.append_events([refund]).rejected
            settled(runtime)
    assert asked.value["outcome"] == "review"
    assert asked.reasons[0].facts["rule_id"] == "refund_often"
    [case] = refund_cases(shop)
    assert case["state"] == "held"
    # A refund costs no bank's fee: approving loses the amount times the probability.
    costs = asked.value["costs_minor"]
    assert costs["approve"] == pytest.approx(4000 * asked.value["probability"], rel=0.01)


def test_a_sign_in_from_a_device_known_for_fraud_is_challenged(shop, runtime):
    now = clock.now_us()
    shop.append_events(
        [
            payment("p1", 9000, now - 9 * DAY_US, customer_id="thief", person=DEVICE),
            event("chargeback", now - DAY_US, payment_id="p1", reason="fraud", source="import"),
        ]
    )
    settled(runtime)
    person = {"email": "ann@mail.test", "ip": "192.0.2.1"}
    calm = runtime.decide(
        "fraud",
        {"kind": "account", "payment_id": "in-1", "customer_id": "ann", "person": person},
    )
    taken = runtime.decide(
        "fraud",
        {
            "kind": "account",
            "payment_id": "in-2",
            "customer_id": "ann",
            "person": {**person, **DEVICE},
        },
    )
    assert calm.value["outcome"] == "approve"
    assert taken.value["outcome"] == "challenge"
    assert taken.value["probability"] > 5 * calm.value["probability"]
    assert taken.value["features"]["device_fraud_count_90d"] == 1
    assert "device" in {reason.code for reason in taken.reasons}


def test_guessed_cards_of_one_issuer_are_alerted_though_every_address_is_new(shop):
    watch = FraudWatch(shop).start()
    start_us = clock.now_us() - 50_000_000
    for number in range(24):
        person = {"ip": f"198.51.{number}.7", "card_fingerprint": f"fp_{number}"}
        bad = payment(
            f"t{number}",
            100,
            start_us + number * 2_000_000,
            status="declined",
            person=person,
            properties={"card_bin": "400000"},
        )
        assert not shop.append_events([bad]).rejected
    found, started = [], time.monotonic()
    while not found and time.monotonic() - started < 20:
        time.sleep(0.1)
        found = fraud_reports.alerts(shop.warehouse, 0, 10)
    watch.close()
    assert [one["kind"] for one in found] == ["card_testing"]
    facts = json.loads(found[0]["properties"]["facts"])
    assert (facts["entity"], facts["declines"]) == ("card_bin", 24)


def test_declines_of_a_bin_are_a_feature_of_the_next_payment(shop, runtime):
    now = clock.now_us()
    shop.append_events(
        [
            payment(
                f"t{n}",
                100,
                now - 60_000_000 * (n + 1),
                status="declined",
                properties={"card_bin": "400000"},
            )
            for n in range(16)
        ]
    )
    settled(runtime)
    live_rule(shop, "declines_per_bin")
    settled(runtime)
    hit = ask(runtime, "new", card_bin="400000")
    assert hit.value["features"]["card_bin_declines_1h"] == 16
    assert hit.reasons[0].facts.get("rule_id") == "declines_per_bin"
    assert hit.value["outcome"] == "challenge"
    assert ask(runtime, "other", card_bin="510000").value["outcome"] == "approve"


def test_a_chargeback_over_http_is_joined_moves_the_metrics_and_reaches_training(shop, runtime):
    """Everything by the routes that a shop uses: score, payment, chargeback, case, figures."""
    app = create_app(runtime, warm=False)
    with TestClient(app, raise_server_exceptions=False) as client:
        _, key = app.state.service.keys.make("till", ["admin"])
        send = {"authorization": f"Bearer {key}"}

        def post(path, body, status):
            answer = client.post(path, headers=send, json=body)
            assert answer.status_code == status, answer.text
            return answer.json()

        def get(path):
            for _ in range(100):  # a decision reaches the tables within a second
                shop.warehouse.refresh()
                answer = client.get(path, headers=send)
                if answer.status_code != 404:
                    break
                time.sleep(0.05)
            assert answer.status_code == 200, answer.text
            return answer.json()

        def happened(event_id, kind, **more):
            at = {"occurred_at": clock.iso(clock.now_us())}
            post("/v1/events", {"event_id": event_id, "kind": kind, **at, **more}, 202)
            settled(runtime)

        asked = {"amount_minor": 4000, "currency": "EUR", "person": DEVICE}
        first = post("/v1/fraud/score", {"payment_id": "p1", "customer_id": "c1", **asked}, 200)
        assert first["outcome"] == "approve"
        paid = {"value_minor": 4000, "currency": "EUR", "person": DEVICE, "customer_id": "c1"}
        happened("pay-1", "payment", payment_id="p1", **paid)
        shop.warehouse.refresh()
        before = get("/v1/fraud/performance")
        assert before["fraud_missed_minor"] == 0
        assert get(f"/v1/fraud/cases/{first['decision_id']}")["case"]["class"] is None
        assert int(gather(shop.warehouse).table.label.sum()) == 0

        happened("cb-1", "chargeback", payment_id="p1", reason="fraud")
        shop.warehouse.refresh()
        after = get("/v1/fraud/performance")
        assert (after["fraud_missed_minor"], after["decisions"]) == (4000, 1)
        case = get("/v1/fraud/cases/p1")["case"]
        assert (case["decision_id"], case["class"]) == (first["decision_id"], "fraud")
        told = gather(shop.warehouse)
        assert told.table.label[told.payment_ids.index("p1")] == 1
        again = post("/v1/fraud/score", {"payment_id": "p2", "customer_id": "c2", **asked}, 200)
        assert again["probability"] > first["probability"]
        seen = get(f"/v1/fraud/cases/{again['decision_id']}")["case"]["features"]
        assert seen["device_fraud_count_90d"] == 1
        assert get("/v1/fraud/evidence/p1")["qualifies"] is False


def test_a_card_number_is_refused_in_every_field_and_never_stored_or_told(shop, runtime, capfd):
    app = create_app(runtime, warm=False)
    with TestClient(app, raise_server_exceptions=False) as client:
        _, key = app.state.service.keys.make("till", ["admin"])
        send = {"authorization": f"Bearer {key}"}
        good = {"payment_id": "p1", "amount_minor": 100, "currency": "EUR"}
        whole = {"items": [CARD], "keys": {"email": CARD}, "amount_minor": int(CARD)}
        whole |= {"declines": int(CARD)}
        bad = [{name: whole.get(name, CARD)} for name in FIELDS]
        bad += [{CARD: 1}, {"keys": {CARD: "x"}}, {"person": {CARD: "x"}}]
        for name in ("email", "ip", "device_id", "card_fingerprint", "name", "address"):
            bad.append({"person": {name: CARD}})
        for one in bad:
            answer = client.post("/v1/fraud/score", headers=send, json={**good, **one})
            assert answer.status_code == 400, (one, answer.text)
            assert CARD not in answer.text, (one, answer.text)
    shop.warehouse.refresh()
    assert CARD not in "".join(capfd.readouterr())
    assert rows(shop.warehouse, "SELECT count(*) AS n FROM events WHERE kind = 'decision'") == [
        {"n": 0}
    ]
    for path in Path(shop.settings.home).rglob("*"):
        if path.is_file():
            assert CARD.encode() not in path.read_bytes(), path


def test_a_clock_that_runs_ahead_is_borne_for_ten_minutes(runtime):
    now = clock.now_us()
    ahead = ask(runtime, "p1", occurred_at=clock.iso(now + 9 * 60_000_000))
    assert not ahead.fallback or ahead.fallback_reason == "no_model"
    app = create_app(runtime, warm=False)
    with TestClient(app, raise_server_exceptions=False) as client:
        _, key = app.state.service.keys.make("till", ["admin"])
        late = {"occurred_at": clock.iso(clock.now_us() + 11 * 60_000_000)}
        answer = client.post(
            "/v1/fraud/score",
            headers={"authorization": f"Bearer {key}"},
            json={"payment_id": "p2", "amount_minor": 100, "currency": "EUR", **late},
        )
        assert answer.status_code == 400
        assert answer.json()["error"]["field"] == "occurred_at"
