"""Policies over HTTP: trials on simulated customers, and what the shop's own slates say."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from fastapi import FastAPI, Path, Query, Request
from starlette.responses import Response

from shopkeeper.api import errors
from shopkeeper.api.asked import who
from shopkeeper.api.openapi import guarded_by
from shopkeeper.api.service import Service, in_thread
from shopkeeper.operate import simulation

_TAGS: dict[str, Any] = {"tags": ["policies"]}
MOST_SLATES = 5_000  # per answer; the command line and the weekly job read more


def add(api: FastAPI, service: Service) -> None:
    """Put the routes of policies on the app."""
    _trials(api, service)
    _worth(api, service)


def _trials(api: FastAPI, service: Service) -> None:

    @api.post(
        "/v1/simulations",
        status_code=202,
        operation_id="start_simulation",
        summary="Try policies on simulated customers: a job, begun as soon as the server can.",
        **_TAGS,
        **guarded_by("merchandising:write", "503"),
    )
    async def start(request: Request) -> Response:
        found = await in_thread(simulation.start, service.shop, who(request))
        return errors.JSON(found, status_code=202)

    @api.get(
        "/v1/simulations",
        operation_id="list_simulations",
        summary="The trials on record, newest first, and the last one whole.",
        **_TAGS,
        **guarded_by("decisions:read", "503"),
    )
    async def listing() -> Response:
        runs = await in_thread(simulation.runs, service.shop)
        last = await in_thread(simulation.last, service.settings)
        return errors.JSON({"simulations": runs, "last": last})

    @api.get(
        "/v1/simulations/{simulation_id}",
        operation_id="get_simulation",
        summary="One trial: its state, and in few figures what came of it.",
        **_TAGS,
        **guarded_by("decisions:read", "404", "503"),
    )
    async def one(simulation_id: Annotated[str, Path(max_length=128)]) -> Response:
        return errors.JSON(await in_thread(simulation.get, service.shop, simulation_id))


def _worth(api: FastAPI, service: Service) -> None:
    @api.get(
        "/v1/policies/worth",
        operation_id="policies_worth",
        summary="What other policies would have earned on the shop's slates, or what is missing.",
        **_TAGS,
        **guarded_by("decisions:read", "400", "503"),
    )
    async def worth(
        reward: Annotated[str, Query(max_length=20, examples=["click", "purchase"])] = "click",
        days: Annotated[int, Query(ge=1, le=3650)] = 90,
        within_hours: Annotated[float, Query(gt=0, le=720)] = 24.0,
    ) -> Response:
        from shopkeeper.recommend.offpolicy.evaluate import of_shop

        ask = partial(
            of_shop,
            service.shop.warehouse,
            reward=reward,
            days=days,
            within_hours=within_hours,
            most=MOST_SLATES,
        )
        return errors.JSON(await in_thread(ask))
