"""How good the forecasts were, as one report: over time, per demand class, against the planner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shopkeeper.base.errors import BadInput
from shopkeeper.data import forecast_reports

WORST = 15
BIASED = 4.0  # a tracking signal beyond this is bias, not bad luck


def report(shop: Any, horizon: int = 1) -> dict[str, Any]:
    """Return error, bias and value added over origins of forecasts ``horizon`` periods ahead.

    ``value_added`` is naive's error less ours: above zero the forecast earns its place. For the
    planner it is the plan's error less theirs: above zero they knew better.
    """
    warehouse = shop.warehouse
    warehouse.refresh()
    spans = forecast_reports.by_horizon(warehouse)
    known = [row["horizon"] for row in spans]
    if known and horizon not in known:
        raise BadInput(
            f"No forecast {horizon} periods ahead has been judged.",
            field="horizon",
            value=horizon,
            allowed=", ".join(str(one) for one in known),
        )
    origins = forecast_reports.over_time(warehouse, horizon=horizon)
    return {
        "horizon": horizon,
        "horizons": spans,
        "overall": next((row for row in spans if row["horizon"] == horizon), None),
        "tracking_signal": tracking_signal(origins),
        "origins": origins,
        "segments": forecast_reports.by_group(warehouse, "segment", horizon=horizon),
        "methods": forecast_reports.by_group(warehouse, "method", horizon=horizon),
        "worst": forecast_reports.worst(warehouse, horizon=horizon, limit=WORST),
        "planner": planner(forecast_reports.overrides(warehouse)),
    }


def tracking_signal(origins: Sequence[Mapping[str, Any]]) -> float | None:
    """Return summed error over mean absolute error of the origins' totals; None: no demand.

    Source: Brown (1959), Statistical Forecasting for Inventory Control; 4 is the usual limit.

    >>> tracking_signal([{"bias": 0.2, "units": 10.0}, {"bias": 0.2, "units": 10.0}])
    2.0
    """
    errors = [row["bias"] * row["units"] for row in origins if row["bias"] is not None]
    middle = sum(abs(one) for one in errors) / max(len(errors), 1)
    return sum(errors) / middle if middle > 0 else None


def planner(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what changed quantities added; intervals with a sold-out day are counted apart."""
    judged = [row for row in rows if not row["censored"]]
    units = sum(row["actual"] for row in judged)
    ours = sum(abs(row["model_units"] - row["actual"]) for row in judged)
    theirs = sum(abs(row["planner_units"] - row["actual"]) for row in judged)
    return {
        "changed": len(rows),
        "judged": len(judged),
        "better": sum(row["value_added"] > 0 for row in judged),
        "model_wape": ours / units if units > 0 else None,
        "planner_wape": theirs / units if units > 0 else None,
        "value_added": (ours - theirs) / units if units > 0 else None,
        "rows": list(rows),
    }
