"""A tiny shop with a trained model, its console, and a browser's part of signing in."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
from starlette.applications import Starlette
from starlette.testclient import TestClient

from shopkeeper.base import clock
from shopkeeper.base import settings as settings_file
from shopkeeper.console.routes import console_app, mount
from shopkeeper.data.events import Event
from shopkeeper.data.keys import Keys, open_keys
from shopkeeper.data.shop import Shop, open_shop
from shopkeeper.operate.runtime import Runtime
from shopkeeper.operate.train import train
from shopkeeper.simulate.tiny_shop import tiny_shop

USER, PASSWORD = "li", "correct-horse-battery"
CUSTOMER, ITEM = "customer-003", "item-001"
NASTY = "<script>alert('x')</script>\" onload=\"alert(1)"


class Front:
    """An open shop with its runtime, keys and an app that holds the console."""

    def __init__(self, home: Path, *, filled: bool = True) -> None:
        settings = settings_file.load(home)
        self.shop: Shop = open_shop(settings)
        self.keys: Keys = open_keys(settings)
        self.keys.add_user(USER, PASSWORD)
        if filled:
            end_us = clock.now_us() - 3_600_000_000
            events = tiny_shop(customers=20, items=20, days=30, end_us=end_us)
            done = self.shop.append_events([*events, *_nasty()])
            assert done.rejected == []
            self.shop.lake.compact()
            self.shop.ingest.post(b'{"event_id": "bad-1", "kind": "nope"}').result(10)
            train(self.shop, ["recommend"])
        self.runtime = Runtime(self.shop).start()
        self._cookies: dict[str, str] = {}
        self.app = Starlette()
        mount(self.app, self.runtime, self.shop, self.keys)

    def client(self, **headers: str) -> TestClient:
        """Return a browser that has not signed in."""
        return TestClient(self.app, headers=headers, follow_redirects=False)

    def signed_in(self, *, fresh: bool = False, **headers: str) -> TestClient:
        """Return a browser that has signed in; without ``fresh`` all share one session."""
        browser = self.client(**headers)
        if self._cookies and not fresh:
            browser.cookies.update(self._cookies)
            return browser
        answer = sign_in(browser, USER, PASSWORD)
        assert answer.status_code == 303, answer.text
        if not fresh:
            self._cookies = dict(browser.cookies)
        return browser

    def alone(self) -> TestClient:
        """Return a signed-in browser on a console without a runtime."""
        app = Starlette()
        app.mount("/console", console_app(None, self.shop, self.keys))
        browser = TestClient(app, follow_redirects=False)
        assert sign_in(browser, USER, PASSWORD).status_code == 303
        return browser

    def close(self) -> None:
        """Stop the runtime and close the files."""
        self.runtime.close()
        self.keys.close()
        self.shop.close()


def sign_in(browser: TestClient, name: str, password: str, back: str = ""):
    """Fill in the sign-in form as a person would."""
    form = browser.get("/console/sign-in")
    data = {"csrf": token(form.text), "name": name, "password": password, "back": back}
    return browser.post("/console/sign-in", data=data)


def token(page: str) -> str:
    """Return the form token of a page."""
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found, page[:500]
    return found[1]


def _nasty() -> list[Event]:
    at = clock.from_us(clock.now_us() - 7_200_000_000)
    bought = [{"item_id": "evil-1", "price_minor": 100}]
    facts = [
        {"kind": "item", "item_id": "evil-1", "title": NASTY, "brand": NASTY, "category": NASTY},
        {"kind": "search", "customer_id": "evil/../c 1", "query": NASTY},
        {
            "kind": "purchase",
            "customer_id": "evil/../c 1",
            "order_id": NASTY[:60],
            "lines": bought,
            "currency": "USD",
        },
    ]
    return [
        msgspec.convert({"event_id": f"evil-{n}", "occurred_at": at, **fact}, Event)
        for n, fact in enumerate(facts)
    ]
