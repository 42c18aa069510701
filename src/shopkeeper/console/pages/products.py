"""Products: the list, and one product's sales, prices, companions, buyers and appearances."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from starlette.responses import Response

from shopkeeper.base.errors import NotFound
from shopkeeper.console import charts, formats
from shopkeeper.console.area import Area
from shopkeeper.console.pages.customers import as_dict
from shopkeeper.console.pages.slates import preview
from shopkeeper.console.parts import leaf, part
from shopkeeper.console.view import View
from shopkeeper.data import listings, reports

ROWS = 25
BUYERS = 10
RELATED = 8
DECISIONS = 8
WEEKS_SHOWN = 104


def index(view: View) -> Response:
    """Return the list of products."""
    return view.page("products.html", "products", listing=view.part(_listing, view))


def show(view: View, item_id: str) -> Response:
    """Return one product's page, or 404 when no event names the id."""
    warehouse = view.console.shop.warehouse
    try:
        found = reports.product_page(warehouse, item_id)
    except NotFound:
        text = view.say("problem.no_product", id=item_id)
        return view.problem(404, "problem.not_found", text, view.say("problem.id_hint"))
    item = found["item"]
    return view.page(
        "product.html",
        "products",
        item_id=item_id,
        name=item["title"] or item_id,
        path=(item["category"] or "").split(" > ") if item["category"] else [],
        facts=view.part(_facts, view, found),
        sales=part(view.language, _sales, view, found["sales_by_week"]),
        prices=view.part(_prices, view, item_id),
        together=view.part(_together, view, found["bought_together"]),
        similar=view.part(_similar, view, item_id),
        who=view.part(_who, view, item_id),
        recommended=view.part(listings.times_recommended, warehouse, item_id, DECISIONS),
    )


def _listing(view: View) -> dict[str, Any]:
    shop, offset = view.console.shop, view.offset("list")
    page = leaf(listings.products(shop.warehouse, offset, ROWS), "list", offset, ROWS)
    return as_dict(page) | {"currency": shop.settings.currency}


def _facts(view: View, found: dict[str, Any]) -> dict[str, Any]:
    item, buyers = found["item"], found["buyers"]
    totals = listings.product_totals(view.console.shop.warehouse, item["item_id"])
    currency = item["currency"] or view.console.shop.settings.currency
    return (
        item
        | totals
        | {
            "currency": currency,
            "buyers": buyers["customers"],
            "repeat_share": buyers["repeat_share"],
        }
    )


def _sales(view: View, weeks: list[dict[str, Any]]) -> dict[str, Any] | None:
    if not weeks:
        return None
    units = {row["week"]: row["units"] for row in weeks}
    first, last = date.fromisoformat(weeks[0]["week"]), date.fromisoformat(weeks[-1]["week"])
    count = min(WEEKS_SHOWN, (last - first).days // 7 + 1)
    labels = [(last - timedelta(weeks=count - 1 - n)).isoformat() for n in range(count)]
    return charts.days(labels, (view.say("product.units"), [units.get(w, 0) for w in labels]))


def _prices(view: View, item_id: str) -> dict[str, Any] | None:
    found = listings.daily_prices(view.console.shop.warehouse, item_id)
    if not found:
        return None
    currency = found[0]["currency"]
    scale = formats.scale(currency)
    points = [(row["dt"], row["price_minor"] / scale) for row in found]
    return charts.steps(view.say("product.price"), points, currency)


def _together(view: View, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    best = max((row["lift"] for row in found), default=1.0)
    return [
        row
        | {
            "note": view.say_n("product.together_row", row["together"]),
            "relative": row["lift"] / best,
            "shown": view.say("product.lift", n=formats.number(row["lift"], 1)),
        }
        for row in found[:RELATED]
    ]


def _similar(view: View, item_id: str) -> list[dict[str, Any]]:
    request = {"placement": "product", "items": [item_id], "limit": RELATED}
    slate = preview(view, "recommend", request)
    return [
        row | {"note": row["reason"], "shown": formats.number(row["score"], 3)}
        for row in slate["rows"]
    ]


def _who(view: View, item_id: str) -> dict[str, Any]:
    offset = view.offset("who")
    found = listings.buyers(view.console.shop.warehouse, item_id, offset, BUYERS)
    return as_dict(leaf(found, "who", offset, BUYERS))


AREA = Area(name="products", pages=(("/products", index), ("/products/{subject:path}", show)))
