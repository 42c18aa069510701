"""Search: customers by id, products by words, decisions by id."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from shopkeeper.console.area import Area
from shopkeeper.console.view import View
from shopkeeper.data import listings, reports

FOUND = 6
FOUND_ON_PAGE = 20


def show(view: View) -> Response:
    """Return what was found: a fragment while typing, a page when sent."""
    q = view.query("q")
    typing = view.request.headers.get("hx-request") == "true"
    most = FOUND if typing else FOUND_ON_PAGE
    found = view.part(_find, view, q, most)
    return view.page("found.html" if typing else "find.html", found=found, q=q)


def _find(view: View, q: str, most: int) -> dict[str, list[dict[str, Any]]]:
    if not q:
        return {}
    warehouse = view.console.shop.warehouse
    return {
        "customers": [
            {"id": row["customer_id"], "title": None}
            for row in reports.search_customers(warehouse, q, limit=most)
        ],
        "products": [
            {"id": row["item_id"], "title": row["title"]}
            for row in reports.search_items(warehouse, q, limit=most)
        ],
        "decisions": [
            {"id": row["decision_id"], "title": None}
            for row in listings.search_decisions(warehouse, q, most)
        ],
    }


AREA = Area(name=None, pages=(("/find", show),))
