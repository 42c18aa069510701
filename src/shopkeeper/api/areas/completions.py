"""The chat in the shape of OpenAI's chat completions, for programs that speak only that.

The bearer token is a chat's session token: it names the conversation and the customer, so the
earlier messages that a client repeats are ignored, and only the last one of the user is taken.
What must be confirmed waits for a plain yes in the next message, as in every other door.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
from fastapi import FastAPI, Request
from starlette.responses import Response, StreamingResponse

from shopkeeper.api import errors
from shopkeeper.api.areas.support import Given, session_of_request
from shopkeeper.api.openapi import error_responses
from shopkeeper.api.service import Service, in_thread
from shopkeeper.base import clock
from shopkeeper.base.errors import BadInput
from shopkeeper.operate import conversations

MODEL = "shopkeeper-support"


def add(api: FastAPI, service: Service) -> None:
    """Put the route on the app."""

    @api.post(
        "/v1/chat/completions",
        operation_id="chat_completions",
        summary="The chat in the shape of OpenAI's chat completions; the last user message counts.",
        description="Authorization: Bearer <session token>. Fields: messages, stream; others idle.",
        tags=["support"],
        responses=error_responses("400", "401", "429", "503"),
    )
    async def completions(request: Request, body: Given) -> Response:
        session = session_of_request(request, service)
        service.need_ready()
        said = {"text": last_of_user(body.get("messages"))}
        decision = await in_thread(conversations.take_turn, service.runtime, session, said)
        made = clock.now_us() // 1_000_000
        if body.get("stream") is True:
            sentences = [one["text"] for one in decision.value["sentences"]]
            stream = _stream(decision.decision_id, made, sentences)
            return StreamingResponse(stream, media_type="text/event-stream")
        message = {"role": "assistant", "content": decision.value["reply"]}
        return errors.JSON(
            {
                "id": decision.decision_id,
                "object": "chat.completion",
                "created": made,
                "model": MODEL,
                "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
            }
        )


def last_of_user(messages: Any) -> str:
    """Return the last user message as text; BadInput when there is none.

    >>> last_of_user([{"role": "user", "content": [{"type": "text", "text": "hi"}]}])
    'hi'
    """
    told = messages if isinstance(messages, list) else []
    for one in reversed(told):
        if not isinstance(one, dict) or one.get("role") != "user":
            continue
        content = one.get("content")
        if isinstance(content, list):
            parts = [p.get("text") for p in content if isinstance(p, dict)]
            content = "\n".join(part for part in parts if isinstance(part, str))
        if isinstance(content, str) and content.strip():
            return content
        break
    raise BadInput(
        "messages must end in a message of the user with a text.",
        field="messages",
        value=None,
        allowed='a list with {"role": "user", "content": "…"}',
    )


async def _stream(name: str, made: int, sentences: list[str]) -> AsyncIterator[bytes]:
    """Yield one chunk per sentence, then the end, as clients of that shape expect."""

    def chunk(delta: dict[str, str], end: str | None) -> bytes:
        told = {
            "id": name,
            "object": "chat.completion.chunk",
            "created": made,
            "model": MODEL,
            "choices": [{"index": 0, "delta": delta, "finish_reason": end}],
        }
        return b"data: " + msgspec.json.encode(told) + b"\n\n"

    for place, text in enumerate(sentences):
        head = {"role": "assistant"} if place == 0 else {}
        yield chunk({**head, "content": text if place == 0 else f"\n{text}"}, None)
    yield chunk({}, "stop")
    yield b"data: [DONE]\n\n"
