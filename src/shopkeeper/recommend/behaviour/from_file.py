"""Read orders of a file: customer_id, timestamp, value; one row or several for one order."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow.compute as pc

from shopkeeper.base.errors import BadInput
from shopkeeper.data.importers.interactions import parsed_moments
from shopkeeper.data.importers.tabular import named_columns
from shopkeeper.recommend.behaviour.orders import Orders, grouped

COLUMNS = ("customer_id", "timestamp", "value")


def read(path: Path, names: Mapping[str, str] | None = None) -> Orders:
    """Return the orders of a file; rows of one customer at one moment are one order.

    Rows without a customer or with a value of nothing or less (returns) are left out.
    """
    table, _ = named_columns(path, COLUMNS, (), names)
    at = parsed_moments(table["timestamp"])
    try:
        value = pc.cast(table["value"], "float64")
    except ValueError as problem:
        raise BadInput(f"{path}: value is no number: {problem}.", field="value") from problem
    keep = pc.and_(pc.is_valid(table["customer_id"]), pc.is_valid(at))
    keep = pc.and_(keep, pc.greater(pc.fill_null(value, 0), 0))
    if not pc.any(keep).as_py():
        raise BadInput(f"{path} has no order of a known customer.", field="orders")
    customers = pc.cast(table["customer_id"].filter(keep), "string").to_pylist()
    return grouped(
        customers, np.asarray(at.filter(keep).to_numpy()), np.asarray(value.filter(keep).to_numpy())
    )
