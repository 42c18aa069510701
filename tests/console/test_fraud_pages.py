"""The fraud area: queue, case, rules with back-test, two-person lists, alerts, costs."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from shopfront import PASSWORD, Front, sign_in, token

sys.path.insert(0, str(Path(__file__).parents[1] / "fraud"))

from made_shop import CARD, event, payment

from shopkeeper.base import clock
from shopkeeper.console import speech
from shopkeeper.fraud.alerts import KINDS as ALERTS
from shopkeeper.fraud.alerts import Alert
from shopkeeper.fraud.cases import CODES
from shopkeeper.fraud.costs import Costs
from shopkeeper.fraud.lists import KINDS
from shopkeeper.fraud.rules import OUTCOMES, STATUSES
from shopkeeper.operate import fraud_desk
from shopkeeper.operate.fraud_watch import raise_alert
from shopkeeper.operate.runtime import Runtime

PAGES = ("fraud", "fraud/rules", "fraud/lists", "fraud/alerts", "fraud/performance")


def fill(shop) -> str:
    """Put payments, a held case, rules and an alert into a shop; returns the decision id."""
    fraud_desk.put_costs(shop, Costs(explore_share=0, audit_share=0, challenge_minor=10**5), "li")
    fraud_desk.start_pack(shop)
    runtime = Runtime(shop, capabilities=[CARD]).start()
    person = {"card_fingerprint": "fp1", "device_id": "d1"}
    for n in range(6):
        given = {"payment_id": f"p{n}", "amount_minor": 3000 + n, "currency": "EUR"}
        runtime.decide("fraud", given | {"customer_id": f"c{n % 3}"})
        shop.append_events([payment(f"p{n}", 3000, customer_id=f"c{n % 3}", person=person)])
    shop.append_events([event("chargeback", payment_id="p0")])
    held = {"payment_id": "p9", "order_id": "o9", "amount_minor": 150_000, "currency": "EUR"}
    made = runtime.decide("fraud", held | {"customer_id": "c1"})
    shop.append_events([payment("p9", 150_000, customer_id="c1", person=person)])
    facts = {"entity": "ip", "key": "ab12", "declines": 9, "cards": 8, "minutes": 2.0}
    alert = Alert(kind="card_testing", key="k", at_us=clock.now_us(), facts=facts)
    raise_alert(shop, alert)
    runtime.close()
    return made.decision_id


@pytest.fixture
def fraud_front(tmp_path: Path) -> Iterator[tuple[Front, str]]:
    made = Front(tmp_path / "fraud-shop", filled=False)
    yield made, fill(made.shop)
    made.close()


def post(browser, page, path, **fields):
    csrf = token(browser.get(f"/console/{page}").text)
    return browser.post(f"/console/{path}", data={"csrf": csrf, **fields})


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_page_stands_empty_and_filled(empty_front, fraud_front, language):
    for front in (empty_front, fraud_front[0]):
        browser = front.signed_in(fresh=True, **{"accept-language": language})
        for page in PAGES:
            answer = browser.get(f"/console/{page}")
            assert answer.status_code == 200, page
            assert 'class="fault"' not in answer.text, page


def test_an_analyst_decides_a_case(fraud_front):
    front, decision = fraud_front
    browser = front.signed_in(fresh=True)
    assert "p9" in browser.get("/console/fraud").text
    page = browser.get(f"/console/fraud/cases/{decision}")
    assert 'class="fault"' not in page.text
    assert "data-chart" in page.text  # the graph: a card and a device shared by three customers
    case = f"fraud/cases/{decision}"
    assert post(browser, case, "fraud/lock", case=decision).status_code == 303
    assert "Give it back" in browser.get(f"/console/{case}").text
    assert post(browser, case, "fraud/note", case=decision, text="rang her").status_code == 303
    assert "rang her" in browser.get(f"/console/{case}").text
    done = post(browser, case, "fraud/decide", case=decision, code="verified", note="ok")
    assert "1 case decided" in done.text
    assert post(browser, "fraud", "fraud/lock", case=decision).status_code == 409
    assert browser.get("/console/fraud/cases/dec_none").status_code == 404
    pack = browser.get("/console/fraud/evidence/p0")
    assert pack.headers["content-disposition"].endswith('"evidence-p0.json"')


def test_a_rule_is_tested_saved_and_moved(fraud_front):
    front, _ = fraud_front
    browser = front.signed_in(fresh=True)
    draft = {"rule_id": "big", "expression": "amount_minor >= 3003", "outcome": "review"}
    draft |= {"priority": "50", "why": "large", "days": "30"}
    tested = post(browser, "fraud/rules", "fraud/rules/test", **draft)
    hits = re.search(r"<dt>Hits</dt><dd>(\d+)</dd>", tested.text)
    assert hits
    assert hits[1] == "4"
    assert "big is saved" in post(browser, "fraud/rules", "fraud/rules/save", **draft).text
    wrong = draft | {"expression": "amount_minr > 1"}
    answer = post(browser, "fraud/rules", "fraud/rules/test", **wrong).text
    assert "names &#39;amount_minr&#39;" in answer
    moved = post(browser, "fraud/rules", "fraud/rules/move", rule="big", status="shadow")
    assert "Back-test of 30 days" in moved.text
    post(browser, "fraud/rules", "fraud/rules/move", rule="big", status="live")
    assert fraud_desk.controls(front.shop).book.get("big").status == "live"
    skipped = post(browser, "fraud/rules", "fraud/rules/move", rule="big", status="draft")
    assert skipped.status_code == 400


def test_the_allow_list_takes_two_users(fraud_front):
    front, _ = fraud_front
    front.keys.add_user("wang", PASSWORD)
    first = front.signed_in(fresh=True)
    second = front.client()
    sign_in(second, "wang", PASSWORD)
    given = {"list": "allow", "kind": "email", "value": "ann@mail.example", "days": "9"}
    asked = post(first, "fraud/lists", "fraud/lists/add", **given)
    assert "waits for a second person" in asked.text
    assert "ann@mail" not in asked.text
    [entry] = fraud_desk.controls(front.shop).lists.all()
    named = {"entry": entry.entry_id, "to": "approve"}
    assert "cannot approve it too" in post(first, "fraud/lists", "fraud/lists/change", **named).text
    assert "is live" in post(second, "fraud/lists", "fraud/lists/change", **named).text
    wrong = given | {"days": "0"}
    assert "days must be" in post(first, "fraud/lists", "fraud/lists/add", **wrong).text


def test_costs_and_alerts_follow_their_forms(fraud_front):
    front, _ = fraud_front
    browser = front.signed_in(fresh=True)
    page = "fraud/performance"
    assert "costs are saved" in post(browser, page, "fraud/costs", review_minor="750").text
    assert fraud_desk.controls(front.shop).costs.review_minor == 750
    assert "must be a number" in post(browser, page, "fraud/costs", review_minor="x").text
    alerts = browser.get("/console/fraud/alerts").text
    assert "9 declines with 8 cards" in alerts
    alert = re.search(r'name="alert" value="([^"]+)"', alerts)[1]
    assert post(browser, "fraud/alerts", "fraud/alerts/seen", alert=alert).status_code == 303
    assert "Seen by li" in browser.get("/console/fraud/alerts").text


def test_every_name_of_fraud_has_words():
    words = speech.words("zh")
    wanted = [f"fraud_outcome.{n}" for n in OUTCOMES] + [f"rule_status.{n}" for n in STATUSES]
    wanted += [f"fraud_code.{n}" for n in CODES] + [f"entity.{n}" for n in KINDS]
    wanted += [f"fraud_alert_says.{n}" for n in ALERTS] + [f"fraud.to_{n}" for n in STATUSES]
    wanted += [f"fraud_cost.{n}" for n in Costs.__dataclass_fields__]
    assert [name for name in wanted if name not in words] == []
