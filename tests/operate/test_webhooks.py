"""Webhooks: signed, durable, tried again, never into the private network, never twice."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from shopkeeper.base import clock, signing
from shopkeeper.base.errors import BadInput, NotFound, NotSignedIn
from shopkeeper.base.settings import Settings
from shopkeeper.data.shop import open_shop
from shopkeeper.operate import webhooks
from shopkeeper.operate.webhooks import PAUSES_SECONDS, Courier, add_endpoint, post, send

SECRET = b"whsec_test"


class Receiver:
    """A real endpoint on this machine; ``answers`` are the next statuses, then 200."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                outer.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
                status = outer.answers.pop(0) if outer.answers else 200
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "http://127.0.0.1:1/")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def receiver():
    found = Receiver()
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture
def shop(tmp_path):
    with open_shop(Settings(home=tmp_path / "shop", webhook_private_networks=True)) as shop:
        yield shop


def test_signature_matches_the_golden_value():
    expected = "KLZisNJHjxbf4kmXEUNS8edT25t7EUtHeFmUfnMUR2M="
    assert signing.signature(SECRET, b'{"id":1}') == expected


def test_a_flipped_byte_a_stale_moment_or_a_missing_header_is_refused():
    good = signing.headers(SECRET, "msg_1", 1_000, b"{}")
    assert signing.verify(SECRET, good, b"{}", 1_200) == "msg_1"
    for body, given, now, code in [
        (b"{ }", good, 1_000, "bad_signature"),
        (b"{}", good, 1_301, "stale_signature"),
        (b"{}", good, 699, "stale_signature"),
        (b"{}", {**good, signing.ID: "msg_2"}, 1_000, "bad_signature"),
        (b"{}", {**good, signing.TIMESTAMP: "1001"}, 1_000, "bad_signature"),
        (b"{}", {**good, signing.TIMESTAMP: "now"}, 1_000, "bad_signature"),
        (b"{}", {}, 1_000, "bad_signature"),
    ]:
        with pytest.raises(NotSignedIn) as caught:
            signing.verify(SECRET, given, body, now)
        assert caught.value.code == code


def test_a_message_arrives_signed_with_its_endpoints_secret(shop, receiver):
    _, secret = add_endpoint(shop, receiver.url, ("webhook.test",))
    [message_id] = send(shop, "webhook.test", {"order_id": "o1"})
    assert Courier(shop).deliver_due() == 1
    [(headers, body)] = receiver.got
    assert signing.verify(secret.encode(), headers, body, time.time()) == message_id
    assert json.loads(body)["data"] == {"order_id": "o1"}
    assert [m.state for m in shop.outbox.latest()] == ["delivered"]
    assert Courier(shop).deliver_due() == 0


def test_the_same_message_id_is_delivered_once(shop, receiver):
    add_endpoint(shop, receiver.url)
    assert send(shop, "webhook.test", {}, "dec_1") == send(shop, "webhook.test", {}, "dec_1")
    Courier(shop).deliver_due()
    assert len(receiver.got) == 1


def test_a_failure_is_tried_again_later_and_in_the_end_kept_as_failed(shop, receiver, monkeypatch):
    add_endpoint(shop, receiver.url)
    [message_id] = send(shop, "webhook.test", {})
    receiver.answers = [500] * (len(PAUSES_SECONDS) + 1)
    now_us = clock.now_us()
    for number, pause in enumerate(PAUSES_SECONDS, start=1):
        monkeypatch.setattr(clock, "now_us", lambda at=now_us: at)
        assert Courier(shop).deliver_due() == 1
        [message] = shop.outbox.latest()
        assert (message.state, message.tries) == ("waiting", number)
        assert message.due_us == now_us + pause * 1_000_000
        assert message.problem == "The endpoint answered 500."
        assert Courier(shop).deliver_due() == 0  # not before it is due
        now_us = message.due_us
    monkeypatch.setattr(clock, "now_us", lambda: now_us)
    Courier(shop).deliver_due()
    assert shop.outbox.latest()[0].state == "failed"
    shop.outbox.again(message_id)
    Courier(shop).deliver_due()
    assert shop.outbox.latest()[0].state == "delivered"


def test_what_waits_survives_the_process(shop, receiver):
    _, secret = add_endpoint(shop, receiver.url)
    send(shop, "webhook.test", {"n": 1})
    again = type(shop.outbox)(shop.settings.home / "outbox.sqlite3", shop.keyring)
    [message] = again.due(clock.now_us())
    assert json.loads(message.body)["data"] == {"n": 1}
    assert again.secret(message.endpoint_id) == secret.encode()
    again.close()


def test_redirects_are_not_followed(shop, receiver):
    receiver.answers = [302]
    with pytest.raises(BadInput, match="answered 302"):
        post(receiver.url, b"{}", {}, private=True)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/x",
        "https://127.0.0.1/x",
        "https://localhost/x",
        "https://10.0.0.1/x",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/x",
        "https://user:pass@example.com/",
        "ftp://example.com/",
        "https://",
        "https://example.com:99999/",
        "nonsense",
    ],
)
def test_addresses_inside_or_odd_are_refused(tmp_path, url):
    with open_shop(Settings(home=tmp_path / "shop")) as shop:
        with pytest.raises(BadInput) as caught:
            add_endpoint(shop, url)
        assert caught.value.field == "url"
        assert shop.outbox.endpoints() == []


def test_a_name_that_turned_inside_is_refused_at_delivery_too(tmp_path, monkeypatch):
    with open_shop(Settings(home=tmp_path / "shop")) as shop:
        shop.outbox.add("https://shop.example/hook", ())
        inside = [(0, 0, 0, "", ("192.168.1.7", 443))]
        monkeypatch.setattr(webhooks.socket, "getaddrinfo", lambda *a, **k: inside)
        send(shop, "webhook.test", {})
        Courier(shop).deliver_due()
        assert "inside a private network" in shop.outbox.latest()[0].problem


def test_unknown_topics_and_endpoints_are_named(shop):
    with pytest.raises(BadInput, match=r"no webhook topic 'order\.lost'"):
        send(shop, "order.lost", {})
    with pytest.raises(NotFound, match="no webhook 'whe_1'"):
        shop.outbox.remove("whe_1")


def test_removing_an_endpoint_drops_what_waits_for_it(shop, receiver):
    made, _ = add_endpoint(shop, receiver.url)
    send(shop, "webhook.test", {})
    shop.outbox.remove(made.endpoint_id)
    assert Courier(shop).deliver_due() == 0
    assert receiver.got == []


def test_the_secret_is_not_in_the_file(shop, receiver):
    _, secret = add_endpoint(shop, receiver.url)
    for path in shop.settings.home.glob("outbox.sqlite3*"):
        assert secret.encode() not in path.read_bytes()
