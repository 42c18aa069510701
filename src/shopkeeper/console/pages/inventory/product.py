"""One product's page: history, forecast fan, projected stock, orders, policy, what-if."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.responses import Response

from shopkeeper.base.errors import BadInput, NotFound
from shopkeeper.console import charts, formats
from shopkeeper.console.pages.inventory import telling
from shopkeeper.console.pages.inventory.plan import wish_of
from shopkeeper.console.view import View
from shopkeeper.data import forecast_reports
from shopkeeper.operate.replenish import bench, product_view, whatif

FIELDS = ("service_level", "lead_time_days", "review_period_days")
SOLD_OUT = 0.999
COMPARED = (
    *("quantity", "order_up_to", "safety_stock", "demand_mean", "protection_days", "value_minor"),
    *("p_stockout_now", "p_stockout_after", "cost_of_nothing_minor", "cover_days_after"),
)


def show(view: View, sku: str) -> Response:
    """Return the page, or 404; its form swaps ``#answer`` while it is filled in."""
    shop = view.console.shop
    given = {name: view.query(name, 20) for name in FIELDS}
    problem = None
    try:
        places = bench.locations(shop, sku)
        place = view.query("location", 128)
        location = place if place in places else (places[0] if places else None)
        try:
            asked = wish_of(given, 1)
        except BadInput as wrong:
            asked, problem = whatif.Wish(), wrong
        whole = product_view.whole(shop, sku, location, asked)
    except NotFound as missing:
        return view.problem(404, "problem.not_found", missing.message, missing.hint)
    currency = shop.settings.currency
    return view.page(
        "inventory/product.html",
        "inventory",
        tab="",
        sku=sku,
        whole=whole,
        given=given,
        problem=problem,
        why=telling.reasons(view, whole["now"]["reasons"], currency),
        compared=_compared(view, whole),
        history=view.part(_history, view, whole),
        fan=view.part(_fan, view, whole),
        stock=view.part(_stock, view, whole),
        past=view.part(_past, view, whole),
        currency=currency,
    )


def _compared(view: View, whole: dict[str, Any]) -> list[dict[str, Any]]:
    rows = []
    for name in COMPARED:
        now, then = (_number(whole[side], name) for side in ("now", "what_if"))
        rows.append(
            {"name": name, "now": _shown(view, name, now), "then": _shown(view, name, then)}
            | {"moved": now != then}
        )
    return rows


def _number(side: dict[str, Any], name: str) -> float:
    return float(side[name] if name in side else side["numbers"][name])


def _shown(view: View, name: str, value: float) -> str:
    if name.startswith("p_"):
        return formats.percent(value)
    if name.endswith("_minor"):
        return formats.money(round(value), view.console.shop.settings.currency, view.language)
    return formats.number(value, 0 if value.is_integer() else 1)


def _history(view: View, whole: dict[str, Any]) -> dict[str, Any] | None:
    days = whole["history"]
    if not days:
        return None
    out = [max(0.0, 1 - one["in_stock_share"]) for one in days]
    shade = [round(one, 3) if one > 1 - SOLD_OUT else 0 for one in out]
    return {
        "chart": charts.shaded(
            [one["day"] for one in days],
            (view.say("inventory.units"), [one["units"] for one in days]),
            (view.say("inventory.sold_out"), shade),
        ),
        "out_days": sum(one > 0 for one in shade),
        "promoted": sum(one["promoted"] for one in days),
        "bulk": sum(one["one_off"] for one in days),
        "units": sum(one["units"] or 0 for one in days),
        "days": len(days),
    }


def _fan(view: View, whole: dict[str, Any]) -> dict[str, Any]:
    rows: list[dict[str, Any]] = [
        {"until": "", **dict.fromkeys(("mean", *product_quantiles()), 0.0)}
    ]
    rows += whole["forecast"]["horizons"]
    labels = [view.say("inventory.today"), *(one["until"] for one in rows[1:])]
    return {
        "chart": charts.fan(
            labels,
            [
                (view.say("inventory.band_80"), _column(rows, "q10"), _column(rows, "q90")),
                (view.say("inventory.band_50"), _column(rows, "q25"), _column(rows, "q75")),
            ],
            {
                view.say("inventory.median"): _column(rows, "q50"),
                view.say("inventory.mean"): _column(rows, "mean"),
            },
        ),
        **{name: whole["forecast"][name] for name in ("origin", "model", "method", "segment")},
    }


def product_quantiles() -> tuple[str, ...]:
    """Return the names of the quantiles that a forecast shows."""
    return tuple(f"q{round(100 * level)}" for level in product_view.SHOWN_LEVELS)


def _stock(view: View, whole: dict[str, Any]) -> dict[str, Any]:
    rows = whole["projection"]
    changed = bool(whole["asked"])
    named = {"without": "inventory.without_order", "with": "inventory.with_order"}
    if changed:
        named["what_if"] = "inventory.with_what_if"
    bands = [
        (
            view.say("inventory.range_of", what=view.say(word)),
            [one[side]["low"] for one in rows],
            [one[side]["high"] for one in rows],
        )
        for side, word in named.items()
        if side != "what_if"
    ]
    lines = {view.say(word): [one[s]["middle"] for one in rows] for s, word in named.items()}
    return charts.fan([one["day"] for one in rows], bands, lines)


def _past(view: View, whole: dict[str, Any]) -> dict[str, Any] | None:
    found = forecast_reports.of_item(
        view.console.shop.warehouse, whole["sku"], whole["location"], horizon=1
    )
    if not found:
        return None
    lines: dict[str, list[float | None]] = {
        view.say("inventory.mean"): [*_column(found, "mean")],
        view.say("inventory.came"): [
            None if one["censored"] else round(one["actual"], 2) for one in found
        ],
        view.say("inventory.naive"): [*_column(found, "naive")],
    }
    return charts.fan(
        [one["origin"] for one in found],
        [(view.say("inventory.band_80"), _column(found, "q10"), _column(found, "q90"))],
        lines,
    )


def _column(rows: Sequence[dict[str, Any]], name: str) -> list[float]:
    return [round(float(one[name]), 2) for one in rows]
