"""Who calls, and may they: the key of a request, its scope, its rate, its origin.

``guarded`` wraps a handler of a hot route, ``GuardedRoute`` one of FastAPI's: both ask before
a byte of the body is read. The scope a route needs stands once, where the route is declared.
"""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any
from urllib.parse import parse_qs, urlsplit

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from shopkeeper.api.service import Service
from shopkeeper.base.errors import NotAllowed, NotSignedIn
from shopkeeper.data.keys import ApiKey

Handler = Callable[[Request], Awaitable[Response]]
BROWSER = "events:write:browser"
PAGE_ROUTE = "/v1/events"  # the only one that a publishable key opens


def header(request: Request, name: bytes) -> str:
    """Return one header as text, or nothing; cheaper than building all of them."""
    for given, value in request.scope["headers"]:
        if given == name:
            text: str = value.decode("latin-1")
            return text
    return ""


def authorise(
    request: Request, service: Service, scope: str, *, from_pages: bool = False
) -> ApiKey:
    """Return the caller's key, or raise 401 (who?), 403 (not you) or 429 (not so fast).

    ``from_pages``: a publishable key will do too.
    """
    try:
        key = service.keys.verify(_key_text(request))
    except NotSignedIn:
        service.failures.take(address(request))
        raise
    browser = from_pages and BROWSER in key.scopes
    if not browser and not key.allows(scope):
        raise NotAllowed(
            f"This key lacks the scope {scope}.",
            hint=f"Make one with `shopkeeper keys make NAME --scope {scope}`.",
            field="scope",
            value=" ".join(sorted(key.scopes)),
            allowed=scope,
        )
    if key.publishable:
        _check_origin(request, service)
        service.browser_rate.take(f"{key.key_id} {address(request)}")
    else:
        service.rate.take(key.key_id)
    request.scope["shop.key"] = key
    return key


def guarded(handler: Handler, service: Service, scope: str, route: str) -> Handler:
    """Return the handler behind its scope; the route's name goes to the metrics."""
    from_pages = route == PAGE_ROUTE

    async def endpoint(request: Request) -> Response:
        request.scope["shop.answer"].route = route
        authorise(request, service, scope, from_pages=from_pages)
        return await handler(request)

    endpoint.__name__ = getattr(handler, "__name__", "endpoint")
    return endpoint


class GuardedRoute(APIRoute):
    """A FastAPI route whose scope stands in ``openapi_extra['x-scope']``; none means open."""

    service: Service

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()
        scope = (self.openapi_extra or {}).get("x-scope")
        path = self.path

        async def endpoint(request: Request) -> Response:
            request.scope["shop.answer"].route = path
            if scope:
                authorise(request, self.service, scope)
            return await handler(request)

        return endpoint


def may_read_metrics(request: Request, service: Service) -> None:
    """Let this machine read /metrics, and others with the scope metrics:read."""
    proxied = header(request, b"x-forwarded-for") or header(request, b"forwarded")
    if proxied or not is_loopback(address(request)):
        authorise(request, service, "metrics:read")


def is_loopback(text: str) -> bool:
    """Return whether an address is this machine's own."""
    try:
        return ipaddress.ip_address(text).is_loopback
    except ValueError:
        return False


def address(request: Request) -> str:
    """Return the address of the caller, for limits; never stored."""
    client = request.scope.get("client")
    return client[0] if client else "unknown"


def origin_allowed(request: Request, service: Service, origin: str) -> bool:
    """Return whether pages of this origin may post events."""
    if "*" in service.origins or origin in service.origins:
        return True
    return urlsplit(origin).netloc == header(request, b"host")


def _check_origin(request: Request, service: Service) -> None:
    origin = header(request, b"origin")
    if not origin:
        return
    if not origin_allowed(request, service, origin):
        raise NotAllowed(
            f"Pages of {origin[:120]} may not post events here.",
            hint="Add the origin to cors_origins in shopkeeper.toml.",
            field="origin",
            value=origin,
            allowed=", ".join(service.origins) or "this server's own pages",
        )
    request.scope["shop.answer"].cors = cors_headers(origin)


def cors_headers(origin: str) -> list[tuple[bytes, bytes]]:
    """Return what lets a page of the origin read the answer."""
    return [
        (b"access-control-allow-origin", origin.encode("latin-1", "replace")),
        (b"access-control-expose-headers", b"retry-after"),
        (b"vary", b"origin"),
    ]


def _key_text(request: Request) -> str:
    kind, _, text = header(request, b"authorization").partition(" ")
    if kind.lower() == "bearer" and text:
        return text.strip()
    if kind.lower() == "basic" and text:
        # Segment and its kin send their write key as the user of basic authentication.
        try:
            return base64.b64decode(text).decode("ascii").partition(":")[0]
        except ValueError:
            return ""
    query = request.scope.get("query_string", b"")
    if b"key=" in query:
        # sendBeacon cannot send headers. A secret key in an address would end in logs.
        given = parse_qs(query.decode("latin-1")).get("key", [""])[0]
        if given.startswith("pk_"):
            return given
    raise NotSignedIn(
        "This route needs an API key.",
        hint="Send it as `Authorization: Bearer <key>`; `shopkeeper keys make` makes one.",
    )
