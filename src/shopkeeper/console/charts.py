"""What a chart shows, as plain values for static/charts.js; nothing here draws.

A spec has a ``type`` (bars, lines, days, steps, whiskers, curve, graph, shaded, fan, exchange)
and its rows; times are milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

MOST_KINDS = 6
MINUTE_US = 60_000_000


def by_minute(
    rows: Iterable[Mapping[str, Any]], names: Mapping[str, str], other: str, span: tuple[int, int]
) -> dict[str, Any] | None:
    """Return stacked bars of events per minute, the commonest kinds by name, the rest as one."""
    totals: dict[str, int] = {}
    rows = list(rows)
    for row in rows:
        totals[row["kind"]] = totals.get(row["kind"], 0) + row["events"]
    if not totals:
        return None
    shown = sorted(totals, key=lambda kind: -totals[kind])[:MOST_KINDS]
    points: dict[str, dict[int, int]] = {}
    for row in rows:
        name = names.get(row["kind"], row["kind"]) if row["kind"] in shown else other
        series = points.setdefault(name, {})
        series[row["minute_us"]] = series.get(row["minute_us"], 0) + row["events"]
    return stacked(points, span, MINUTE_US)


def stacked(
    series: Mapping[str, Mapping[int, int]],
    span: tuple[int, int],
    step_us: int,
    tones: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return stacked bars, one slot per step of the span, empty ones too.

    ``series`` maps name -> slot in microseconds -> count.
    """
    slots = range(span[0], span[1], step_us)
    return {
        "type": "bars",
        "slots": [at // 1000 for at in slots],
        "series": [
            {
                "name": name,
                "tone": (tones or {}).get(name, ""),
                "data": [points.get(at, 0) for at in slots],
            }
            for name, points in series.items()
        ],
    }


def days(
    labels: list[str],
    bars: tuple[str, list[float]],
    line: tuple[str, list[float], str] | None = None,
) -> dict[str, Any]:
    """Return bars per day or week, with an optional money line on its own axis."""
    spec: dict[str, Any] = {
        "type": "days",
        "labels": labels,
        "bars": {"name": bars[0], "data": bars[1]},
    }
    if line:
        spec["line"] = {"name": line[0], "data": line[1], "unit": line[2]}
    return spec


def lines(labels: list[str], series: Mapping[str, list[float | None]]) -> dict[str, Any]:
    """Return one line per name over the same labels, such as days; None is a gap."""
    return {
        "type": "lines",
        "labels": labels,
        "series": [{"name": name, "data": values} for name, values in series.items()],
    }


def steps(name: str, points: list[tuple[str, float]], unit: str) -> dict[str, Any]:
    """Return a line over days that holds its value until the next point, such as a price."""
    return {"type": "steps", "name": name, "points": points, "unit": unit}


def whiskers(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return one dot per model with its interval; rows: name, value, low, high, tone."""
    return {"type": "whiskers", "rows": rows}


def curve(series: Mapping[str, list[tuple[float, float]]]) -> dict[str, Any]:
    """Return one line per name over training steps."""
    return {"type": "curve", "series": [{"name": n, "data": p} for n, p in series.items()]}


def shaded(
    labels: list[str], bars: tuple[str, list[float | None]], shade: tuple[str, list[float]]
) -> dict[str, Any]:
    """Return bars per day with a shade behind some; a shade of 1 is the whole day."""
    return {
        "type": "shaded",
        "labels": labels,
        "bars": {"name": bars[0], "data": bars[1]},
        "shade": {"name": shade[0], "data": shade[1]},
    }


def fan(
    labels: list[str],
    bands: list[tuple[str, list[float], list[float]]],
    lines: Mapping[str, list[float | None]] | Mapping[str, list[float]],
) -> dict[str, Any]:
    """Return lines with bands (name, low, high) around them, the widest band first."""
    return {
        "type": "fan",
        "labels": labels,
        "bands": [{"name": name, "low": low, "high": high} for name, low, high in bands],
        "lines": [{"name": name, "data": values} for name, values in lines.items()],
    }


def exchange(
    series: Mapping[str, list[tuple[float, float, str]]],
    marks: list[tuple[str, tuple[float, float, str]]],
    axes: tuple[str, str],
    unit: str,
) -> dict[str, Any]:
    """Return curves of per cent over money with a label per point; ``marks`` stand out."""
    return {
        "type": "exchange",
        "axes": list(axes),
        "unit": unit,
        "series": [{"name": name, "data": points} for name, points in series.items()],
        "marks": [{"name": name, "data": [point]} for name, point in marks],
    }


def graph(
    nodes: Iterable[Mapping[str, Any]], edges: Iterable[Iterable[str]], kinds: Mapping[str, str]
) -> dict[str, Any]:
    """Return nodes and edges to be laid out by force.

    ``nodes``: id, kind, label, mine (drawn large), frauds (ringed in red); ``kinds`` kind -> word.
    """
    return {
        "type": "graph",
        "kinds": list(kinds.values()),
        "nodes": [
            {
                "id": one["id"],
                "kind": list(kinds).index(one["kind"]),
                "label": one["label"],
                "mine": one["mine"],
                "frauds": one["frauds"],
            }
            for one in nodes
        ],
        "edges": [list(edge) for edge in edges],
    }
