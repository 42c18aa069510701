"""The browser snippet in a real Chromium, on a page of another origin, against a real server."""

from __future__ import annotations

import dataclasses
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
import pytest
import uvicorn
from starlette.responses import Response

from shopkeeper.api.app import create_app
from shopkeeper.api.server import listen, uvicorn_config
from shopkeeper.data.shop import open_shop
from shopkeeper.operate.runtime import Runtime

pytestmark = pytest.mark.browser
playwright = pytest.importorskip("playwright.sync_api")

PAGE = """<!doctype html><title>shop</title><h1>Mugs</h1>
<script>window.shopkeeper = function () {
  (shopkeeper.q = shopkeeper.q || []).push(arguments); };
shopkeeper('page_view');</script>
<script src="%s/shopkeeper.js" data-key="%s" async></script>"""


class Site:
    """A shop page on one port and shopkeeper on another."""

    def __init__(self, settings) -> None:
        self.answers: list[int] = []
        self.pages = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.page = f"http://127.0.0.1:{self.pages.server_port}/mugs?email=a@b.example"
        origin = f"http://127.0.0.1:{self.pages.server_port}"
        self.shop = open_shop(dataclasses.replace(settings, cors_origins=origin))
        app = create_app(Runtime(self.shop))
        self.service = app.state.service
        self.key = self.service.keys.make("page", ["events:write:browser"])[1]
        self.listener = listen("127.0.0.1", 0)
        self.address = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.server = uvicorn.Server(uvicorn_config(self._front(app), self.shop.settings))
        self.threads = [
            threading.Thread(target=self.pages.serve_forever, daemon=True),
            threading.Thread(target=self.server.run, args=([self.listener],), daemon=True),
        ]
        for thread in self.threads:
            thread.start()
        while not self.server.started:
            time.sleep(0.01)

    def _front(self, app):
        """Answer the next posts with ``answers`` before the app gets any."""

        async def front(scope, receive, send):
            posts = scope["type"] == "http" and scope["path"] == "/v1/events"
            if posts and self.answers:
                allow = {"Access-Control-Allow-Origin": "*"}
                await Response(status_code=self.answers.pop(0), headers=allow)(scope, receive, send)
                return
            await app(scope, receive, send)

        return front

    def _handler(self):
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                body = (PAGE % (site.address, site.key)).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                return

        return Handler

    def events(self) -> list[dict]:
        return [msgspec.json.decode(row.body) for _, row in self.shop.store.read(0, 1000)]

    def wait_for(self, count: int, seconds: float = 10) -> list[dict]:
        end = time.monotonic() + seconds
        while len(self.events()) < count and time.monotonic() < end:
            time.sleep(0.05)
        return self.events()

    def close(self) -> None:
        self.server.should_exit = True
        self.pages.shutdown()
        for thread in self.threads:
            thread.join(10)
        self.shop.close()


@pytest.fixture
def site(settings):
    made = Site(settings)
    yield made
    made.close()


@pytest.fixture
def page(site):
    with playwright.sync_playwright() as run:
        browser = run.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(site.page)
        page.wait_for_function("window.shopkeeper && !window.shopkeeper.q")
        yield page
        browser.close()


def storage(page) -> list[str]:
    return page.evaluate("Object.keys(localStorage)")


def test_nothing_is_stored_or_sent_before_consent(site, page):
    page.evaluate("shopkeeper('view_item', {item_id: 'i1'})")
    page.wait_for_timeout(2500)
    assert storage(page) == []
    page.goto("about:blank")
    page.wait_for_timeout(300)
    assert site.events() == []


def test_after_consent_events_arrive_in_one_batch_without_personal_fields(site, page):
    page.evaluate(
        """() => {
          shopkeeper('consent', true);
          shopkeeper('customer', 'c7');
          shopkeeper('view_item', {item_id: 'i1', email: 'a@b.example', person: {name: 'A'},
            card_number: '4111111111111111', properties: {colour: 'red', Phone: '1'}});
          shopkeeper('impression', {placement: 'home', lines: [{item_id: 'i1', position: 0}]});
        }"""
    )
    first, second = site.wait_for(2)
    assert [first["kind"], second["kind"]] == ["view_item", "impression"]
    assert first["customer_id"] == "c7"
    assert first["properties"] == {"colour": "red"}
    assert first["session_id"] == second["session_id"]
    assert len(first["event_id"]) == 36
    assert first["url"].endswith("/mugs")
    assert not {"email", "person", "card_number", "person_keys"} & set(first)


def test_what_waits_is_sent_when_the_page_is_left(site, page):
    page.evaluate("shopkeeper('consent', true); shopkeeper('add_to_cart', {item_id: 'i1'})")
    page.goto("about:blank")
    (event,) = site.wait_for(1)
    assert event["kind"] == "add_to_cart"


def test_taking_consent_back_clears_storage_and_queue(site, page):
    page.evaluate("shopkeeper('consent', true); shopkeeper('view_item', {item_id: 'i1'})")
    assert storage(page)
    page.evaluate("shopkeeper('consent', false); shopkeeper('view_item', {item_id: 'i2'})")
    assert storage(page) == []
    page.wait_for_timeout(2500)
    page.goto("about:blank")
    page.wait_for_timeout(300)
    assert site.events() == []


def test_consent_and_session_are_remembered_over_pages(site, page):
    page.evaluate("shopkeeper('consent', true); shopkeeper('view_item', {item_id: 'i1'})")
    page.goto(site.page)
    page.wait_for_function("window.shopkeeper && !window.shopkeeper.q")
    page.evaluate("shopkeeper('view_item', {item_id: 'i2'})")
    found = site.wait_for(3)
    assert [one["kind"] for one in found] == ["view_item", "page_view", "view_item"]
    assert len({one["session_id"] for one in found}) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_a_refused_batch_is_sent_again_once(site, page, status):
    site.answers = [status, status]
    page.evaluate("shopkeeper('consent', true); shopkeeper('view_item', {item_id: 'i1'})")
    site.wait_for(1, seconds=20)
    page.wait_for_timeout(1000)
    assert len(site.events()) == 1


def test_more_than_a_batch_all_arrive_once(site, page):
    page.evaluate(
        """() => { shopkeeper('consent', true);
          for (let n = 0; n < 90; n++) shopkeeper('view_item', {item_id: 'i' + n}); }"""
    )
    found = site.wait_for(90)
    assert sorted(one["item_id"] for one in found) == sorted(f"i{n}" for n in range(90))


def test_the_docs_page_lists_every_route_and_sends_a_request(site, page):
    problems = []
    page.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
    page.goto(f"{site.address}/docs")
    page.wait_for_selector("details")
    routes = page.evaluate("fetch('/openapi.json').then(r => r.json()).then(a => a.paths)")
    count = sum(len(methods) for methods in routes.values())
    assert page.locator("details").count() == count
    page.locator("#key").fill(site.service.keys.make("docs", ["admin"])[1])
    page.locator("#get_recommendations > summary").click()
    page.locator("#get_recommendations input[name=placement]").fill("trending")
    page.locator("#get_recommendations button").click()
    out = page.locator("#get_recommendations form pre")
    playwright.expect(out).to_contain_text("200 in")
    assert problems == []
