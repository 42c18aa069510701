"""Metres and seconds between places: by the globe, by a routing server of yours, or from a CSV.

``haversine`` needs nothing: great circles times a road factor. OSRM and Valhalla are asked at an
address that the shop names; a file is for everything else. A missing value is a hole (-1).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib import error, parse, request

import numpy as np
import pyarrow as pa

from shopkeeper.base.errors import BadInput, ShopError, StoreUnavailable
from shopkeeper.data.importers.tabular import read_columns
from shopkeeper.supply.routing_schema import Matrix

EARTH_M = 6_371_008.8  # mean radius
# Roads are longer than great circles; a fifth to two fifths in most countries.
ROAD_FACTOR = 1.3
SPEED_KMH = 40.0
_FAR_M = 1_000_000
_NEAR_M = 300_000
_BLOCK = 50  # OSRM answers 100 coordinates a table unless told otherwise
_TIMEOUT_S = 30.0
_MOST_BYTES = 64 << 20

Point = tuple[float, float]  # latitude, longitude


def haversine(
    points: Mapping[str, Point], *, road_factor: float = ROAD_FACTOR, speed_kmh: float = SPEED_KMH
) -> Matrix:
    """Return great-circle distances times a road factor, and times at one speed.

    >>> made = haversine({"a": (52.52, 13.405), "b": (48.137, 11.575)}, road_factor=1.0)
    >>> round(made.distance_m[0, 1] / 1000)
    504
    """
    for name, value in (("road_factor", road_factor), ("speed_kmh", speed_kmh)):
        if not (value > 0 and math.isfinite(value)):
            raise BadInput(
                f"{name} must be above 0, but is {value}.", field=name, value=value, allowed="> 0"
            )
    check_points(points)
    metres = _great_circles(points) * road_factor
    seconds = metres / (speed_kmh / 3.6)
    return Matrix(
        places=tuple(points),
        distance_m=np.rint(metres).astype(np.int64),
        duration_s=np.rint(seconds).astype(np.int64),
        source=f"haversine x {road_factor:g}, {speed_kmh:g} km/h",
    )


def check_points(points: Mapping[str, Point], depots: Sequence[str] = ()) -> None:
    """Refuse coordinates that are no place on Earth, (0, 0), or swapped against the depots."""
    for name, (latitude, longitude) in points.items():
        if not (math.isfinite(latitude) and math.isfinite(longitude)):
            raise _point(name, "latitude", latitude, "is no number", "")
        if abs(latitude) > 90 or abs(longitude) > 180:
            hint = "Latitude and longitude look swapped." if abs(longitude) <= 90 else ""
            field, value = (
                ("latitude", latitude) if abs(latitude) > 90 else ("longitude", longitude)
            )
            raise _point(name, field, value, "is beyond the globe", hint)
        if latitude == 0 and longitude == 0:
            hint = "0, 0 lies in the sea; an address that was not found often ends there."
            raise _point(name, "latitude", 0.0, "and longitude are both 0", hint)
    for name, point in points.items():
        homes = [points[depot] for depot in depots]
        if name in depots or not homes:
            continue
        swapped = (point[1], point[0])
        if abs(swapped[0]) <= 90 and min(distance_m(point, home) for home in homes) > _FAR_M:
            near = min(distance_m(swapped, home) for home in homes)
            if near < _NEAR_M:
                hint = f"Swapped, it would lie {near / 1000:.0f} km from a depot."
                raise _point(name, "latitude", point[0], "looks swapped with longitude", hint)


def distance_m(a: Point, b: Point) -> float:
    """Return the great-circle distance of two points in metres."""
    return float(_great_circles({"a": a, "b": b})[0, 1])


def osrm(
    points: Mapping[str, Point], address: str, *, profile: str = "driving", block: int = _BLOCK
) -> Matrix:
    """Ask an OSRM server for its tables, ``block`` x ``block`` places at a time."""
    check_points(points)
    names, size = tuple(points), len(points)
    metres = np.full((size, size), -1, dtype=np.int64)
    seconds = np.full((size, size), -1, dtype=np.int64)
    for rows, columns in _blocks(size, block):
        wanted = list(dict.fromkeys([*rows, *columns]))
        place = {at: n for n, at in enumerate(wanted)}
        text = ";".join(f"{points[names[i]][1]:.6f},{points[names[i]][0]:.6f}" for i in wanted)
        query = parse.urlencode(
            {
                "annotations": "duration,distance",
                "sources": ";".join(str(place[i]) for i in rows),
                "destinations": ";".join(str(place[i]) for i in columns),
            },
            safe=",;",
        )
        url = f"{address.rstrip('/')}/table/v1/{parse.quote(profile)}/{text}?{query}"
        body = _ask(request.Request(_http(url)), "OSRM")
        if body.get("code") != "Ok":
            said = body.get("message", body.get("code"))
            raise StoreUnavailable(f"OSRM answered '{said}'.", hint="Look at the server's log.")
        metres[np.ix_(rows, columns)] = _whole(body.get("distances"), rows, columns, "OSRM")
        seconds[np.ix_(rows, columns)] = _whole(body.get("durations"), rows, columns, "OSRM")
    return _matrix(names, metres, seconds, f"OSRM {profile}")


def valhalla(
    points: Mapping[str, Point], address: str, *, costing: str = "auto", block: int = _BLOCK
) -> Matrix:
    """Ask a Valhalla server for sources to targets, ``block`` x ``block`` at a time."""
    check_points(points)
    names, size = tuple(points), len(points)
    metres = np.full((size, size), -1, dtype=np.int64)
    seconds = np.full((size, size), -1, dtype=np.int64)
    for rows, columns in _blocks(size, block):
        asked = {
            "sources": [{"lat": points[names[i]][0], "lon": points[names[i]][1]} for i in rows],
            "targets": [{"lat": points[names[i]][0], "lon": points[names[i]][1]} for i in columns],
            "costing": costing,
            "units": "kilometers",
            "verbose": True,
        }
        url = f"{address.rstrip('/')}/sources_to_targets"
        posted = request.Request(
            _http(url), json.dumps(asked).encode(), {"Content-Type": "application/json"}
        )
        body = _ask(posted, "Valhalla")
        table = body.get("sources_to_targets")
        if not isinstance(table, list):
            raise StoreUnavailable(f"Valhalla answered '{body.get('error', 'no table')}'.")
        km = [[cell.get("distance") for cell in line] for line in table]
        away = [[None if x is None else 1000 * x for x in line] for line in km]
        taken = [[cell.get("time") for cell in line] for line in table]
        metres[np.ix_(rows, columns)] = _whole(away, rows, columns, "Valhalla")
        seconds[np.ix_(rows, columns)] = _whole(taken, rows, columns, "Valhalla")
    return _matrix(names, metres, seconds, f"Valhalla {costing}")


def from_csv(path: Path, names: Mapping[str, str] | None = None) -> Matrix:
    """Read from, to, distance_m, duration_s; a pair that is not there, or empty, is a hole."""
    columns = {c: (names or {}).get(c, c) for c in ("from", "to", "distance_m", "duration_s")}
    table = read_columns(path, set(columns.values()))
    missing = [column for column in columns.values() if column not in table.column_names]
    if missing:
        raise BadInput(
            f"{path} lacks {', '.join(missing)}; it has {', '.join(table.column_names)}.",
            field=missing[0],
            code="missing_columns",
        )
    texts = {c: table[column].cast(pa.string()).to_pylist() for c, column in columns.items()}
    if not texts["from"]:
        raise BadInput(f"{path} has no rows.", field="from", value=str(path))
    for column in ("from", "to"):
        if None in texts[column]:
            row = texts[column].index(None) + 1
            raise BadInput(f"{path}: row {row}: column '{column}' is empty.", field=column)
    places = tuple(dict.fromkeys([*texts["from"], *texts["to"]]))
    at = {place: row for row, place in enumerate(places)}
    filled = {}
    for column in ("distance_m", "duration_s"):
        values = np.full((len(places), len(places)), -1, dtype=np.int64)
        for row, (a, b, text) in enumerate(
            zip(texts["from"], texts["to"], texts[column], strict=True), start=1
        ):
            if text is not None:
                values[at[a], at[b]] = _number(text, path, row, column)
        np.fill_diagonal(values, 0)
        filled[column] = values
    return _matrix(places, filled["distance_m"], filled["duration_s"], f"file {path.name}")


def _number(text: str, path: Path, row: int, column: str) -> int:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < 0:
        raise BadInput(
            f"{path}: row {row}: column '{column}' is '{text}'.",
            hint="Leave it empty where there is no way.",
            field=column,
            value=text,
            allowed="a number from 0",
        )
    return round(value)


def _matrix(names: Sequence[str], metres: np.ndarray, seconds: np.ndarray, source: str) -> Matrix:
    hole = (metres < 0) | (seconds < 0)
    metres[hole] = seconds[hole] = -1
    np.fill_diagonal(metres, 0)
    np.fill_diagonal(seconds, 0)
    return Matrix(places=tuple(names), distance_m=metres, duration_s=seconds, source=source)


def _great_circles(points: Mapping[str, Point]) -> np.ndarray:
    radians = np.radians(np.array(list(points.values()), dtype=float).reshape(-1, 2))
    latitude, longitude = radians[:, 0], radians[:, 1]
    across = np.sin((latitude[:, None] - latitude[None, :]) / 2) ** 2
    along = np.sin((longitude[:, None] - longitude[None, :]) / 2) ** 2
    a = across + np.cos(latitude)[:, None] * np.cos(latitude)[None, :] * along
    found: np.ndarray = 2 * EARTH_M * np.arcsin(np.sqrt(np.clip(a, 0, 1)))
    return found


def _blocks(size: int, block: int) -> list[tuple[list[int], list[int]]]:
    parts = [list(range(a, min(a + block, size))) for a in range(0, size, block)]
    return [(rows, columns) for rows in parts for columns in parts]


def _whole(table: Any, rows: Sequence[int], columns: Sequence[int], who: str) -> np.ndarray:
    found = np.full((len(rows), len(columns)), -1, dtype=np.int64)
    if not isinstance(table, list) or len(table) != len(rows):
        raise StoreUnavailable(f"{who} answered a table of another size than asked.")
    for at, line in enumerate(table):
        if len(line) != len(columns):
            raise StoreUnavailable(f"{who} answered a table of another size than asked.")
        for to, value in enumerate(line):
            found[at, to] = -1 if value is None else round(value)
    return found


def _http(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise BadInput(
            f"The routing server's address must start with http:// or https://: '{url[:80]}'.",
            field="address",
            value=url[:80],
        )
    return url


def _ask(asked: request.Request, who: str) -> dict[str, Any]:
    try:
        with request.urlopen(asked, timeout=_TIMEOUT_S) as answer:
            body = json.loads(answer.read(_MOST_BYTES))
    except error.HTTPError as problem:
        said = problem.read(500).decode("utf-8", "replace")
        raise StoreUnavailable(f"{who} answered {problem.code}: {said}") from problem
    except (OSError, ValueError) as problem:
        raise StoreUnavailable(
            f"{who} does not answer: {problem}.",
            hint="Check its address, or plan with haversine distances until it is back.",
        ) from problem
    if not isinstance(body, dict):
        raise ShopError(f"{who} answered something that is no object.")
    return body


def _point(name: str, field: str, value: float, problem: str, hint: str) -> BadInput:
    return BadInput(
        f"Place '{name}': {field} {value:g} {problem}.",
        hint=hint or "Latitude lies in -90 … 90, longitude in -180 … 180.",
        field=field,
        value=value,
    )
