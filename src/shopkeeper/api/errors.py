"""One error body for everything: {"error": {code, message, hint, field, value, allowed}}.

Whatever goes wrong, in our handlers, in FastAPI's validation or in the router, leaves as this
body. A fault of ours is logged with its traceback under an error id; the body shows only the id.
"""

from __future__ import annotations

import secrets
import traceback
from http import HTTPStatus
from typing import Any

import msgspec
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from shopkeeper.base import log
from shopkeeper.base.errors import ShopError, TooBusy, shorten
from shopkeeper.data.privacy import hide_card_numbers

_encode = msgspec.json.encode
# What Starlette raises by itself, in our words.
_ROUTER: dict[int, tuple[str, str, str]] = {
    404: ("not_found", "There is nothing at {path}.", "GET /docs lists every route."),
    405: ("method_not_allowed", "{path} does not take {method}.", "GET /docs lists every route."),
    413: ("too_large", "The request is above its size limit.", "Send smaller batches."),
}


class JSON(Response):
    """A JSON response by msgspec."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return _encode(content)


def body_of(error: ShopError) -> dict[str, Any]:
    """Return the body of an error; a value without a JSON form is shown as text."""
    return _without_cards(error.to_dict())


def _without_cards(error: dict[str, Any]) -> dict[str, Any]:
    """Return an error's body; a card number that the caller sent does not come back in it."""
    shown = {}
    for name, value in error.items():
        if isinstance(value, str):
            # Half a character (a lone surrogate) has no UTF-8.
            value = hide_card_numbers(value.encode("utf-8", "backslashreplace").decode())
        elif isinstance(value, int | float) and hide_card_numbers(str(value)) != str(value):
            value = "[card number]"
        shown[name] = value
    return {"error": shown}


def of_shop(error: ShopError) -> Response:
    """Return the response to an error that a user can meet."""
    headers = {}
    if isinstance(error, TooBusy):
        headers["Retry-After"] = str(max(1, round(error.retry_after_seconds)))
    elif error.http_status == 503:
        headers["Retry-After"] = "1"
    if error.http_status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="shopkeeper"'
    if error.http_status >= 500 and error.code != "warming":
        log.error("request.failed", code=error.code, message=error.message)
    return JSON(body_of(error), status_code=error.http_status, headers=headers)


def of_router(request: Request, error: HTTPException) -> Response:
    """Return the response to what the router itself refuses: 404, 405, 413 and the like."""
    status = error.status_code
    phrase = HTTPStatus(status).phrase
    code, message, hint = _ROUTER.get(
        status, (phrase.lower().replace(" ", "_"), str(error.detail) or phrase, "")
    )
    text = message.format(path=shorten(request.url.path), method=request.method)
    body = {"code": code, "message": text}
    if hint:
        body["hint"] = hint
    headers = dict(error.headers or {})
    if status == 405 and "Allow" in headers:
        body["allowed"] = headers["Allow"]
    return JSON(_without_cards(body), status_code=status, headers=headers)


def of_validation(error: RequestValidationError) -> Response:
    """Return the response to a request that does not fit a route's declared shape."""
    first = error.errors()[0]
    where = [str(part) for part in first["loc"]]
    field = ".".join(where[1:]) or where[0]
    body: dict[str, Any] = {
        "code": "bad_input",
        "message": f"{field}: {first['msg']}.",
        "hint": "GET /docs shows what this route takes.",
        "field": field,
        "value": shorten(first.get("input")),
    }
    limits = {k: v for k, v in first.get("ctx", {}).items() if isinstance(v, str | int | float)}
    if limits:
        body["allowed"] = ", ".join(f"{name} {value}" for name, value in limits.items())
    return JSON(_without_cards(body), status_code=422)


def of_fault(request_path: str, method: str, error: BaseException) -> Response:
    """Log a fault of ours under an id and return the response that shows only the id."""
    error_id = f"err_{secrets.token_hex(6)}"
    log.error(
        "request.fault",
        error_id=error_id,
        method=method,
        path=shorten(request_path),
        kind=type(error).__name__,
        traceback="".join(traceback.format_exception(error)),
    )
    body = {
        "code": "internal",
        "message": f"Something went wrong on our side; it is logged as {error_id}.",
        "hint": "Give this id to whoever runs the server.",
    }
    return JSON({"error": body}, status_code=500)


async def _shop(request: Request, error: Exception) -> Response:
    assert isinstance(error, ShopError)
    return of_shop(error)


async def _router(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if isinstance(error.__cause__, ShopError):
        # FastAPI wraps what goes wrong while it reads a body, such as our own limit.
        raise error.__cause__
    return of_router(request, error)


async def _validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return of_validation(error)


async def fault(request: Request, error: Exception) -> Response:
    """Answer a fault inside FastAPI, which sends before it raises; the Gate need not again."""
    request.scope["shop.answer"].fault_told = True
    return of_fault(request.url.path, request.method, error)


HANDLERS: dict[Any, Any] = {
    ShopError: _shop,
    HTTPException: _router,
    RequestValidationError: _validation,
}
