"""A server in process over a real shop; decisions come from a runtime that needs no training."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from shopkeeper.api.app import create_app
from shopkeeper.base import clock, ids
from shopkeeper.base.errors import NotFound
from shopkeeper.data.shop import open_shop
from shopkeeper.learn.contracts import Decision, Reason
from shopkeeper.operate.registry import Registry
from shopkeeper.recommend.request import parse


class FixedRuntime:
    """Decides the same slate for everybody; stands in where the decision does not matter."""

    def __init__(self, shop: Any) -> None:
        self.shop, self.fallback, self.counts = shop, False, {"unrecorded": 0}
        self.registry = Registry(shop.settings.models_path)
        self.ready: set[str] = set()

    def start(self) -> None:
        return None

    def decide(self, capability: str, raw: dict[str, Any]) -> Decision:
        request = parse(raw)
        reason = {
            "code": "popular",
            "facts": {},
            "share": 1.0,
            "text": "Popular",
            "text_zh": "热卖",
        }
        items = [
            {
                "item_id": f"i{n}",
                "title": f"Item {n}",
                "price_minor": 100,
                "position": n,
                "score": 1.0,
                "sources": {},
                "reasons": [reason],
            }
            for n in range(request.limit)
        ]
        return Decision(
            decision_id=ids.new_id("dec"),
            capability=capability,
            subject=request.customer_id or "anyone",
            as_of_us=clock.now_us(),
            model="fixed@1",
            fallback=self.fallback,
            fallback_reason=None,
            arm=None,
            propensity=None,
            value={"placement": request.placement, "items": items},
            reasons=(Reason(code="popular"),),
            request=raw,
            latency_ms=0.1,
        )

    def explain(self, decision_id: str, *, item: str | None = None) -> dict[str, Any]:
        raise NotFound(f"There is no decision '{decision_id}'.", field="decision_id")

    def reload(self, capability: str) -> None:
        return None

    def healthy(self) -> dict[str, Any]:
        return {"ok": True, "capabilities": {"recommend": {"fallback": self.fallback}}}

    def close(self) -> None:
        return None


class Server:
    """The app of a shop, keys of all kinds, and a way to call it."""

    def __init__(self, shop: Any, runtime: Any) -> None:
        self.shop, self.runtime = shop, runtime
        self.app = create_app(runtime, warm=False)
        self.service = self.app.state.service
        self.keys = self.service.keys
        self.admin = self.keys.make("admin", ["admin"])[1]
        self.browser = self.keys.make("page", ["events:write:browser"])[1]

    def call(
        self,
        method: str,
        path: str,
        *,
        key: str | None = "admin",
        host: str = "9.9.9.9",
        **more: Any,
    ) -> httpx.Response:
        """Send one request through the whole app; ``key`` admin, browser, a text or None."""
        import asyncio

        text = {"admin": self.admin, "browser": self.browser}.get(key or "", key)
        headers = dict(more.pop("headers", {}))
        if text:
            headers.setdefault("Authorization", f"Bearer {text}")

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(
                self.app, raise_app_exceptions=False, client=(host, 1234)
            )
            async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as c:
                return await c.request(method, path, headers=headers, **more)

        return asyncio.run(send())


@pytest.fixture
def make_server(settings) -> Iterator[Any]:
    opened = []

    def make(**changes: Any) -> Server:
        shop = open_shop(dataclasses.replace(settings, **changes))
        opened.append(shop)
        return Server(shop, FixedRuntime(shop))

    yield make
    for shop in opened:
        shop.close()


@pytest.fixture
def server(make_server) -> Server:
    return make_server()


@pytest.fixture
def event() -> Any:
    """Return a maker of valid events."""

    def make(**changes: Any) -> dict[str, Any]:
        base = {
            "event_id": ids.new_id("e"),
            "kind": "view_item",
            "occurred_at": clock.iso(clock.now_us()),
            "customer_id": "c1",
            "item_id": "i1",
        }
        return {**base, **changes}

    return make


@pytest.fixture
def server_over() -> Any:
    """Return the maker of a server over a shop and a runtime of one's own."""
    return Server
