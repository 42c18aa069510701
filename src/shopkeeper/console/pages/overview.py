"""The first page: what arrives, what sells, what is live, and what needs attention."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from shopkeeper.base import clock
from shopkeeper.console import charts, formats, speech
from shopkeeper.console.area import Area
from shopkeeper.console.pages import models, quality
from shopkeeper.console.view import View
from shopkeeper.data import listings, quarantine, reports
from shopkeeper.operate.status import STALE_DATA_HOURS, STALE_MODEL_DAYS

DAYS_SHOWN = 90
DAYS_COUNTED = 28
MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US


def show(view: View) -> Response:
    """Return the overview."""
    return view.page(
        "overview.html",
        "overview",
        arriving=view.part(_arriving, view),
        attention=view.part(_attention, view),
        sales=view.part(_sales, view),
        models=view.part(_models, view),
        decisions=view.part(_decisions, view),
    )


def live(view: View) -> Response:
    """Return the part that the overview asks for again every few seconds."""
    return view.page("live.html", arriving=view.part(_arriving, view))


def _arriving(view: View) -> dict[str, Any]:
    shop = view.console.shop
    now = clock.now_us()
    start = now - now % MINUTE_US - 59 * MINUTE_US
    total = shop.store.last_seq()
    rows = listings.arriving(shop.warehouse, start) if total else []
    newest = listings.newest(shop.warehouse) if total else None
    kinds = {row["kind"]: view.word("kind", row["kind"]) for row in rows}
    return {
        "total": total,
        "tail": total - shop.lake.watermark(),
        "last_minute": sum(r["events"] for r in rows if r["minute_us"] >= now - MINUTE_US),
        "last_hour": sum(r["events"] for r in rows),
        "age_seconds": None if newest is None else (now - newest) / 1e6,
        "chart": charts.by_minute(
            rows, kinds, view.say("kind.other"), (start, start + 60 * MINUTE_US)
        ),
    }


def _sales(view: View) -> dict[str, Any]:
    warehouse = view.console.shop.warehouse
    last = listings.last_order_us(warehouse)
    if last is None:
        return {"days": []}
    total = listings.sales(warehouse, DAYS_COUNTED)
    since = last - last % clock.DAY_US - (DAYS_SHOWN - 1) * clock.DAY_US
    found = reports.orders_by_day(warehouse, since)
    by_day = {row["dt"]: row for row in found if row["currency"] == total["currency"]}
    days = (clock.iso(since + n * clock.DAY_US)[:10] for n in range(DAYS_SHOWN))
    labels = [day for day in days if day >= min(by_day)]
    scale = formats.scale(total["currency"])
    orders = [by_day[day]["orders"] if day in by_day else 0 for day in labels]
    revenue = [by_day[day]["net_minor"] / scale if day in by_day else 0 for day in labels]
    return total | {
        "days": labels,
        "basket_minor": total["net_minor"] // total["orders"] if total["orders"] else None,
        "chart": charts.days(
            labels,
            (view.say("overview.orders"), orders),
            (view.say("overview.revenue"), revenue, total["currency"]),
        ),
    }


def _models(view: View) -> list[dict[str, Any]]:
    return [
        {
            "capability": name,
            "champion": champion.name if champion else None,
            "trained_us": champion.created_us if champion else None,
            "metrics": models.headline(view, champion.report) if champion else [],
        }
        for name, champion in models.champions(view).items()
    ]


def _decisions(view: View) -> dict[str, Any]:
    now = clock.now_us()
    since = now - now % HOUR_US - 23 * HOUR_US
    rows = reports.decisions_by_hour(view.console.shop.warehouse, since)
    total = sum(row["decisions"] for row in rows)
    fallbacks = sum(row["fallbacks"] for row in rows)
    by_model, by_fallback = view.say("overview.by_model"), view.say("overview.by_fallback")
    series: dict[str, dict[int, int]] = {by_model: {}, by_fallback: {}}
    for row in rows:
        at = row["hour_us"]
        rest = row["decisions"] - row["fallbacks"]
        series[by_model][at] = series[by_model].get(at, 0) + rest
        series[by_fallback][at] = series[by_fallback].get(at, 0) + row["fallbacks"]
    return {
        "total": total,
        "fallback_share": fallbacks / total if total else None,
        "chart": charts.stacked(
            series, (since, since + 24 * HOUR_US), HOUR_US, {by_fallback: "chart-4"}
        ),
    }


def _attention(view: View) -> list[dict[str, Any]]:
    """Return what somebody should look at, errors first; empty when all is well."""
    shop, now = view.console.shop, clock.now_us()
    if shop.store.last_seq() == 0:
        return []
    found: list[dict[str, Any]] = []

    def note(level: str, text: str, href: str | None, hint: str = "") -> None:
        found.append({"level": level, "text": text, "href": href, "hint": hint})

    for one in quality.findings(view):
        level = "error" if one.severity == "error" else "warn"
        title = view.word("check", one.name)
        rows = view.say_n("quality.n_rows", one.count)
        note(level, view.say("overview.check_failed", check=title, rows=rows), "quality")
    for name, champion in models.champions(view).items():
        capability = view.word("capability", name)
        if champion is None:
            text = view.say("overview.no_model", capability=capability)
            note("warn", text, "models", f"shopkeeper train {name}")
            continue
        days = (now - champion.created_us) // clock.DAY_US
        if days > STALE_MODEL_DAYS:
            text = view.say("overview.stale_model", capability=capability, days=days)
            note("warn", text, "models", f"shopkeeper train {name}")
    for name, state in models.health(view).items():
        if state.get("fault") or state.get("state", "ready") != "ready":
            message = state.get("fault") or state["state"]
            thing = view.word("capability", name)
            note("error", view.say("overview.broken", thing=thing, message=message), "models")
    newest = listings.newest(shop.warehouse)
    if newest is not None and now - newest > STALE_DATA_HOURS * HOUR_US:
        age = formats.ago((now - newest) / 1e6, speech.words(view.language))
        note("warn", view.say("overview.stale_data", age=age), None)
    refused = sum(quarantine.counts(shop.store).values())
    if refused:
        text = view.say_n("overview.quarantined", refused)
        note("warn", text, "quality")
    return sorted(found, key=lambda one: one["level"] != "error")


AREA = Area(name="overview", pages=(("/", show), ("/live", live)))
