"""The Model Context Protocol over HTTP: one message per POST, answered as JSON.

The API key opens the route; a chat's session token in ``Shop-Session`` says whose orders the
tools may see. The server keeps no session and offers no stream, which the protocol allows.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from shopkeeper.api import auth, errors
from shopkeeper.api.openapi import guarded_by
from shopkeeper.api.service import Service, in_thread
from shopkeeper.base.errors import BadInput, NotAllowed
from shopkeeper.operate import conversations, mcp

_TAGS: dict[str, Any] = {"tags": ["support"]}


def add(api: FastAPI, service: Service) -> None:
    """Put the protocol's endpoint on the app."""

    @api.post(
        "/v1/mcp",
        operation_id="mcp",
        summary="One JSON-RPC message of the Model Context Protocol: the shop's read tools.",
        description="Header Shop-Session: a chat's token; without it no tool sees orders.",
        **_TAGS,
        **guarded_by("decisions:write", "400", "503"),
    )
    async def message(request: Request) -> Response:
        service.need_ready()
        _check_headers(request, service)
        body = await request.body()

        def customer() -> str | None:
            token = auth.header(request, b"shop-session")
            if not token:
                return None
            session = conversations.session_of(service.shop, token)
            found: str | None = session["customer_id"]
            return found

        told = await in_thread(mcp.from_text, service.runtime, body, customer)
        if told is None:
            return Response(status_code=202)
        broken = "error" in told and told["id"] is None
        return errors.JSON(told, status_code=400 if broken else 200)

    @api.get(
        "/v1/mcp",
        operation_id="mcp_stream",
        summary="No stream is offered: 405, as the protocol has it.",
        **_TAGS,
        **guarded_by("decisions:write"),
    )
    async def stream() -> Response:
        raise HTTPException(405, headers={"Allow": "POST"})


def _check_headers(request: Request, service: Service) -> None:
    """Refuse other protocol versions, and pages of origins that the shop does not name."""
    version = auth.header(request, b"mcp-protocol-version")
    if version and version not in mcp.VERSIONS:
        raise BadInput(
            f"MCP-Protocol-Version {version[:40]!r} is not spoken here.",
            field="MCP-Protocol-Version",
            value=version[:40],
            allowed=", ".join(mcp.VERSIONS),
        )
    origin = auth.header(request, b"origin")
    if origin and not auth.origin_allowed(request, service, origin):
        raise NotAllowed(
            f"Pages of {origin[:120]} may not call this.", field="origin", value=origin
        )
