"""Data quality: named checks with sample rows, the pipeline's stages, the quarantine."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from shopkeeper.base import clock
from shopkeeper.console.area import Area
from shopkeeper.console.parts import leaf
from shopkeeper.console.view import View
from shopkeeper.data import listings, quality, quarantine
from shopkeeper.data.pipeline import pipeline_report

ROWS = 20
SAMPLES = 5
KEPT_US = 60_000_000
ALLOWANCE_US = 60_000_000


def show(view: View) -> Response:
    """Return the data-quality page."""
    return view.page(
        "quality.html",
        "quality",
        checks=view.part(_checks, view),
        quarantine=view.part(_quarantine, view),
    )


def pipeline(view: View) -> Response:
    """Return the pipeline's stages, asked for once the page stands: they count every table."""
    return view.page("pipeline.html", pipeline=view.part(_pipeline, view))


def findings(view: View) -> list[Any]:
    """Return what the checks found, at most a minute old: the queries read the whole shop."""
    console = view.console
    with console.checking:
        if not _fresh(view, console.checked):
            seq = console.shop.store.last_seq()
            # Events keep arriving while the checks run; they are not in the future.
            now_us = clock.now_us() + ALLOWANCE_US
            found = quality.check(console.shop.warehouse, samples=SAMPLES, now_us=now_us)
            console.checked = (clock.now_us(), seq, found)
        return list(console.checked[2] or [])


def _fresh(view: View, kept: tuple[int, int, list[Any] | None]) -> bool:
    at, seq, found = kept
    same = seq == view.console.shop.store.last_seq()
    return found is not None and (same or clock.now_us() - at < KEPT_US)


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


def _pipeline(view: View) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return the stages by group, in their order."""
    console = view.console
    if console.shop.store.last_seq() == 0:
        return []
    with console.checking:
        if not _fresh(view, console.piped):
            seq = console.shop.store.last_seq()
            console.piped = (clock.now_us(), seq, pipeline_report(console.shop.warehouse))
        stages = console.piped[2] or []
    groups: dict[str, list[dict[str, Any]]] = {}
    for stage in stages:
        groups.setdefault(stage["group"], []).append(stage)
    return list(groups.items())


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


AREA = Area(name="quality", pages=(("/quality", show), ("/quality-pipeline", pipeline)))
