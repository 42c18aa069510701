"""Files as chunks of columns: CSV and TSV (also .gz) and Parquet, one row group at a time.

A Table names its columns and yields Chunks; every row keeps the number under which its reader
finds it again: in text files the header is row 1, in Parquet the first row is row 1. A file
that cannot be read as a whole (missing, empty, not UTF-8, half-written) is refused before any
of it is used, with its name and the place. What the columns mean is mapping.py's.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from shopkeeper.base.errors import BadInput, MissingColumns

CHUNK_ROWS = 10_000
_MAX_CELL = 1_000_000
_SCAN_BYTES = 1 << 20
_DELIMITERS = (",", "\t", ";", "|")


@dataclass(slots=True)
class Chunk:
    """Some rows by column. ``numbers`` names each row; ``torn`` are rows with wrong cell counts."""

    numbers: Sequence[int]
    columns: dict[str, Sequence[Any]]
    torn: list[tuple[int, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Table:
    """An open file. ``rows`` is how many it holds, about, for the progress bar."""

    path: Path
    columns: tuple[str, ...]
    rows: int
    chunks: Iterator[Chunk]


def open_table(path: Path, *, delimiter: str | None = None) -> Table:
    """Open a CSV, TSV or Parquet file by what its name ends in, .gz or not.

    Raises
    ------
    BadInput
        If the file is missing, empty, not UTF-8, not whole or of no known kind.
    """
    suffix = suffix_of(path)
    if suffix in (".parquet", ".pq"):
        return _open_parquet(path)
    if suffix in (".csv", ".tsv", ".txt"):
        return _open_text(path, "\t" if suffix == ".tsv" and delimiter is None else delimiter)
    raise BadInput(
        f"{path.name} is neither CSV, TSV nor Parquet by its name.",
        hint="Rename it to end in .csv, .tsv or .parquet, with .gz after it if compressed.",
        field="file",
        value=path.name,
        allowed=".csv, .tsv, .txt, .parquet, each also .gz",
    )


def suffix_of(path: Path) -> str:
    """Return what a file's name ends in, without a last .gz."""
    name = path.name.lower().removesuffix(".gz")
    return Path(name).suffix


def open_bytes(path: Path) -> BinaryIO:
    """Open a file for reading, unpacked; a missing or empty one is refused."""
    if not path.exists():
        raise BadInput(f"{path} does not exist.", hint="Check the path.", field="file")
    if path.is_dir():
        raise BadInput(f"{path} is a folder, not a file.", field="file", value=str(path))
    try:
        if path.stat().st_size == 0:
            raise _empty(path)
        if path.name.lower().endswith(".gz"):
            return cast(BinaryIO, gzip.open(path, "rb"))
        return path.open("rb")
    except OSError as problem:
        raise BadInput(f"{path} cannot be read: {problem.strerror}.", field="file") from problem


def scan_utf8(path: Path) -> int:
    """Return the number of lines of a text file; BadInput names the first byte that is not UTF-8.

    One pass over the file before any row is used, so that a broken file is refused whole.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    offset = lines = 0
    try:
        with open_bytes(path) as file:
            while block := file.read(_SCAN_BYTES):
                waiting = len(decoder.getstate()[0])
                try:
                    decoder.decode(block)
                except UnicodeDecodeError as problem:
                    # The decoder's place counts from the bytes it still held.
                    place = offset - waiting + problem.start
                    line = lines + 1 + block[: max(0, problem.start - waiting)].count(b"\n")
                    raise BadInput(
                        f"{path.name} is not UTF-8: byte {place} (line {line}) is "
                        f"0x{problem.object[problem.start]:02x}.",
                        hint="Save it as UTF-8: iconv -f latin1 -t utf-8 OLD > NEW",
                        field="file",
                    ) from problem
                offset += len(block)
                lines += block.count(b"\n")
    except (gzip.BadGzipFile, EOFError, zlib.error) as problem:
        raise _half_written(path, "gzip", problem) from problem
    if decoder.getstate()[0]:
        raise BadInput(f"{path.name} ends within a UTF-8 character.", field="file")
    if offset == 0:
        raise _empty(path)
    return lines


def open_text(path: Path) -> io.TextIOWrapper:
    """Open a scanned text file; a byte order mark is no part of it."""
    return io.TextIOWrapper(open_bytes(path), encoding="utf-8-sig", newline="")


def _open_text(path: Path, delimiter: str | None) -> Table:
    lines = scan_utf8(path)
    with open_text(path) as file:
        header_line = file.readline()
    if not header_line.strip():
        raise BadInput(f"{path.name} has no header in its first line.", field="file")
    mark = delimiter or max(_DELIMITERS, key=header_line.count)
    header = tuple(name.strip() for name in next(csv.reader([header_line], delimiter=mark)))
    _check_header(path, header)
    if lines + (not header_line.endswith("\n")) <= 1 and _is_only_line(path):
        raise BadInput(
            f"{path.name} has a header but no rows.",
            hint="Export it again; nothing was imported.",
            field="file",
        )
    return Table(path, header, max(lines - 1, 1), _text_chunks(path, header, mark))


def _is_only_line(path: Path) -> bool:
    with open_text(path) as file:
        file.readline()
        return not file.read(1)


def _check_header(path: Path, header: tuple[str, ...]) -> None:
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise MissingColumns(
            f"{path.name} names the column {', '.join(twice)} more than once.",
            hint="Give each column a name of its own.",
            code="ambiguous_columns",
        )


def _text_chunks(path: Path, header: tuple[str, ...], mark: str) -> Iterator[Chunk]:
    csv.field_size_limit(_MAX_CELL)
    width = len(header)
    with open_text(path) as file:
        reader = csv.reader(file, delimiter=mark)
        next(reader)
        rows: list[list[str]] = []
        numbers: list[int] = []
        torn: list[tuple[int, str]] = []
        number = 1
        try:
            for row in reader:
                number += 1
                if len(row) == width:
                    rows.append(row)
                    numbers.append(number)
                elif row:
                    torn.append((number, f"has {len(row)} cells, the header has {width}"))
                if len(rows) == CHUNK_ROWS:
                    yield _chunk(header, rows, numbers, torn)
                    rows, numbers, torn = [], [], []
        except csv.Error as problem:
            torn.append((number + 1, f"cannot be read further: {problem}"))
        if rows or torn:
            yield _chunk(header, rows, numbers, torn)


def _chunk(
    header: tuple[str, ...],
    rows: list[list[str]],
    numbers: list[int],
    torn: list[tuple[int, str]],
) -> Chunk:
    columns = zip(*rows, strict=True) if rows else ([] for _ in header)
    return Chunk(numbers, dict(zip(header, columns, strict=True)), torn)


def _open_parquet(path: Path) -> Table:
    with open_bytes(path):
        pass
    try:
        if path.name.lower().endswith(".gz"):
            with open_bytes(path) as packed:
                file = pq.ParquetFile(pa.BufferReader(packed.read()))
        else:
            file = pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError, EOFError, zlib.error) as problem:
        raise _half_written(path, "Parquet", problem) from problem
    if file.metadata.num_rows == 0:
        raise BadInput(f"{path.name} has columns but no rows.", field="file")
    names = tuple(str(name) for name in file.schema_arrow.names)
    return Table(path, names, file.metadata.num_rows, _parquet_chunks(path, file))


def _parquet_chunks(path: Path, file: pq.ParquetFile) -> Iterator[Chunk]:
    number = 1
    try:
        for batch in file.iter_batches(batch_size=CHUNK_ROWS):
            columns = {
                str(name): _plain(column).to_pylist()
                for name, column in zip(batch.schema.names, batch.columns, strict=True)
            }
            yield Chunk(range(number, number + batch.num_rows), columns)
            number += batch.num_rows
    except (pa.ArrowInvalid, OSError) as problem:
        raise _half_written(path, "Parquet", problem) from problem


def _plain(column: pa.Array) -> pa.Array:
    """Return nanosecond stamps as microseconds: Python's datetime knows no finer ones."""
    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":
        return pc.cast(column, pa.timestamp("us", column.type.tz), safe=False)
    return column


def _empty(path: Path) -> BadInput:
    return BadInput(
        f"{path.name} is empty.", hint="Export it again; nothing was imported.", field="file"
    )


def _half_written(path: Path, kind: str, problem: Exception) -> BadInput:
    first = str(problem).split("\n")[0].split(". ")[0][:200]
    return BadInput(
        f"{path.name} is no whole {kind} file: {first}.",
        hint="It may be half-written; copy or export it again.",
        field="file",
    )
