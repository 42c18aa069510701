"""POST /v1/fraud/score: what a checkout gets, every kind of bad body, and the default."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from starlette.testclient import TestClient

sys.path.insert(0, str(Path(__file__).parent))

from made_shop import CARD

from shopkeeper.api.app import create_app
from shopkeeper.base.settings import Settings
from shopkeeper.data.shop import open_shop
from shopkeeper.fraud.costs import Costs
from shopkeeper.operate import fraud_desk
from shopkeeper.operate.runtime import Runtime

CALM = Costs(explore_share=0.0, audit_share=0.0, challenge_minor=100_000)
GOOD = {"payment_id": "p1", "amount_minor": 150_000, "currency": "EUR"}


@pytest.fixture
def served(tmp_path):
    """(post, runtime): a server whose scores are known."""
    with open_shop(Settings(home=tmp_path / "shop")) as shop:
        fraud_desk.put_costs(shop, CALM, "li")
        runtime = Runtime(shop, capabilities=[CARD]).start()
        app = create_app(runtime, warm=False)
        with TestClient(app, raise_server_exceptions=False) as client:
            keys = app.state.service.keys
            secret = {"authorization": f"Bearer {keys.make('shop', ['decisions:write'])[1]}"}
            other = {"authorization": f"Bearer {keys.make('page', ['events:write'])[1]}"}

            def post(body, query="", key=secret):
                raw = body if isinstance(body, bytes) else json.dumps(body).encode()
                return client.post(f"/v1/fraud/score{query}", content=raw, headers=key)

            post.other = other
            yield post, runtime


def test_the_answer_is_the_decision_that_the_generic_route_gives(served):
    post, runtime = served
    told = post(GOOD).json()
    whole = runtime.decide("fraud", GOOD)
    assert told["outcome"] == whole.value["outcome"] == "review"
    assert told["probability"] == whole.value["probability"] == 0.15
    assert [r["code"] for r in told["reasons"]] == [r.code for r in whole.reasons]
    assert told["reasons"][0]["text"] == "A look by a person is expected to cost least"
    assert post(GOOD, "?lang=zh").json()["reasons"][0]["text"] == "人工审核的预期成本最低"
    assert runtime.explain(told["decision_id"])["request"] == GOOD


def test_a_refused_body_names_its_field(served):
    post, _ = served
    cases = [
        (b"[1]", "body"),
        (b'{"amount_minor": NaN}', "body"),
        ({**GOOD, "amount_minor": -1}, "amount_minor"),
        ({**GOOD, "amount_minor": 10**12}, "amount_minor"),
        ({**GOOD, "amount_minor": 1.5}, "amount_minor"),
        ({**GOOD, "currency": "euro"}, "currency"),
        ({**GOOD, "kind": "gift"}, "kind"),
        ({**GOOD, "occurred_at": "2999-01-01"}, "occurred_at"),
        ({**GOOD, "occurred_at": "1970-01-01"}, "occurred_at"),
        ({**GOOD, "customer_id": "x" * 1_000_000}, "customer_id"),
        ({**GOOD, "colour": "red"}, "colour"),
        ({k: v for k, v in GOOD.items() if k != "payment_id"}, "payment_id"),
    ]
    for body, field in cases:
        answer = post(body)
        assert answer.status_code == 400, (field, answer.text[:200])
        assert answer.json()["error"]["field"] == field
        assert len(answer.content) < 3000
    card = post({**GOOD, "order_id": "4111111111111111"})
    assert card.status_code == 400
    assert "4111111111111111" not in card.text


def test_scope_and_method_are_asked_for(served):
    post, _ = served
    assert post(GOOD, key={}).status_code == 401
    assert post(GOOD, key=post.other).status_code == 403


def test_a_failure_answers_with_the_shops_default(served):
    post, runtime = served
    runtime.live["fraud"].state.broken = True
    answer = post(GOOD)
    assert answer.status_code == 200
    told = answer.json()
    assert told["fallback"] is True
    assert told["probability"] is None
    assert told["outcome"] == runtime.shop.settings.fraud_on_failure
    assert told["reasons"][0]["code"] == "failure_default"


def test_a_server_that_still_warms_up_answers_with_the_default(served):
    post, runtime = served
    runtime.live["fraud"].state = None
    told = post(GOOD).json()
    assert (told["outcome"], told["fallback"]) == (runtime.shop.settings.fraud_on_failure, True)
