"""Supply over HTTP, the stock between warehouses: the batch of waiting orders, scarce shelves."""

from __future__ import annotations

from functools import partial
from typing import Any

import anyio.to_thread
from fastapi import FastAPI
from starlette.responses import Response

from shopkeeper.api import errors
from shopkeeper.api.areas.supply import READ, WRITE, Given, only
from shopkeeper.api.openapi import guarded_by
from shopkeeper.api.service import Service
from shopkeeper.base import clock
from shopkeeper.operate import reallocate
from shopkeeper.supply.features import PRICES_US

_TAGS: dict[str, Any] = {"tags": ["supply"]}


def add(api: FastAPI, service: Service) -> None:
    """Put the routes of stock between warehouses on the app."""
    shop = service.shop

    @api.post(
        "/v1/supply/reallocation",
        operation_id="reallocate_orders",
        **_TAGS,
        **guarded_by(WRITE, "400", "503"),
    )
    async def batch(body: Given) -> Response:
        """Allocate the orders not yet picked together; ``dry`` only says what would move."""
        given = only(body, ("dry",))
        work = partial(reallocate.run, shop, dry=given.get("dry") is True)
        return errors.JSON(await anyio.to_thread.run_sync(work))

    @api.get(
        "/v1/supply/scarcity",
        operation_id="list_scarcity",
        **_TAGS,
        **guarded_by(READ),
    )
    async def scarcity() -> Response:
        """What a unit on a scarce shelf is worth, as the last batch found; dearest first."""
        since = clock.now_us() - PRICES_US
        work = partial(shop.reservations.prices, None, since_us=since)
        prices, items = await anyio.to_thread.run_sync(work)
        rows = sorted(prices.items(), key=lambda pair: (-pair[1], pair[0]))
        told = [
            {"location_id": place, "item_id": item, "minor": round(minor, 1)}
            for (place, item), minor in rows
        ]
        return errors.JSON({"shelves": told, "items_in_batch": len(items)})
