"""Delivery histories for ``evaluate``: supplier, ordered, received, and where there: promised, …

An empty ``received`` is an order still open; an empty ``ordered`` is nothing to learn a lead time
from and is counted, not used. A date that does not parse is refused with its row. Nothing is
imported into the shop.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shopkeeper.base.errors import BadInput
from shopkeeper.data.importers.interactions import parsed_moments
from shopkeeper.data.importers.tabular import named_columns

NEEDED = ("supplier", "ordered", "received")
OPTIONAL = ("promised", "lane", "mode", "item")
_DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Orders by day ordered. Days count from 1970; NaN: not received, not promised.

    ``keys`` holds text columns (n,) by name: supplier, and lane, mode, item where there.
    """

    keys: Mapping[str, np.ndarray]
    ordered: np.ndarray
    promised: np.ndarray
    received: np.ndarray
    file_rows: int
    left_out: Mapping[str, int]  # why -> rows
    sha256: str


def read_deliveries(path: Path, names: Mapping[str, str] | None = None) -> Rows:
    """Read one file; ``names`` maps our column names to the file's."""
    table, found = named_columns(path, NEEDED, OPTIONAL, names)
    if table.num_rows == 0:
        raise BadInput(f"{path} has no rows.", field="lead-times", value=str(path))
    days: dict[str, np.ndarray] = {
        name: _days(table[name], path, found[name])
        for name in ("ordered", "received", "promised")
        if name in found
    }
    keys: dict[str, np.ndarray] = {
        name: _texts(table[name], path, found[name], needed=name == "supplier")
        for name in ("supplier", "lane", "mode", "item")
        if name in found
    }
    return _ordered(path, table.num_rows, keys, days)


def _ordered(
    path: Path, rows: int, keys: Mapping[str, np.ndarray], days: Mapping[str, np.ndarray]
) -> Rows:
    ordered, received = days["ordered"], days["received"]
    promised = days.get("promised", np.full(rows, np.nan))
    undated = np.isnan(ordered)
    backwards = ~undated & (received < ordered)
    keep = ~undated & ~backwards
    if not keep.any():
        raise BadInput(
            f"{path}: no row has the day it was ordered and none before it received.",
            field="ordered",
        )
    if np.isnan(received[keep]).all():
        raise BadInput(f"{path}: column 'received' is empty in every row.", field="received")
    order = np.flatnonzero(keep)[np.argsort(ordered[keep], kind="stable")]
    left_out = {"no day ordered": int(undated.sum()), "received before": int(backwards.sum())}
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Rows(
        keys={name: values[order] for name, values in keys.items()},
        ordered=ordered[order].astype(np.int64),
        promised=promised[order],
        received=received[order],
        file_rows=rows,
        left_out={why: count for why, count in left_out.items() if count},
        sha256=digest,
    )


def _days(column: pa.ChunkedArray, path: Path, name: str) -> np.ndarray:
    """Return days since 1970 as floats, NaN where the cell is empty."""
    empty = pc.is_null(column).to_numpy(zero_copy_only=False)
    if pa.types.is_string(column.type):
        empty = empty | np.array([not (text or "").strip() for text in column.to_pylist()])
    found = np.full(len(column), np.nan)
    if empty.all():
        return found
    given = column.filter(pa.array(~empty))
    parsed = parsed_moments(given)
    bad = pc.is_null(parsed).to_numpy(zero_copy_only=False)
    if bad.any():
        row = int(np.flatnonzero(~empty)[int(bad.argmax())])
        value = column[row].as_py()
        raise BadInput(
            f"{path}: row {row + 1}: column '{name}' is no date: '{value}'.",
            hint="Write dates as 2024-03-05; row 1 is the first one below the heading.",
            field=name,
            value=value,
        )
    found[~empty] = parsed.to_numpy(zero_copy_only=False) // _DAY_US
    return found


def _texts(column: pa.ChunkedArray, path: Path, name: str, *, needed: bool) -> np.ndarray:
    values = np.array([("" if v is None else str(v).strip()) for v in column.to_pylist()], object)
    empty = np.flatnonzero(values == "")
    if needed and len(empty):
        raise BadInput(
            f"{path}: row {int(empty[0]) + 1}: column '{name}' is empty.",
            hint="Every order needs its supplier.",
            field=name,
        )
    return values.astype(str)
