"""Supply over HTTP, the stock between warehouses: the batch of waiting orders, scarce shelves."""

from __future__ import annotations

from functools import partial
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import Response

from shopkeeper.api import errors
from shopkeeper.api.areas.supply import READ, WRITE, Given, Id
from shopkeeper.api.asked import only, text, who
from shopkeeper.api.openapi import guarded_by
from shopkeeper.api.service import Service, in_thread
from shopkeeper.base import clock
from shopkeeper.data import transfer_reads
from shopkeeper.operate import promise_watch, reallocate, stock_transfers, transfer_desk
from shopkeeper.supply import calibration
from shopkeeper.supply.features import PRICES_US

_TAGS: dict[str, Any] = {"tags": ["supply"]}


def add(api: FastAPI, service: Service) -> None:
    """Put the routes of stock between warehouses on the app."""
    _orders(api, service.shop)
    _transfers(api, service.shop)


def _orders(api: FastAPI, shop: Any) -> None:
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
        return errors.JSON(await in_thread(work))

    @api.get("/v1/supply/promises", operation_id="list_promises", **_TAGS, **guarded_by(READ))
    async def promises() -> Response:
        """Carriers and lanes with promises kept against what they say, most alarming first."""

        def work() -> list[dict[str, Any]]:
            rows = promise_watch.promised(shop)
            return [promise_watch.plain(x) for x in calibration.lanes(rows, clock.now_us())]

        return errors.JSON({"lanes": await in_thread(work)})

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
        prices, items = await in_thread(work)
        rows = sorted(prices.items(), key=lambda pair: (-pair[1], pair[0]))
        told = [
            {"location_id": place, "item_id": item, "minor": round(minor, 1)}
            for (place, item), minor in rows
        ]
        return errors.JSON({"shelves": told, "items_in_batch": len(items)})


def _transfers(api: FastAPI, shop: Any) -> None:
    @api.get("/v1/supply/transfers", operation_id="list_transfers", **_TAGS, **guarded_by(READ))
    async def listing() -> Response:
        """What to move between warehouses before buying, by way, and the transfers made."""
        found = await in_thread(stock_transfers.propose, shop)
        made = await in_thread(transfer_reads.made, shop.warehouse)
        return errors.JSON({**stock_transfers.plain(found), "made": made})

    @api.post(
        "/v1/supply/transfers",
        operation_id="accept_transfer",
        **_TAGS,
        **guarded_by(WRITE, "400", "409"),
    )
    async def accept(body: Given, request: Request) -> Response:
        """Move what is proposed from one place (``from_id``) to another (``to_id``)."""
        given = only(body, ("from_id", "to_id"))
        ends = text(given, "from_id"), text(given, "to_id")
        work = partial(transfer_desk.accept, shop, *ends, who(request))
        return errors.JSON({"transfer_id": await in_thread(work)})

    @api.post(
        "/v1/supply/transfers/{transfer_id}",
        operation_id="mark_transfer",
        **_TAGS,
        **guarded_by(WRITE, "400", "404", "409"),
    )
    async def mark(transfer_id: Id, body: Given, request: Request) -> Response:
        """Say that a transfer ``left`` or ``arrived`` (``status``)."""
        status = text(only(body, ("status",)), "status")
        work = partial(transfer_desk.mark, shop, transfer_id, status, who(request))
        await in_thread(work)
        return errors.JSON({"transfer_id": transfer_id, "status": status})
