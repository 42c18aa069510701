"""What inventory believes, over HTTP: a product's forecast, what-ifs, and how forecasts did."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body, FastAPI, Path, Query
from starlette.responses import Response

from shopkeeper.api import errors
from shopkeeper.api.openapi import guarded_by
from shopkeeper.api.service import Service, in_thread
from shopkeeper.base.errors import BadInput
from shopkeeper.operate.replenish import accuracy, bench, product_view, whatif

Sku = Annotated[str, Path(min_length=1, max_length=128)]
Given = Annotated[dict[str, Any], Body()]
Word = Annotated[str | None, Query(max_length=128)]
_TAGS: dict[str, Any] = {"tags": ["inventory"]}
READ = "inventory:read"


def add(api: FastAPI, service: Service) -> None:
    """Put the routes of forecasts and what-ifs on the app."""
    shop = service.shop

    @api.get(
        "/v1/inventory/forecasts/{sku}",
        operation_id="inventory_forecast",
        **_TAGS,
        **guarded_by(READ, "400", "404"),
    )
    async def forecast(sku: Sku, location: Word = None) -> Response:
        """One product: forecast quantiles, history, projected stock, open orders, policy."""
        return errors.JSON(await in_thread(product_view.whole, shop, sku, location, whatif.Wish()))

    @api.post(
        "/v1/inventory/what-if",
        operation_id="inventory_what_if",
        **_TAGS,
        **guarded_by(READ, "400", "404"),
    )
    async def what_if(body: Given) -> Response:
        """Another service level, lead time, review period or budget; records nothing.

        With `sku` for one product, without for the whole plan and its exchange curve.
        """
        sku, location = body.pop("sku", None), body.pop("location", None)
        asked = whatif.wish(body)
        if sku is None:
            found = await in_thread(lambda: whatif.plan(bench.whole(shop), asked))
            return errors.JSON(found)
        for name, value in (("sku", sku), ("location", location or "")):
            if not isinstance(value, str):
                raise BadInput(f"{name} must be a text.", field=name, value=value)
        whole = await in_thread(product_view.whole, shop, sku, location, asked)
        names = ("sku", "location", "asked", "now", "what_if", "lead_time", "projection")
        return errors.JSON({name: whole[name] for name in names})

    @api.get(
        "/v1/inventory/accuracy",
        operation_id="inventory_accuracy",
        **_TAGS,
        **guarded_by(READ, "400"),
    )
    async def how_good(horizon: Annotated[int, Query(ge=1, le=13)] = 1) -> Response:
        """Forecast error and bias over time, against naive and the planner's changed quantities."""
        return errors.JSON(await in_thread(accuracy.report, shop, horizon))
