"""Orders that will probably be late, and how promises were kept."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from shopkeeper.base import clock
from shopkeeper.console import charts, formats
from shopkeeper.console.view import View
from shopkeeper.data import supply_reports
from shopkeeper.operate import late_risk

RISK_ROWS = 50
RISK_LEAST = 0.1
WEEK_US = 7 * clock.DAY_US


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
    rows = supply_reports.promises_kept(view.console.shop.warehouse)
    if not rows:
        return None
    # Weeks since 1970 begin on a Thursday; the label is their first day.
    labels = [clock.iso(row["week"] * WEEK_US)[:10] for row in rows]
    shares = [round(100 * row["kept"] / row["parcels"], 1) for row in rows]
    kept, all_of = sum(r["kept"] for r in rows), sum(r["parcels"] for r in rows)
    return {
        "chart": charts.days(labels, (view.say("supply.kept_percent"), shares)),
        "share": formats.percent(kept / all_of),
        "parcels": all_of,
    }
