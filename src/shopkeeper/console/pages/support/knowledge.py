"""What the assistant may cite, what nothing answered, and what operators send with one click."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import FormData
from starlette.responses import Response

from shopkeeper.base import clock
from shopkeeper.console.view import View
from shopkeeper.data import support_tables
from shopkeeper.operate import articles, canned


def index(view: View) -> Response:
    """Return the articles, the gaps and the canned answers."""
    warehouse = view.console.shop.warehouse
    return view.page(
        "support_knowledge.html",
        "support",
        articles=view.part(_articles, view),
        gaps=view.part(articles.gaps, warehouse),
        canned=view.part(_canned, view),
    )


def keep_canned(view: View, form: FormData) -> Response:
    """Keep the canned answers of one language: one per paragraph."""
    assert view.session is not None
    wanted = str(form.get("texts", "")).replace("\r", "").split("\n\n")
    canned.keep(
        view.console.shop, str(form.get("language", "")), wanted, operator=view.session.user
    )
    return view.go(view.url("support/knowledge"))


def _articles(view: View) -> list[dict[str, Any]]:
    """Return the articles, each with whether it is in force today."""
    now_us = clock.now_us()
    rows = support_tables.articles(view.console.shop.warehouse)
    return [one | {"force": _force(one, now_us)} for one in rows]


def _force(one: dict[str, Any], now_us: int) -> str:
    if one["starts_us"] is not None and one["starts_us"] > now_us:
        return "later"
    return "over" if one["ends_us"] is not None and one["ends_us"] <= now_us else "now"


def _canned(view: View) -> dict[str, str]:
    warehouse = view.console.shop.warehouse
    return {one: "\n\n".join(canned.texts(warehouse, one)) for one in canned.LANGUAGES}
