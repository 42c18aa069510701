"""Some columns of a CSV, TSV or Parquet file, gzipped or not, as an Arrow table.

CSV cells stay texts: what a number or a date is, the caller decides, and can then say which
row is wrong. Empty cells and the words NaN, null and None are missing.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet

from shopkeeper.base.errors import BadInput, MissingColumns

_MISSING = ["", "NaN", "nan", "NAN", "null", "NULL", "None"]


def read_columns(path: Path, wanted: set[str]) -> pa.Table:
    """Return the wanted columns that the file has; BadInput says why it cannot be read.

    A file without any wanted column comes back with all its names and no rows of interest,
    so that the caller can name both.
    """
    if not path.is_file():
        raise BadInput(f"{path} is not a file.", hint="Check the path.", value=str(path))
    suffixes = [s.lower() for s in path.suffixes]
    kind = next((s for s in reversed(suffixes) if s != ".gz"), "")
    try:
        if kind in (".parquet", ".pq"):
            table = _parquet(path, wanted)
        else:
            table = _csv(path, "\t" if kind in (".tsv", ".tab") else ",")
    except (pa.ArrowException, zlib.error, OSError, EOFError) as problem:
        raise BadInput(
            f"{path} cannot be read: {problem}.",
            hint="Give a CSV (UTF-8, with a heading), TSV or Parquet file, or one of them as .gz.",
        ) from problem
    twice = [name for name in sorted(wanted) if table.column_names.count(name) > 1]
    if twice:
        raise BadInput(
            f"{path}: column '{twice[0]}' stands there twice.",
            hint="Rename one of them; which is meant cannot be told.",
            field=twice[0],
        )
    return table


def _parquet(path: Path, wanted: set[str]) -> pa.Table:
    source: object = path
    if path.suffix.lower() == ".gz":
        source = io.BytesIO(gzip.decompress(path.read_bytes()))
    file = pa_parquet.ParquetFile(source)
    names = file.schema_arrow.names
    picked = [name for name in names if name in wanted]
    return file.read(columns=picked or names)


def _csv(path: Path, delimiter: str) -> pa.Table:
    if path.stat().st_size == 0:
        raise BadInput(f"{path} is empty: no heading and no rows.", value=str(path))
    with pa.input_stream(path, compression="detect") as stream:
        heading = stream.read(65_536)
    first = heading.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0].decode("utf-8", "replace")
    names = [name.strip().strip('"') for name in first.rstrip("\r").split(delimiter)]
    options = pa_csv.ConvertOptions(
        column_types={name: pa.string() for name in names},
        null_values=_MISSING,
        strings_can_be_null=True,
        quoted_strings_can_be_null=True,
    )
    with pa.input_stream(path, compression="detect") as stream:
        return pa_csv.read_csv(
            stream,
            parse_options=pa_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=options,
        )


def named_columns(
    path: Path, needed: Sequence[str], optional: Sequence[str], names: Mapping[str, str] | None
) -> tuple[pa.Table, dict[str, str]]:
    """Return the wanted columns under our names, and our name -> the file's name."""
    mapped = dict(names or {})
    strange = [name for name in mapped if name not in (*needed, *optional)]
    if strange:
        raise BadInput(
            f"--map knows no column '{strange[0]}'.",
            allowed=", ".join((*needed, *optional)),
            field="map",
            value=strange[0],
        )
    wanted = {name: mapped.get(name, name) for name in (*needed, *optional)}
    table = read_columns(path, set(wanted.values()))
    there = table.column_names
    missing = [wanted[n] for n in wanted if wanted[n] not in there and (n in needed or n in mapped)]
    if missing:
        raise MissingColumns(
            f"{path} lacks {', '.join(missing)}; it has {', '.join(there[:20])}.",
            hint="Rename the columns, or say --map name=column.",
            field=missing[0],
        )
    found = {name: column for name, column in wanted.items() if column in there}
    return pa.table({name: table[column] for name, column in found.items()}), found


def numbers(column: pa.ChunkedArray, path: Path, name: str) -> np.ndarray:
    """Return a column of numbers; one that is missing, NaN or no number is refused."""
    try:
        values = pc.cast(column, pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        for row, value in enumerate(column.to_pylist()):
            try:
                float(value or "nan")
            except ValueError as problem:
                raise bad_row(path, name, row, f"is no number: '{value}'", value) from problem
        raise
    bad = first_row(~np.isfinite(values))
    if bad is not None:
        raise bad_row(path, name, bad, "is empty or NaN", None)
    return np.asarray(values, dtype=np.float64)


def first_row(mask: np.ndarray) -> int | None:
    """Return the first row that a mask marks, None for none."""
    return int(mask.argmax()) if mask.any() else None


def bad_row(path: Path, name: str, row: int, problem: str, value: object) -> BadInput:
    """Return the error that names the file, the row and the column."""
    return BadInput(
        f"{path}: row {row + 1}: column '{name}' {problem}.",
        hint="Repair or remove the row; row 1 is the first one below the heading.",
        field=name,
        value=value,
    )
