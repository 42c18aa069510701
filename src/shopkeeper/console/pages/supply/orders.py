"""Orders that will probably be late, and how promises were kept."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from shopkeeper.base import clock
from shopkeeper.console import charts, formats
from shopkeeper.console.view import View
from shopkeeper.data import supply_reports
from shopkeeper.operate import late_risk, promise_watch
from shopkeeper.supply import calibration

RISK_ROWS = 50
RISK_LEAST = 0.1
LANES = 30


def index(view: View) -> Response:
    """Return the page of promised orders."""
    return view.page(
        "supply_orders.html",
        "supply",
        tab="orders",
        risk=view.part(_risk, view),
        kept=view.part(_kept, view),
    )


def _risk(view: View) -> dict[str, Any]:
    rows = late_risk.at_risk(view.console.shop, most=500)
    shown = [r for r in rows if r["p_late"] is None or r["p_late"] >= RISK_LEAST]
    return {
        "rows": shown[:RISK_ROWS],
        "open": len(rows),
        "overdue": sum(r["late"] for r in rows),
        "expected": sum(r["p_late"] or 0.0 for r in rows),
        "learned": any(r["p_late"] is not None and not r["late"] for r in rows) or not rows,
        "least": RISK_LEAST,
    }


def _kept(view: View) -> dict[str, Any] | None:
    """Return carriers and lanes of the last four weeks, and the weeks per carrier."""
    shop, now_us = view.console.shop, clock.now_us()
    rows = promise_watch.promised(shop)
    if not any(row.promised_us < now_us for row in rows):
        return None
    lanes = calibration.lanes(rows, now_us)
    weeks = calibration.weeks(rows, now_us)
    starts = sorted({week for week, _, _, _ in weeks})
    series: dict[str, list[float | None]] = {}
    for carrier in sorted({name for _, name, _, _ in weeks}):
        found = {w: 100 * kept / n for w, name, n, kept in weeks if name == carrier and n >= 5}
        series[carrier or "–"] = [round(found[w], 1) if w in found else None for w in starts]
    level = sum(row.level for row in rows) / len(rows)
    series[view.say("supply.promised_share")] = [round(100 * level, 1)] * len(starts)
    # Weeks since 1970 begin on a Thursday; the label is their first day.
    labels = [clock.iso(week * calibration.WEEK_US)[:10] for week in starts]
    carriers = [lane for lane in lanes if not lane.location_id]
    judged, kept = sum(x.judged for x in carriers), sum(x.kept for x in carriers)
    return {
        "chart": charts.lines(labels, series),
        "share": formats.percent(kept / judged) if judged else formats.NOTHING,
        "parcels": judged,
        "level": formats.percent(level, 0),
        "lanes": lanes[:LANES],
        "alerts": supply_reports.promise_alerts(shop.warehouse, 5),
    }
