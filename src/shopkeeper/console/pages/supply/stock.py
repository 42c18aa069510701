"""Stock between warehouses: transfers before buying, orders that wait, scarce shelves."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import FormData
from starlette.responses import Response

from shopkeeper.base import clock
from shopkeeper.console.pages.supply.fields import field, who
from shopkeeper.console.view import View
from shopkeeper.data import transfer_reads
from shopkeeper.operate import reallocate, stock_transfers, transfer_desk
from shopkeeper.supply.features import PRICES_US
from shopkeeper.supply.rebuild import attach, rebuild
from shopkeeper.supply.state import LiveState

SHELVES, MADE = 20, 20


def index(view: View) -> Response:
    """Return the page of stock between warehouses."""
    # Built once for both: it reads every shelf of the shop.
    state = view.part(_state, view)
    return view.page(
        "supply_stock.html",
        "supply",
        tab="stock",
        transfers=view.part(_transfers, view, state.data),
        made=view.part(_made, view),
        batch=view.part(_batch, view, state.data),
        currency=view.console.shop.settings.currency,
    )


def accept(view: View, form: FormData) -> Response:
    """Carry out what is proposed from one place to another."""
    transfer_desk.accept(view.console.shop, field(form, "from"), field(form, "to"), who(view))
    return view.go(view.url("supply/stock") + "#made")


def mark(view: View, form: FormData) -> Response:
    """Say that a transfer left or arrived."""
    shop, name = view.console.shop, field(form, "transfer")
    transfer_desk.mark(shop, name, field(form, "status"), who(view))
    return view.go(view.url("supply/stock") + "#made")


def allocate(view: View, form: FormData) -> Response:
    """Allocate the waiting orders together now, and move what pays."""
    reallocate.run(view.console.shop)
    return view.go(view.url("supply/stock") + "#batch")


def _state(view: View) -> LiveState:
    shop = view.console.shop
    shop.warehouse.refresh()
    state = rebuild(shop.warehouse)
    attach(state, shop)
    return state


def _transfers(view: View, state: LiveState | None) -> dict[str, Any]:
    return stock_transfers.plain(stock_transfers.propose(view.console.shop, state))


def _made(view: View) -> list[dict[str, Any]]:
    rows = transfer_reads.made(view.console.shop.warehouse, MADE)
    return [
        row
        | {
            "stands": "arrived"
            if row["received"] >= row["units"]
            else "left"
            if row["left_us"] is not None
            else "waits"
        }
        for row in rows
    ]


def _batch(view: View, state: LiveState | None) -> dict[str, Any]:
    shop = view.console.shop
    facts = reallocate.run(shop, seconds=5.0, dry=True, state=state)
    prices, _ = shop.reservations.prices(None, since_us=clock.now_us() - PRICES_US)
    dear = sorted(prices.items(), key=lambda pair: (-pair[1], pair[0]))[:SHELVES]
    moves = facts.get("would_move", [])
    return {
        "orders": facts["orders"],
        "moves": moves,
        "saved_minor": sum(move["saved_minor"] for move in moves),
        "shelves": [
            {"location_id": place, "item_id": item, "minor": minor} for (place, item), minor in dear
        ],
    }
