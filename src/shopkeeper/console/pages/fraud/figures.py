"""Performance: approval rate, precision on matured labels, calibration, money; and the costs."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

from starlette.datastructures import FormData
from starlette.responses import Response

from shopkeeper.base import clock
from shopkeeper.base.errors import BadInput, ShopError
from shopkeeper.console import charts
from shopkeeper.console.view import View
from shopkeeper.fraud.costs import Costs, from_dict
from shopkeeper.operate import fraud_desk, fraud_performance

DAYS = 30
TONES = {"approve": "chart-3", "challenge": "chart-2", "review": "chart-4", "block": "chart-6"}


def index(view: View, notice: str = "", problem: ShopError | None = None) -> Response:
    """Return how fraud does."""
    return view.page(
        "fraud/performance.html",
        "fraud",
        tab="performance",
        figures=view.part(_figures, view),
        costs=view.part(_costs, view),
        currency=view.console.shop.settings.currency,
        problem=problem,
        notice=notice,
    )


def set_costs(view: View, form: FormData) -> Response:
    """Store the costs that the form holds; the others stay as they are."""
    assert view.session is not None
    shop = view.console.shop
    held = asdict(fraud_desk.controls(shop).costs)
    given: dict[str, Any] = {}
    try:
        for one in fields(Costs):
            text = str(form.get(one.name, "")).strip()
            if text:
                given[one.name] = _number(one.name, text, held[one.name])
        fraud_desk.put_costs(shop, from_dict(held | given), view.session.user)
    except ShopError as problem:
        return index(view, problem=problem)
    return index(view, notice=view.say("fraud.costs_saved"))


def _figures(view: View) -> dict[str, Any]:
    now_us = clock.now_us()
    told = fraud_performance.report(view.console.shop, now_us, DAYS)
    series: dict[str, dict[int, int]] = {}
    for row in told["by_day"]:
        name = view.word("fraud_outcome", row["outcome"])
        series.setdefault(name, {})[row["day_us"]] = row["n"]
    tones = {view.word("fraud_outcome", name): tone for name, tone in TONES.items()}
    first = (now_us - DAYS * clock.DAY_US) // clock.DAY_US * clock.DAY_US
    chart = charts.stacked(series, (first, now_us), clock.DAY_US, tones) if series else None
    if chart:
        chart["daily"] = True
    line = [(row["probability"], row["observed"]) for row in told["calibration"]]
    even = [(p, p) for p, _ in line]
    names = (view.say("fraud.observed"), view.say("fraud.ideal"))
    curve = charts.curve({names[0]: line, names[1]: even}) if len(line) > 1 else None
    if curve:
        curve["fine"] = True  # shares, not whole steps
    return told | {"chart": chart, "curve": curve}


def _costs(view: View) -> list[dict[str, Any]]:
    held = asdict(fraud_desk.controls(view.console.shop).costs)
    return [{"name": name, "value": value} for name, value in held.items()]


def _number(name: str, text: str, held: Any) -> float | int:
    try:
        number = float(text)
    except ValueError:
        raise BadInput(
            f"{name} must be a number, but is {text[:40]!r}.",
            field=name,
            value=text,
            allowed="a number",
        ) from None
    whole = isinstance(held, int) or name == "margin_minor"
    return int(number) if whole and number == number and number.is_integer() else number
