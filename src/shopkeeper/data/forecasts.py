"""Tables that a job writes whole: one Parquet file per origin, listed in a manifest.

    lake/demand_forecast/2026-01-26-<hash>.parquet     what was believed on that day
    lake/forecast_accuracy/2026-01-26-<hash>.parquet   the same beside what came
    lake/<table>/manifest.json                         which files count

A file that the manifest does not list does not exist for a reader; the manifest is replaced
last, so a writer that dies leaves the table as it was. Writing an origin again takes the place
of the earlier one. Kept: every origin of five weeks, then one a week (the first of it) for two
years. The warehouse shows the tables to SQL; as of a moment it shows what was written by then.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from shopkeeper.base import clock
from shopkeeper.base.errors import ArtefactBroken
from shopkeeper.data.lake import write_durably

KEPT_DAYS = 35
KEPT_WEEKS = 104
MANIFEST = "manifest.json"
_KEY = {
    "item_id": pa.string(),
    "location_id": pa.string(),
    "origin": pa.date32(),
    "frequency": pa.string(),
    "horizon": pa.int32(),
    "days": pa.int32(),
    "until": pa.date32(),
}
_HOW = {
    "method": pa.string(),
    "segment": pa.string(),
    "model": pa.string(),
    "kind": pa.string(),
    "made_us": pa.int64(),
}
QUANTILES = (
    *("q02", "q10", "q25", "q40", "q50", "q60", "q70", "q80"),
    *("q85", "q90", "q925", "q95", "q97", "q98", "q99", "q997"),
)
# table -> what it says, and its columns in order.
TABLES: dict[str, tuple[str, pa.Schema]] = {
    "demand_forecast": (
        "cumulative demand of the coming periods as believed on a day: horizon periods (days "
        "days, the last is until) from origin on; planned_promotion is the promoted share of "
        "them; kind is live or backtest",
        pa.schema(
            {
                **_KEY,
                "mean": pa.float32(),
                **dict.fromkeys(QUANTILES, pa.float32()),
                "planned_promotion": pa.float32(),
                **_HOW,
            }
        ),
    ),
    "forecast_accuracy": (
        "the same beside what was ordered, once the horizon is over; naive repeats the last "
        "period before origin; censored: sold out for a part of it, so sales are not demand",
        pa.schema(
            {
                **_KEY,
                "actual": pa.float32(),
                "in_stock_share": pa.float32(),
                "censored": pa.bool_(),
                "mean": pa.float32(),
                "naive": pa.float32(),
                "q10": pa.float32(),
                "q50": pa.float32(),
                "q90": pa.float32(),
                "q95": pa.float32(),
                "price_minor": pa.float32(),
                **_HOW,
            }
        ),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One file of the manifest; ``origin`` is an ISO day."""

    origin: str
    path: str
    rows: int
    bytes: int
    sha256: str
    made_us: int
    model: str
    kind: str


class OriginShelf:
    """The files of one table."""

    def __init__(self, lake: Path, name: str) -> None:
        self.name = name
        self.schema = TABLES[name][1]
        self.folder = lake / name

    def entries(self) -> list[Entry]:
        """Return what counts, oldest origin first."""
        path = self.folder / MANIFEST
        try:
            found = json.loads(path.read_text("utf-8"))
            return [Entry(**one) for one in found["files"]]
        except FileNotFoundError:
            return []
        except (ValueError, KeyError, TypeError) as problem:
            raise ArtefactBroken(
                f"{path} cannot be read: {problem}.",
                hint="Remove it; `shopkeeper jobs run inventory.plan` writes the table again.",
                field="path",
                value=str(path),
            ) from problem

    def write(self, origin: date, table: pa.Table, *, model: str, kind: str) -> Entry:
        """Put the rows of an origin in the place of those it had; durable on return."""
        table = table.select(self.schema.names).cast(self.schema)
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd", compression_level=3)
        data = sink.getvalue()
        digest = hashlib.sha256(data).hexdigest()
        entry = Entry(
            origin=str(origin),
            path=f"{origin}-{digest[:12]}.parquet",
            rows=table.num_rows,
            bytes=len(data),
            sha256=digest,
            made_us=clock.now_us(),
            model=model,
            kind=kind,
        )
        with self._alone():
            held = self.entries()
            self._remove_unlisted(held)
            write_durably(self.folder / entry.path, data)
            kept = {one.origin: one for one in held} | {entry.origin: entry}
            self._list([kept[name] for name in kept_origins(list(kept), str(origin))])
        return entry

    def read(self, entry: Entry) -> pa.Table:
        """Return the rows of one origin."""
        path = self.folder / entry.path
        try:
            return pq.read_table(path, partitioning=None)
        except (OSError, pa.ArrowException) as problem:
            raise ArtefactBroken(
                f"{path} cannot be read: {problem}.",
                hint="`shopkeeper jobs run inventory.plan` writes the newest origin again.",
                field="path",
                value=str(path),
            ) from problem

    def view(self, as_of_us: int | None = None) -> str:
        """Return the SQL of the table as it is, or as it was at a moment."""
        some = [one for one in self.entries() if as_of_us is None or one.made_us <= as_of_us]
        if some:
            files = [str(self.folder / one.path) for one in some]
            return f"SELECT * FROM read_parquet({files!r})"
        columns = ", ".join(
            f"CAST(NULL AS {_DUCK[field.type]}) AS {field.name}" for field in self.schema
        )
        return f"SELECT {columns} WHERE FALSE"

    def _list(self, entries: list[Entry]) -> None:
        text = json.dumps({"table": self.name, "files": [asdict(one) for one in entries]}, indent=1)
        write_durably(self.folder / MANIFEST, text.encode())

    def _remove_unlisted(self, held: list[Entry]) -> None:
        """Remove files that the manifest dropped before this write: no reader has them open."""
        listed = {one.path for one in held}
        for path in self.folder.glob("*.parquet*"):
            if path.name not in listed:
                path.unlink(missing_ok=True)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "write.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


_DUCK: Mapping[pa.DataType, str] = {
    pa.string(): "VARCHAR",
    pa.date32(): "DATE",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.float32(): "FLOAT",
    pa.bool_(): "BOOLEAN",
}


def kept_origins(origins: list[str], newest: str) -> list[str]:
    """Return the origins that are kept, in order: all of five weeks, then the first of each week.

    >>> kept_origins(["2026-01-05", "2026-01-06", "2026-03-02", "2026-03-03"], "2026-03-03")
    ['2026-01-05', '2026-03-02', '2026-03-03']
    """
    last = date.fromisoformat(max([newest, *origins]))
    weeks: set[int] = set()
    kept = []
    for origin in sorted(origins):
        age = (last - date.fromisoformat(origin)).days
        week = date.fromisoformat(origin).toordinal() // 7
        if age <= KEPT_DAYS or (age <= 7 * KEPT_WEEKS and week not in weeks):
            kept.append(origin)
        weeks.add(week)
    return kept
