"""Bad input over HTTP: a clear error with field, value and hint, nothing lost, nothing broken."""

from __future__ import annotations

import json
import random

import pytest

from shopkeeper.base.errors import ShopLocked, StoreUnavailable
from shopkeeper.data.shop import open_shop


def post(server, content, **more):
    return server.call("POST", "/v1/events", content=content, **more)


def refused(answer, status=400):
    assert answer.status_code == status, answer.text
    body = answer.json()
    return body["rejected"][0] if "rejected" in body else body["error"]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"nonsense", b'{"event_id": "e1"', b"[1, 2]", b"null", b"[[[[", b"[" * 9999]
)
def test_malformed_json_is_refused(server, body):
    fault = refused(post(server, body))
    assert fault["code"]
    assert fault["message"]
    assert server.shop.store.last_seq() == 0


def test_invalid_utf8_is_refused(server, event):
    raw = json.dumps(event(query="caf_")).encode().replace(b"caf_", b"caf\xff")
    assert refused(post(server, raw))["message"]
    assert server.shop.store.last_seq() == 0


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kind": "pruchase"}, "kind"),
        ({"kind": None}, "kind"),
        ({"item_id": 5}, "item_id"),
        ({"item_id": None}, "item_id"),
        ({"event_id": ""}, "event_id"),
        ({"event_id": "x" * 129}, "event_id"),
        ({"value_minor": -1}, "value_minor"),
        ({"value_minor": 1.5}, "value_minor"),
        ({"currency": "usd"}, "currency"),
        ({"quantity": "two"}, "quantity"),
        ({"occurred_at": "1970-01-01T00:00:00Z"}, "occurred_at"),
        ({"occurred_at": "2099-01-01T00:00:00Z"}, "occurred_at"),
        ({"occurred_at": "yesterday"}, "occurred_at"),
        ({"lines": [{"item_id": "a", "price_minor": -5}]}, "price_minor"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_bad_field_is_named_and_the_good_event_beside_it_kept(server, event, changes, field):
    answer = post(server, json.dumps([event(), event(**changes)]).encode())
    assert answer.status_code == 202
    body = answer.json()
    assert body["accepted"] == 1
    (fault,) = body["rejected"]
    assert fault["index"] == 1
    assert field in fault["field"]
    assert fault["message"]
    assert server.shop.store.last_seq() == 1


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_json_does_not_have_are_refused(server, event, number):
    raw = json.dumps(event(quantity=-77)).replace("-77", number)
    assert refused(post(server, raw.encode()))["message"]


@pytest.mark.parametrize("field", ["event_id", "kind", "occurred_at", "item_id"])
def test_a_missing_field_is_named(server, event, field):
    one = event()
    del one[field]
    assert refused(post(server, json.dumps(one).encode()))["field"] == field


def test_a_body_of_10_mb_is_cut_off(server):
    fault = refused(post(server, b"[" + b" " * 10_000_000 + b"]"), 413)
    assert fault["code"] == "too_large"
    assert fault["allowed"]


def test_a_chunked_body_of_10_mb_is_cut_off_while_it_streams(server):
    sent = []

    async def chunks():
        for _ in range(160):
            sent.append(1)
            yield b" " * 65_536

    answer = server.call("POST", "/v1/decisions/recommend", content=chunks())
    assert refused(answer, 413)["code"] == "too_large"


def test_5000_events_in_a_batch_are_too_many(make_server, event):
    server = make_server(max_body_bytes=50_000_000)
    fault = refused(post(server, json.dumps([event() for _ in range(5000)]).encode()), 413)
    assert "1000" in json.dumps(fault).replace(",", "")
    assert server.shop.store.last_seq() == 0


def test_the_same_id_with_other_content_is_a_conflict(server, event):
    one = event()
    assert post(server, json.dumps(one).encode()).status_code == 202
    assert post(server, json.dumps(one).encode()).json()["duplicate"] == 1
    other = post(server, json.dumps({**one, "item_id": "i2"}).encode())
    assert other.status_code == 409
    assert other.json()["rejected"][0]["code"] == "conflict"
    assert server.shop.store.last_seq() == 1


def test_a_full_disk_is_503_and_the_next_commit_works(server, event, monkeypatch):
    real = server.shop.store.commit

    def full(*_):
        raise StoreUnavailable("The log cannot be written: disk full.", hint="Free some space.")

    monkeypatch.setattr(server.shop.store, "commit", full)
    one = json.dumps(event()).encode()
    answer = post(server, one)
    assert refused(answer, 503)["code"] == "store_unavailable"
    assert answer.headers["retry-after"]
    monkeypatch.setattr(server.shop.store, "commit", real)
    assert post(server, one).json()["accepted"] == 1


def test_a_second_server_on_the_same_folder_is_refused(settings):
    with open_shop(settings, exclusive=True), pytest.raises(ShopLocked, match="Another server"):
        open_shop(settings, exclusive=True)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("placement=attic", "placement"),
        ("placement=home&limit=0", "limit"),
        ("placement=home&limit=many", "limit"),
        ("placement=home&limit=1e3", "limit"),
        ("placement=home&limit=5&limit=6", "limit"),
        ("placement=home&colour=red", "colour"),
        ("placement=home&lang=fr", "lang"),
        ("placement=home&include_bought=maybe", "include_bought"),
        ("placement=home&customer_id=" + "x" * 200, "customer_id"),
        ("placement=product", "items"),
        ("placement=home&category=%ff", "query"),
        ("&".join(["item_id=x"] * 500), "query"),
    ],
)
def test_a_bad_question_names_its_parameter(server, query, field):
    fault = refused(server.call("GET", f"/v1/recommendations?{query}"))
    assert fault["field"] == field
    assert fault.get("allowed") or fault["hint"]


@pytest.mark.parametrize("body", [b"[]", b'"x"', b"{", b'{"placement": 5}', b'{"limit": "x"}'])
@pytest.mark.parametrize("path", ["/v1/recommendations", "/v1/decisions/recommend"])
def test_a_bad_question_in_json_is_refused(server, path, body):
    answer = server.call("POST", path, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize("body", [b"{}", b'{"batch": []}', b'{"batch": 5}', b"[]", b"{"])
def test_a_bad_segment_batch_is_refused(server, body):
    assert refused(server.call("POST", "/v1/batch", content=body))["message"]


def test_segment_messages_are_judged_one_by_one_by_their_place(server):
    good = {
        "type": "track",
        "event": "Product Viewed",
        "messageId": "m1",
        "userId": "c1",
        "properties": {"product_id": "i1"},
    }
    batch = [5, good, {"type": "track", "event": "Moon Landed", "messageId": "m2"}]
    body = server.call("POST", "/v1/batch", json={"batch": batch}).json()
    assert body["accepted"] == 1
    assert [one["index"] for one in body["rejected"]] == [0, 2]


def test_no_random_bytes_make_a_500(server):
    draw = random.Random(7)
    for size in (1, 7, 100, 1000):
        for _ in range(10):
            assert post(server, draw.randbytes(size)).status_code == 400
            path = "/v1/recommendations?" + draw.randbytes(size // 4 + 1).hex()
            assert server.call("GET", path).status_code == 400
