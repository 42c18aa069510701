"""What a page may say with a publishable key, which anybody can read: browsing, nothing more.

A purchase, a payment or a catalogue entry from such a key would let any visitor invent them.
"""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from shopkeeper.api.auth import cors_headers, header, origin_allowed
from shopkeeper.api.service import Service
from shopkeeper.base.errors import BadInput, NotAllowed

BROWSER_KINDS = (
    "page_view",
    "view_item",
    "view_item_list",
    "search",
    "add_to_cart",
    "remove_from_cart",
    "add_to_wishlist",
    "begin_checkout",
    "impression",
    "select_item",
    "less_like_this",
)


def refuse_person(raw: bytes) -> None:
    """Refuse a request in which any event names a person; its kinds are judged one by one."""
    try:
        body: Any = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise BadInput(
            f"The body is not valid JSON: {problem}.", hint="Send one event or a list of events."
        ) from problem
    if isinstance(body, dict) and "events" in body:
        body = body["events"]
    for one in body if isinstance(body, list) else [body]:
        if isinstance(one, dict) and "person" in one:
            raise NotAllowed(
                "A publishable key may not post what identifies a person.",
                hint="Leave out `person`; send it from your server with a secret key.",
                field="person",
                allowed="no person block",
            )


async def preflight(request: Request, service: Service) -> Response:
    """Answer a browser that asks whether its page may post events here."""
    origin = header(request, b"origin")
    if not origin or not origin_allowed(request, service, origin):
        raise NotAllowed(
            f"Pages of {origin[:120] or 'no origin'} may not post events here.",
            hint="Add the origin to cors_origins in shopkeeper.toml.",
            field="origin",
            value=origin,
        )
    request.scope["shop.answer"].cors = [
        *cors_headers(origin),
        (b"access-control-allow-methods", b"POST"),
        (b"access-control-allow-headers", b"authorization, content-type"),
        (b"access-control-max-age", b"600"),
    ]
    return Response(status_code=204)
