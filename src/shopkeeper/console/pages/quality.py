"""Data quality: named checks with sample rows, what cleaning and labelling did, the quarantine."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from shopkeeper.base import clock
from shopkeeper.console.parts import leaf
from shopkeeper.console.view import View
from shopkeeper.data import listings, quality, quarantine

ROWS = 20
SAMPLES = 5
KEPT_US = 60_000_000


def show(view: View) -> Response:
    """Return the data-quality page."""
    return view.page(
        "quality.html",
        "quality",
        checks=view.part(_checks, view),
        cleaning=view.part(_cleaning, view),
        labels=view.part(listings.label_counts, view.console.shop.warehouse),
        quarantine=view.part(_quarantine, view),
    )


def findings(view: View) -> list[Any]:
    """Return what the checks found, at most a minute old: the queries read the whole shop."""
    console = view.console
    with console.checking:
        now, seq = clock.now_us(), console.shop.store.last_seq()
        at, of_seq, found = console.checked
        if found is None or (of_seq != seq and now - at > KEPT_US):
            found = quality.check(console.shop.warehouse, samples=SAMPLES)
            console.checked = (now, seq, found)
        return list(found)


def _checks(view: View) -> list[dict[str, Any]]:
    if view.console.shop.store.last_seq() == 0:
        return []
    found = {one.name: one for one in findings(view)}
    shown = []
    for name, check in quality.checks().items():
        one = found.get(name)
        level = "good" if one is None else "error" if one.severity == "error" else "warn"
        shown.append(
            {
                "title": view.word("check", name),
                "level": level,
                "count": one.count if one else 0,
                "sample": one.samples if one else [],
                "text": view.word_or("check_says", name, f"{check.says} {check.hint}"),
            }
        )
    order = {"error": 0, "warn": 1, "good": 2}
    return sorted(shown, key=lambda row: order[row["level"]])


def _cleaning(view: View) -> list[dict[str, Any]]:
    return []


def _quarantine(view: View) -> dict[str, Any]:
    store = view.console.shop.store
    counts = quarantine.counts(store)
    reason, text = view.query("reason", 64), view.query("rows")
    offset = view.offset("quarantine")
    found = listings.quarantined(store, offset, ROWS, code=reason, text=text)
    page = leaf([row | {"reason": row["code"]} for row in found], "quarantine", offset, ROWS)
    return {
        "total": sum(counts.values()),
        "reasons": [{"code": code, "n": n} for code, n in counts.items()],
        "reason": reason,
        "text": text,
        "rows": page.rows,
        "key": page.key,
        "number": page.number,
        "before": page.before,
        "after": page.after,
    }
