"""What a careless or hostile caller sends over HTTP, one by one: what was tried, and the answers.

Tried on /v1/fraud/score, /v1/events, rules, lists, cases and support: numbers that are none, huge
and negative amounts, ancient and future times, 1 MB strings, deep nesting, broken Unicode, forms of
IP addresses, card numbers in every field however written, labels before their payment, labels that
contradict, the same id with other content. No answer may be a fault of ours.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from shopkeeper.api.app import create_app
from shopkeeper.base import clock
from shopkeeper.base.settings import Settings
from shopkeeper.data.reports import rows
from shopkeeper.data.shop import open_shop
from shopkeeper.fraud.training import gather
from shopkeeper.operate import capabilities
from shopkeeper.operate.runtime import Runtime

CARD = "4111111111111111"
WRITTEN = (
    CARD,
    "4111 1111 1111 1111",
    "4111-1111-1111-1111",
    "4111_1111_1111_1111",
    "".join(chr(0xFEE0 + ord(digit)) for digit in CARD),  # full width
    "".join(chr(0x630 + ord(digit)) for digit in CARD),  # Arabic-Indic
    "4111\u200b1111\u200b1111\u200b1111",  # zero width spaces
)
MEGABYTE = "x" * 1_000_000
SCORE, EVENTS = "/v1/fraud/score", "/v1/events"


class Caller:
    """A server over one shop, asked as a shop's own program would."""

    def __init__(self, shop, client, key):
        self.shop, self.client = shop, client
        self.headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}

    def __call__(self, path, body, *, method="POST", token=None):
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = self.headers | ({"authorization": f"Bearer {token}"} if token else {})
        return self.client.request(method, path, content=raw, headers=headers)

    def score(self, **more):
        given = {"payment_id": "p", "amount_minor": 1000, "currency": "EUR"}
        return self(SCORE, {**given, **more})

    def event(self, event_id, kind="payment", **more):
        given = {"event_id": event_id, "kind": kind, "occurred_at": clock.iso(clock.now_us())}
        if kind == "payment":
            given |= {"payment_id": f"p-{event_id}", "value_minor": 100, "currency": "EUR"}
        return self(EVENTS, {**given, **more})


@pytest.fixture(scope="module")
def call(tmp_path_factory):
    home = tmp_path_factory.mktemp("bad") / "shop"
    with open_shop(Settings(home=home)) as shop:
        cards = [capabilities.get("fraud"), capabilities.get("support")]
        runtime = Runtime(shop, capabilities=cards).start()
        app = create_app(runtime, warm=False)
        with TestClient(app, raise_server_exceptions=False) as client:
            app.state.service.phase = "ready"
            yield Caller(shop, client, app.state.service.keys.make("till", ["admin"])[1])
        runtime.close()


@pytest.mark.parametrize(
    "number",
    [
        *("NaN", "Infinity", "-Infinity", "1e400", "1e12", "1000000000000", "-1", "9" * 400, "0.5"),
        *("true", "null", '"1000"', "[]", "{}"),
    ],
)
def test_an_amount_that_is_none_is_refused_on_both_ways_in(call, number):
    asked = f'{{"payment_id": "p", "currency": "EUR", "amount_minor": {number}}}'
    answer = call(SCORE, asked.encode())
    assert answer.status_code == 400, answer.text[:200]
    assert answer.json()["error"]["field"] in ("amount_minor", "body")
    sent = json.dumps(
        {
            "event_id": "never",
            "kind": "payment",
            "occurred_at": clock.iso(clock.now_us()),
            "payment_id": "p",
            "currency": "EUR",
        }
    )
    told = call(EVENTS, f'{sent[:-1]}, "value_minor": {number}}}'.encode())
    assert told.status_code == 400, told.text[:200]
    assert len(answer.content) + len(told.content) < 4000


@pytest.mark.parametrize(
    "at",
    [
        *("1887-01-01T00:00:00Z", "2999-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59"),
        *("2026-02-30T00:00:00Z", "now", "", 1e9, [1]),
    ],
)
def test_a_time_that_cannot_be_is_refused_on_both_ways_in(call, at):
    answer = call.score(occurred_at=at)
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "occurred_at")
    assert call.event("never", occurred_at=at).status_code == 400


@pytest.mark.parametrize(
    "more",
    [
        {"payment_id": MEGABYTE},
        {"currency": MEGABYTE},
        {"person": {"email": MEGABYTE}},
        {MEGABYTE: 1},
        {"items": [MEGABYTE]},
        {"keys": {"ip": MEGABYTE}},
    ],
)
def test_a_megabyte_is_refused_in_a_few_words(call, more):
    answer = call.score(**more)
    assert answer.status_code == 400
    assert len(answer.content) < 2000


def test_a_megabyte_in_an_event_is_refused_in_a_few_words(call):
    for more in (
        {"text": MEGABYTE},
        {"properties": {"note": MEGABYTE}},
        {"properties": {"deep": {"er": [MEGABYTE]}}},
        {"person": {"name": MEGABYTE}},
    ):
        answer = call.event("never", **more)
        assert answer.status_code == 400, more.keys()
        assert len(answer.content) < 2000
    assert call(SCORE, b"x" * 3_000_000).status_code == 413
    assert call(EVENTS, b"x" * 3_000_000).status_code == 413


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
        b"[" * 20_000 + b"]" * 20_000,
        b'{"payment_id":"\xff","amount_minor":1,"currency":"EUR"}',
        b'{"payment_id":"\\ud800","amount_minor":1,"currency":"EUR"}',
        b'{"payment_id":"p","amount_minor":1,"currency":"EUR","person":{"email":"\\ud800"}}',
        b'{"payment_id":"a\\u0000b","amount_minor":1,"currency":"EUR"}',
        b"",
        b"null",
        b"{",
    ],
)
def test_a_body_that_is_no_request_is_refused(call, body):
    for path in (SCORE, EVENTS, "/v1/decisions/fraud", "/v1/fraud/back-tests"):
        answer = call(path, body)
        assert 400 <= answer.status_code < 500, (path, answer.text[:200])


@pytest.mark.parametrize(
    ("one", "other", "joined"),
    [
        ("2001:DB8::1", "2001:db8:0:0:0:0:0:1", True),
        ("2001:db8::1", "[2001:db8::1]", True),
        ("fe80::1%eth0", "fe80::1", True),
        ("::ffff:192.0.2.7", "192.0.2.7", True),
        ("192.0.2.7", "１９２.０.２.７", True),
        ("192.0.2.7:8080", "192.0.2.7", True),
        ("2001:db8::1", "2001:db8::2", False),
        ("192.0.2.7", "192.0.2.8", False),
        ("999.1.1.1", "192.0.2.7", False),
        ("not an address", "192.0.2.7", False),
    ],
)
def test_forms_of_one_address_on_the_net_join(call, one, other, joined):
    keys = []
    for ip in (one, other):
        answer = call.score(payment_id=f"ip-{ip[:30]}", person={"ip": ip})
        assert answer.status_code == 200, answer.text[:200]
        keys.append(call.shop.keyring.hmac("ip", ip))
    assert (keys[0] == keys[1]) is joined


def test_card_numbers_are_refused_in_every_field_however_written(call):
    for number in WRITTEN:
        for field in ("payment_id", "order_id", "customer_id", "session_id", "terminal_id"):
            answer = call.score(**{field: number})
            assert answer.status_code == 400, (field, number)
            assert answer.json()["error"]["field"] == field
        for more in (
            {"items": [number]},
            {"keys": {"email": number}},
            {"person": {"device_id": number}},
            {"person": {"name": number}},
        ):
            assert call.score(**more).status_code == 400, (more, number)
        for more in (
            {"text": f"it is {number}, thanks"},
            {"reason": number},
            {"properties": {"a": {"b": [{"c": number}]}}},
            {"properties": {number: 1}},
            {"order_id": number},
            {"person": {"address": number}},
        ):
            assert call.event("never", **more).status_code == 400, (more, number)
    assert call.event("never", "label", label="fraud", payment_id=CARD).status_code == 400


def test_card_numbers_in_what_people_write_come_back_nowhere(call):
    made = call.score(payment_id="noted").json()["decision_id"]
    rule = {"expression": "amount_minor > 1", "outcome": "review"}
    answers = [
        call(f"/v1/fraud/rules/{CARD}", rule, method="PUT"),
        call("/v1/fraud/rules/r1", rule | {"why": CARD}, method="PUT"),
        call("/v1/fraud/rules/r2", rule | {"expression": f"{CARD} > 'x'"}, method="PUT"),
        call("/v1/fraud/lists", {"list": "block", "kind": "customer_id", "value": CARD}),
        call("/v1/fraud/lists", {"list": CARD, "kind": "customer_id", "value": "c"}),
        call(f"/v1/fraud/cases/{made}/notes", {"text": f"card {CARD}"}),
        call(f"/v1/fraud/cases/{CARD}/notes", {"text": "x"}),
        call("/v1/fraud/costs", {"review_minor": int(CARD)}, method="PUT"),
        call("/v1/support/sessions", {"customer_id": CARD}),
        call("/v1/support/sessions", {"customer_id": int(CARD)}),
        call("/v1/support/sessions", {"customer_id": "ann", CARD: 1}),
    ]
    for place, answer in enumerate(answers):
        assert 400 <= answer.status_code < 500, (place, answer.text[:200])
        assert CARD not in answer.text, place


def test_card_numbers_in_a_chat_are_neither_kept_nor_repeated(call):
    token = call("/v1/support/sessions", {"customer_id": "ann"}).json()["token"]
    for number in WRITTEN:
        said = call("/v1/support/turns", {"text": f"my card is {number}"}, token=token)
        assert said.status_code == 200, (number, said.text[:200])
        assert number not in said.text
    kept = call("/v1/support/messages", b"", method="GET", token=token).text
    for number in WRITTEN:
        assert number not in kept, number


def test_a_label_may_come_before_its_payment_and_the_last_of_two_counts(call):
    first = call.event("early-1", "label", label="fraud", payment_id="later")
    again = call.event("early-2", "chargeback", payment_id="later", reason="fraud")
    assert (first.status_code, again.status_code) == (202, 202)
    assert call.score(payment_id="later", amount_minor=5000).status_code == 200
    assert call.event("pay", payment_id="later", value_minor=5000).status_code == 202
    assert call.event("late", "label", label="legit", payment_id="later").status_code == 202
    call.shop.warehouse.refresh()
    asked = "SELECT class, contradicted FROM payment_truth WHERE payment_id = 'later'"
    assert rows(call.shop.warehouse, asked) == [{"class": "legit", "contradicted": True}]
    assert int(gather(call.shop.warehouse).table.label.sum()) == 0
    same = {"label": "fraud", "payment_id": "later"}
    assert call.event("late", "label", **same).status_code == 409  # the id with other content
    assert call.event("none", "chargeback").status_code == 400  # names no payment


def test_nothing_of_all_this_was_stored(call):
    """Last in the file: what was refused above is in no file of the shop."""
    for path in Path(call.shop.settings.home).rglob("*"):
        if path.is_file():
            raw = path.read_bytes()
            for number in WRITTEN:
                assert number.encode() not in raw, (number, path)
                assert json.dumps(number)[1:-1].encode() not in raw, (number, path)
            assert MEGABYTE.encode() not in raw
