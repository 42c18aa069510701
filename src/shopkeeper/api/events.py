"""POST /v1/events: 202 once every accepted event is durable, and what became of each.

The hot route, so a plain endpoint over bytes: no form, no model classes. The body is read up
to its limit and not beyond. Authentication stands around it, in the app; a key that may send
only some kinds leaves them in ``request.state.only_kinds``.
"""

from __future__ import annotations

import math

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from shopkeeper.base import log
from shopkeeper.base.errors import ShopError, TooBusy
from shopkeeper.base.settings import Settings
from shopkeeper.data.ingest import Ingest, Receipt
from shopkeeper.data.validate import too_long

_encode = msgspec.json.Encoder().encode
_JSON = "application/json"


async def post_events(request: Request) -> Response:
    """Take one event, an array, or {"events": [...]}; answer what was accepted.

    202 with counts; 400 (409 for conflicts) when nothing in it could be accepted; 413, 429 with
    Retry-After, 503. Repeating a request is harmless.
    """
    ingest: Ingest = request.app.state.ingest
    try:
        raw = await read_body(request, ingest.settings)
        kinds = getattr(request.state, "only_kinds", None)
        receipt = await ingest.post_async(raw, kinds=kinds)
        request.state.receipt = receipt  # for the counters that stand around this
    except ShopError as error:
        return error_response(error)
    except ClientDisconnect:
        return Response(status_code=400)
    return Response(_encode(receipt), status_of(receipt), media_type=_JSON)


def status_of(receipt: Receipt) -> int:
    """Return 202 when anything was accepted or known already, else 409 or 400."""
    if receipt.accepted or receipt.duplicate:
        return 202
    return 409 if receipt.conflict == len(receipt.rejected) else 400


async def read_body(request: Request, settings: Settings) -> bytes:
    """Return the body; TooLarge as soon as it is known to be above ``max_body_bytes``."""
    limit = settings.max_body_bytes
    announced = request.headers.get("content-length", "0")
    if announced.isdigit() and int(announced) > limit:
        raise too_long(settings)
    chunks: list[bytes] = []
    length = 0
    async for chunk in request.stream():
        length += len(chunk)
        if length > limit:
            raise too_long(settings)
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def error_response(error: ShopError) -> Response:
    """Return an error as JSON with its status; Retry-After in whole seconds where it helps."""
    headers = {}
    if isinstance(error, TooBusy):
        headers["Retry-After"] = str(math.ceil(error.retry_after_seconds))
    if error.http_status >= 500:
        log.error("events.failed", code=error.code)
        headers["Retry-After"] = "5"
    body = _encode({"error": error.to_dict()})
    return Response(body, error.http_status, headers, media_type=_JSON)
