"""Who gave how many stars to what, as arrays; read from a file or from the shop's own log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shopkeeper.base.errors import BadInput
from shopkeeper.data.importers.interactions import parsed_moments
from shopkeeper.data.importers.tabular import named_columns

COLUMNS = ("user_id", "item_id", "timestamp", "rating")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratings:
    """Arrays (n,) in order of time. ``user`` and ``item`` number ``user_ids`` and ``item_ids``."""

    user: np.ndarray
    item: np.ndarray
    value: np.ndarray  # stars
    at_us: np.ndarray  # microseconds UTC
    user_ids: Sequence[str]
    item_ids: Sequence[str]

    def take(self, rows: np.ndarray) -> Ratings:
        """Return some rows; users and items keep their numbers."""
        return replace(
            self,
            user=self.user[rows],
            item=self.item[rows],
            value=self.value[rows],
            at_us=self.at_us[rows],
        )


def read(path: Path, names: Mapping[str, str] | None = None) -> Ratings:
    """Return the ratings of a file; the last rating of a user for an item counts."""
    table, _ = named_columns(path, COLUMNS, (), names)
    try:
        value = pc.cast(table["rating"], "float64")
    except pa.ArrowInvalid as problem:
        raise BadInput(f"{path}: rating is no number: {problem}.", field="rating") from problem
    at = parsed_moments(table["timestamp"])
    return of_columns(table["user_id"], table["item_id"], at, value)


def of_log(warehouse: Any) -> Ratings:
    """Return the ratings that known customers left in the shop's own log."""
    table = warehouse.table("interactions")
    table = table.filter(pc.is_valid(table["rating"]))
    return of_columns(table["customer_id"], table["item_id"], table["occurred_us"], table["rating"])


def of_columns(user: Any, item: Any, at_us: Any, value: Any) -> Ratings:
    """Return ratings of four Arrow columns; rows that lack one of them are left out."""
    keep = pc.and_(pc.is_valid(user), pc.is_valid(item))
    keep = pc.and_(keep, pc.and_(pc.is_valid(at_us), pc.is_valid(value)))
    if not pc.any(keep).as_py():
        raise BadInput("There is no rating of a known customer.", field="rating")
    user_ids, users = _codes(user.filter(keep))
    item_ids, items = _codes(item.filter(keep))
    at = pc.cast(at_us.filter(keep), "int64").to_numpy()
    order = np.argsort(at, kind="stable")
    pair = users.astype(np.int64) * len(item_ids) + items
    _, last = np.unique(pair[order][::-1], return_index=True)
    rows = order[np.sort(len(order) - 1 - last)]
    return Ratings(
        user=users[rows],
        item=items[rows],
        value=np.asarray(value.filter(keep).to_numpy(), dtype=np.float64)[rows],
        at_us=at[rows],
        user_ids=user_ids,
        item_ids=item_ids,
    )


def _codes(column: Any) -> tuple[list[str], np.ndarray]:
    names, codes = np.unique(np.array(pc.cast(column, "string").to_pylist()), return_inverse=True)
    return names.tolist(), codes.astype(np.int32)
