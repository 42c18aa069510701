"""The frame around the routes: one error body, headers, documentation, health, limits in time."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from starlette.routing import Mount, Route

from shopkeeper.api.app import HOT
from shopkeeper.api.limits import Buckets
from shopkeeper.api.server import first_start, greet, listen
from shopkeeper.base.errors import BadInput, PortInUse, RequestTimeout, TooBusy

ROOT = Path(__file__).parents[2]
PAGES = {"/docs", "/docs/docs.js", "/docs/docs.css", "/shopkeeper.js"}


def mounted_routes(server):
    """Return (method, path) of everything the server answers, the console's pages apart."""
    found = set()
    for route in server.app.routes:
        if isinstance(route, Mount) and not route.path:
            inner = [r for r in route.app.routes if isinstance(r, Route)]
            found |= {(m, r.path) for r in inner for m in r.methods - {"HEAD"}}
        elif isinstance(route, Route) and route.path.startswith("/v1"):
            found |= {(m, route.path) for m in HOT[route.path][0]}
    return found


def documented_routes(server):
    paths = server.call("GET", "/openapi.json").json()["paths"]
    return {(method.upper(), path) for path, methods in paths.items() for method in methods}


def test_every_route_is_in_the_openapi_document_and_nothing_else(server):
    assert mounted_routes(server) == documented_routes(server)


def test_every_route_and_metric_is_in_the_reference_page(server):
    text = (ROOT / "docs/reference/http-api.md").read_text("utf-8")
    listed = set(re.findall(r"^\| `([A-Z]+) (/[^`]*)`", text, re.M))
    assert listed == documented_routes(server)
    for name in re.findall(r"# TYPE (\w+)", server.call("GET", "/metrics").text):
        if not name.endswith("_created"):
            assert f"`{name}" in text, name


def test_the_openapi_document_is_3_1_and_complete(server):
    document = server.call("GET", "/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    for reference in re.findall(r'"#/components/schemas/(\w+)"', str(document).replace("'", '"')):
        assert reference in document["components"]["schemas"]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"], (method, path)
            assert operation["operationId"], (method, path)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/v1/nowhere", 404, "not_found"),
        ("DELETE", "/v1/events", 405, "method_not_allowed"),
        ("PUT", "/v1/recommendations", 405, "method_not_allowed"),
        ("POST", "/health", 405, "method_not_allowed"),
        ("POST", "/v1/decisions/oracle", 404, "not_found"),
        ("GET", "/v1/items/nothing", 404, "not_found"),
        ("GET", "/v1/customers/nobody", 404, "not_found"),
        ("GET", "/v1/decisions/dec_0/explain", 404, "not_found"),
        ("POST", "/v1/models/recommend/rollback", 409, "conflict"),
    ],
)
def test_everything_that_fails_has_the_same_body(server, method, path, status, code):
    more = {"json": {}} if "decisions/oracle" in path else {}
    answer = server.call(method, path, **more)
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"error"}
    fault = answer.json()["error"]
    assert fault["code"] == code
    assert set(fault) <= {"code", "message", "hint", "field", "value", "allowed"}


def test_a_fault_of_ours_shows_an_id_only_and_logs_the_traceback(server, monkeypatch, capsys):
    def broken(*_):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(server.runtime, "decide", broken)
    for method, path in (("GET", "/v1/recommendations"), ("POST", "/v1/decisions/recommend")):
        answer = server.call(method, path, **({"json": {}} if method == "POST" else {}))
        assert answer.status_code == 500
        assert "secret detail" not in answer.text
        error_id = re.search(r"err_\w+", answer.text).group()
        streams = capsys.readouterr()
        logged = streams.out + streams.err
        assert error_id in logged
        assert "secret detail" in logged


@pytest.mark.parametrize("path", ["/health", "/docs", "/v1/models", "/nowhere", "/shopkeeper.js"])
def test_every_answer_has_the_security_headers(server, path):
    headers = server.call("GET", path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_the_docs_page_names_no_other_host(server):
    for path in PAGES:
        answer = server.call("GET", path, key=None)
        assert answer.status_code == 200
        assert "//" not in re.sub(r"^\s*//.*|/\*.*?\*/", "", answer.text, flags=re.M | re.S)
        again = server.call("GET", path, headers={"If-None-Match": answer.headers["etag"]})
        assert again.status_code == 304


def test_health_needs_nothing_and_ready_tells_the_fallback(server):
    assert server.call("GET", "/health", key=None).json()["status"] == "ok"
    facts = server.call("GET", "/ready", key=None).json()
    assert (facts["ready"], facts["on_fallback"]) == (True, [])
    server.runtime.fallback = True
    answer = server.call("GET", "/ready", key=None)
    assert answer.status_code == 200
    assert answer.json()["on_fallback"][0] == "recommend"


def test_while_warming_events_are_taken_and_decisions_ask_for_patience(server, event):
    server.service.phase = "warming"
    answer = server.call("GET", "/v1/recommendations?placement=home")
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "warming"
    assert answer.headers["retry-after"]
    assert server.call("GET", "/ready", key=None).status_code == 503
    assert server.call("POST", "/v1/events", json=event()).status_code == 202
    server.runtime.ready.add("recommend")
    assert server.call("GET", "/v1/recommendations?placement=home").status_code == 200
    assert server.call("GET", "/ready", key=None).status_code == 503


def test_a_full_disk_shows_in_ready(server, monkeypatch):
    monkeypatch.setattr("shopkeeper.api.service.LOW_DISK_BYTES", 10**18)
    answer = server.call("GET", "/ready", key=None)
    assert answer.status_code == 503
    assert answer.json()["log_writable"] is False


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "热卖"),
        ("en-GB,zh;q=0.5", "Popular"),
        ("fr", "Popular"),
        ("zh;q=oops", "Popular"),
    ],
)
def test_reasons_speak_the_readers_language(server, header, text):
    headers = {"Accept-Language": header}
    path = "/v1/recommendations?placement=home&limit=1"
    slate = server.call("GET", path, headers=headers).json()
    assert slate["items"][0]["reason"]["text"] == text
    chosen = server.call("GET", path + "&lang=zh", headers=headers).json()
    assert chosen["items"][0]["reason"]["text"] == "热卖"


def test_get_and_post_ask_the_same_question(server):
    asked = server.call(
        "GET", "/v1/recommendations?placement=cart&item_id=a&item_id=b&limit=3&exclude=c,d"
    ).json()
    body = {"placement": "cart", "items": ["a", "b"], "limit": 3, "exclude": ["c", "d"]}
    posted = server.call("POST", "/v1/recommendations", json=body).json()
    assert asked["items"] == posted["items"]
    assert len(asked["items"]) == 3


def test_metrics_count_events_decisions_and_routes(server, event):
    one = event()
    server.call("POST", "/v1/events", json=[one, event(kind="nonsense")])
    server.call("POST", "/v1/events", json=one)
    server.call("GET", "/v1/recommendations?placement=home")
    server.call("GET", "/v1/items/some-id")
    text = server.call("GET", "/metrics").text
    for line in (
        'shopkeeper_events_total{result="accepted"} 1.0',
        'shopkeeper_events_total{result="duplicate"} 1.0',
        'shopkeeper_events_total{result="rejected"} 1.0',
        'shopkeeper_decisions_total{capability="recommend",fallback="false",model="fixed@1"} 1.0',
        "shopkeeper_queue_requests 0.0",
        "shopkeeper_freshness_seconds",
        'route="/v1/items/{item_id}"',
    ):
        assert line in text, line
    assert re.search(r"shopkeeper_commit_seconds_count [1-9]", text)
    assert "some-id" not in text


def test_a_body_that_does_not_arrive_ends_in_408(make_server):
    server = make_server(request_seconds=0)

    async def slow():
        await asyncio.sleep(0.2)
        yield b"{}"

    for path in ("/v1/events", "/v1/decisions/recommend"):
        answer = server.call("POST", path, content=slow())
        assert answer.status_code == 408, path
        assert answer.json()["error"]["code"] == RequestTimeout.code


def test_a_bucket_refills_at_its_rate(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    bucket = Buckets(rate=2, burst=2)
    bucket.take("a")
    bucket.take("a")
    with pytest.raises(TooBusy) as busy:
        bucket.take("a")
    assert busy.value.retry_after_seconds == pytest.approx(0.5)
    bucket.take("b")
    now[0] += 0.5
    bucket.take("a")
    with pytest.raises(TooBusy):
        bucket.take("a")


def test_buckets_forget_the_longest_unused():
    bucket = Buckets(rate=1, burst=1, most=3)
    for name in "abcd":
        bucket.take(name)
    bucket.take("a")
    with pytest.raises(TooBusy):
        bucket.take("d")


def test_the_first_start_makes_keys_and_a_user_once(server, settings):
    lines = []
    assert set(first_start(server.keys)) == {"console user", "password"}
    assert first_start(server.keys) == {}
    greet(settings, {"secret key": "sk_1.x"}, lines.append)
    assert any("sk_1.x" in line for line in lines)


def test_a_port_in_use_is_a_clear_error():
    with listen("127.0.0.1", 0) as held:
        port = held.getsockname()[1]
        with pytest.raises(PortInUse, match=f"Port {port} on 127.0.0.1 is taken"):
            listen("127.0.0.1", port)


def test_an_address_that_is_not_ours_is_a_clear_error():
    with pytest.raises(BadInput):
        listen("no.such.host.invalid", 8000)
    with pytest.raises(BadInput, match="Cannot listen"):
        listen("203.0.113.1", 8000)
