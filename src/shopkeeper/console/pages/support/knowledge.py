"""What the assistant may cite, and what customers asked that nothing answered."""

from __future__ import annotations

from starlette.responses import Response

from shopkeeper.console.view import View
from shopkeeper.data import support_tables
from shopkeeper.operate import articles


def index(view: View) -> Response:
    """Return the articles and the gaps."""
    warehouse = view.console.shop.warehouse
    return view.page(
        "support_knowledge.html",
        "support",
        articles=view.part(support_tables.articles, warehouse),
        gaps=view.part(articles.gaps, warehouse),
    )
