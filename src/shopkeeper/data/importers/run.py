"""Bring files into the shop: read, judge, store, and say what became of every row.

The one entrance of `shopkeeper import`. Good rows go through the same judgement and the same
log as events over HTTP; the others go to quarantine with file, row number and reason. The
same file a second time is all duplicates.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

import msgspec

from shopkeeper.base import clock, progress
from shopkeeper.base.errors import BadInput, TooBusy
from shopkeeper.data.faults import Rejection
from shopkeeper.data.importers.ga4 import json_rows, read_ga4
from shopkeeper.data.importers.groups import group_events
from shopkeeper.data.importers.kinds import IMPORT_KINDS, SPECS
from shopkeeper.data.importers.mapping import PERSON, Mapping, resolve, with_words
from shopkeeper.data.importers.merchant import read_merchant
from shopkeeper.data.importers.reading import open_bytes, open_table, scan_utf8
from shopkeeper.data.importers.rows import Context, Found, Odd, Skip, content_id, row_events
from shopkeeper.data.importers.segment import to_events
from shopkeeper.data.log.store import Refused
from shopkeeper.data.privacy import hide_card_numbers
from shopkeeper.data.quarantine import refuse
from shopkeeper.data.shop import Shop
from shopkeeper.data.validate import parse

BATCH_EVENTS = 1000
_WAITING = 8  # batches handed to the writer before the first must be durable

Rows = Iterator[Found | Odd | Skip]


@dataclass(slots=True)
class Reason:
    """How many rows were set aside for one reason, and the first of them."""

    rows: int
    first: str


@dataclass(slots=True, kw_only=True)
class Summary:
    """What became of the rows. ``reasons`` by code; ``unused`` columns by file name."""

    kind: str
    files: list[str] = field(default_factory=list)
    accepted: int = 0
    duplicate: int = 0
    conflict: int = 0
    quarantined: int = 0
    skipped: int = 0
    reasons: dict[str, Reason] = field(default_factory=dict)
    unused: dict[str, list[str]] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def events(self) -> int:
        return self.accepted + self.duplicate + self.conflict

    def set_aside(self, code: str, where: str, message: str) -> None:
        """Count one row under a reason."""
        known = self.reasons.get(code)
        if known is None:
            self.reasons[code] = Reason(1, f"{where}: {message}")
        else:
            known.rows += 1

    def to_dict(self) -> dict[str, Any]:
        """Return the summary as --json prints it."""
        return dict(msgspec.to_builtins(self))


def import_file(
    shop: Shop,
    kind: str,
    paths: Sequence[Path | str],
    mapping: Mapping | None = None,
    *,
    at: datetime | None = None,
) -> Summary:
    """Import files of one kind and return what became of their rows.

    ``at`` is the time of rows that name none (catalogue, stock, feeds); without it, the time at
    which the file was last changed.

    Raises
    ------
    BadInput
        If the kind is unknown or a file cannot be read as a whole; earlier files are imported.
    MissingColumns
        If a file lacks columns that the kind needs.
    """
    if kind not in IMPORT_KINDS:
        raise BadInput(
            f"'{kind}' is no kind of import.",
            hint="shopkeeper import events FILE, for example.",
            field="kind",
            value=kind,
            allowed=", ".join(IMPORT_KINDS),
        )
    started = perf_counter()
    summary = Summary(kind=kind)
    for path in map(Path, paths):
        total, rows = _open(shop, kind, path, mapping or Mapping(), at, summary)
        summary.files.append(path.name)
        with progress.stage(f"Importing {path.name}", total or None) as bar:
            _Loader(shop, path.name, summary, bar).load(rows)
    summary.seconds = round(perf_counter() - started, 3)
    return summary


def _open(
    shop: Shop, kind: str, path: Path, mapping: Mapping, at: datetime | None, summary: Summary
) -> tuple[int, Rows]:
    with open_bytes(path):
        pass
    file_time = at or clock.from_us(path.stat().st_mtime_ns // 1000)
    currency = str(mapping.constants.get("currency", shop.settings.currency))
    if kind == "ga4":
        return read_ga4(path, currency)
    if kind == "segment":
        return scan_utf8(path), _segment(path, currency, file_time)
    if kind == "merchant":
        return read_merchant(path, file_time)
    spec = SPECS[kind]
    if spec.event is None and mapping.kind is not None:
        spec = replace(spec, event=mapping.kind, needed=())
    table = open_table(path, delimiter=mapping.delimiter)
    needed = (*spec.needed, "occurred_at") if spec.dated else spec.needed
    mapping = with_words(mapping, spec.words, table.columns)
    own = {name: column for name, column in mapping.columns.items() if name in spec.own}
    rest = {name: column for name, column in mapping.columns.items() if name not in own}
    columns = resolve(path.name, table.columns, spec.fields, needed, replace(mapping, columns=rest))
    terms = resolve(path.name, table.columns, spec.own, (), Mapping(columns=own))
    used = {*columns.values(), *terms.values(), *mapping.properties}
    unused = [column for column in table.columns if column not in used]
    if unused:
        summary.unused[path.name] = unused
    context = Context(
        spec=spec,
        mapping=mapping,
        columns=columns,
        currency=currency,
        file_time=file_time,
        keyring=shop.keyring,
        terms=terms,
        extras=(
            *(name for name in PERSON if name in columns or name in mapping.constants),
            *(f"properties.{name}" for name in (*terms, *mapping.properties)),
        ),
    )
    make = group_events if spec.group else row_events
    return table.rows, make(context, table.chunks)


def _segment(path: Path, currency: str, file_time: datetime) -> Rows:
    for number, body in json_rows(path):
        try:
            events, problems = to_events(
                body, currency=currency, received_us=clock.to_us(file_time)
            )
        except BadInput as problem:
            yield Odd(number, "wrong_value", problem.field, problem.message, {})
            continue
        yield from (Found(number, event) for event in events)
        for fault in problems:
            if fault.code == "not_used":
                yield Skip(number, str(fault.value))
            else:
                yield Odd(number, fault.code, fault.field, fault.message, {})


class _Loader:
    """Sends the rows of one file through judgement and log; several batches are under way."""

    def __init__(self, shop: Shop, name: str, summary: Summary, bar: progress.Stage) -> None:
        self._shop, self._name, self._summary, self._bar = shop, name, summary, bar
        self._waiting: deque[tuple[Future[list[str]], list[int]]] = deque()
        # Lines of an order may make one long body; the limits of HTTP are not for files.
        self._settings = replace(
            shop.settings, max_body_bytes=1 << 31, max_batch_events=BATCH_EVENTS
        )

    def load(self, rows: Rows) -> None:
        """Load all rows; what was stored before a failure stays stored."""
        found: list[Found] = []
        odd: list[Refused] = []
        seen = last = 0
        for one in rows:
            if one.number >= seen + BATCH_EVENTS:
                self._bar.advance(one.number - seen)
                seen = one.number
            if isinstance(one, Found):
                found.append(one)
            elif isinstance(one, Odd):
                odd.append(self._refuse(one))
            else:
                self._summary.skipped += 1
            if len(found) == BATCH_EVENTS or len(odd) == BATCH_EVENTS:
                self._send(found, odd)
                found, odd = [], []
            last = max(last, one.number)
        self._bar.advance(last - seen)
        self._send(found, odd)
        while self._waiting:
            self._settle()

    def _send(self, found: list[Found], odd: list[Refused]) -> None:
        if not found and not odd:
            return
        refused, rows, numbers = list(odd), [], [one.number for one in found]
        if found:
            parsed = parse(
                msgspec.json.encode([_with_id(one.event) for one in found]),
                self._settings,
                self._shop.keyring,
                clock.now_us(),
                source="import",
            )
            rows = parsed.rows
            bad = {rejection.index for rejection in parsed.rejections}
            for rejection, row in zip(parsed.rejections, parsed.refused, strict=True):
                refused.append(self._placed(rejection, row, numbers[rejection.index]))
            numbers = [number for place, number in enumerate(numbers) if place not in bad]
        self._waiting.append((self._submit(rows, refused), numbers))
        if len(self._waiting) >= _WAITING:
            self._settle()

    def _submit(self, rows: list[Any], refused: list[Refused]) -> Future[list[str]]:
        while True:
            try:
                return self._shop.writer.submit(rows, refused)
            except TooBusy as busy:
                sleep(busy.retry_after_seconds / 10)

    def _settle(self) -> None:
        future, numbers = self._waiting.popleft()
        statuses = future.result()
        summary = self._summary
        summary.accepted += statuses.count("accepted")
        summary.duplicate += statuses.count("duplicate")
        for number, status in zip(numbers, statuses, strict=True):
            if status == "conflict":
                summary.conflict += 1
                message = "event_id is stored already with other content"
                summary.set_aside("conflict", f"{self._name} row {number}", message)

    def _refuse(self, odd: Odd) -> Refused:
        rejection = Rejection(code=odd.code, field=odd.field, message=odd.message)
        row = refuse(rejection, odd.raw, "import", clock.now_us())
        return self._placed(rejection, row, odd.number)

    def _placed(self, rejection: Rejection, row: Refused, number: int) -> Refused:
        where = f"{self._name} row {number}"
        # A column mapped by mistake may hold anything, so messages are looked through too.
        message = hide_card_numbers(rejection.message)
        self._summary.quarantined += 1
        self._summary.set_aside(rejection.code, where, message)
        return row._replace(message=f"{where}: {message}")


def _with_id(event: Any) -> Any:
    """Return an event with an id; a feed's event without one is named by its content."""
    if isinstance(event, dict) and not event.get("event_id"):
        content = msgspec.json.encode(event, order="sorted")
        return {**event, "event_id": content_id(str(event.get("kind")), content)}
    return event
