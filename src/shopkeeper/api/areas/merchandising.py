"""The merchandiser's routes: list, save and preview the shop's rules over recommendations."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import Body, FastAPI, Path
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from shopkeeper.api import errors
from shopkeeper.api.openapi import guarded_by
from shopkeeper.api.service import Service, in_thread
from shopkeeper.operate import merchandising
from shopkeeper.recommend.schema import PLACEMENTS

RuleId = Annotated[str, Path(min_length=1, max_length=60)]


class RuleBody(BaseModel):
    """A rule as sent: its status, its moments, and the rule itself."""

    model_config = ConfigDict(extra="forbid")

    status: Literal["draft", "live", "ended"] = "draft"
    rule: dict[str, Any] = Field(examples=[{"action": "filter", "items": {"brand": "Acme"}}])
    starts_at: str | None = None
    ends_at: str | None = None


class PreviewBody(BaseModel):
    """What to preview: a rule, the customers, and where."""

    model_config = ConfigDict(extra="forbid")

    rule: dict[str, Any]
    customers: list[str] = Field(min_length=1, max_length=merchandising.MOST_CUSTOMERS)
    placement: str = Field(default="home", examples=list(PLACEMENTS))
    limit: int = Field(default=10, ge=1, le=100)
    items: list[str] = Field(default_factory=list, max_length=200)


def add(api: FastAPI, service: Service) -> None:
    """Put the merchandiser's routes on the app."""

    @api.get(
        "/v1/merchandising/rules",
        tags=["merchandising"],
        operation_id="list_merchandising_rules",
        summary="The shop's rules over recommendations, the live ones first.",
        **guarded_by("decisions:read", "503"),
    )
    async def list_rules() -> Response:
        found = await in_thread(merchandising.standing, service.shop)
        return errors.JSON({"rules": found})

    @api.put(
        "/v1/merchandising/rules/{rule_id}",
        tags=["merchandising"],
        operation_id="save_merchandising_rule",
        summary="Save a rule; it acts in the next answer.",
        **guarded_by("merchandising:write", "400", "503"),
    )
    async def save_rule(rule_id: RuleId, body: Annotated[RuleBody, Body()]) -> Response:
        save = partial(
            merchandising.save,
            service.shop,
            rule_id,
            body.status,
            body.rule,
            operator="api",
            starts_at=body.starts_at,
            ends_at=body.ends_at,
        )
        return errors.JSON({"rule": asdict(await in_thread(save))})

    @api.post(
        "/v1/merchandising/preview",
        tags=["merchandising"],
        operation_id="preview_merchandising_rule",
        summary="What a rule would change for some customers; leaves no record.",
        **guarded_by("decisions:read", "400", "503"),
    )
    async def preview_rule(body: Annotated[PreviewBody, Body()]) -> Response:
        service.need_ready("recommend")
        rule = merchandising.checked("preview", "draft", body.rule)
        ask = partial(
            merchandising.preview,
            service.runtime,
            rule,
            body.customers,
            placement=body.placement,
            limit=body.limit,
            items=body.items,
        )
        return errors.JSON(asdict(await in_thread(ask)))
