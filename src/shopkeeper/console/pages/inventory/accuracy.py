"""How good forecasts were: error and bias over time, value added against naive and the planner."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from shopkeeper.console import charts
from shopkeeper.console.view import View
from shopkeeper.operate.replenish import accuracy


def index(view: View) -> Response:
    """Return the accuracy of forecasts so many weeks ahead as the address asks."""
    text = view.query("horizon", 3)
    horizon = int(text) if text.isascii() and text.isdigit() and int(text) > 0 else 1
    return view.page(
        "inventory/accuracy.html",
        "inventory",
        tab="accuracy",
        horizon=horizon,
        report=view.part(_report, view, horizon),
        biased=accuracy.BIASED,
        currency=view.console.shop.settings.currency,
    )


def _report(view: View, horizon: int) -> dict[str, Any]:
    found = accuracy.report(view.console.shop, horizon)
    origins = [one for one in found["origins"] if one["wape"] is not None]
    if not origins:
        return found | {"error": None, "bias": None}
    labels = [one["origin"] for one in origins]

    def percents(name: str) -> list[float | None]:
        return [None if one[name] is None else round(100 * one[name], 1) for one in origins]

    return found | {
        "error": charts.lines(
            labels,
            {
                view.say("inventory.our_error"): percents("wape"),
                view.say("inventory.naive_error"): percents("naive_wape"),
            },
        ),
        "bias": charts.lines(
            labels,
            {
                view.say("inventory.bias_percent"): percents("bias"),
                view.say("inventory.value_added_percent"): percents("value_added"),
            },
        ),
        "backtests": sum(one["kind"] == "backtest" for one in origins),
    }
