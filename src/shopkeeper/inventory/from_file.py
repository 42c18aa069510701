"""Anybody's demand file as a panel: dates put on a grid of days, weeks or months.

Columns sku, date, units, and where there: location, price, category, in_stock_share, and any
numeric column named as known. A row with empty units tells a plan (a promotion, a price) and no
demand. Rows of one sku, location and period are summed. Periods between a series' first and the
file's last that have no row are zeros; a last week or month that is not over is left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shopkeeper.base.errors import BadInput, MissingColumns
from shopkeeper.data.importers.interactions import parsed_moments
from shopkeeper.data.importers.tabular import read_columns
from shopkeeper.inventory.schema import FREQUENCIES, DemandPanel

NEEDED = ("sku", "date", "units")
OPTIONAL = ("location", "price", "category", "in_stock_share", "promotion")
_DAY_US = 86_400_000_000
FEW_DAYS = 4
LEAST_PERIODS = {"D": 14, "W": 4, "M": 4}


def panel(
    path: Path, frequency: str, *, names: Mapping[str, str] | None = None, known: Sequence[str] = ()
) -> tuple[DemandPanel, dict[str, Any]]:
    """Return (panel, facts of the file); BadInput names the column and the first bad row.

    ``known``: columns of drivers, whether they are known ahead or only observed.
    """
    table, found = _read(path, dict(names or {}), known)
    days = _days(table["date"], path, found["date"])
    units = _numbers(table["units"], path, found["units"], empty=True)
    series, skus, locations = _series(table, path, found)
    period, starts = _grid(days, frequency)
    told = np.isfinite(units)
    if not told.any():
        raise BadInput(f"{path}: column '{found['units']}' is empty.", field="units")
    t = int(period[told].max()) + 1
    if not _is_over(days[told], starts, frequency):
        t -= 1
    told &= period < t
    if t < LEAST_PERIODS[frequency]:
        raise BadInput(
            f"{path} spans {t} periods of '{frequency}', but at least "
            f"{LEAST_PERIODS[frequency]} are needed.",
            hint="Give a longer history or a shorter frequency.",
            field="date",
        )
    n, reach = len(skus), int(period.max()) + 1
    demand = np.zeros((n, t))
    np.add.at(demand, (series[told], period[told]), units[told])
    first = np.full(n, t)
    np.minimum.at(first, series[told], period[told])
    demand[np.arange(t)[None, :] < first[:, None]] = np.nan
    negative = int((demand < 0).sum())
    if not np.nansum(np.maximum(demand, 0)) > 0:
        raise BadInput(
            f"{path}: no period has demand above 0.",
            hint="Nothing can be learned from zeros; check the column or the filter.",
            field="units",
        )
    drivers = _drivers(table, path, found, known, (series, period), (n, reach))
    price = share = None
    if "price" in found:
        price = _last(table["price"], path, found["price"], series, period, (n, t))
    if "in_stock_share" in found:
        share = np.nan_to_num(
            _last(table["in_stock_share"], path, found["in_stock_share"], series, period, (n, t)),
            nan=1.0,
        )
    made = DemandPanel(
        skus=skus,
        locations=locations,
        frequency=frequency,
        starts=starts[:t],
        units=demand,
        in_stock_share=share,
        price_minor=price,
        known=drivers,
        category=_category(table, found, series, n),
    )
    facts = {"rows": table.num_rows, "series": n, "periods": t, "sha256": _digest(path)}
    return made, facts | {
        "negative_periods": negative,
        "known_rows_beyond": int((period >= t).sum()),
    }


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _drivers(
    table: pa.Table,
    path: Path,
    found: dict[str, str],
    known: Sequence[str],
    at: tuple[np.ndarray, np.ndarray],
    shape: tuple[int, int],
) -> dict[str, np.ndarray]:
    """Return name -> (n, periods and plans); the largest value of a period counts."""
    drivers = {}
    for name in dict.fromkeys((*known, *(["promotion"] if "promotion" in found else []))):
        grid = np.zeros(shape)
        values = _numbers(table[name], path, found[name], empty=True)
        np.maximum.at(grid, at, np.nan_to_num(values))
        drivers[name] = grid
    return drivers


def _read(
    path: Path, names: dict[str, str], known: Sequence[str]
) -> tuple[pa.Table, dict[str, str]]:
    every = dict.fromkeys((*NEEDED, *OPTIONAL, *known))
    wanted = {name: names.get(name, name) for name in every}
    strange = [name for name in names if name not in wanted]
    if strange:
        raise BadInput(
            f"--map knows no column '{strange[0]}'.", field="map", allowed=", ".join(wanted)
        )
    table = read_columns(path, set(wanted.values()))
    there = table.column_names
    must = [name for name in wanted if name in NEEDED or name in known or name in names]
    missing = [wanted[name] for name in must if wanted[name] not in there]
    if missing:
        raise MissingColumns(
            f"{path} lacks {', '.join(missing)}; it has {', '.join(there[:20])}.",
            hint="Rename the columns, or say --map name=column.",
            field=missing[0],
        )
    if table.num_rows == 0:
        raise BadInput(f"{path} has no rows.", field="demand", value=str(path))
    found = {name: column for name, column in wanted.items() if column in there}
    return pa.table({name: table[column] for name, column in found.items()}), found


def _days(column: pa.ChunkedArray, path: Path, name: str) -> np.ndarray:
    """Return whole days since 1970; each distinct text is parsed once."""
    coded = column.cast(pa.string()).combine_chunks().dictionary_encode()
    codes = pc.fill_null(coded.indices, -1).to_numpy(zero_copy_only=False)
    parsed = parsed_moments(pa.chunked_array([coded.dictionary]))
    wrong = np.flatnonzero(pc.is_null(parsed).to_numpy(zero_copy_only=False))
    if len(wrong):
        text = coded.dictionary[int(wrong[0])].as_py()
        row = int(np.flatnonzero(codes == wrong[0])[0])
        raise _at(path, name, row, f"is no date: '{text}'", text)
    values = parsed.to_numpy(zero_copy_only=False) // _DAY_US
    bad = np.flatnonzero(codes < 0)
    if len(bad):
        raise _at(path, name, int(bad[0]), "is empty", None)
    return np.asarray(values, dtype=np.int64)[codes]


def _numbers(column: pa.ChunkedArray, path: Path, name: str, *, empty: bool) -> np.ndarray:
    plain = column.combine_chunks()
    try:
        values = pc.cast(plain, pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        for row, text in enumerate(plain.to_pylist()):
            try:
                float(text if text is not None else "nan")
            except ValueError:
                raise _at(path, name, row, f"is no number: '{text}'", text) from None
        values = np.array([float(v) if v is not None else np.nan for v in plain.to_pylist()])
    bad = np.flatnonzero(np.isinf(values) | (np.isnan(values) & (not empty)))
    if len(bad):
        raise _at(path, name, int(bad[0]), "is not finite", None)
    return np.asarray(values, dtype=float)


def _series(
    table: pa.Table, path: Path, found: dict[str, str]
) -> tuple[np.ndarray, list[str], list[str]]:
    sku = table["sku"].cast(pa.string()).combine_chunks()
    bad = np.flatnonzero(pc.is_null(sku).to_numpy(zero_copy_only=False))
    if len(bad):
        raise _at(path, found["sku"], int(bad[0]), "is empty", None)
    place = pa.array([""] * len(sku))
    if "location" in found:
        place = pc.fill_null(table["location"].cast(pa.string()).combine_chunks(), "")
    joined = np.array(pc.binary_join_element_wise(sku, place, "\x1f").to_pylist(), dtype=str)
    distinct, series = np.unique(joined, return_inverse=True)
    both = [name.split("\x1f") for name in distinct.tolist()]
    return series, [one[0] for one in both], [one[1] for one in both]


def _grid(days: np.ndarray, frequency: str) -> tuple[np.ndarray, np.ndarray]:
    """Return (period of each row, first days of the periods); weeks count from the first day."""
    if frequency not in FREQUENCIES:
        raise BadInput(
            f"frequency must be D, W or M, but is '{frequency}'.",
            field="frequency",
            value=frequency,
            allowed="D, W, M",
        )
    if frequency == "M":
        months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
        first = int(months.min())
        period = months - first
        starts = (first + np.arange(period.max() + 1)).astype("datetime64[M]")
        return period, starts.astype("datetime64[D]")
    width = int(FREQUENCIES[frequency])
    first = int(days.min())
    period = (days - first) // width
    starts = (first + width * np.arange(period.max() + 1)).astype("datetime64[D]")
    return period, starts


def _is_over(days: np.ndarray, starts: np.ndarray, frequency: str) -> bool:
    """Return whether the last period with demand is whole; a part of one would look like a fall.

    A file that dates its periods by one day each (every Monday, every first) has whole ones, and
    up to FEW_DAYS different days are still taken for that.
    """
    last = int(days.max())
    if frequency == "W":
        past = (days - starts[0].astype(int)) % 7
        return len(np.unique(past)) <= FEW_DAYS or int(past[days == last][0]) == 6
    if frequency == "M":
        dates = days.astype("datetime64[D]")
        of_month = (dates - dates.astype("datetime64[M]").astype("datetime64[D]")).astype(int)
        return len(np.unique(of_month)) <= FEW_DAYS or _first_of_month(last + 1)
    return True


def _first_of_month(day: int) -> bool:
    date = np.datetime64(day, "D")
    return bool(date == date.astype("datetime64[M]").astype("datetime64[D]"))


def _last(
    column: pa.ChunkedArray,
    path: Path,
    name: str,
    series: np.ndarray,
    period: np.ndarray,
    shape: tuple[int, int],
) -> np.ndarray:
    values = _numbers(column, path, name, empty=True)
    grid = np.full(shape, np.nan)
    inside = (period < shape[1]) & np.isfinite(values)
    grid[series[inside], period[inside]] = values[inside]
    return grid


def _category(
    table: pa.Table, found: dict[str, str], series: np.ndarray, n: int
) -> list[str] | tuple[()]:
    if "category" not in found:
        return ()
    labels = pc.fill_null(table["category"].cast(pa.string()).combine_chunks(), "").to_pylist()
    of = [""] * n
    for place, label in zip(series.tolist(), labels, strict=True):
        of[place] = label
    return of


def _at(path: Path, name: str, row: int, problem: str, value: object) -> BadInput:
    return BadInput(
        f"{path}: row {row + 1}: column '{name}' {problem}.",
        hint="Repair or remove the row; row 1 is the first one below the heading.",
        field=name,
        value=value,
    )
