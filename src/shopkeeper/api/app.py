"""The server as one ASGI app: hot routes first, then the console, then FastAPI.

The first four routes bypass FastAPI, whose routing layer costs more than the work it would
route to. Everything passes the Gate of limits.py; one error body serves all.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from shopkeeper.api import browser, errors, pages
from shopkeeper.api.auth import PAGE_ROUTE, Handler, guarded
from shopkeeper.api.batch import take_batch, take_events
from shopkeeper.api.fraud_score import score
from shopkeeper.api.limits import Gate
from shopkeeper.api.recommendations import recommendations
from shopkeeper.api.routes import make_api
from shopkeeper.api.service import Service
from shopkeeper.console import routes as console
from shopkeeper.data.keys import Keys, open_keys
from shopkeeper.operate.fraud_watch import FraudWatch
from shopkeeper.operate.jobs.scheduler import GRACE_SECONDS, Scheduler
from shopkeeper.operate.supply_watch import SupplyWatch
from shopkeeper.operate.webhooks import Courier

# path -> its methods and the scope that it needs.
HOT = {
    "/v1/events": (("POST",), "events:write"),
    "/v1/batch": (("POST",), "events:write"),
    "/v1/recommendations": (("GET", "POST"), "decisions:write"),
    "/v1/fraud/score": (("POST",), "decisions:write"),
}
ALL = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def create_app(
    runtime: Any, *, keys: Keys | None = None, warm: bool = True, close_shop: bool = False
) -> Starlette:
    """Return the app over a runtime and its shop.

    ``warm`` starts the runtime in a thread when the server starts; without it the runtime is
    taken as started. ``close_shop`` closes the shop, and so drains its writer, at the end.
    """
    shop = runtime.shop
    service = Service(shop, runtime, keys or open_keys(shop.settings))

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        thread = service.start_warming() if warm else None
        tasks = asyncio.create_task(service.tasks())
        courier = Courier(shop).start()
        deliveries = SupplyWatch(shop).start()
        watch = FraudWatch(shop).start()
        jobs = Scheduler(shop, grace_seconds=GRACE_SECONDS).start()
        yield
        service.phase = "stopping"
        tasks.cancel()
        with suppress(asyncio.CancelledError):
            await tasks
        if thread is not None:
            await asyncio.to_thread(thread.join, 10)
        await asyncio.to_thread(jobs.close)
        await asyncio.to_thread(watch.close)
        await asyncio.to_thread(courier.close)
        await asyncio.to_thread(deliveries.close)
        await asyncio.to_thread(runtime.close)
        await asyncio.to_thread(service.keys.close)
        if close_shop:
            await asyncio.to_thread(shop.close)

    if not warm:
        service.phase = "ready"
    app = Starlette(
        routes=[*_hot_routes(service), *pages.routes()],
        middleware=[Middleware(Gate, settings=shop.settings, metrics=service.metrics)],
        exception_handlers=errors.HANDLERS,
        lifespan=lifespan,
    )
    app.state.service = service
    app.state.ingest = shop.ingest
    app.router.redirect_slashes = False
    console.mount(app, runtime, shop)
    app.router.routes.append(Mount("", app=make_api(service)))
    return app


def _hot_routes(service: Service) -> list[Route]:
    """Return the routes that bypass FastAPI; openapi.hot_paths describes them."""
    handlers = {"/v1/events": take_events, "/v1/batch": take_batch}
    handlers |= {"/v1/recommendations": recommendations, "/v1/fraud/score": score}
    found = []
    for path, (methods, scope) in HOT.items():
        work = guarded(partial(handlers[path], service=service), service, scope, path)
        # All methods come here, so that a wrong one is a 405 and not FastAPI's 404.
        found.append(Route(path, _by_method(work, methods, service), methods=ALL, name=path))
    return found


def _by_method(work: Handler, methods: tuple[str, ...], service: Service) -> Handler:
    allow = ", ".join(methods)

    async def endpoint(request: Request) -> Response:
        method = request.scope["method"]
        if method in methods:
            return await work(request)
        if method == "OPTIONS" and request.scope["path"] == PAGE_ROUTE:
            return await browser.preflight(request, service)
        raise HTTPException(405, headers={"Allow": allow})

    return endpoint
