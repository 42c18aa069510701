"""Labelled texts from anybody's file, split into train, validation and test.

CSV, TSV or Parquet. A ``split`` column decides; without one the rows are split 70/10/20 by a
seed, evenly over the labels. Everything wrong names the file, the column and the first bad row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from shopkeeper.base.errors import BadInput, MissingColumns
from shopkeeper.data.importers.tabular import read_columns

SPLITS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": "test",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """Columns by our names, one list each, and the split of each row."""

    columns: Mapping[str, Sequence[str]]
    split: np.ndarray
    facts: Mapping[str, Any]
    split_by: str

    def part(self, name: str, split: str) -> list[str]:
        """Return a column's values in one split, in the order of the file."""
        values = self.columns[name]
        return [values[int(row)] for row in np.flatnonzero(self.split == split)]


def read(
    path: Path,
    wanted: Sequence[str],
    *,
    label: str,
    names: Mapping[str, str] | None = None,
    may_be_empty: Sequence[str] = (),
    seed: int = 7,
) -> Labelled:
    """Read the columns ``wanted``; ``label`` is the one whose values the split is even over."""
    own = dict(names or {})
    theirs = {name: own.get(name, name) for name in (*wanted, "split")}
    table = read_columns(path, set(theirs.values()))
    missing = [name for name in wanted if theirs[name] not in table.column_names]
    if missing:
        raise MissingColumns(
            f"{path} lacks {', '.join(missing)}; it has {', '.join(table.column_names[:12])}.",
            hint="Rename the columns, or map them: --map text=utterance.",
            field=missing[0],
        )
    if table.num_rows == 0:
        raise BadInput(f"{path} has a heading but no rows.", value=str(path))
    columns = {name: _texts(table, path, name, theirs[name]) for name in wanted}
    for name in wanted:
        if name not in may_be_empty:
            _no_gaps(columns[name], path, theirs[name])
    given = theirs["split"] in table.column_names
    if given:
        split = _given(_texts(table, path, "split", theirs["split"]), path, theirs["split"])
    else:
        split = np.full(table.num_rows, "train", dtype="<U10")
    labels = np.array(columns[label])
    rng = np.random.default_rng(seed)
    if not given:
        _move(split, labels, "test", 0.2, rng)
    if not (split == "validation").any():
        _move(split, labels, "validation", 0.125 if not given else 0.1, rng)
    for part in ("train", "test"):
        if not given and not (split == part).any():
            raise BadInput(
                f"{path} has {table.num_rows} rows: too few to split 70/10/20.",
                hint="Give at least some five rows of each label, or a column split.",
                value=table.num_rows,
            )
        if not (split == part).any():
            raise BadInput(
                f"{path}: column '{theirs['split']}' has no row with {part}.",
                hint="Mark rows as train, validation and test, or leave the column out.",
                field=theirs["split"],
                allowed="train, validation, test",
            )
    facts = {
        "rows": table.num_rows,
        **{part: int((split == part).sum()) for part in ("train", "validation", "test")},
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    said = "the file's column" if given else f"70/10/20 by seed {seed}"
    return Labelled(columns=columns, split=split, facts=facts, split_by=said)


def at_least_two(labels: Sequence[str], path: Path, column: str) -> None:
    """Raise BadInput when the training rows know one label only."""
    found = sorted(set(labels))
    if len(found) < 2:
        raise BadInput(
            f"{path}: column '{column}' has one label only in its training rows: {found[0]}.",
            hint="A model must see at least two kinds of row.",
            field=column,
            value=found[0],
        )


def _texts(table: Any, path: Path, name: str, column: str) -> list[str]:
    values = table.column(column).to_pylist()
    return ["" if value is None else str(value).strip() for value in values]


def _no_gaps(values: Sequence[str], path: Path, column: str) -> None:
    for row, value in enumerate(values, start=1):
        if not value:
            raise BadInput(
                f"{path}: column '{column}' is empty in row {row}.",
                hint="Fill it in, or leave the row out.",
                field=column,
                value="",
            )


def _given(values: Sequence[str], path: Path, column: str) -> np.ndarray:
    out = np.empty(len(values), dtype="<U10")
    for row, value in enumerate(values):
        split = SPLITS.get(value.lower())
        if split is None:
            raise BadInput(
                f"{path}: column '{column}' is '{value}' in row {row + 1}.",
                hint="Each row must be marked.",
                field=column,
                value=value,
                allowed="train, validation, test",
            )
        out[row] = split
    return out


def _move(
    split: np.ndarray, labels: np.ndarray, to: str, share: float, rng: np.random.Generator
) -> None:
    """Move a share of the training rows of each label; a label's only row stays."""
    for label in np.unique(labels):
        rows = rng.permutation(np.flatnonzero((labels == label) & (split == "train")))
        exact = len(rows) * share
        take = int(exact) + int(rng.random() < exact - int(exact))
        split[rows[: min(take, len(rows) - 1)]] = to
