"""How much a caller may ask: token buckets per caller, and the bounds on one request.

``Gate`` is the outermost layer of the server, plain ASGI: it cuts off bodies above the limit
while they stream, ends requests whose body does not arrive in time, puts the security headers
on every answer and turns a fault into a 500 that tells nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shopkeeper.api import errors
from shopkeeper.api.metrics import Metrics
from shopkeeper.base.errors import RequestTimeout, ShopError, TooBusy, TooLarge
from shopkeeper.base.settings import Settings

DRAIN_BYTES, DRAIN_SECONDS = 32_000_000, 2.0
API_CSP = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
PAGE_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
SECURITY_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
]
_CSP = (b"content-security-policy", API_CSP.encode())
_NO_STORE = (b"cache-control", b"no-store")


class Buckets:
    """Token buckets by name: ``rate`` a second, up to ``burst`` at once."""

    def __init__(self, rate: float, burst: float, *, most: int = 50_000) -> None:
        self.rate, self.burst, self.most = rate, burst, most
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str) -> None:
        """Take one token or raise TooBusy saying when the next one comes."""
        now = time.monotonic()
        left, at = self._left.pop(name, (self.burst, now))
        left = min(self.burst, left + (now - at) * self.rate)
        if left < 1:
            self._left[name] = (left, now)
            raise TooBusy(
                f"More than {self.rate:g} requests per second.",
                hint="Wait for the seconds in Retry-After, then send again.",
                retry_after_seconds=(1 - left) / self.rate,
                code="rate_limited",
            )
        self._left[name] = (left - 1, now)
        if len(self._left) > self.most:
            # The one longest unused; by then its bucket is full again in all but odd cases.
            self._left.popitem(last=False)


class Gate:
    """Bounds, headers and the last catch around the whole server."""

    def __init__(self, app: ASGIApp, settings: Settings, metrics: Metrics) -> None:
        self.app, self.metrics = app, metrics
        self.max_body = settings.max_body_bytes
        self.seconds = settings.request_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        answer = scope["shop.answer"] = Answer(send)
        try:
            declared = _declared_length(scope)
            if declared > self.max_body:
                await self._give_up(receive, answer)
                raise self._too_large(declared)
            bounded = receive if scope["method"] == "GET" else self._bounded(receive, answer)
            await self.app(scope, bounded, answer)
        except ShopError as error:
            if not answer.status:
                await errors.of_shop(error)(scope, receive, answer)
        except Exception as error:
            if answer.fault_told:
                return
            response = errors.of_fault(scope["path"], scope["method"], error)
            if answer.status:
                # Half an answer cannot be taken back; ending the connection says it is broken.
                raise
            await response(scope, receive, answer)
        finally:
            seconds = time.perf_counter() - started
            self.metrics.request(scope["method"], answer.route, answer.status, seconds)

    def _bounded(self, receive: Receive, answer: Answer) -> Receive:
        """Return ``receive`` that counts bytes and does not wait for ever."""
        got = 0
        end = time.monotonic() + self.seconds

        async def bounded() -> Message:
            nonlocal got
            try:
                async with asyncio.timeout(max(0.0, end - time.monotonic())):
                    message = await receive()
            except TimeoutError as problem:
                answer.closing = True
                raise RequestTimeout(
                    f"The request body did not arrive within {self.seconds} s.",
                    hint="Send it again over a better line, or in smaller batches.",
                ) from problem
            got += len(message.get("body", b""))
            if got > self.max_body:
                if message.get("more_body"):
                    await self._give_up(receive, answer)
                raise self._too_large(got)
            return message

        return bounded

    def _too_large(self, size: int) -> TooLarge:
        return TooLarge(
            f"The request body has {size:,} bytes or more; the limit is {self.max_body:,}.",
            hint="Send smaller batches, or raise max_body_bytes in shopkeeper.toml.",
            field="body",
            value=size,
            allowed=f"up to {self.max_body} bytes",
        )

    async def _give_up(self, receive: Receive, answer: Answer) -> None:
        """Let go what a caller still sends: met by a closed line it would never read why."""
        answer.closing = True
        end = time.monotonic() + DRAIN_SECONDS
        drained, more = 0, True
        while more and drained < DRAIN_BYTES and time.monotonic() < end:
            try:
                message = await asyncio.wait_for(receive(), DRAIN_SECONDS)
            except TimeoutError:
                return
            drained += len(message.get("body", b""))
            more = message.get("more_body", False)


class Answer:
    """``send`` that adds headers and remembers the status; the guard names the route."""

    __slots__ = ("closing", "cors", "fault_told", "route", "send", "status")

    def __init__(self, send: Send) -> None:
        self.send, self.status, self.closing = send, 0, False
        self.fault_told = False
        self.route = "other"
        self.cors: list[tuple[bytes, bytes]] = []

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = list(message.get("headers", ()))
            present = {name for name, _ in headers}
            headers += SECURITY_HEADERS + self.cors
            if b"content-security-policy" not in present:
                headers.append(_CSP)
            if b"cache-control" not in present:
                headers.append(_NO_STORE)
            if self.closing:
                # The rest of the body was not read, so this connection cannot go on.
                headers.append((b"connection", b"close"))
            message = {**message, "headers": headers}
        await self.send(message)


def _declared_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0
