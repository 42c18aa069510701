"""Suppliers: how each delivers, and which one to buy a product from at what price and risk."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from shopkeeper.console.view import View
from shopkeeper.operate import supplier_cards, supplier_choice

CARDS = 100
PRODUCTS = 20


def index(view: View) -> Response:
    """Return the page of suppliers."""
    return view.page(
        "supply_suppliers.html",
        "supply",
        tab="suppliers",
        cards=view.part(_cards, view),
        choice=view.part(_choice, view),
        wanted=view.query("item"),
    )


def _cards(view: View) -> list[dict[str, Any]]:
    return supplier_cards.cards(view.console.shop)[:CARDS]


def _choice(view: View) -> dict[str, Any]:
    item, offset = view.query("item"), view.offset("from")
    rows = supplier_choice.choices(
        view.console.shop, item_id=item or None, most=PRODUCTS + 1, offset=0 if item else offset
    )
    return {
        "rows": rows[:PRODUCTS],
        "key": "from",
        "number": offset // PRODUCTS + 1,
        "before": max(0, offset - PRODUCTS) if offset and not item else None,
        "after": offset + PRODUCTS if len(rows) > PRODUCTS and not item else None,
    }
