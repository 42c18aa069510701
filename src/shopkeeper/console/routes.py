"""The console's addresses: who may open what, and the headers on every answer.

``mount`` hangs the console into the API's app. Pages are built in worker threads, so that a
slow query never holds up the event loop that takes events.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import FormData
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shopkeeper.base import log
from shopkeeper.base.errors import ShopError
from shopkeeper.console import session, sign_in
from shopkeeper.console.forms import form_route
from shopkeeper.console.pages import (
    customers,
    decisions,
    find,
    fraud,
    inventory,
    jobs,
    merchandising,
    models,
    overview,
    products,
    quality,
    simulator,
    supply,
    support,
)
from shopkeeper.console.speech import COOKIE as LANGUAGE_COOKIE
from shopkeeper.console.speech import LANGUAGES
from shopkeeper.console.view import Console, View
from shopkeeper.data.keys import Keys, open_keys

# The side bar from top to bottom; what has no name has no entry.
AREAS = (
    overview.AREA,
    quality.AREA,
    customers.AREA,
    products.AREA,
    inventory.AREA,
    fraud.AREA,
    supply.AREA,
    support.AREA,
    merchandising.AREA,
    simulator.AREA,
    models.AREA,
    decisions.AREA,
    jobs.AREA,
    find.AREA,
)
YEAR_SECONDS = 31_536_000
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = [
    (b"content-security-policy", CSP.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
]


def mount(app: Any, runtime: Any, shop: Any, keys: Keys | None = None) -> None:
    """Hang the console under /console of an app and let / lead to it."""
    if keys is None:
        service = getattr(app.state, "service", None)
        keys = getattr(service, "keys", None)
    app.router.routes.append(Mount("/console", app=console_app(runtime, shop, keys)))

    async def front(request: Request) -> Response:
        return RedirectResponse("/console/", 307)

    app.router.routes.append(Route("/", front, methods=["GET"]))
    app.router.routes.append(Route("/console", front, methods=["GET"]))


def console_app(runtime: Any, shop: Any, keys: Keys | None = None) -> Starlette:
    """Return the console as an app of its own; ``runtime`` None shows all but live answers."""
    entries = tuple((a.name, a.pages[0][0].strip("/")) for a in AREAS if a.name)
    console = Console(runtime, shop, keys or open_keys(shop.settings), entries)
    routes = [
        Route(path, _page(console, handler), methods=["GET"])
        for area in AREAS
        for path, handler in area.pages
    ]
    routes += [form_route(path, console, work) for area in AREAS for path, work in area.forms]
    routes += [
        Route("/sign-in", _open(console, sign_in.ask), methods=["GET"]),
        form_route("/sign-in", console, sign_in.check, signed_in=False),
        form_route("/sign-out", console, _sign_out),
        form_route("/language", console, _language, signed_in=False),
        Route("/static/{address:path}", console.assets.serve, methods=["GET"]),
        Route("/{rest:path}", _page(console, _nothing_here), methods=["GET"]),
    ]
    return Starlette(routes=routes, middleware=[Middleware(_Headers)])


class _Headers:
    """Put the security headers on every answer; pages are not kept by caches."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                present = {name for name, _ in headers}
                headers += [pair for pair in HEADERS if pair[0] not in present]
                if b"cache-control" not in present:
                    headers.append((b"cache-control", b"no-store"))
                message = {**message, "headers": headers}
            await send(message)

        if "shop.answer" in scope:
            scope["shop.answer"].route = "/console"
        await self.app(scope, receive, with_headers)


def _page(console: Console, handler: Callable[..., Response]) -> Callable[[Request], Response]:
    """Return an endpoint for signed-in people; Starlette runs plain functions in threads."""

    def endpoint(request: Request) -> Response:
        view = View(console, request)
        if view.session is None:
            where = view.url("sign-in")
            if request.headers.get("hx-request") == "true":
                return PlainTextResponse("", 401, {"HX-Redirect": where})
            return RedirectResponse(f"{where}?{sign_in.back_query(view)}", 303)
        return _answered(view, handler, *request.path_params.values())

    return endpoint


def _open(console: Console, handler: Callable[..., Response]) -> Callable[[Request], Response]:
    def endpoint(request: Request) -> Response:
        return _answered(View(console, request), handler)

    return endpoint


def _answered(view: View, handler: Callable[..., Response], *given: Any) -> Response:
    try:
        return handler(view, *given)
    except ShopError as problem:
        status = problem.http_status
        return view.problem(status, "problem.failed", problem.message, problem.hint)


def _nothing_here(view: View, rest: str) -> Response:
    return view.problem(404, "problem.not_found", view.say("problem.nothing_here"))


def _sign_out(view: View, form: FormData) -> Response:
    assert view.session is not None
    view.console.sessions.end(view.session)
    log.info("console.signed_out")
    response = view.go(view.url("sign-in"))
    response.delete_cookie(session.COOKIE, path=view.root or "/")
    return response


def _language(view: View, form: FormData) -> Response:
    wish = str(form.get("language", ""))
    response = view.go(view.back(str(form.get("back", ""))))
    if wish in LANGUAGES:
        view.set_cookie(response, LANGUAGE_COOKIE, wish, YEAR_SECONDS)
    return response
