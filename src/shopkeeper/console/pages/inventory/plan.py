"""What if, for the whole plan: service level, lead time, review, budget; and the exchange curve."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from shopkeeper.base.errors import BadInput
from shopkeeper.console import charts, formats
from shopkeeper.console.view import View
from shopkeeper.operate.replenish import bench, whatif

FIELDS = ("service_level", "lead_time_shift_days", "review_period_days", "budget")
STATS = (
    *("proposals", "value_minor", "stockouts_expected_with", "fill", "stock_minor"),
    *("cover_weeks", "holding_minor", "lost_minor"),
)


def index(view: View) -> Response:
    """Return the page; its form asks again while it is filled in and swaps ``#answer``."""
    shop = view.console.shop
    given = {name: view.query(name, 20) for name in FIELDS}
    return view.page(
        "inventory/plan.html",
        "inventory",
        tab="plan",
        given=given,
        rules=view.part(lambda: bench.rules_of(shop)),
        answer=view.part(_answer, view, given),
        currency=shop.settings.currency,
    )


def _answer(view: View, given: dict[str, str]) -> dict[str, Any]:
    shop = view.console.shop
    asked = wish_of(given, formats.scale(shop.settings.currency))
    found = whatif.plan(bench.whole(shop), asked)
    changed = bool(found["wish"])
    rows = []
    for name in STATS:
        now, then = (_value(found[side], name) for side in ("now", "what_if"))
        rows.append(
            {
                "name": name,
                "now": shown(view, name, now),
                "then": shown(view, name, then) if changed else "",
                "change": shown(view, name, then - now, sign=True) if changed else "",
            }
        )
    return {
        "rows": rows,
        "changed": changed,
        "left_out": found["what_if"]["totals"]["left_out_by_budget"],
        "chart": _chart(view, found, changed),
        "products": found["products"],
        "origin": found["origin"],
        "model": found["model"],
    }


def wish_of(given: dict[str, str], scale: int) -> whatif.Wish:
    """Return what the fields ask: a service level in per cent, a budget in whole money."""
    raw: dict[str, Any] = {name: text for name, text in given.items() if text}
    budget = raw.pop("budget", None)
    for name, factor, put in (
        ("service_level", 0.01, "service_level"),
        ("budget", scale, "budget_minor"),
    ):
        text = budget if name == "budget" else raw.get(name)
        if text is None:
            continue
        try:
            raw[put] = round(float(text.replace(",", "")) * factor, 6)
        except ValueError:
            raise BadInput(
                f"{name} must be a number, but is {text[:20]!r}.", field=name, value=text
            ) from None
    return whatif.wish(raw)


def shown(view: View, name: str, value: float, *, sign: bool = False) -> str:
    """Return one figure as a person reads it; ``sign``: as a change."""
    if name.endswith("_minor"):
        text = formats.money(round(value), view.console.shop.settings.currency, view.language)
    elif name == "fill":
        text = formats.percent(value)
    else:
        digits = 0 if name == "proposals" else 1
        text = formats.number(value, digits)
    return f"+{text}" if sign and value > 0 else text


def _value(side: dict[str, Any], name: str) -> float:
    totals, present = side["totals"], side["curve"]["present"]
    return float(totals[name] if name in totals else present[name])


def _chart(view: View, found: dict[str, Any], changed: bool) -> dict[str, Any]:
    scale = formats.scale(view.console.shop.settings.currency)
    sides = [("now", "inventory.curve_now")]
    if changed:
        sides.append(("what_if", "inventory.curve_then"))
    series: dict[str, list[tuple[float, float, str]]] = {}
    marks = []
    for side, word in sides:
        curve = found[side]["curve"]
        points = [_point(one, scale) for one in curve["points"]]
        if points not in series.values():  # only lead times and reviews move the curve itself
            series[view.say(word)] = points
        marks.append((view.say(f"{word}_mark"), _point(curve["present"], scale)))
    axes = (view.say("inventory.stock_minor"), view.say("inventory.fill_percent"))
    return charts.exchange(series, marks, axes, view.console.shop.settings.currency)


def _point(one: dict[str, Any], scale: int) -> tuple[float, float, str]:
    label = formats.percent(one["service_level"])
    return round(one["stock_minor"] / scale, 2), round(100 * one["fill"], 2), label
