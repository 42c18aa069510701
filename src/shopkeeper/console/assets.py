"""Static files under addresses that carry their hash, so that browsers may keep them for good.

Everything is read once at start and answered from memory; only names listed then are served.
"""

from __future__ import annotations

import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

STATIC = Path(__file__).parent / "static"
SUFFIXES = {".css", ".js", ".svg"}
FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One file: its bytes, its type and the address that names its content."""

    name: str
    address: str
    body: bytes
    media_type: str


def read_assets(folder: Path = STATIC) -> dict[str, Asset]:
    """Return every servable file of the folder by its name, such as ``vendor/htmx.min.js``."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix not in SUFFIXES:
            continue
        name = path.relative_to(folder).as_posix()
        body = path.read_bytes()
        mark = hashlib.sha256(body).hexdigest()[:12]
        media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
        found[name] = Asset(name=name, address=f"{mark}/{name}", body=body, media_type=media_type)
    return found


class Assets:
    """The files by address; ``address(name)`` for templates, ``serve`` for the route."""

    def __init__(self) -> None:
        self._by_name = read_assets()
        self._by_address = {asset.address: asset for asset in self._by_name.values()}

    def address(self, name: str) -> str:
        """Return where a file is served, below the console's own root."""
        return self._by_name[name].address

    async def serve(self, request: Request) -> Response:
        """Answer one static file, or 404."""
        asset = self._by_address.get(request.path_params["address"])
        if asset is None:
            return PlainTextResponse("not found", 404)
        headers = {"Cache-Control": FOR_EVER}
        return Response(asset.body, media_type=asset.media_type, headers=headers)
