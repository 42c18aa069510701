"""Bodies in, receipts out: over the shop, over HTTP, with a second server, with a wrong key."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from shopkeeper.api.events import post_events
from shopkeeper.base.errors import BadInput, ShopLocked, StoreUnavailable, TooBusy
from shopkeeper.data import quarantine
from shopkeeper.data.events import Event, Line, Person
from shopkeeper.data.shop import open_shop

AT = "2026-03-01T10:00:00Z"


def view(name, **more):
    return {"event_id": name, "kind": "view_item", "occurred_at": AT, "item_id": "a", **more}


@pytest.fixture
def shop(settings):
    with open_shop(settings) as one:
        yield one


def send(shop, content, **headers):
    """Post to the real route in memory."""
    app = Starlette(routes=[Route("/v1/events", post_events, methods=["POST"])])
    app.state.ingest = shop.ingest
    if not isinstance(content, bytes) and not hasattr(content, "__aiter__"):
        content = json.dumps(content).encode()

    async def _send():
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
            return await client.post("/v1/events", content=content, headers=headers)

    return asyncio.run(_send())


def test_a_receipt_counts_what_became_of_each_event(shop):
    first = shop.ingest.post(json.dumps([view("e1"), view("e2")]).encode()).result(10)
    assert (first.accepted, first.duplicate, first.conflict, first.rejected) == (2, 0, 0, [])
    batch = [view("e1"), view("e3", value_minor=-1), view("e2", item_id="b"), view("e4")]
    second = shop.ingest.post(json.dumps(batch).encode()).result(10)
    assert (second.accepted, second.duplicate, second.conflict) == (1, 1, 1)
    assert [(one.index, one.event_id, one.code) for one in second.rejected] == [
        (1, "e3", "wrong_value"),
        (2, "e2", "conflict"),
    ]
    assert quarantine.counts(shop.store) == {"conflict": 1, "wrong_value": 1}


def test_the_same_person_again_is_a_duplicate_and_another_is_a_conflict(shop):
    def post(email):
        raw = json.dumps(view("e1", person={"email": email})).encode()
        return shop.ingest.post(raw).result(10)

    assert post("ann@example.com").accepted == 1
    assert post("Ann@Example.com").duplicate == 1
    assert post("bob@example.com").conflict == 1
    assert "bob" not in quarantine.recent(shop.store)[0]["raw"]


def test_no_person_reaches_the_disk_in_clear(shop, settings):
    person = {"email": "ann@secret-host.example", "name": "Annabella Quark"}
    bad = view("e2", value_minor=-1, person=person)
    shop.ingest.post(json.dumps([view("e1", person=person), bad]).encode()).result(10)
    files = [path for path in settings.home.iterdir() if path.is_file()]
    assert len(files) >= 3
    for path in files:
        assert b"secret-host" not in path.read_bytes()
        assert b"Quark" not in path.read_bytes()


def test_http_says_accepted_once_stored(shop):
    answer = send(shop, [view("e1"), view("e2")])
    assert answer.status_code == 202
    assert answer.json() == {"accepted": 2, "duplicate": 0, "conflict": 0, "rejected": []}
    assert shop.store.last_seq() == 2
    assert send(shop, [view("e1")]).json()["duplicate"] == 1


def test_http_answers_400_with_reasons_when_nothing_is_acceptable(shop):
    answer = send(shop, view("e1", kind="view_itm"))
    assert answer.status_code == 400
    (reason,) = answer.json()["rejected"]
    assert reason["code"] == "unknown_kind"
    assert "view_item" in reason["hint"]
    assert send(shop, [view("e1", kind="view_itm"), view("e2")]).status_code == 202


def test_http_answers_409_when_all_conflict(shop):
    send(shop, view("e1"))
    assert send(shop, view("e1", item_id="other")).status_code == 409


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"{", 400, "malformed_json"),
        (b"", 400, "malformed_json"),
        (b"[]", 400, "empty_batch"),
        (b"\xff\xfe", 400, "invalid_utf8"),
        (b" " * 2_000_000, 413, "too_large"),
        ([view(f"e{i}") for i in range(5000)], 413, "too_large"),
    ],
)
def test_http_names_what_is_wrong_with_a_body(shop, content, status, code):
    answer = send(shop, content)
    assert answer.status_code == status
    assert answer.json()["error"]["code"] == code
    assert shop.store.last_seq() == 0


def test_a_body_without_length_is_cut_off_at_its_limit(shop):
    sent = []

    async def endless():
        for _ in range(10_000):
            sent.append(1)
            yield b" " * 100_000

    answer = send(shop, endless())
    assert answer.status_code == 413


def test_the_route_stops_reading_a_long_body_early(shop):
    """Ten chunks of 1 MB are on offer; the second is above the limit and the last one read."""
    taken = []

    async def receive():
        taken.append(1)
        return {"type": "http.request", "body": b" " * 1_000_000, "more_body": len(taken) < 10}

    async def call():
        answers = []
        app = Starlette(routes=[Route("/v1/events", post_events, methods=["POST"])])
        app.state.ingest = shop.ingest
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/v1/events",
            "headers": [],
            "query_string": b"",
        }

        async def answer(message):
            answers.append(message)

        await app(scope, receive, answer)
        return answers[0]["status"]

    assert asyncio.run(call()) == 413
    assert len(taken) == 2


def test_http_answers_429_with_retry_after_when_the_queue_is_full(shop, monkeypatch):
    def full(*_):
        raise TooBusy("2000 requests wait for the log.", retry_after_seconds=0.2)

    monkeypatch.setattr(shop.writer, "submit_async", full)
    answer = send(shop, view("e1"))
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")


def test_http_answers_503_when_the_log_cannot_be_written(shop, monkeypatch):
    def broken(*_):
        raise StoreUnavailable("The disk is full.")

    monkeypatch.setattr(shop.store, "commit", broken)
    answer = send(shop, view("e1"))
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "store_unavailable"
    monkeypatch.undo()
    assert send(shop, view("e1")).status_code == 202


def made(name, **more):
    at = datetime(2026, 3, 1, 10, tzinfo=UTC)
    return Event(event_id=name, kind="view_item", occurred_at=at, item_id="a", **more)


def test_importers_get_one_receipt_over_all_batches(shop):
    events = [made(f"e{i}", person=Person(email="ann@example.com")) for i in range(4500)]
    events[4200] = made("bad", value_minor=-1, person=Person(email="ann@example.com"))
    events[4300] = made("e0", lines=[Line(item_id="x")])
    receipt = shop.append_events(iter(events))
    assert (receipt.accepted, receipt.conflict) == (4498, 1)
    assert {(one.index, one.event_id) for one in receipt.rejected} == {(4200, "bad"), (4300, "e0")}
    kept = quarantine.recent(shop.store)
    assert {one["source"] for one in kept} == {"import", "log"}
    assert not any("ann@" in one["raw"] for one in kept)


def test_an_event_is_the_same_over_http_and_from_python(shop):
    """A quantity of 2 and one of 2.0, a person, a time in another zone."""
    there = {"lines": [{"item_id": "a", "quantity": 2}], "person": {"email": "ann@example.com"}}
    send(shop, view("e1", **there))
    ours = made("e1", lines=[Line(item_id="a", quantity=2)], person=Person(email="ann@example.com"))
    ours.occurred_at = ours.occurred_at.astimezone(timezone(timedelta(hours=8)))
    assert shop.append_events([ours]).duplicate == 1
    assert shop.record(ours).result(10) == ["duplicate"]
    assert ours.person.email == "ann@example.com"  # and ours is left as it was


def test_record_queues_one_event_and_refuses_a_wrong_one(shop):
    assert shop.record(made("e1")).result(10) == ["accepted"]
    with pytest.raises(BadInput, match="value_minor must be a whole number"):
        shop.record(made("e2", value_minor=-1))


def test_a_second_server_on_the_folder_is_refused_until_the_first_is_gone(settings):
    code = (
        "import sys, time\n"
        "from shopkeeper.base import settings\n"
        "from shopkeeper.data.shop import open_shop\n"
        "open_shop(settings.load(sys.argv[1]), exclusive=True)\n"
        "print('open', flush=True)\n"
        "time.sleep(60)\n"
    )
    first = subprocess.Popen(
        [sys.executable, "-c", code, str(settings.home)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert first.stdout.readline() == "open\n"
        with pytest.raises(ShopLocked, match=f"process {first.pid}"):
            open_shop(settings, exclusive=True)
        with open_shop(settings) as importer:  # importing meanwhile is fine
            assert importer.append_events([made("e1")]).accepted == 1
    finally:
        first.kill()
        first.wait()
        first.stdout.close()
    for _ in range(2):  # closing gives the folder free as well
        with open_shop(settings, exclusive=True) as shop:
            assert shop.store.last_seq() == 1


def test_another_master_key_is_refused(settings, monkeypatch):
    open_shop(settings).close()
    monkeypatch.setenv("SHOPKEEPER_MASTER_KEY", base64.b64encode(b"x" * 32).decode())
    with pytest.raises(BadInput, match="not the one this shop began with"):
        open_shop(settings)
    monkeypatch.delenv("SHOPKEEPER_MASTER_KEY")
    open_shop(settings).close()


def test_a_shop_that_does_not_open_gives_its_lock_back(settings):
    settings.home.mkdir(parents=True)
    settings.log_path.write_bytes(b"no database" * 1000)
    with pytest.raises(StoreUnavailable):
        open_shop(settings, exclusive=True)
    settings.log_path.unlink()
    open_shop(settings, exclusive=True).close()


def test_a_folder_that_cannot_be_used_is_named(settings):
    settings.home.write_text("a file stands here")
    with pytest.raises(StoreUnavailable, match="cannot be used"):
        open_shop(settings, exclusive=True)
