"""Ids to row numbers and columns that grow: the border between names and arrays."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np


class Index:
    """Names in order of first sight; a row, once given, never moves.

    >>> index = Index(["mug", "tea"])
    >>> index.add("pot"), index.get("tea"), index.get("nothing")
    (2, 1, None)
    """

    __slots__ = ("_rows", "ids")

    def __init__(self, ids: Iterable[str] = ()) -> None:
        self.ids: list[str] = list(ids)
        self._rows: dict[str, int] = {name: row for row, name in enumerate(self.ids)}

    def __len__(self) -> int:
        return len(self.ids)

    def __contains__(self, name: object) -> bool:
        return name in self._rows

    def add(self, name: str) -> int:
        """Return the row of a name, giving it the next row if it is new."""
        row = self._rows.get(name)
        if row is None:
            row = self._rows[name] = len(self.ids)
            self.ids.append(name)
        return row

    def get(self, name: str | None) -> int | None:
        """Return the row of a name, or None if nobody has named it."""
        return self._rows.get(name) if name is not None else None

    def rows(self, names: Iterable[str]) -> list[int]:
        """Return the rows of the names that are known; the others are left out."""
        return [row for name in names if (row := self._rows.get(name)) is not None]


class Column:
    """One value per row in a numpy array that grows by doubling; new rows hold ``fill``."""

    __slots__ = ("_data", "fill", "size")

    def __init__(self, dtype: Any, fill: Any = 0, values: np.ndarray | None = None) -> None:
        self.fill = fill
        self._data = np.full(16, fill, dtype) if values is None else np.array(values, dtype)
        self.size = 0 if values is None else len(values)

    def grow(self, size: int) -> None:
        """Make room for ``size`` rows; never shrinks."""
        if size <= self.size:
            return
        if size > len(self._data):
            bigger = np.full(max(size, 2 * len(self._data), 16), self.fill, self._data.dtype)
            bigger[: self.size] = self._data[: self.size]
            self._data = bigger
        self.size = size

    @property
    def values(self) -> np.ndarray:
        """The rows so far, a view: (size,)."""
        return self._data[: self.size]

    def __getitem__(self, row: int) -> Any:
        return self._data[row]

    def __setitem__(self, row: int, value: Any) -> None:
        self._data[row] = value
