"""Models: versions and roles, metrics against baselines, learning curves, and going back one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.datastructures import FormData
from starlette.responses import Response

from shopkeeper.base import log
from shopkeeper.base.errors import Conflict, NotFound, ShopError
from shopkeeper.console import charts, formats
from shopkeeper.console.area import Area
from shopkeeper.console.view import View
from shopkeeper.operate import capabilities
from shopkeeper.operate.registry import Registry, Version

# Shown first, as far as a report has them; the rest follow by name.
METRICS_FIRST = ("ndcg_at_10", "recall_at_10", "recall_at_20", "mrr_at_10", "coverage_at_10")
METRICS_DRAWN = 4
Rows = Mapping[str, Mapping[str, Any]]


def show(view: View, notice: str = "", problem: ShopError | None = None) -> Response:
    """Return the models page."""
    return view.page(
        "models.html",
        "models",
        capabilities=view.part(_capabilities, view),
        notice=notice,
        problem=problem,
    )


def roll_back(view: View, capability: str) -> str:
    """Make the previous champion live again and return its name."""
    if capability not in capabilities.MODULES:
        raise NotFound(f"There is no capability '{capability}'.", value=capability)
    fresh = registry(view).rollback(capability)
    if view.console.runtime is not None:
        view.console.runtime.reload(capability)
    return fresh["champion"]


def registry(view: View) -> Registry:
    """Return the registry that the runtime uses, or one over the shop's folder."""
    found = getattr(view.console.runtime, "registry", None)
    return found if found is not None else Registry(view.console.shop.settings.models_path)


def champions(view: View) -> dict[str, Version | None]:
    """Return the champion of each capability, None where there is none."""
    held = registry(view)
    found: dict[str, Version | None] = {}
    for name in capabilities.MODULES:
        champion = held.aliases(name).get("champion")
        found[name] = held.version(name, champion) if champion else None
    return found


def health(view: View) -> dict[str, Any]:
    """Return what runs and what is wrong per capability; empty without a runtime."""
    runtime = view.console.runtime
    return {} if runtime is None else runtime.healthy()["capabilities"]


def headline(view: View, report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the champion's first metrics beside the baseline's, for the overview."""
    models: Rows = report.get("models") or {}
    mine = (models.get(report.get("champion") or "") or {}).get("metrics") or {}
    base = (models.get(report.get("baseline") or "") or {}).get("metrics") or {}
    shared = sorted(
        (m for m in mine if _is_number(mine[m]) and _is_number(base.get(m))), key=_place
    )
    return [
        {"name": _metric_word(view, m), "value": mine[m], "baseline": base[m]}
        for m in sorted(shared, key=_place)[:METRICS_DRAWN]
    ]


def _capabilities(view: View) -> list[dict[str, Any]]:
    return [_capability(view, name) for name in capabilities.MODULES]


def _capability(view: View, name: str) -> dict[str, Any]:
    held = registry(view)
    aliases, versions = held.aliases(name), held.versions(name)
    champion = next((v for v in versions if v.name == aliases.get("champion")), None)
    shown = champion or next((v for v in versions if v.report), None)
    return {
        "capability": name,
        "champion": aliases.get("champion"),
        "previous": aliases.get("previous") if champion else None,
        "rivals": [role for role in ("challenger", "shadow") if role in aliases],
        "share": held.share(name),
        "versions": [
            {
                "version": v.name,
                "aliases": v.aliases,
                "problem": v.broken,
                "trained_us": v.created_us or None,
                "data": _data(view, v.data),
            }
            for v in versions
        ],
        **(_measured(view, shown.report) if shown else {"metrics": [], "columns": [], "table": []}),
        "curves": _curves(view, shown.curves) if shown else [],
    }


def _data(view: View, facts: Mapping[str, Any]) -> str:
    rows = next((facts[k] for k in ("rows", "events", "interactions") if k in facts), None)
    return view.say("models.n_events", n=formats.number(rows)) if rows is not None else ""


def _measured(view: View, report: Mapping[str, Any]) -> dict[str, Any]:
    """Return the report's metrics as whisker charts and as one table."""
    models: Rows = report.get("models") or {}
    champion, baseline = report.get("champion"), report.get("baseline")
    values = {
        name: {k: v for k, v in (row.get("metrics") or {}).items() if _is_number(v)}
        for name, row in models.items()
    }
    columns = sorted({metric for row in values.values() for metric in row}, key=_place)
    order = sorted(values, key=lambda name: -values[name].get(columns[0], 0.0)) if columns else []

    def cell(name: str, metric: str) -> dict[str, Any]:
        low, high = _interval((models[name].get("interval_95") or {}).get(metric))
        return {"value": values[name].get(metric), "low": low, "high": high}

    def tone(name: str) -> str:
        return "champion" if name == champion else "baseline" if name == baseline else ""

    drawn = [
        {
            "name": _metric_word(view, metric),
            "rows": len(order),
            "chart": charts.whiskers(
                [
                    {"name": name, "tone": tone(name), **cell(name, metric)}
                    for name in reversed(order)
                    if metric in values[name]
                ]
            ),
        }
        for metric in columns[:METRICS_DRAWN]
    ]
    table = [
        {
            "name": name,
            "champion": name == champion,
            "baseline": name == baseline,
            "cells": [cell(name, metric) for metric in columns],
        }
        for name in order
    ]
    return {"metrics": drawn, "columns": [_metric_word(view, m) for m in columns], "table": table}


def _place(metric: str) -> tuple[int, bool, str]:
    """Return where a metric stands; names may carry a task, ``repeat.ndcg_at_10``."""
    task, _, name = metric.rpartition(".")
    known = METRICS_FIRST.index(name) if name in METRICS_FIRST else len(METRICS_FIRST)
    return known, bool(task), metric


def _metric_word(view: View, metric: str) -> str:
    task, _, name = metric.rpartition(".")
    word = view.word("metric", name)
    return f"{word} · {view.word('task', task)}" if task else word


def _curves(view: View, curves: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = []
    for key, points in sorted(curves.items()):
        if points:
            name = _metric_word(view, key)
            series = {name: [(float(x), float(y)) for x, y in points]}
            found.append({"name": name, "chart": charts.curve(series)})
    return found


def _interval(found: Any) -> tuple[float | None, float | None]:
    if isinstance(found, Mapping):
        found = (found.get("low"), found.get("high"))
    if not isinstance(found, list | tuple) or len(found) != 2:
        return None, None
    return found[0], found[1]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value


def _give(view: View, form: FormData) -> Response:
    """Give a version a role, or let a rival run along no more."""
    capability = view.request.path_params["capability"]
    if capability not in capabilities.MODULES:
        raise NotFound(f"There is no capability '{capability}'.", value=capability)
    card, held = capabilities.get(capability), registry(view)
    role, version = str(form.get("role", "")), str(form.get("version", "")) or None
    text = str(form.get("share", "")).strip() or "0"
    try:
        share = float(text) / 100
    except ValueError:
        share = -1.0  # refused below, by name
    problem, notice = None, ""
    try:
        held.give(capability, role, version, share, card.models)
        if view.console.runtime is not None:
            view.console.runtime.reload(capability)
        log.info("console.role_given", capability=capability, role=role, version=version)
        notice = view.say("models.role_given", role=view.say(f"models.{role}"))
    except ShopError as fault:
        problem = fault
    return show(view, notice=notice, problem=problem)


def _roll_back(view: View, form: FormData) -> Response:
    if form.get("sure") != "yes":
        raise Conflict(view.say("models.not_sure"))
    name = roll_back(view, view.request.path_params["capability"])
    log.info("console.rolled_back", version=name)
    return show(view, notice=view.say("models.rolled_back", model=name))


AREA = Area(
    name="models",
    pages=(("/models", show),),
    forms=(
        ("/models/{capability}/rollback", _roll_back),
        ("/models/{capability}/role", _give),
    ),
)
