"""The files that the API serves itself: the browser snippet and the /docs page.

The docs page is our own, because the usual ones come from other hosts or need a lax policy.
Files are read once at start; the snippet loses its comments and indentation on the way out.
"""

from __future__ import annotations

import hashlib
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from shopkeeper.api.auth import Handler
from shopkeeper.api.limits import PAGE_CSP

_FILES = {
    "/docs": ("docs.html", "text/html"),
    "/docs/docs.js": ("docs.js", "text/javascript"),
    "/docs/docs.css": ("docs.css", "text/css"),
    "/shopkeeper.js": ("shopkeeper.js", "text/javascript"),
    "/chat.js": ("chat.js", "text/javascript"),
    "/chat.css": ("chat.css", "text/css"),
}


def snippet() -> bytes:
    """Return the browser snippet as it is served: lines without comments and indentation."""
    source = _read("shopkeeper.js")
    code = source.split("*/", 1)[1]
    lines = (line.strip() for line in code.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//")).encode()


def routes() -> list[Route]:
    """Return a route for each file."""
    found = []
    for path, (name, media_type) in _FILES.items():
        body = snippet() if name == "shopkeeper.js" else _read(name).encode()
        found.append(Route(path, _serve(path, body, media_type), methods=["GET"], name=path))
    found.append(Route("/favicon.ico", _no_icon, methods=["GET"], name="icon"))
    return found


def _serve(path: str, body: bytes, media_type: str) -> Handler:
    tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    headers = {"ETag": tag, "Cache-Control": "public, max-age=300"}
    if path == "/docs":
        headers["Content-Security-Policy"] = PAGE_CSP
    if path in ("/shopkeeper.js", "/chat.js", "/chat.css"):
        # Shop pages of other origins load this one, whatever policy they have for embedding.
        headers["Cross-Origin-Resource-Policy"] = "cross-origin"

    async def serve(request: Request) -> Response:
        request.scope["shop.answer"].route = path
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(body, media_type=media_type, headers=headers)

    return serve


async def _no_icon(request: Request) -> Response:
    """Browsers ask for an icon unasked; an empty answer keeps their console quiet."""
    return Response(status_code=204, headers={"Cache-Control": "public, max-age=86400"})


def _read(name: str) -> str:
    return (files("shopkeeper.api") / "static" / name).read_text("utf-8")
