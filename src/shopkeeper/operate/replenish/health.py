"""How inventory does lately: forecasts of the last weeks, proposals of the last cycles, alerts.

The numbers are of the shop itself, not of a training: what was believed against what came, and
what became of the proposals.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from shopkeeper.base import clock
from shopkeeper.data import forecast_reports, proposal_outcomes

WEEKS = 8
LEAST_JUDGED = 200  # windows below which nothing is said
LOW_COVERAGE = 0.85
HIGH_BIAS = 0.25


def health(shop: Any) -> dict[str, Any]:
    """Return ``forecast`` (of the last WEEKS weeks), ``cycle`` (the newest that ended), ``alerts``.

    Either is None where nothing has been judged yet.
    """
    since = clock.now().date() - timedelta(days=7 * WEEKS)
    rows = forecast_reports.by_horizon(shop.warehouse, since=str(since))
    forecast = next((row for row in rows if row["horizon"] == 1 and row["judged"]), None)
    cycles = [row for row in proposal_outcomes.by_cycle(shop.warehouse) if row["ended"]]
    return {
        "forecast": forecast,
        "cycle": cycles[0] if cycles else None,
        "alerts": _alerts(forecast),
    }


def _alerts(forecast: dict[str, Any] | None) -> list[str]:
    if forecast is None or forecast["judged"] < LEAST_JUDGED:
        return []
    found = []
    coverage, bias, added = (forecast[n] for n in ("coverage_95", "bias", "value_added"))
    if coverage < LOW_COVERAGE:
        found.append(
            f"inventory: demand stayed below the 95 % forecast in {coverage:.0%} of weeks only; "
            "train it again, or look at what changed."
        )
    if bias is not None and abs(bias) > HIGH_BIAS:
        way = "too much" if bias > 0 else "too little"
        found.append(f"inventory: forecasts of {WEEKS} weeks said {abs(bias):.0%} {way}.")
    if added is not None and added < 0:
        found.append("inventory: repeating the last week was nearer than the forecast.")
    return found
