"""The cool routes, on FastAPI: decisions, explanations, models, items, customers, health.

Each route names its scope in ``x-scope``; GuardedRoute asks for it before the body is read.
"""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Annotated, Any

from fastapi import Body, FastAPI, Path, Query, Request
from starlette.responses import Response

from shopkeeper import __version__
from shopkeeper.api import auth, errors, openapi
from shopkeeper.api.areas import AREAS
from shopkeeper.api.asked import only
from shopkeeper.api.auth import GuardedRoute
from shopkeeper.api.metrics import CONTENT_TYPE
from shopkeeper.api.openapi import guarded_by
from shopkeeper.api.recommendations import count, language, printed, read_object
from shopkeeper.api.service import Service, in_thread
from shopkeeper.base import clock
from shopkeeper.data import lookups
from shopkeeper.learn.contracts import Capability, Decision
from shopkeeper.operate import capabilities
from shopkeeper.operate.registry import Registry

Id = Annotated[str, Path(min_length=1, max_length=128)]


def make_api(service: Service) -> FastAPI:
    """Return the FastAPI part of the server."""
    api = FastAPI(
        title="shopkeeper",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        exception_handlers=errors.HANDLERS | {Exception: errors.fault},
        redirect_slashes=False,
    )
    api.router.route_class = type("Route", (GuardedRoute,), {"service": service})
    _decisions(api, service)
    _models(api, service)
    _lookups(api, service)
    _health(api, service)
    for add in AREAS:
        add(api, service)
    document: dict[str, Any] = {}

    @api.get("/openapi.json", tags=["server"], summary="This description, as OpenAPI 3.1.")
    async def openapi_json() -> Response:
        if not document:
            document.update(openapi.document(api))
        return errors.JSON(document)

    return api


def _decisions(api: FastAPI, service: Service) -> None:
    @api.post(
        "/v1/decisions/{capability}",
        tags=["decisions"],
        operation_id="decide",
        summary="Make one decision of a capability.",
        description="The body is the capability's request; for recommend the same as "
        "POST /v1/recommendations. The answer is the whole Decision.",
        **guarded_by("decisions:write", "400", "413", "503"),
    )
    async def decide(
        capability: Id, request: Request, body: Annotated[dict[str, Any], Body()]
    ) -> Response:
        card = capabilities.get(capability)
        # Strictly: what FastAPI read may hold NaN, or half a character that no record can keep.
        body = read_object(await request.body())
        # One that has a default answers with it rather than not at all.
        if card.default is None:
            service.need_ready(capability)
        decide = partial(service.runtime.decide, capability, body)
        # What must hold on disk before it is answered waits away from the loop.
        decision: Decision = await in_thread(decide) if card.commit else decide()
        count(service, decision)
        answer = {
            "decision_id": decision.decision_id,
            "capability": decision.capability,
            "subject": decision.subject,
            "as_of": clock.iso(decision.as_of_us),
            "model": decision.model,
            "fallback": decision.fallback,
            "fallback_reason": decision.fallback_reason,
            "arm": decision.arm,
            "propensity": decision.propensity,
            "value": decision.value,
            "reasons": [{"code": r.code, "facts": dict(r.facts)} for r in decision.reasons],
            "latency_ms": decision.latency_ms,
        }
        if capability == "recommend":
            lang = language(request, request.query_params.get("lang"))
            answer["items"] = printed(service, decision, lang)["items"]
        return errors.JSON(answer)

    @api.get(
        "/v1/decisions/{decision_id}/explain",
        tags=["decisions"],
        operation_id="explain",
        summary="Say why a decision came out as it did, and why not otherwise.",
        **guarded_by("decisions:read", "503"),
    )
    async def explain(
        decision_id: Id, item: Annotated[str | None, Query(max_length=128)] = None
    ) -> Response:
        service.need_ready()
        ask = partial(service.runtime.explain, decision_id, item=item)
        return errors.JSON(await in_thread(ask))


def _models(api: FastAPI, service: Service) -> None:
    @api.get(
        "/v1/models",
        tags=["models"],
        operation_id="list_models",
        summary="List model versions and which one is live.",
        **guarded_by("models:read"),
    )
    async def list_models() -> Response:
        names = (*capabilities.MODULES, *capabilities.BESIDE)
        found = {name: await in_thread(_versions, service, name) for name in names}
        return errors.JSON({"models": found})

    @api.post(
        "/v1/models/{capability}/rollback",
        tags=["models"],
        operation_id="rollback_model",
        summary="Make the previous champion live again.",
        **guarded_by("models:write", "503"),
    )
    async def rollback(capability: Id) -> Response:
        capabilities.get(capability)
        return errors.JSON(await in_thread(_roll_back, service, capability))

    @api.put(
        "/v1/models/{capability}/roles/{role}",
        tags=["models"],
        operation_id="give_model_role",
        summary="Let a version be champion, run along as challenger or shadow, or nobody.",
        description="`version` null retires the challenger or shadow. A shadow never acts; a "
        "challenger acts on `share` of customers, 0 unless given.",
        **guarded_by("models:write", "400", "404", "409", "503"),
    )
    async def give_role(
        capability: Id, role: Id, body: Annotated[dict[str, Any], Body()]
    ) -> Response:
        card = capabilities.get(capability)
        only(body, ("version", "share"))
        given = (body.get("version"), body.get("share", 0.0))
        return errors.JSON(await in_thread(_give_role, service, card, role, *given))


def _lookups(api: FastAPI, service: Service) -> None:
    @api.get(
        "/v1/items/{item_id}",
        tags=["lookups"],
        operation_id="get_item",
        summary="One catalogue entry.",
        **guarded_by("decisions:read", "503"),
    )
    async def get_item(item_id: Id) -> Response:
        return errors.JSON(await in_thread(lookups.item, service.shop.warehouse, item_id))

    @api.get(
        "/v1/customers/{customer_id}",
        tags=["lookups"],
        operation_id="get_customer",
        summary="One customer's totals and latest orders, without what identifies a person.",
        **guarded_by("customers:read", "503"),
    )
    async def get_customer(customer_id: Id) -> Response:
        return errors.JSON(await in_thread(lookups.customer, service.shop.warehouse, customer_id))


def _health(api: FastAPI, service: Service) -> None:
    @api.get("/health", tags=["server"], operation_id="health", summary="The process is alive.")
    async def health() -> Response:
        return errors.JSON({"status": "ok", "version": __version__})

    @api.get(
        "/ready",
        tags=["server"],
        operation_id="ready",
        summary="Whether decisions can be made, the log written, and what is on fallback.",
        description="503 while the server warms up or the log cannot be written.",
        responses={503: {"description": "Not ready; the body says what is missing."}},
    )
    async def ready(detail: Annotated[bool, Query()] = True) -> Response:
        good, facts = await in_thread(service.readiness)
        headers = {} if good else {"Retry-After": "1"}
        body = facts if detail else {"ready": good}
        return errors.JSON(body, status_code=200 if good else 503, headers=headers)

    @api.get(
        "/metrics",
        tags=["server"],
        operation_id="metrics",
        summary="Counters and latencies for Prometheus.",
        description="Open to this machine; from another one it needs the scope metrics:read.",
        openapi_extra={"x-scope-elsewhere": "metrics:read"},
        responses=openapi.error_responses("401", "403"),
    )
    async def metrics(request: Request) -> Response:
        auth.may_read_metrics(request, service)
        return Response(await in_thread(service.metrics.text), media_type=CONTENT_TYPE)


def _versions(service: Service, capability: str) -> dict[str, Any]:
    registry = service.runtime.registry
    versions = []
    for one in registry.versions(capability):
        facts = dataclasses.asdict(one)
        del facts["curves"], facts["self_test"]  # long, and of use to the console only
        versions.append(lookups.plain(facts))
    share = registry.share(capability)
    aliases = registry.aliases(capability)
    return {"aliases": aliases, "challenger_share": share, "versions": versions}


def _give_role(
    service: Service, card: Capability, role: str, version: Any, share: Any
) -> dict[str, Any]:
    registry: Registry = service.runtime.registry
    aliases = registry.give(card.name, role, version, share, card.models)
    service.runtime.reload(card.name)
    share = registry.share(card.name)
    return {"capability": card.name, "aliases": aliases, "challenger_share": share}


def _roll_back(service: Service, capability: str) -> dict[str, Any]:
    aliases = service.runtime.registry.rollback(capability)
    service.runtime.reload(capability)
    return {"capability": capability, "aliases": aliases}
