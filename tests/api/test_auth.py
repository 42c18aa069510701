"""Every route asks who calls: nobody 401, without the scope 403, revoked 401; and how often."""

from __future__ import annotations

import re
import time

import pytest

from shopkeeper.api import openapi
from shopkeeper.api.limits import Buckets
from shopkeeper.data.keys import SCOPES, Keys

OPEN = {"/health", "/ready", "/openapi.json"}
# Opened by a chat's session token, which test_support.py tries to misuse.
OPEN |= {"/v1/support/turns", "/v1/support/messages", "/v1/chat/completions"}


def guarded(server):
    document = server.call("GET", "/openapi.json").json()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if path not in OPEN:
                scope = operation.get("x-scope") or operation["x-scope-elsewhere"]
                yield method.upper(), re.sub(r"\{[^}]+\}", "x1", path), scope


def test_every_route_but_three_needs_a_key_with_its_scope(server):
    revoked_key, revoked = server.keys.make("gone", ["admin"])
    server.keys.revoke(revoked_key.key_id)
    seen = []
    # More wrong keys than an address may try; that brake has a test of its own.
    server.service.failures = Buckets(1000, 1000)
    for method, path, scope in guarded(server):
        others = [s for s in SCOPES if s not in (scope, "admin", "events:write:browser")]
        wrong = server.keys.make("wrong", others)[1]
        for key, status, code in (
            (None, 401, "not_signed_in"),
            ("sk_nobody.secret", 401, "not_signed_in"),
            (revoked, 401, "not_signed_in"),
            (wrong, 403, "not_allowed"),
        ):
            answer = server.call(method, path, key=key, content=b"{")
            assert answer.status_code == status, (method, path, key)
            assert answer.json()["error"]["code"] == code
            assert answer.json()["error"]["hint"]
        assert server.call(method, path, content=b"{").status_code not in (401, 403)
        seen.append(path)
    assert len(seen) >= 11


def test_a_browser_key_opens_only_the_event_route(server):
    for method, path, _scope in guarded(server):
        status = server.call(method, path, key="browser", content=b"{").status_code
        assert (status == 403) == (path != "/v1/events"), path


def test_a_browser_key_may_not_tell_of_purchases_or_persons(server, event):
    bought = event(kind="purchase", order_id="o1", currency="USD", lines=[{"item_id": "i1"}])
    answer = server.call("POST", "/v1/events", key="browser", json=[event(), bought])
    assert answer.status_code == 202
    assert answer.json()["accepted"] == 1
    assert answer.json()["rejected"][0]["field"] == "kind"
    named = event(person={"email": "a@b.example"})
    assert server.call("POST", "/v1/events", key="browser", json=named).status_code == 403
    assert server.shop.store.last_seq() == 1


def test_a_browser_key_may_not_hide_purchases_in_a_segment_batch(server):
    batch = {"batch": [{"type": "track", "event": "Order Completed", "messageId": "m1"}]}
    assert server.call("POST", "/v1/batch", key="browser", json=batch).status_code == 403


def test_a_secret_key_in_the_address_is_refused_a_publishable_one_is_not(server, event):
    path = f"/v1/events?key={server.admin}"
    assert server.call("POST", path, key=None, json=event()).status_code == 401
    path = f"/v1/events?key={server.browser}"
    assert server.call("POST", path, key=None, json=event()).status_code == 202


def test_an_expired_key_is_refused(server):
    text = server.keys.make("short", ["admin"], expires_days=1e-9)[1]
    time.sleep(0.01)
    answer = server.call("GET", "/v1/models", key=text)
    assert answer.status_code == 401
    assert "expired" in answer.json()["error"]["message"]


def test_a_key_revoked_by_another_process_is_refused_within_a_second(server, settings):
    key, text = server.keys.make("other", ["admin"])
    assert server.call("GET", "/v1/models", key=text).status_code == 200
    other = Keys(settings.home / "access.sqlite3")
    other.revoke(key.key_id)
    other.close()
    time.sleep(0.9)
    assert server.call("GET", "/v1/models", key=text).status_code == 401


def test_rate_limit_answers_429_with_retry_after(make_server):
    server = make_server(rate_per_second=3)
    answers = [server.call("GET", "/v1/models") for _ in range(5)]
    assert [a.status_code for a in answers] == [200, 200, 200, 429, 429]
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert answers[-1].json()["error"]["code"] == "rate_limited"


def test_browser_rate_is_per_address(make_server, event):
    server = make_server(browser_rate_per_second=1)

    def send(host):
        answer = server.call("POST", "/v1/events", key="browser", host=host, json=event())
        return answer.status_code

    assert [send("1.1.1.1") for _ in range(3)] == [202, 202, 429]
    assert send("2.2.2.2") == 202


def test_guessing_keys_is_slowed(server):
    seen = {server.call("GET", "/v1/models", key=f"sk_{n}.x").status_code for n in range(80)}
    assert seen == {401, 429}


def test_metrics_are_open_to_this_machine_but_not_through_a_proxy(server):
    assert server.call("GET", "/metrics", key=None, host="127.0.0.1").status_code == 200
    assert server.call("GET", "/metrics", key=None, host="8.8.8.8").status_code == 401
    forwarded = {"X-Forwarded-For": "8.8.8.8"}
    answer = server.call("GET", "/metrics", key=None, host="127.0.0.1", headers=forwarded)
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("origins", "origin", "status"),
    [
        ("https://shop.example", "https://shop.example", 202),
        ("https://shop.example", "https://evil.example", 403),
        ("", "http://shop.test", 202),
        ("*", "https://any.example", 202),
    ],
)
def test_pages_of_configured_origins_only_may_post(make_server, event, origins, origin, status):
    server = make_server(cors_origins=origins)
    headers = {"Origin": origin}
    answer = server.call("POST", "/v1/events", key="browser", headers=headers, json=event())
    assert answer.status_code == status
    allowed = answer.headers.get("access-control-allow-origin")
    assert allowed == (origin if status == 202 else None)
    ask = server.call("OPTIONS", "/v1/events", key=None, headers=headers)
    assert ask.status_code == (204 if status == 202 else 403)


def test_a_secret_key_gets_no_cors_headers(make_server, event):
    server = make_server(cors_origins="*")
    answer = server.call("POST", "/v1/events", headers={"Origin": "http://a.test"}, json=event())
    assert answer.status_code == 202
    assert "access-control-allow-origin" not in answer.headers


def test_scopes_are_documented():
    from pathlib import Path

    text = (Path(__file__).parents[2] / "docs" / "reference" / "http-api.md").read_text("utf-8")
    for scope in SCOPES:
        assert f"`{scope}`" in text
    assert openapi.ERRORS
