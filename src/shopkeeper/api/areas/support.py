"""Support over HTTP: sessions from the shop's server, turns from a browser, knowledge, inbox.

A browser holds a session token and nothing else: it is asked for in ``Authorization``, names the
customer, and opens these two routes only. Answers stream as server-sent events, or as JSON.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated, Any

import msgspec
from fastapi import Body, FastAPI, Path, Query, Request
from starlette.responses import Response, StreamingResponse

from shopkeeper.api import auth, errors
from shopkeeper.api.openapi import error_responses, guarded_by
from shopkeeper.api.service import Service, in_thread
from shopkeeper.base import clock
from shopkeeper.base.errors import BadInput, NotSignedIn
from shopkeeper.data import support_tables
from shopkeeper.operate import articles, assist, chatwoot, conversations

Id = Annotated[str, Path(min_length=1, max_length=128)]
Given = Annotated[dict[str, Any], Body()]
_TAGS: dict[str, Any] = {"tags": ["support"]}


def add(api: FastAPI, service: Service) -> None:
    """Put the routes of support on the app."""
    _chat(api, service)
    _messages(api, service)
    _assist(api, service)
    _inbox(api, service)
    _webhook(api, service)
    _knowledge(api, service)


def _chat(api: FastAPI, service: Service) -> None:
    shop = service.shop

    @api.post(
        "/v1/support/sessions",
        operation_id="open_support_session",
        summary="Open a chat for a customer; call it from the shop's server.",
        **_TAGS,
        **guarded_by("decisions:write", "400"),
    )
    async def open_session(body: Given) -> Response:
        unknown = set(body) - {"customer_id", "language"}
        if unknown:
            raise BadInput(
                f"There is no field '{min(unknown)}'.",
                field=min(unknown),
                allowed="customer_id, language",
            )
        made = conversations.open_session(
            shop, customer_id=body.get("customer_id"), language=body.get("language")
        )
        return errors.JSON(made, status_code=201)

    @api.post(
        "/v1/support/turns",
        operation_id="support_turn",
        summary="Say something in a chat; the answer streams where text/event-stream is wanted.",
        description="Authorization: Bearer <session token>. Fields: text, confirm, rating, cart.",
        responses=error_responses("400", "401", "403", "429", "503"),
        **_TAGS,
    )
    async def turn(request: Request, body: Given) -> Response:
        session = session_of_request(request, service)
        service.need_ready()
        decision = await in_thread(conversations.take_turn, service.runtime, session, body)
        service.metrics.decision(
            "support", decision.model, decision.latency_ms / 1000, fallback=decision.fallback
        )
        answer = conversations.printed(shop, session, decision)
        if "text/event-stream" in auth.header(request, b"accept"):
            return StreamingResponse(_stream(answer), media_type="text/event-stream")
        return errors.JSON(answer)


def _messages(api: FastAPI, service: Service) -> None:
    shop = service.shop

    @api.get(
        "/v1/support/messages",
        operation_id="support_messages",
        summary="What was said in this session's chat, operators' messages too.",
        responses=error_responses("401", "429", "503"),
        **_TAGS,
    )
    async def messages(
        request: Request, after: Annotated[str, Query(max_length=40)] = ""
    ) -> Response:
        session = session_of_request(request, service)
        service.need_ready()
        name = session["conversation_id"]
        found = await in_thread(support_tables.conversation, shop.warehouse, name)
        said = found["messages"] if found else []
        shown = [
            {
                "id": one["message_id"],
                "from": "customer" if one["direction"] == "in" else _author(one["author"]),
                "text": one["text"],
                "at": clock.iso(one["occurred_us"]),
            }
            for one in said
        ]
        return errors.JSON({"messages": shown, "state": found["state_name"] if found else "new"})


def _author(author: str) -> str:
    return "assistant" if author == "assistant" else "operator"


def _inbox(api: FastAPI, service: Service) -> None:
    shop = service.shop

    @api.get(
        "/v1/support/conversations",
        operation_id="support_conversations",
        summary="Conversations: waiting for a person, taken, or all.",
        **_TAGS,
        **guarded_by("cases:read", "400", "503"),
    )
    async def listing(
        view: Annotated[str, Query(pattern="^(waiting|taken|all)$")] = "waiting",
    ) -> Response:
        found = await in_thread(partial(support_tables.inbox, shop.warehouse, view=view, most=100))
        return errors.JSON({"conversations": found})

    @api.get(
        "/v1/support/conversations/{conversation_id}",
        operation_id="support_conversation",
        summary="One conversation with messages, intents, tools, citations and actions.",
        **_TAGS,
        **guarded_by("cases:read", "503"),
    )
    async def one(conversation_id: Id) -> Response:
        found = dict(await in_thread(conversations.require, shop, conversation_id))
        found.pop("state", None)
        return errors.JSON(found)

    @api.post(
        "/v1/support/conversations/{conversation_id}/{doing}",
        operation_id="support_do",
        summary="An operator's doing: taken, returned, closed, noted, or said.",
        **_TAGS,
        **guarded_by("cases:write", "400", "503"),
    )
    async def do(conversation_id: Id, doing: Id, request: Request, body: Given) -> Response:
        who, text = request.scope["shop.key"].name, str(body.get("text", ""))
        if doing == "said":
            await in_thread(partial(conversations.say, shop, conversation_id, text, operator=who))
        else:
            work = partial(conversations.do, shop, conversation_id, doing, operator=who, text=text)
            await in_thread(work)
        return errors.JSON({"conversation_id": conversation_id, "done": doing})


def _assist(api: FastAPI, service: Service) -> None:
    """Before _inbox, whose last route takes any doing."""

    @api.get(
        "/v1/support/conversations/{conversation_id}/assist",
        operation_id="support_assist",
        summary="Cited drafts for the operator, and the tools that the terms allow now.",
        **_TAGS,
        **guarded_by("cases:read", "503"),
    )
    async def suggest(conversation_id: Id) -> Response:
        service.need_ready()
        return errors.JSON(await in_thread(assist.suggest, service.runtime, conversation_id))

    @api.post(
        "/v1/support/conversations/{conversation_id}/tools",
        operation_id="support_tool",
        summary="Preview a tool (tool, order_id, items, reason), or carry out a preview (confirm).",
        **_TAGS,
        **guarded_by("cases:write", "400", "503"),
    )
    async def tool(conversation_id: Id, request: Request, body: Given) -> Response:
        service.need_ready()
        who, runtime = request.scope["shop.key"].name, service.runtime
        if set(body) == {"confirm"}:
            work = partial(assist.carry_out, operator=who)
            return errors.JSON(
                await in_thread(work, runtime, conversation_id, str(body["confirm"]))
            )
        work = partial(assist.preview, operator=who, language="en")
        return errors.JSON(await in_thread(work, runtime, conversation_id, body))


def _webhook(api: FastAPI, service: Service) -> None:
    @api.post(
        "/v1/support/webhook",
        operation_id="support_webhook",
        summary="A message of another system's inbox, in the shape of Chatwoot's agent bots.",
        description="Answered by its API where chatwoot_url is set; handing over opens it.",
        **_TAGS,
        **guarded_by("decisions:write", "400", "503"),
    )
    async def webhook(body: Given) -> Response:
        service.need_ready()
        incoming = chatwoot.read(body)
        if incoming is None:
            return errors.JSON({"ignored": True})
        said = {"text": incoming.text, "turn_id": incoming.message_id}
        decision = await in_thread(conversations.take_turn, service.runtime, incoming.session, said)
        reply, over = decision.value["reply"], bool(decision.value["handover"])
        post = partial(chatwoot.deliver, service.settings, incoming, reply, hand_over=over)
        answer = {"content": reply, "message_type": "outgoing", "delivered": await in_thread(post)}
        return errors.JSON(answer | {"status": "open" if over else "pending"})


def _knowledge(api: FastAPI, service: Service) -> None:
    shop = service.shop

    @api.put(
        "/v1/support/articles/{article_id}",
        operation_id="put_article",
        summary="Store one piece of knowledge whole; a later version replaces it.",
        **_TAGS,
        **guarded_by("rules:admin", "400", "503"),
    )
    async def put(article_id: Id, body: Given) -> Response:
        event = articles.event_of({**body, "id": article_id}, source="api")
        await in_thread(lambda: shop.record(event).result())
        return errors.JSON({"article_id": article_id, "language": event.language})

    @api.get(
        "/v1/support/articles",
        operation_id="list_articles",
        summary="What support may cite, with versions and effective dates.",
        **_TAGS,
        **guarded_by("decisions:read", "503"),
    )
    async def listing() -> Response:
        return errors.JSON({"articles": await in_thread(support_tables.articles, shop.warehouse)})

    @api.get(
        "/v1/support/gaps",
        operation_id="support_gaps",
        summary="What customers asked and nothing here answered, alike ones together.",
        **_TAGS,
        **guarded_by("cases:read", "503"),
    )
    async def gaps() -> Response:
        return errors.JSON({"gaps": await in_thread(articles.gaps, shop.warehouse)})


def session_of_request(request: Request, service: Service) -> dict[str, Any]:
    """Return the session of a request; its conversation is its rate limit."""
    kind, _, token = auth.header(request, b"authorization").partition(" ")
    if kind.lower() != "bearer" or not token:
        raise NotSignedIn(
            "This route needs a session token.",
            hint="The shop's server asks POST /v1/support/sessions for one.",
        )
    origin = auth.header(request, b"origin")
    if origin and auth.origin_allowed(request, service, origin):
        request.scope["shop.answer"].cors = auth.cors_headers(origin)
    session = conversations.session_of(service.shop, token.strip())
    service.browser_rate.take(f"support {session['conversation_id']}")
    return session


async def _stream(answer: dict[str, Any]) -> AsyncIterator[bytes]:
    """Yield the answer as events: token per sentence, then citation, confirm, handoff, done."""
    number = 0

    def event(name: str, data: Any) -> bytes:
        nonlocal number
        number += 1
        head = f"id: {answer['decision_id']}:{number}\nevent: {name}\ndata: ".encode()
        return head + msgspec.json.encode(data) + b"\n\n"

    for sentence in answer["sentences"]:
        yield event("token", sentence)
    for citation in answer["citations"]:
        yield event("citation", citation)
    if answer["confirm"]:
        yield event("confirm", answer["confirm"])
    if answer["handover"]:
        yield event("handoff", {"conversation_id": answer["conversation_id"]})
    yield event("done", {k: v for k, v in answer.items() if k != "sentences"})
